"""`xbec portrait` on a home with one portrait, and what it says where there is none."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xbec_platform.cli import app
from xbec_platform.ingest.suppression import Entry
from xbec_platform.ingest.suppression_file import open_suppression, save_suppression
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

TABLES = """
CREATE SCHEMA ml; CREATE SCHEMA marts;
CREATE TABLE ml.portrait_tags AS SELECT DATE '2026-01-05' AS as_of_date, * FROM (VALUES
    ('person', 'CUST-01', 'market', 1, 'DE', NULL::DOUBLE, 1, 1.0::DOUBLE),
    ('person', 'CUST-01', 'likes', 1, 'colour=[red]', 2.0, 9, 0.7),
    ('market', 'DE', 'n_people', 1, '40', 40.0, 40, 1.0)
) AS t(subject_type, subject_id, tag, position, value, number, evidence_n, confidence);
CREATE TABLE marts.dim_customer AS SELECT * FROM (VALUES
    ('CUST-01', true), ('CUST-02', false), ('CUST-03', NULL)) AS t(customer_id, consent_profiling);
"""


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    """A home with tables as the jobs leave them; CUST-09 was erased."""
    settings = Settings(home=tmp_path)
    settings.save()
    with Warehouse.of(settings).transaction("test") as connection:
        connection.execute(TABLES)
    suppression = open_suppression(tmp_path)
    hashed = suppression.hash("CUST-09")
    save_suppression(tmp_path, suppression.with_entries([Entry("customer_id", hashed, True, hashed)]))
    return CliRunner(env={"XBEC_HOME": str(tmp_path), "COLUMNS": "200"})


def test_a_portrait_as_text_and_as_json(runner: CliRunner) -> None:
    shown = runner.invoke(app, ["portrait", "CUST-01"])
    assert shown.exit_code == 0, shown.output
    assert "colour=[red]" in shown.output
    assert "events: 9" in shown.output
    assert "left out, as too little is known: " in shown.output
    document = json.loads(runner.invoke(app, ["portrait", "CUST-01", "--json"]).output)
    assert document["likes"][0]["confidence"] == 0.7
    assert "CUST-01" not in json.dumps(document)
    group = json.loads(runner.invoke(app, ["portrait", "--market", "DE", "--json"]).output)
    assert (group["name"], group["header"][0]["value"]) == ("DE", "40")


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["CUST-02"], "does not consent to profiling, so there is no portrait; portraits of groups", 3),
        (["CUST-03"], "has not said whether profiling is allowed", 3),
        (["CUST-09"], "asked to be forgotten: nothing is kept", 3),
        (["CUST-77"], "no customer CUST-77 as of 2026-01-05", 3),
        (["--market", "FR"], "no portrait of the market 'FR'; there are: DE", 3),
        ([], "give one of PERSON, --segment, --cluster, --interest, --market", 2),
    ],
)
def test_no_portrait_says_why(runner: CliRunner, arguments: list[str], says: str, code: int) -> None:
    found = runner.invoke(app, ["portrait", *arguments])
    assert found.exit_code == code
    assert says in found.output
