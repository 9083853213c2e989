"""`xbec validate` and `xbec contracts`: what a data engineer sees before anything is loaded."""

import json
from pathlib import Path

from typer.testing import CliRunner

from xbec_platform.cli import app
from xbec_platform.ingest.contracts import contracts

HEADER = "rate_date,currency,rate_to_base,source\n"
RUNNER = CliRunner(env={"COLUMNS": "200"})


def test_good_file_passes(tmp_path: Path) -> None:
    """The folder tells source and day."""
    folder = tmp_path / "fx_rates" / "dt=2026-01-02"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text(HEADER + "2026-01-02,USD,0.92,ecb\n")
    done = RUNNER.invoke(app, ["validate", str(tmp_path)])
    assert done.exit_code == 0
    assert "1 files, 1 records: all good" in done.output


def test_faults_are_named_with_file_record_and_cause(tmp_path: Path) -> None:
    """Exit code 1, each cause with the records it concerns, and the file that is rejected whole."""
    bad = tmp_path / "rates.csv"
    bad.write_text(HEADER + "2026-01-02,USD,0.92,ecb\n2026-01-02,XXQ,-1,ecb\n2026-01-04,EUR,1,ecb\n")
    done = RUNNER.invoke(app, ["validate", str(bad), "--source", "fx_rates", "--day", "2026-01-02"])
    assert done.exit_code == 1
    assert "rates.csv: 3 records, 2 to quarantine" in done.output
    assert "currency: is no currency (record 2)" in done.output
    assert "rate_date: lies after the drop day (record 3)" in done.output
    bad.write_text("a,b\n1,2\n")
    done = RUNNER.invoke(app, ["validate", str(bad), "--source", "fx_rates"])
    assert done.exit_code == 1
    assert "required columns are missing: rate_date, currency" in done.output


def test_unknown_source_is_a_usage_error(tmp_path: Path) -> None:
    """The message lists what there is."""
    (tmp_path / "x.csv").write_text("a\n1\n")
    done = RUNNER.invoke(app, ["validate", str(tmp_path / "x.csv")])
    assert done.exit_code == 2
    assert "give --source, one of" in done.output


def test_contracts_are_listed() -> None:
    """A line each, one in full, all as JSON."""
    assert "one row per order and version" in RUNNER.invoke(app, ["contracts"]).output
    assert "placed, paid, shipped" in RUNNER.invoke(app, ["contracts", "orders"]).output
    document = json.loads(RUNNER.invoke(app, ["contracts", "--json"]).output)
    assert set(document) == set(contracts())
    column = document["orders"]["columns"]["order_id"]
    assert column.pop("description")
    assert column == {"type": "text", "nullable": False, "pii": "none"}
    assert RUNNER.invoke(app, ["contracts", "ordres"]).exit_code == 2
