"""The landing folder: what is taken, what is refused and named, what a person took back."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from xbec_platform.ingest.accounting import Account, accounts
from xbec_platform.ingest.intake import run_intake
from xbec_platform.ingest.landing import discover
from xbec_platform.ingest.store import MANIFEST, QUARANTINE
from xbec_platform.ingest.withdrawal import WithdrawalError, give_again, take_back
from xbec_platform.warehouse.database import Warehouse

CONTENT = "rate_date,currency,rate_to_base,source\n2026-01-01,EUR,1.5,ecb\n"


def land(landing: Path, name: str, content: str = CONTENT) -> Path:
    path = landing / "fx_rates" / "dt=2026-01-05" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def rows(warehouse: Warehouse) -> int:
    return int(warehouse.read_frame("SELECT count(*) FROM raw.fx_rates", purpose="test").item())


def test_a_home_that_named_files_by_text_is_brought_up_to_date(tmp_path: Path) -> None:
    """Before, a file was 16 hex digits of the same hash: its rows must be known again, not be loaded twice."""
    landing, warehouse = tmp_path / "landing", Warehouse(tmp_path / "w.duckdb")
    land(landing, "a.csv", CONTENT + "2026-01-02,EURO,1.5,ecb\n")
    run_intake(warehouse, landing)
    (file,) = discover(landing).files
    with warehouse.transaction("test: as an older version") as connection:
        old = hashlib.sha256(f"{file.path}\n{file.sha256}".encode()).hexdigest()[:16]
        for table, name in (("raw.fx_rates", "_file_id"), (MANIFEST, "file_id"), (QUARANTINE, "file_id")):
            connection.execute(f"ALTER TABLE {table} ALTER {name} TYPE VARCHAR")
            connection.execute(f"UPDATE {table} SET {name} = ?", [old])
    again = run_intake(warehouse, landing)
    assert (again.accounts, again.unchanged) == ((), 1)
    found = warehouse.read_frame(
        f"""SELECT _file_id FROM raw.fx_rates UNION ALL SELECT file_id FROM {MANIFEST}
        UNION ALL SELECT file_id FROM {QUARANTINE}""",
        purpose="test",
    )
    assert found["_file_id"].to_list() == [file.file_id] * 3
    land(landing, "a.csv")
    run_intake(warehouse, landing)
    assert (rows(warehouse), warehouse.read_frame(f"FROM {QUARANTINE}", purpose="test").height) == (1, 0)


def test_links_are_refused_and_named(tmp_path: Path) -> None:
    """A link may lead out of the landing folder, to a password file or to a device that never ends."""
    landing = tmp_path / "landing"
    secret = tmp_path / "secret.csv"
    secret.write_text(CONTENT)
    land(landing, "good.csv")
    (landing / "fx_rates" / "dt=2026-01-05" / "link.csv").symlink_to(secret)
    (landing / "fx_rates" / "dt=2026-01-06").symlink_to(tmp_path)
    (landing / "orders").symlink_to(tmp_path)
    found = discover(landing)
    assert [file.path for file in found.files] == ["fx_rates/dt=2026-01-05/good.csv"]
    assert [path for path, _ in found.misplaced] == [
        "fx_rates/dt=2026-01-05/link.csv",
        "fx_rates/dt=2026-01-06",
        "orders",
    ]


def test_unfinished_files_are_left(tmp_path: Path) -> None:
    """Writers use these names until a file is complete; editors and file managers leave others behind."""
    unfinished = (
        "a.csv.part",
        "b.csv.tmp",
        "c.csv.filepart",
        "d.csv.PARTIAL",
        "e.crdownload",
        "f.csv.download",
    )
    left = (
        ".g.csv",
        "_SUCCESS",
        "h.done",
        "i.csv~",
        ".j.csv.swp",
        "k.csv.swp",
        "Thumbs.db",
        ".DS_Store",
        "~$l.xlsx",
    )
    for name in (*unfinished, *left, "m.csv"):
        land(tmp_path, name)
    assert [file.path for file in discover(tmp_path).files] == ["fx_rates/dt=2026-01-05/m.csv"]


def test_a_file_that_changes_while_it_is_read_is_taken_by_the_next_run(tmp_path: Path) -> None:
    """Its hash would name other rows than those that were loaded."""
    path = land(tmp_path, "a.csv")
    (file,) = discover(tmp_path).files
    path.write_text(CONTENT + "2026-01-02,EUR,1.6,ecb\n")
    (account,) = accounts([file], tmp_path)
    assert isinstance(account, Account)
    assert "was changed while it was read" in str(account.error)
    (file,) = discover(tmp_path).files
    (account,) = accounts([file], tmp_path)
    assert isinstance(account, Account)
    assert (account.error, account.rows_loaded) == (None, 2)


def test_file_is_taken_back_and_given_again(tmp_path: Path) -> None:
    """Its rows leave, stay away, and come again; a copy of it takes its place meanwhile."""
    landing, warehouse = tmp_path / "landing", Warehouse(tmp_path / "w.duckdb")
    path = land(landing, "a.csv")
    run_intake(warehouse, landing)
    assert rows(warehouse) == 1
    take_back(landing, path, "delivered for another shop")
    run_intake(warehouse, landing)
    assert rows(warehouse) == 0
    run_intake(warehouse, landing, start=date(2026, 1, 6))
    assert rows(warehouse) == 0
    land(landing, "copy.csv")
    run_intake(warehouse, landing)
    assert rows(warehouse) == 1
    give_again(landing, path)
    run_intake(warehouse, landing)
    assert rows(warehouse) == 1
    manifest = warehouse.read_frame(
        "SELECT path, status FROM ops.file_manifest ORDER BY path", purpose="test"
    ).rows()
    assert [(Path(one).name, status) for one, status in manifest] == [
        ("a.csv", "loaded"),
        ("copy.csv", "duplicate"),
    ]


def test_a_rejected_file_that_is_gone_is_not_asked_for(tmp_path: Path) -> None:
    """Somebody removed the broken file: the next run must not look for it."""
    landing, warehouse = tmp_path / "landing", Warehouse(tmp_path / "w.duckdb")
    path = land(landing, "broken.csv", "")
    land(landing, "good.csv")
    assert len(run_intake(warehouse, landing).rejected) == 1
    path.unlink()
    assert run_intake(warehouse, landing).rejected == []


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/hostname", "fx_rates/dt=2026-01-05/none.csv"])
def test_only_landed_files_can_be_taken_back(tmp_path: Path, name: str) -> None:
    """A mark is a file: nobody may place one elsewhere."""
    landing = tmp_path / "landing"
    land(landing, "a.csv")
    (tmp_path / "outside.csv").write_text("x")
    with pytest.raises(WithdrawalError, match="no file below"):
        take_back(landing, Path(name), "test")
    with pytest.raises(WithdrawalError, match="is not taken back"):
        give_again(landing, landing / "fx_rates" / "dt=2026-01-05" / "a.csv")
