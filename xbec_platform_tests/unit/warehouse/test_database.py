"""The warehouse: a window is replaced whole or not at all; types survive; equal rows have equal hashes."""

import subprocess
import sys
import threading
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.warehouse.database import Warehouse, replace_windows
from xbec_platform.warehouse.fingerprint import fingerprints
from xbec_platform.warehouse.lock import WarehouseBusyError

START, END = date(2026, 1, 1), date(2026, 1, 3)


def frame(*rows: tuple[date, str, Decimal]) -> pl.DataFrame:
    return pl.DataFrame(
        rows, schema={"day": pl.Date, "id": pl.String, "amount": pl.Decimal(18, 4)}, orient="row"
    )


def write(warehouse: Warehouse, rows: pl.DataFrame, start: date = START, end: date = END) -> None:
    with warehouse.transaction("test") as connection:
        replace_windows(connection, {"ml.things": rows}, column="day", start=start, end=end)


def test_window_is_replaced_and_neighbours_stay(tmp_path: Path) -> None:
    """Only the window's days change; an empty frame empties it."""
    warehouse = Warehouse(tmp_path / "w.duckdb")
    inside, outside = (date(2026, 1, 2), "a", Decimal("1.0000")), (date(2026, 1, 5), "b", Decimal("2.5000"))
    write(warehouse, frame(inside, outside), end=date(2026, 2, 1))
    write(warehouse, frame())
    assert warehouse.read_frame("FROM ml.things", purpose="test").rows() == [outside]


def test_rows_outside_the_window_are_refused(tmp_path: Path) -> None:
    """They could never be replaced again by the same window."""
    with pytest.raises(ValueError, match="1 rows lie outside"):
        write(Warehouse(tmp_path / "w.duckdb"), frame((END, "a", Decimal(1))))


def test_columns_that_a_model_has_gained_are_added(tmp_path: Path) -> None:
    """A home made before the column goes on; its older rows hold null there."""
    warehouse = Warehouse(tmp_path / "w.duckdb")
    write(warehouse, frame((START, "a", Decimal(1))))
    later = frame((END, "b", Decimal(2))).with_columns(score=pl.lit(0.5))
    write(warehouse, later, start=END, end=date(2026, 1, 4))
    rows = warehouse.read_frame("SELECT id, score FROM ml.things ORDER BY id", purpose="test").rows()
    assert rows == [("a", None), ("b", 0.5)]


def test_failed_write_leaves_the_old_rows(tmp_path: Path) -> None:
    """A write that breaks in the middle must not leave an empty window."""
    warehouse = Warehouse(tmp_path / "w.duckdb")
    write(warehouse, frame((START, "a", Decimal(1))))
    with pytest.raises(Exception, match="(?i)conver|cast"):
        write(warehouse, frame((START, "b", Decimal(2))).with_columns(pl.lit("much").alias("amount")))
    assert warehouse.read_frame("SELECT id FROM ml.things", purpose="test").rows() == [("a",)]


def test_connection_is_closed_when_the_body_raises(tmp_path: Path) -> None:
    """The next opening, in any process, must succeed."""
    warehouse = Warehouse(tmp_path / "w.duckdb", wait_s=1)
    with pytest.raises(RuntimeError, match="body"), warehouse.connect("test"):
        raise RuntimeError("body")
    assert warehouse.read_frame("SELECT 1 AS one", purpose="test").rows() == [(1,)]


def test_fingerprint_ignores_order_and_sees_every_value(tmp_path: Path) -> None:
    """Same rows in another order are equal; a copy or a changed value is not."""
    warehouse = Warehouse(tmp_path / "w.duckdb")
    a, b = (START, "a", Decimal(1)), (START, "b", Decimal(2))
    seen = []
    for rows in ([a, b], [b, a], [a, b, b], [a, (START, "b", Decimal(3))]):
        write(warehouse, frame(*rows))
        with warehouse.connect("test") as connection:
            seen.append(fingerprints(connection)["ml.things"])
    assert seen[0] == seen[1]
    assert len({seen[0], seen[2], seen[3]}) == 3


def test_process_outside_the_queue_is_waited_for(tmp_path: Path) -> None:
    """A dbt that a person started, or one that outlives its killed run, knows nothing of the queue."""
    path = tmp_path / "w.duckdb"
    code = (
        "import duckdb, sys\n"
        "connection = duckdb.connect(sys.argv[1])\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as outsider:
        assert outsider.stdout is not None
        assert outsider.stdin is not None
        assert outsider.stdout.readline() == b"open\n"
        with (
            pytest.raises(WarehouseBusyError, match=f"process outside the queue.*{outsider.pid}"),
            Warehouse(path, wait_s=0.2).connect("impatient"),
        ):
            raise AssertionError
        threading.Timer(0.5, outsider.stdin.close).start()
        assert Warehouse(path, wait_s=30).read_frame("SELECT 1 AS one", purpose="patient").rows() == [(1,)]
