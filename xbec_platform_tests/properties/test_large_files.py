"""Properties of large files: taken block by block, a file ends in the tables as if it had been screened at once."""

import tempfile
from datetime import date
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from xbec_platform.ingest import large_files
from xbec_platform.ingest.intake import run_intake
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.fingerprint import fingerprints

DAY = date(2026, 1, 4)
HEADER = "rate_date,currency,rate_to_base,source"
# Few keys, so that most files hold the same key in several blocks: equal rows, conflicts, and bad rows under it.
lines = st.one_of(
    st.tuples(
        st.sampled_from(["2026-01-01", "2026-01-02", "yesterday", ""]),
        st.sampled_from(["EUR", "USD", "XXQ", ""]),
        st.sampled_from(["1.5", "0", "x"]),
        st.sampled_from(["ecb", "bank"]),
    ).map(",".join),
    st.sampled_from(["2026-01-01,EUR", "2026-01-01,EUR,1,ecb,more"]),
)


# Most of these lines are clean, and each cell has a spelling that a fast parser and the strict one might read apart.
order_lines = st.tuples(
    st.sampled_from(["O1", "O2", "O3", "O4", "O5"]),
    st.sampled_from(["1", "2", "3", "4", "5", "6", "7", "007", " 8", "9.0", "x"]),
    st.just("P1"),
    st.sampled_from(["1", "2", "+3", "0"]),
    st.sampled_from(["9.99", "0.12340000000000001", "1e2", " 5", "0"]),
    st.sampled_from(["", "0.5", "-1"]),
    st.sampled_from(["EUR", "USD", "XXQ"]),
    st.sampled_from(["", "true", "1"]),
).map(",".join)
ORDER_LINES = "order_id,line_no,product_id,qty,unit_price,discount,currency,is_gift"


def tables_of(folder: Path, content: str, block_rows: int, feed: str = "fx_rates") -> dict[str, object]:
    """All tables after the intake of one file."""
    path = folder / "landing" / feed / f"dt={DAY}" / "a.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    warehouse = Warehouse(folder / f"w{block_rows}.duckdb")
    (account,) = run_intake(warehouse, folder / "landing", block_rows=block_rows).accounts
    assert account.error is None
    with warehouse.connect("test") as connection:
        manifest = connection.execute(
            "SELECT rows_in, rows_loaded, rows_quarantined, rows_duplicate FROM ops.file_manifest"
        ).fetchall()
        return {**fingerprints(connection), "manifest": manifest}


@given(rows=st.lists(lines, min_size=1, max_size=14))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(rows=["2026-01-01,EUR,1.5,ecb", "2026-01-02,EUR,1.5,ecb", "2026-01-01,EUR,1.5,ecb"])
@example(rows=["2026-01-01,EUR,1.5,ecb", "2026-01-02,EUR,1.5,ecb", "2026-01-01,EUR,1.5,bank"])
# A row that is rejected for another reason still contests the key of a good one.
@example(rows=["2026-01-01,EUR,1.5,ecb", "2026-01-02,EUR,1.5,ecb", "2026-01-01,EUR,0,ecb"])
def test_block_by_block_equals_at_once(rows: list[str]) -> None:
    """Blocks of two records: duplicates and conflicts across them are found."""
    content = "\n".join([HEADER, *rows, ""])
    with tempfile.TemporaryDirectory() as folder:
        at_once = tables_of(Path(folder) / "once", content, 1_000)
        assert tables_of(Path(folder) / "blocks", content, 2) == at_once


@given(rows=st.lists(st.one_of(order_lines, st.just("O9,{n},P1,1,9.99,,EUR,true")), min_size=1, max_size=14))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_clean_blocks_among_others_change_nothing(rows: list[str]) -> None:
    """Blocks of three, of which some enter the tables unjudged: rows, numbers and accounts stay the same."""
    content = "\n".join([ORDER_LINES, *(row.replace("{n}", str(n)) for n, row in enumerate(rows, 1)), ""])
    with tempfile.TemporaryDirectory() as folder:
        at_once = tables_of(Path(folder) / "once", content, 1_000, "order_lines")
        assert tables_of(Path(folder) / "blocks", content, 3, "order_lines") == at_once


def test_portions_of_keys_and_suspects_change_nothing(monkeypatch, tmp_path: Path) -> None:
    """80 million keys are compared in portions: the bounds decide about memory, never about rows."""
    rows = [f"2026-01-0{n % 3 + 1},{c},{n % 2 + 1},ecb" for n in range(8) for c in ("EUR", "USD", "GBP")]
    content = "\n".join([HEADER, *rows, ""])
    usual = tables_of(tmp_path / "usual", content, 5)
    monkeypatch.setattr(large_files, "KEYS_AT_ONCE", 4)
    monkeypatch.setattr(large_files, "SUSPECTS_AT_ONCE", 2)
    assert tables_of(tmp_path / "portions", content, 5) == usual
    assert tables_of(tmp_path / "once", content, 1_000) == usual


def test_large_parquet_file(tmp_path: Path) -> None:
    """Row groups are blocks too; a correction of a large file supersedes it."""
    frame = pl.DataFrame(
        {
            "rate_date": [date(2026, 1, 1 + n % 3) for n in range(12)],
            "currency": ["EUR", "USD", "GBP", "CHF"] * 3,
            "rate_to_base": [1.5 + n for n in range(12)],
            "source": "ecb",
        }
    )
    path = tmp_path / "landing" / "fx_rates" / f"dt={DAY}" / "a.parquet"
    path.parent.mkdir(parents=True)
    frame.write_parquet(path, row_group_size=5)
    warehouse = Warehouse(tmp_path / "w.duckdb")
    (account,) = run_intake(warehouse, tmp_path / "landing", block_rows=4).accounts
    assert (account.rows_in, account.rows_loaded) == (12, 12)
    frame.head(7).write_parquet(path, row_group_size=5)
    run_intake(warehouse, tmp_path / "landing", block_rows=4)
    assert warehouse.read_frame("SELECT count(*) FROM raw.fx_rates", purpose="test").item() == 7
