"""One file to one account: what cannot be placed is rejected with its cause and stops nothing else."""

from pathlib import Path

from xbec_platform.ingest.intake import run_intake
from xbec_platform.warehouse.database import Warehouse


def test_file_of_an_unknown_feed_is_rejected_and_the_rest_loads(tmp_path: Path) -> None:
    """A misspelt folder must not end the run with a stack trace."""
    for feed in ("ordres", "fx_rates"):
        folder = tmp_path / "landing" / feed / "dt=2026-01-01"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text("rate_date,currency,rate_to_base,source\n2026-01-01,EUR,1,ecb\n")
    report = run_intake(Warehouse(tmp_path / "w.duckdb"), tmp_path / "landing")
    assert [account.rows_loaded for account in report.accounts if account.error is None] == [1]
    (error,) = report.rejected
    assert "no contract or mapping is named ordres" in error
