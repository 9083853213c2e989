"""`xbec erase` at a terminal: what a data protection officer reads, and the exit codes a script goes by."""

import os
import time

from typer.testing import CliRunner, Result

from xbec_platform.cli import app
from xbec_platform.ingest.suppression import Entry
from xbec_platform.ingest.suppression_file import load_suppression, open_suppression, save_suppression
from xbec_platform.settings import Settings
from xbec_platform_tests.unit.erasure.small_home import EMAIL, FAMILY_DEVICE, PERSON, land, load


def call(settings: Settings, *words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200", "XBEC_HOME": str(settings.home)}).invoke(app, ["erase", *words])


def suppress(settings: Settings) -> None:
    """The person on the list, as after an erasure; tables and files are left as they are."""
    known = open_suppression(settings.home)
    save_suppression(settings.home, known.with_entries([Entry("customer_id", known.hash(PERSON), True, "p")]))


def test_dry_run_lists_tables_files_identifiers_and_requests(untouched: Settings) -> None:
    """Exit code 0 and nothing changed: somebody decides by this list."""
    done = call(untouched, PERSON, "--dry-run")
    assert done.exit_code == 0, done.output
    counts = dict(line.split()[1:4:2] for line in done.output.splitlines() if "raw." in line)
    assert counts["raw.orders"] == counts["raw.customers"] == "1"
    assert "landing/customers/dt=2026-01-01/a.csv" in done.output
    assert (
        "7 identifiers of the person's own, 2 shared with others (their rows stay), 1 used by too many"
        in (" ".join(done.output.split()))
    )
    assert f"shared: anonymous_id {FAMILY_DEVICE}" in done.output
    assert "answers requests: D1" in done.output
    assert done.output.rstrip().endswith("nothing was changed")
    assert not load_suppression(untouched.home)


def test_unknown_person_is_exit_code_3(untouched: Settings) -> None:
    """A slip of the pen must not look like success."""
    done = call(untouched, "C999999")
    assert done.exit_code == 3
    assert "no row mentions C999999 as customer_id or email_hash; nothing was changed" in done.output


def test_address_of_several_accounts_is_a_usage_error_that_lists_them(copied: Settings) -> None:
    """Somebody must say which account asks."""
    row = f"C000003,2026-01-02T00:00:00Z,{EMAIL}\n"
    land(copied, "customers/dt=2026-01-02/b.csv", f"customer_id,updated_ts,email_hash\n{row}")
    assert load(copied)
    done = call(copied, EMAIL, "--dry-run")
    assert done.exit_code == 2
    assert "the e-mail belongs to 2 accounts: C000001, C000003" in done.output


def test_verify_says_where_and_sweep_cleans_the_files(copied: Settings) -> None:
    """Exit code 1 as long as the person is anywhere; a sweep leaves nothing in landed files."""
    suppress(copied)
    done = call(copied, PERSON, "--verify")
    assert done.exit_code == 1
    assert "raw.customers.customer_id: 1 rows" in done.output
    assert "landing/customers/dt=2026-01-01/a.csv: 2 times" in done.output
    assert "files that changed within 10 minutes" in call(copied, "--sweep").output
    hour_ago = time.time() - 3600
    for path in copied.landing.rglob("*.*"):
        os.utime(path, (hour_ago, hour_ago))
    done = call(copied, "--sweep")
    assert done.exit_code == 0, done.output
    assert "rewritten: landing/customers/dt=2026-01-01/a.csv" in done.output
    assert "5 landing files looked at, 3 rewritten" in done.output
    assert PERSON not in "".join(path.read_text() for path in copied.landing.rglob("*.csv"))
    assert "0 landing files looked at, 0 rewritten" in call(copied, "--sweep").output


def test_verify_of_somebody_who_is_nowhere(untouched: Settings) -> None:
    """The sentence that goes into the answer to the person."""
    done = call(untouched, "C999999", "--verify")
    assert done.exit_code == 0
    assert "found nowhere: no text column of any table, no byte of any file" in done.output


def test_contradicting_options_are_a_usage_error(untouched: Settings) -> None:
    """A sweep knows no person, and a search that also erases would be a trap."""
    for words in ([], [PERSON, "--sweep"], [PERSON, "--verify", "--dry-run"]):
        done = call(untouched, *words)
        assert done.exit_code == 2
        assert "give a person, or --sweep alone" in done.output
