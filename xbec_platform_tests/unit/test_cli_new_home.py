"""Commands on a home in which nothing has run yet, or whose own files hold a slip: a line that says the next step."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from xbec_platform.cli import app
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse


def run(home: Path, line: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, line.split(), env={"XBEC_HOME": str(home), "XBEC_LOCK_WAIT_S": "1"})
    return done.exit_code, done.output


@pytest.mark.parametrize("has_file", [False, True], ids=["no database", "an empty database"])
@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("portrait P", "no portraits yet; run the job decisions"),
        ("target P", "no target groups yet; run the job decisions"),
        ("leaks", "no user database yet; run the job intake_and_facts"),
        ("explain landed-cost O", "no orders yet; run the job intake_and_facts"),
        ("explain assignment O", "no orders yet; run the job intake_and_facts"),
        ("explain plan 2026-01-01", "no plan yet; run the job logistics"),
        ("promote k-means --k 3 --from 2026-01-01 --why x --dry-run", "no groups yet; run the job decisions"),
        ("quarantine list", "has taken in no file yet: land files in"),
        ("quarantine show a.csv:1", "has taken in no file yet: land files in"),
        ("quarantine replay", "has taken in no file yet: land files in"),
    ],
)
def test_what_has_not_been_made_is_named_with_what_makes_it(
    tmp_path: Path, line: str, missing: str, has_file: bool
) -> None:
    """Exit code 3, no traceback; looking makes no database."""
    settings = Settings(home=tmp_path)
    if has_file:
        with Warehouse.of(settings).connect("test"):
            pass
    code, text = run(tmp_path, line)
    assert (code, missing in text) == (3, True), text
    assert settings.warehouse.is_file() == has_file


@pytest.mark.parametrize("line", ["validate . --source orders", "backfill --dry-run"])
def test_a_slip_in_a_file_of_the_home_is_a_line(tmp_path: Path, line: str) -> None:
    """Exit code 2, with the file and what to write."""
    (tmp_path / "landing" / "orders" / "dt=2026-01-01").mkdir(parents=True)
    (tmp_path / "landing" / "orders" / "dt=2026-01-01" / "a.csv").write_text("order_id\nA\n")
    (tmp_path / "reading.yml").write_text("orders: {header_row: '2'}")
    code, text = run(tmp_path, line)
    assert code == 2
    assert "reading.yml: orders: header_row is '2'; it is a number from 1" in text


def test_a_damaged_database_is_a_line(tmp_path: Path) -> None:
    """Exit code 1, with the command that says more."""
    settings = Settings(home=tmp_path)
    with Warehouse.of(settings).connect("test") as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS i, hash(range) AS h FROM range(300000)")
    settings.warehouse.write_bytes(settings.warehouse.read_bytes()[:300_000])
    for line in ("quarantine list", "portrait P", "fingerprint"):
        code, text = run(tmp_path, line)
        assert (code, "the warehouse cannot be read, xbec doctor says more" in text) == (1, True), text
