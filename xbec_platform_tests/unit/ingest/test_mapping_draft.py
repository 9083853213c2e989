"""`xbec mapping`: a draft from a sample loads and reads the sample; checks speak plainly."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from xbec_platform.commands.mapping import app
from xbec_platform.ingest.mapping_document import load_mapping
from xbec_platform_tests.unit.ingest.mapping_cases import SAMPLES

RUNNER = CliRunner()


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.iterdir()))
def test_draft_of_a_vendor_export_reads_it(sample: str, tmp_path: Path) -> None:
    """A user starts from something that works: every record accounted, no address left unguarded."""
    out = tmp_path / "drafted.yml"
    made = RUNNER.invoke(app, ["new", str(SAMPLES / sample), "--name", "drafted", "--out", str(out)])
    assert made.exit_code == 0, made.output
    checked = RUNNER.invoke(app, ["check", str(out), str(SAMPLES / sample), "--day", "2026-03-05"])
    assert checked.exit_code == 0, checked.output
    mapping = load_mapping(out)
    hashed = {column.name for column in mapping.treated if column.hash}
    assert {name for name in mapping.file.columns if name == "Email"} <= hashed
    assert "TODO" in out.read_text()


def test_draft_tells_types_key_time_and_people(tmp_path: Path) -> None:
    """Codes with leading zeros are no numbers; an ambiguous date names the other reading."""
    sample = tmp_path / "My Orders.csv"
    sample.write_text(
        "Order,Item,Code,Placed,Price,Contact,Due,Note\n"
        "A,1,007,2026-01-31T10:00:00Z,1.50,a@b.de,01/02/2026,x\n"
        "A,2,012,2026-01-31T10:00:00Z,2,c@d.de,02/03/2026,\n"
    )
    made = RUNNER.invoke(app, ["new", str(sample)])
    document = yaml.safe_load(made.stdout)
    assert document["mapping"] == "my_orders"
    assert document["deliver_by"] == document["file"]["event_time"] == "Placed"
    assert document["file"]["key"] == ["Item"]
    assert document["file"]["columns"] == {
        "Order": {"type": "text", "nullable": False},
        "Item": {"type": "integer", "nullable": False},
        "Code": {"type": "text", "nullable": False},
        "Placed": {"type": "timestamp", "nullable": False},
        "Price": {"type": "decimal(18,4)", "nullable": False},
        "Contact": {"type": "text", "nullable": False, "pii": "contact", "hash": "email"},
        "Due": {"type": "date", "nullable": False, "format": "%m/%d/%Y"},
        "Note": {"type": "text"},
    }
    assert "the sample also fits %d/%m/%Y" in made.stdout


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.iterdir()))
def test_an_export_that_is_mapped_needs_no_draft(sample: str, tmp_path: Path) -> None:
    """Whoever does not know the list of mappings learns which of them to use, and how."""
    out = tmp_path / "drafted.yml"
    made = RUNNER.invoke(app, ["new", str(SAMPLES / sample), "--out", str(out)])
    name = sample.split(".", maxsplit=1)[0]
    assert made.exit_code == 0
    assert f"mapping {name} fits {sample} already, nothing to write" in made.output
    assert f"landing/{name}/dt=YYYY-MM-DD/" in made.output
    assert not out.exists()


def test_amounts_stay_decimal_and_one_bad_address_unguards_nobody(tmp_path: Path) -> None:
    """An integer column would put 20.50 into quarantine the next day; a missing hash would load addresses."""
    sample = tmp_path / "sales.csv"
    sample.write_text(
        "Order,Total,Customer,Email,Email Opt-in\nA,20.00,17850.0,a@b.de,yes\nB,30.00,17851.0,none given,no\n"
    )
    columns = yaml.safe_load(RUNNER.invoke(app, ["new", str(sample)]).stdout)["file"]["columns"]
    assert columns["Total"]["type"] == "decimal(18,4)"
    assert columns["Customer"]["type"] == "integer"
    assert columns["Email"] == {"type": "text", "nullable": False, "pii": "contact", "hash": "email"}
    assert "hash" not in columns["Email Opt-in"]


def test_numbers_with_a_decimal_comma_are_numbers(tmp_path: Path) -> None:
    """1.234,00 can be read in one way and proves the comma; 1,234 alone in two, hence stays text for a person."""
    sample = tmp_path / "orders.csv"
    sample.write_text("Nr;Total;Weight\na;3,50;1,234\nb;1.234,00;2,345\n")
    columns = yaml.safe_load(RUNNER.invoke(app, ["new", str(sample)]).stdout)["file"]["columns"]
    assert columns["Total"]["type"] == "decimal(18,4)"
    assert columns["Weight"]["type"] == "text"


def test_matching_columns_make_a_route(tmp_path: Path) -> None:
    """A file that has all a contract needs is routed there at once."""
    sample = tmp_path / "rates.csv"
    sample.write_text(
        "rate_date,currency,rate_to_base,source\n2026-01-02,USD,0.92,ecb\n2026-01-02,GBP,1.17,ecb\n"
    )
    out = tmp_path / "rates.yml"
    RUNNER.invoke(app, ["new", str(sample), "--out", str(out)])
    checked = RUNNER.invoke(app, ["check", str(out), str(sample), "--day", "2026-01-02"])
    assert "fx_rates: 2 rows" in checked.output, (checked.output, out.read_text())


def test_check_says_what_is_wrong_where(tmp_path: Path) -> None:
    """Exit 1 for records that would be quarantined, 2 for a mapping that cannot be used."""
    sample, out = tmp_path / "rates.csv", tmp_path / "rates.yml"
    sample.write_text("rate_date,currency,rate_to_base,source\n2026-01-02,USD,0.92,ecb\n")
    RUNNER.invoke(app, ["new", str(sample), "--out", str(out)])
    sample.write_text(
        "rate_date,currency,rate_to_base,source\n2026-01-02,USD,0.92,ecb\n2026-01-02,QQQ,1,ecb\n"
    )
    checked = RUNNER.invoke(app, ["check", str(out), str(sample), "--day", "2026-01-02"])
    assert checked.exit_code == 1
    assert "currency: is no currency (first: record 2)" in checked.output
    out.write_text(out.read_text().replace("mapping:", "maping:"))
    assert RUNNER.invoke(app, ["check", str(out), str(sample)]).exit_code == 2


def test_a_draft_never_overwrites(tmp_path: Path) -> None:
    """Settled TODO lines are work."""
    out = tmp_path / "mine.yml"
    out.write_text("mine")
    assert RUNNER.invoke(app, ["new", str(SAMPLES / "shopify_orders.csv"), "--out", str(out)]).exit_code == 2
    assert out.read_text() == "mine"


def test_list_names_mappings_and_what_they_fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is how a user learns the names of landing folders."""
    monkeypatch.setenv("XBEC_HOME", str(tmp_path))
    listed = RUNNER.invoke(app, ["list"])
    assert listed.exit_code == 0, listed.output
    assert "scms" in listed.output
    assert "deliveries" in listed.output
