"""A small world as files: equal bytes however it is made, every row accounted for, faults on record."""

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.intake import run_intake
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.world.faults import plant_correction
from xbec_platform.world.feeds import daily_files, feeds, with_offsets
from xbec_platform.world.generate import WorldSummary, generate_world
from xbec_platform.world.plan import build_plan
from xbec_platform.world.spec import WorldSpec

SMALL = WorldSpec(seed=3, days=20, customers=120)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, WorldSummary]:
    """A world of 20 days and 120 customers."""
    out = tmp_path_factory.mktemp("world")
    return out, generate_world(out, SMALL)


def test_every_source_of_the_platform_is_delivered(small_world: tuple[Path, WorldSummary]) -> None:
    """26 sources, each with a contract, each with rows; other contracts are of exports of real shops."""
    out, summary = small_world
    assert len(feeds()) == 26
    assert set(feeds()) <= set(contracts())
    assert {path.name for path in (out / "landing").iterdir()} == set(feeds())
    assert [source for source, rows in summary.clean_rows.items() if rows == 0] == []


def test_number_of_processes_does_not_show(small_world: tuple[Path, WorldSummary], tmp_path: Path) -> None:
    """Equal bytes, truth included; another seed gives others."""
    out, summary = small_world
    again = generate_world(tmp_path / "two", SMALL, processes=2)
    assert digests(tmp_path / "two") == digests(out)
    assert (again.faults, again.clean_rows, again.bytes) == (
        summary.faults,
        summary.clean_rows,
        summary.bytes,
    )
    generate_world(tmp_path / "other", replace(SMALL, seed=4))
    assert digests(tmp_path / "other") != digests(out)


def test_a_correct_intake_finds_every_planted_fault_and_no_other(
    small_world: tuple[Path, WorldSummary], tmp_path: Path
) -> None:
    """Row by row: what is planted is quarantined, dropped as duplicate or rejected; the rest is loaded."""
    out, summary = small_world
    warehouse = Warehouse(tmp_path / "w.duckdb")
    report = run_intake(warehouse, out / "landing")
    found = {
        account.file.path: (account.rows_quarantined, account.rows_duplicate)
        for account in report.accounts
        if account.rows_quarantined or account.rows_duplicate
    }
    expected: dict[str, tuple[int, int]] = {}
    for fault in summary.faults:
        if fault.expect in {"quarantined", "duplicate"}:
            bad, same = expected.get(fault.file, (0, 0))
            is_bad = fault.expect == "quarantined"
            expected[fault.file] = (bad + fault.rows * is_bad, same + fault.rows * (not is_bad))
    assert found == expected
    rejected = {fault.file for fault in summary.faults if fault.expect == "file_rejected"}
    assert {account.file.path for account in report.accounts if account.error} == rejected
    loaded = dict.fromkeys(feeds(), 0)
    for account in report.accounts:
        loaded[account.file.feed] += account.rows_loaded
    planted = dict.fromkeys(feeds(), 0)
    # The orphan and the surplus line are loaded; the real row under a conflicting key is not.
    planted["order_lines"] = 1 + 1 - 1
    for fault in summary.faults:
        planted[fault.source] += fault.rows if fault.expect == "kept" else 0
    assert {feed: rows - planted[feed] for feed, rows in loaded.items()} == summary.clean_rows


def test_erased_people_are_on_record_and_one_comes_back(small_world: tuple[Path, WorldSummary]) -> None:
    """Whoever asked to be forgotten is listed; a restored backup delivers one of them again."""
    out, summary = small_world
    requests = [fault for fault in summary.faults if fault.expect == "erase"]
    files = sorted((out / "landing" / "deletion_requests").rglob("*.csv"))
    assert len(requests) == sum(len(path.read_text().splitlines()) - 1 for path in files) > 0
    (back,) = [fault for fault in summary.faults if fault.kind == "resurrected_customer"]
    customer = back.key.split(",")[0].removeprefix("customer_id=")
    assert any(f"customer_id={customer}" in fault.key for fault in requests)


def test_correction_supersedes_the_wrong_file(small_world: tuple[Path, WorldSummary], tmp_path: Path) -> None:
    """The right quantity comes in, the surplus line goes; delivered twice, nothing changes."""
    out, summary = small_world
    correction = summary.correction
    wrong = (out / "landing" / correction.file).read_bytes()
    landing = tmp_path / "landing"
    target = landing / correction.file
    target.parent.mkdir(parents=True)
    target.write_bytes(wrong)
    warehouse = Warehouse(tmp_path / "w.duckdb")
    qty = "SELECT qty FROM raw.order_lines WHERE order_id = ? AND line_no = ?"
    for expected_qty, surplus in (
        (correction.wrong_qty, 1),
        (correction.right_qty, 0),
        (correction.right_qty, 0),
    ):
        run_intake(warehouse, landing)
        with warehouse.connect("test") as connection:
            key = [correction.order_id, correction.line_no]
            assert connection.execute(qty, key).fetchall() == [(expected_qty,)]
            assert len(connection.execute(qty, list(correction.surplus_key)).fetchall()) == surplus
        plant_correction(landing, correction)


def test_scale_leaves_distributions_alone() -> None:
    """Four times the people: four times the orders and events, equal shares and means."""
    one, four = (build_plan(WorldSpec(seed=11, days=30, customers=1500, scale=scale)) for scale in (1, 4))

    def shape(plan) -> list[float]:  # type: ignore[no-untyped-def]
        orders, lines = plan.orders.frame, plan.orders.lines
        return [
            orders.height / plan.spec.people,
            lines.height / orders.height,
            (orders["market"] == 0).mean(),
            plan.people.frame["consent_marketing"].mean(),
            sum(feeds()["events"].rows(plan, day).height for day in (3, 17)) / plan.spec.people,
            plan.fulfilment.parcels.height / orders.height,
        ]

    # Three standard errors of the smaller world's noisiest figure, orders per person, are about 6 %.
    assert shape(four) == pytest.approx(shape(one), rel=0.1)


def test_hourly_rows_go_into_the_file_of_their_hour() -> None:
    """What happened on an earlier day comes with the first hour, a later clock with the last."""
    feed = replace(feeds()["events"], clock="ts")
    moments = ["2025-11-10T23:59:59", "2025-11-11T00:10:00", "2025-11-11T13:00:00", "2025-11-12T01:00:00"]
    frame = pl.DataFrame({"ts": moments}).with_columns(pl.col("ts").str.to_datetime(time_zone="UTC"))
    files = {name: part.height for name, part in daily_files(feed, frame, date(2025, 11, 11))}
    assert files == {"events_00.parquet": 2, "events_13.parquet": 1, "events_23.parquet": 1}


def test_marketplaces_write_their_own_clock() -> None:
    """16:00 UTC is midnight in China; the shop's own site writes UTC."""
    frame = pl.DataFrame(
        {
            "channel": ["tmall_global", "own_site"],
            "market": ["CN", "CN"],
            "order_ts": ["2025-11-10T16:00:05"] * 2,
            "updated_ts": ["2025-11-10T16:00:05"] * 2,
        }
    ).with_columns(pl.col("order_ts", "updated_ts").str.to_datetime(time_zone="UTC"))
    assert with_offsets("orders", frame)["order_ts"].to_list() == [
        "2025-11-11T00:00:05+08:00",
        "2025-11-10T16:00:05Z",
    ]
