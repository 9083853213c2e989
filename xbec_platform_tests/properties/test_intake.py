"""Properties of the intake: no order of arrival, correction, copy or repetition changes the tables; no row is lost."""

import random
import tempfile
from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xbec_platform.ingest.accounting import accounts
from xbec_platform.ingest.intake import run_intake
from xbec_platform.ingest.landing import discover
from xbec_platform.ingest.screening import FILE
from xbec_platform.ingest.withdrawal import give_again, take_back
from xbec_platform.warehouse.database import Warehouse

HEADER = "rate_date,currency,rate_to_base,source\n"
DAYS = [date(2026, 1, day) for day in range(1, 5)]

rows = st.tuples(
    st.sampled_from([day.isoformat() for day in DAYS] + ["yesterday", ""]),
    st.sampled_from(["EUR", "USD", "XXQ", ""]),
    st.sampled_from(["1.5", "0", "-1", "x", "0.12345678"]),
    st.sampled_from(["ecb", "bank"]),
).map(",".join)
# A short, a long and an unreadable record, which must be accounted for like any other.
odd_rows = st.sampled_from(["2026-01-01,EUR", "2026-01-01,EUR,1,ecb,more", '"2026-01-01",EUR,"1,5",ecb'])
contents = st.lists(st.one_of(rows, odd_rows), max_size=6).map(
    lambda lines: HEADER + "".join(f"{line}\n" for line in lines)
)
broken = st.sampled_from(["", 'rate_date,currency\n"open', "a,b,c\n1,2,3\n"])
landings = st.dictionaries(
    st.tuples(st.sampled_from(DAYS), st.sampled_from(["a.csv", "b.csv"])),
    st.one_of(contents, broken),
    min_size=1,
    max_size=6,
)


def land(landing: Path, day: date, name: str, content: str) -> None:
    path = landing / "fx_rates" / f"dt={day}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def state(warehouse: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables that hold any; hashes of 29 tables took longer than an intake."""
    with warehouse.connect("test") as connection:
        names = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name IN ('raw', 'quarantine')"
        ).fetchall()
        counted = " UNION ALL ".join(
            f"SELECT '{name}' AS name, count(*) AS rows FROM {name}" for (name,) in names
        )
        held = connection.execute(f"SELECT name FROM ({counted}) WHERE rows > 0").fetchall()
        tables = {name: connection.execute(f"FROM {name} ORDER BY ALL").fetchall() for (name,) in held}
        manifest = connection.execute(
            """SELECT path, sha256, status, rows_in, rows_loaded, rows_quarantined, rows_duplicate, error, duplicate_of
            FROM ops.file_manifest WHERE status <> 'superseded' ORDER BY path"""
        ).fetchall()
    return tables | {"manifest": manifest}


@given(
    final=landings,
    earlier=landings,
    taken_back=st.sets(st.tuples(st.sampled_from(DAYS), st.sampled_from(["a.csv", "b.csv"]))),
    seed=st.integers(0, 10_000),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_of_arrival_and_correction_ends_in_the_same_tables(
    final: dict[tuple[date, str], str],
    earlier: dict[tuple[date, str], str],
    taken_back: set[tuple[date, str]],
    seed: int,
) -> None:
    """Files that come in one by one, late, corrected, taken back and given again, equal the final ones at once."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        once, stepwise = Path(folder) / "once", Path(folder) / "stepwise"
        for (day, name), content in final.items():
            land(once / "landing", day, name, content)
        gone = [key for key in sorted(taken_back) if key in final]
        for day, name in gone:
            take_back(once / "landing", Path("fx_rates") / f"dt={day}" / name, "test")
        at_once = Warehouse(once / "w.duckdb", threads=1)
        run_intake(at_once, once / "landing")

        landing = stepwise / "landing"
        steps = [(key, content) for key, content in earlier.items() if key in final]
        order = list(final.items())
        draw.shuffle(order)
        one_by_one = Warehouse(stepwise / "w.duckdb", threads=1)
        for (day, name), content in [*steps, *order]:
            land(landing, day, name, content)
            run_intake(one_by_one, landing, start=day, end=day + timedelta(days=draw.randint(1, 3)))
        # One file is taken back by mistake and given again.
        for key in [*gone, order[0][0]]:
            where = Path("fx_rates") / f"dt={key[0]}" / key[1]
            take_back(landing, where, "test")
            run_intake(one_by_one, landing)
            if key not in gone:
                give_again(landing, where)
        run_intake(one_by_one, landing)
        assert state(one_by_one) == state(at_once)


@given(files=landings)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_record_is_loaded_quarantined_or_an_exact_duplicate(files: dict[tuple[date, str], str]) -> None:
    """The account is compared with the lines of the files, counted without the platform."""
    with tempfile.TemporaryDirectory() as folder:
        landing = Path(folder) / "landing"
        for (day, name), content in files.items():
            land(landing, day, name, content)
        warehouse = Warehouse(Path(folder) / "w.duckdb")
        report = run_intake(warehouse, landing)
        for account in report.accounts:
            lines = (landing / account.file.path).read_text().splitlines()[1:]
            if account.error is None:
                assert account.rows_in == len(lines)
                assert (
                    account.rows_in == account.rows_loaded + account.rows_quarantined + account.rows_duplicate
                )
        loaded = warehouse.read_frame("SELECT count(*) FROM raw.fx_rates", purpose="test").item()
        assert loaded == sum(account.rows_loaded for account in report.accounts)


@given(files=landings)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_verdict_on_a_file_ignores_its_neighbours(files: dict[tuple[date, str], str]) -> None:
    """Files are screened in bundles: alone or in company, each gets the same account and the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        landing = Path(folder)
        for (day, name), content in files.items():
            land(landing, day, name, content)
        found = discover(landing).files
        together = {account.file: account for account in accounts(found, landing)}
        for file in found:
            (alone,) = accounts([file], landing)
            other = together[file]
            assert (alone.rows_in, alone.rows_loaded, alone.rows_duplicate, alone.error) == (
                other.rows_in,
                other.rows_loaded,
                other.rows_duplicate,
                other.error,
            )
            assert alone.quarantined.equals(other.quarantined)
            table, same = (one.tables.get("fx_rates") for one in (alone, other))
            assert table is None or same is None or table.drop(FILE).equals(same.drop(FILE))
            assert (table is None) == (same is None)
