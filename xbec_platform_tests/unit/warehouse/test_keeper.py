"""A run keeps the file open between two uses; whoever waits has it at once, and nothing passes from use to use."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest

from xbec_platform.warehouse import keeper as kept_files
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.keeper import keeping
from xbec_platform.warehouse.queue import tickets


@dataclass
class Home:
    """A warehouse with a keeper, and the openings of its file."""

    warehouse: Warehouse
    openings: list[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    openings: list[str] = []
    real = Warehouse._open

    def counted(self: Warehouse, purpose: str, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
        openings.append(purpose)
        return real(self, purpose, read_only=read_only)

    monkeypatch.setattr(Warehouse, "_open", counted)
    monkeypatch.setattr(kept_files, "KEPT_S", 60.0)
    with keeping() as keeper:
        yield Home(Warehouse(tmp_path / "w.duckdb", wait_s=10, keeper=keeper), openings)


def use(warehouse: Warehouse, purpose: str, sql: str = "SELECT 1") -> list[tuple[object, ...]]:
    with warehouse.connect(purpose) as connection:
        return connection.execute(sql).fetchall()


def until_free(path: Path) -> bool:
    """Whether nobody has the file, within 10 s."""
    ends = time.monotonic() + 10
    while tickets(path) and time.monotonic() < ends:
        time.sleep(0.01)
    return not tickets(path)


def test_uses_that_follow_share_an_opening_and_nothing_temporary(home: Home) -> None:
    """Rows stay, temporary tables and open transactions do not; the queue tells the last use."""
    use(
        home.warehouse,
        "first",
        "CREATE TABLE kept AS SELECT 7 AS n; CREATE TEMP TABLE gone AS SELECT 1; BEGIN",
    )
    assert use(home.warehouse, "second", "FROM kept") == [(7,)]
    with pytest.raises(duckdb.CatalogException, match="gone"):
        use(home.warehouse, "third", "FROM gone")
    assert home.openings == ["first"]
    use(home.warehouse, "a")
    use(home.warehouse, "b, with a longer text")
    use(home.warehouse, "c")
    assert [ticket.purpose for ticket in tickets(home.warehouse.path)] == ["c"]


def test_failed_use_closes_the_file(home: Home) -> None:
    """What broke once is not used again."""
    with pytest.raises(RuntimeError, match="body"), home.warehouse.connect("breaks"):
        raise RuntimeError("body")
    assert not tickets(home.warehouse.path)


def test_whoever_waits_gets_the_file_at_once(home: Home) -> None:
    """The kept file is given back to another process's ticket, and the run queues behind it."""
    other = replace(home.warehouse, keeper=None)
    use(home.warehouse, "run")
    began = time.monotonic()
    with other.connect("reader"):
        assert time.monotonic() - began < 5
        next_use = threading.Thread(target=use, args=(home.warehouse, "run again"))
        next_use.start()
        time.sleep(0.1)
        assert next_use.is_alive()
    next_use.join()
    assert home.openings == ["run", "reader", "run again"]


def test_dbt_and_whoever_touches_the_bytes_find_it_closed(home: Home) -> None:
    """A turn without an opening gives back what is kept; so does a use that closes after itself."""
    use(home.warehouse, "run", "CREATE TABLE one AS SELECT 1")
    with home.warehouse.reserved("dbt"), duckdb.connect(str(home.warehouse.path), read_only=True) as outsider:
        assert outsider.execute("FROM one").fetchall() == [(1,)]
    use(home.warehouse.closing, "rewrite")
    assert not tickets(home.warehouse.path)


def test_idle_file_is_closed_and_so_is_the_last_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a moment, and at the end of a run; its log is in the file then."""
    use(home.warehouse, "run", "CREATE TABLE one AS SELECT 1")
    monkeypatch.setattr(kept_files, "KEPT_S", 0.0)
    assert until_free(home.warehouse.path)
    monkeypatch.setattr(kept_files, "KEPT_S", 60.0)
    with keeping() as keeper:
        use(replace(home.warehouse, keeper=keeper), "another run", "INSERT INTO one SELECT 2")
        assert tickets(home.warehouse.path)
    assert not tickets(home.warehouse.path)
    assert [path.name for path in home.warehouse.path.parent.glob("w.duckdb.wal")] == []
