"""The plan of a backfill: reasons by hand, days that run whole, runs that cover exactly the days that run."""

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS
from xbec_platform.operations import inventory, landing_state
from xbec_platform.operations.backfill_plan import (
    LATE_SCHEMA,
    DayOutsideError,
    PlannedRun,
    State,
    Wish,
    checked_days,
    plan,
    planned_runs,
    rows_by_day,
    stretches,
)
from xbec_platform.operations.selection import Selected

D = [date(2026, 1, day) for day in range(1, 11)]
ASSETS = [
    Selected("marts/dim_product", INTAKE_AND_FACTS, is_partitioned=False, sources=frozenset({"products"})),
    Selected(
        "marts/fct_order", INTAKE_AND_FACTS, is_partitioned=True, sources=frozenset({"orders", "products"})
    ),
    Selected("ml/recs", DECISIONS, is_partitioned=True, sources=frozenset({"orders", "products"})),
    Selected(
        "ops/file_manifest",
        INTAKE_AND_FACTS,
        is_partitioned=True,
        sources=frozenset({"orders", "products", landing_state.NO_TABLE}),
        is_intake=True,
    ),
    Selected(
        "raw/orders", INTAKE_AND_FACTS, is_partitioned=True, sources=frozenset({"orders"}), is_intake=True
    ),
    Selected(
        "raw/products", INTAKE_AND_FACTS, is_partitioned=True, sources=frozenset({"products"}), is_intake=True
    ),
]


def state(
    unfinished: tuple[tuple[str, date, str], ...] = (),
    files: tuple[tuple[date, str, str, int | None], ...] = (),
    late: tuple[tuple[str, date], ...] = (),
) -> State:
    """(asset, day, status), (day, source, state, rows), (source, event day)."""
    found = [(key, day, status, "run", None) for key, day, status in unfinished]
    landed = [
        (day, source or "nobody", f"{source}/{number}", what, [source], rows, 100)
        for number, (day, source, what, rows) in enumerate(files)
    ]
    return State(
        pl.DataFrame(found, schema=inventory.SCHEMA, orient="row"),
        pl.DataFrame(landed, schema=landing_state.SCHEMA, orient="row"),
        pl.DataFrame(list(late), schema=LATE_SCHEMA, orient="row"),
    )


def reasons(frame: pl.DataFrame, day: date) -> dict[str, list[str]]:
    """Reasons of the assets that run on a day."""
    ran = frame.filter(pl.col("will_run") & (pl.col("partition") == day))
    return dict(ran.select("asset_key", "reasons").iter_rows())


def test_what_was_asked_for_runs() -> None:
    """Without any other cause the person's wish is one; an asset without days has no day to run on."""
    found = plan(ASSETS, Wish(D[0], D[1]), state())
    assert found.height == 2 * 5
    assert found["will_run"].all()
    assert set(found["reasons"].explode()) == {"asked for"}


def test_every_reason_in_its_place() -> None:
    """A failed day, a new file of orders, late product rows, a file of a feed nobody knows: who is concerned."""
    known = state(
        unfinished=(("ml/recs", D[0], inventory.FAILED), ("ml/recs", D[3], inventory.LOST)),
        files=((D[1], "orders", landing_state.LANDED, 5), (D[3], "", landing_state.LANDED, None)),
        late=(("products", D[0]), ("products", D[2])),
    )
    found = plan(ASSETS, Wish(D[0], D[3], only_due=True), known)
    assert reasons(found, D[0]) == {
        "marts/fct_order": ["late rows"],
        "ml/recs": ["failed last time", "late rows"],
        # They hold the late rows already.
        "ops/file_manifest": ["its day runs"],
        "raw/orders": ["its day runs"],
        "raw/products": ["its day runs"],
    }
    assert reasons(found, D[1]) == {
        "marts/fct_order": ["files landed since"],
        "ml/recs": ["files landed since"],
        "ops/file_manifest": ["files landed since"],
        "raw/orders": ["files landed since"],
        "raw/products": ["its day runs"],
    }
    assert reasons(found, D[3])["ml/recs"] == ["its process died"]
    assert reasons(found, D[3])["ops/file_manifest"] == ["files landed since"]


@pytest.mark.parametrize(
    "what", [landing_state.LOADED, landing_state.NO_ROWS, landing_state.TRIED_AGAIN], ids=str
)
def test_only_new_content_makes_a_day_due(what: str) -> None:
    """A file that stays rejected would make its day due for ever."""
    found = plan(ASSETS, Wish(D[0], D[0], only_due=True), state(files=((D[0], "orders", what, 5),)))
    assert not found["will_run"].any()
    assert set(found["reasons"].explode()) == {"up to date"}


def test_withdrawn_file_makes_its_day_due() -> None:
    """Its rows must leave the facts."""
    withdrawn = state(files=((D[0], "orders", landing_state.TAKEN_BACK, 0),))
    assert plan(ASSETS, Wish(D[0], D[0], only_due=True), withdrawn)["will_run"].all()


def test_decisions_of_the_last_day_only() -> None:
    """As `xbec run` does: past days' decisions are left out, and do not make their day due."""
    known = state(
        unfinished=(("ml/recs", D[0], inventory.MISSING), ("marts/fct_order", D[2], inventory.MISSING))
    )
    wish = Wish(D[0], D[2], only_due=True, decisions_on_last_day=True)
    found = plan(ASSETS, wish, known)
    left_out = found.filter(asset_key="ml/recs").select("will_run", "reasons").rows()
    why = ["decided as of the last day only"]
    assert left_out == [(False, why), (False, why), (True, ["its day runs"])]
    facts = ("marts/dim_product", "marts/fct_order", "ops/file_manifest", "raw/orders", "raw/products")
    assert planned_runs(ASSETS, found, wish) == [
        PlannedRun(INTAKE_AND_FACTS, D[2], D[2], facts),
        PlannedRun(DECISIONS, D[2], D[2], ("ml/recs",)),
    ]


def test_one_run_each_for_facts_and_decisions() -> None:
    """A range is one run, as in the UI; more only where days lie apart, or somebody wants smaller steps."""
    wish = Wish(D[0], D[9])
    runs = planned_runs(ASSETS, plan(ASSETS, wish, state()), wish)
    assert [(run.job, run.first, run.last) for run in runs] == [
        (INTAKE_AND_FACTS, D[0], D[9]),
        (DECISIONS, D[0], D[9]),
    ]
    small = Wish(D[0], D[9], days_per_run=4)
    runs = planned_runs(ASSETS, plan(ASSETS, small, state()), small)
    assert [(run.job, run.first, run.last) for run in runs] == [
        (INTAKE_AND_FACTS, D[0], D[9]),
        (DECISIONS, D[0], D[3]),
        (DECISIONS, D[4], D[7]),
        (DECISIONS, D[8], D[9]),
    ]


def test_rows_of_each_day() -> None:
    """Known rows, estimated ones, and a feed of which nothing is known: no number is better than a wrong one."""
    files = state(
        files=(
            (D[0], "orders", landing_state.LOADED, 30),
            (D[0], "orders", landing_state.LANDED, 12),
            (D[0], "products", landing_state.TRIED_AGAIN, 3),
            (D[0], "orders", landing_state.NO_ROWS, 0),
            (D[1], "orders", landing_state.LANDED, None),
        )
    ).files
    assert rows_by_day(files, Wish(D[0], D[2])).rows() == [
        (D[0], 4, 30, 2, 15, 200),
        (D[1], 1, 0, 1, None, 100),
        (D[2], 0, 0, 0, 0, 0),
    ]


def test_days_are_checked() -> None:
    """Both ends are included, and what is outside is told with the days there are."""
    start, end = D[0], D[9]
    assert checked_days(None, None, start, end) == (D[0], D[8])
    assert checked_days(D[8], D[8], start, end) == (D[8], D[8])
    with pytest.raises(
        DayOutsideError, match="--to 2026-01-10 is no day of this home; its days are 2026-01-01 to"
    ):
        checked_days(D[0], D[9], start, end)
    with pytest.raises(DayOutsideError, match="--from 2025-12-31 is no day"):
        checked_days(D[0] - timedelta(days=1), None, start, end)
    with pytest.raises(
        DayOutsideError, match="--from 2026-01-03 comes after --to 2026-01-02; both are included"
    ):
        checked_days(D[2], D[1], start, end)
    with pytest.raises(DayOutsideError, match="there is no day to run"):
        checked_days(None, None, start, start)


@given(numbers=st.sets(st.integers(0, 60)), limit=st.integers(0, 9))
def test_stretches_tile_the_days(numbers: set[int], limit: int) -> None:
    """No day is lost, none is run twice, none is run that was not asked for, and no two could be one."""
    days = [D[0] + timedelta(days=number) for number in sorted(numbers)]
    found = list(stretches(days, limit))
    covered = [first + timedelta(days=n) for first, last in found for n in range((last - first).days + 1)]
    assert covered == days
    assert all(not limit or (last - first).days < limit for first, last in found)
    for (first, last), (following, _) in pairwise(found):
        assert following > last + timedelta(days=1) or (last - first).days + 1 == limit


@given(
    status=st.dictionaries(st.integers(0, 9), st.sampled_from([inventory.FAILED, inventory.MISSING])),
    last_only=st.booleans(),
    only_due=st.booleans(),
)
def test_runs_cover_exactly_the_planned_days(status: dict[int, str], last_only: bool, only_due: bool) -> None:
    """What the dry run shows is what runs, day by day and job by job."""
    wish = Wish(D[0], D[9], only_due=only_due, decisions_on_last_day=last_only)
    known = state(unfinished=tuple(("marts/fct_order", D[number], one) for number, one in status.items()))
    found = plan(ASSETS, wish, known)
    runs = planned_runs(ASSETS, found, wish)
    for job in (INTAKE_AND_FACTS, DECISIONS):
        covered = [
            run.first + timedelta(days=n)
            for run in runs
            if run.job == job
            for n in range((run.last - run.first).days + 1)
        ]
        shown = found.filter(pl.col("will_run") & (pl.col("job") == job))["partition"].unique().sort()
        assert covered == shown.to_list()
