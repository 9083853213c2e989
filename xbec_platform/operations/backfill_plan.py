"""What a backfill would do and why: reasons by day and asset, and the runs they come to. Pure; nothing is run here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS
from xbec_platform.operations import inventory, landing_state
from xbec_platform.partitions import days

if TYPE_CHECKING:
    from xbec_platform.operations.selection import Selected

NEVER_BUILT, FILES_LANDED, LATE_ROWS = "never built", "files landed since", "late rows"
ASKED_FOR, WITH_ITS_DAY = "asked for", "its day runs"
UP_TO_DATE, LAST_DAY_ONLY = "up to date", "decided as of the last day only"
# In the order in which they are told.
_UNFINISHED = {
    inventory.LOST: "its process died",
    inventory.FAILED: "failed last time",
    inventory.CANCELED: "cancelled last time",
    inventory.RUNNING: "is being built now",
    inventory.MISSING: NEVER_BUILT,
}
_ORDER = [*_UNFINISHED.values(), FILES_LANDED, LATE_ROWS]
PLAN_SCHEMA = {
    "partition": pl.Date(),
    "asset_key": pl.String(),
    "job": pl.String(),
    "will_run": pl.Boolean(),
    "reasons": pl.List(pl.String()),
}
LATE_SCHEMA = {"source": pl.String(), "event_date": pl.Date()}


class DayOutsideError(ValueError):
    """A day that is no partition of the home; the message says which days are."""


@dataclass(frozen=True)
class Wish:
    """What was asked for.

    Attributes:
        first, last: Days, both included.
        only_due: Leave out days on which nothing is missing, failed, or changed since.
        decisions_on_last_day: Take decisions (clusters, lists, plan, pages) as of the last day only.
        days_per_run: Decisions of so many days make a run; 0 for all of them in one, as the UI does.
    """

    first: date
    last: date
    only_due: bool = False
    decisions_on_last_day: bool = False
    days_per_run: int = 0


@dataclass(frozen=True)
class PlannedRun:
    """One run of a job over the days `[first, last]`, for some of its assets."""

    job: str
    first: date
    last: date
    assets: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """What is known before a backfill.

    Attributes:
        unfinished: Frame of `inventory`.
        files: Frame of `landing_state`.
        late: source and event_date whose rows changed after their facts were built.
    """

    unfinished: pl.DataFrame
    files: pl.DataFrame
    late: pl.DataFrame


def checked_days(first: date | None, last: date | None, start: date, end: date) -> tuple[date, date]:
    """The days a backfill covers; all of the home where none are given.

    Args:
        first: First day asked for.
        last: Last day asked for, included.
        start: First partition of the home.
        end: Day after its last partition.

    Raises:
        DayOutsideError: A day is no partition, or the first comes after the last.
    """
    newest = end - timedelta(days=1)
    if newest < start:
        raise DayOutsideError(f"this home begins on {start}, which is not over yet: there is no day to run")
    first, last = first or start, last or newest
    for name, day in (("--from", first), ("--to", last)):
        if not start <= day <= newest:
            raise DayOutsideError(
                f"{name} {day} is no day of this home; its days are {start} to {newest}, both included "
                "(start_date and end_date in home.yml)"
            )
    if first > last:
        raise DayOutsideError(f"--from {first} comes after --to {last}; both are included")
    return first, last


def plan(assets: Sequence[Selected], wish: Wish, state: State) -> pl.DataFrame:
    """Every day and asset of a backfill: whether it would run and why.

    Assets without days are no part of it: they run along once with their job.

    Returns:
        partition, asset_key, job, will_run, reasons; sorted by partition and asset.
    """
    by_day = [asset for asset in assets if asset.is_partitioned]
    every = pl.DataFrame(
        [(asset.key, asset.job) for asset in by_day], schema=["asset_key", "job"], orient="row"
    ).join(pl.DataFrame({"partition": list(_days(wish))}, schema={"partition": pl.Date()}), how="cross")
    told = (
        pl.concat([_of_dagster(state), _of_files(by_day, state), _of_late_rows(by_day, state)])
        .unique()
        .with_columns(pl.col("reason").cast(pl.Enum(_ORDER)))
        .sort("partition", "asset_key", "reason")
        .group_by("partition", "asset_key", maintain_order=True)
        .agg(pl.col("reason").cast(pl.String).alias("reasons"))
    )
    known = every.join(told, on=["partition", "asset_key"], how="left", maintain_order="left")
    return _decided(known, wish).select(*PLAN_SCHEMA).sort("partition", "asset_key")


def _days(wish: Wish) -> Iterator[date]:
    return days(wish.first, wish.last + timedelta(days=1))


def _of_dagster(state: State) -> pl.DataFrame:
    return state.unfinished.select(
        "partition", "asset_key", pl.col("status").replace_strict(_UNFINISHED).alias("reason")
    )


def _of_files(assets: Sequence[Selected], state: State) -> pl.DataFrame:
    """A new, corrected or withdrawn file concerns all that is made from its tables, on its drop day."""
    changed = state.files.filter(
        pl.col("state").is_in([landing_state.LANDED, landing_state.TAKEN_BACK])
    ).select("partition", pl.col("sources").alias("source"))
    return _concerned(changed.explode("source"), assets, FILES_LANDED)


def _of_late_rows(assets: Sequence[Selected], state: State) -> pl.DataFrame:
    """The raw tables hold late rows already; what is made from them does not."""
    changed = state.late.select(pl.col("event_date").alias("partition"), "source")
    return _concerned(changed, [asset for asset in assets if not asset.is_intake], LATE_ROWS)


def _concerned(changed: pl.DataFrame, assets: Iterable[Selected], reason: str) -> pl.DataFrame:
    made_from = pl.DataFrame(
        [(asset.key, source) for asset in assets for source in sorted(asset.sources)],
        schema={"asset_key": pl.String(), "source": pl.String()},
        orient="row",
    )
    return (
        changed.unique()
        .join(made_from, on="source", how="inner")
        .select("partition", "asset_key", pl.lit(reason).alias("reason"))
        .unique()
    )


def _decided(known: pl.DataFrame, wish: Wish) -> pl.DataFrame:
    """Whether each would run; a day runs whole, so that its tables agree with each other."""
    is_left_out = (pl.col("job") == DECISIONS) & (pl.col("partition") != wish.last)
    if not wish.decisions_on_last_day:
        is_left_out = pl.lit(value=False)
    has_cause = pl.col("reasons").is_not_null()
    marked = known.with_columns(is_left_out.alias("left_out"))
    day_is_due = (
        (has_cause & ~pl.col("left_out")).any().over("partition") if wish.only_due else pl.lit(value=True)
    )
    marked = marked.with_columns((day_is_due & ~pl.col("left_out")).alias("will_run"))
    other = (
        pl.when(pl.col("left_out"))
        .then(pl.lit(LAST_DAY_ONLY))
        .when(~pl.col("will_run"))
        .then(pl.lit(UP_TO_DATE))
        .when(has_cause)
        .then(None)
        .otherwise(pl.lit(WITH_ITS_DAY if wish.only_due else ASKED_FOR))
    )
    return marked.with_columns(
        pl.when(other.is_null()).then(pl.col("reasons")).otherwise(pl.concat_list(other)).alias("reasons")
    )


def planned_runs(assets: Sequence[Selected], planned: pl.DataFrame, wish: Wish) -> list[PlannedRun]:
    """The runs a plan comes to: facts before decisions, oldest days first, neighbouring days in one run.

    Oldest first because what is known as of a day builds on the days before it.
    """
    runs = []
    for job in (INTAKE_AND_FACTS, DECISIONS):
        keys = tuple(asset.key for asset in assets if asset.job == job)
        chosen = planned.filter(pl.col("will_run") & (pl.col("job") == job))["partition"].unique().sort()
        limit = wish.days_per_run if job == DECISIONS else 0
        runs += [PlannedRun(job, first, last, keys) for first, last in stretches(chosen, limit)]
    return runs


def stretches(chosen: Iterable[date], limit: int = 0) -> Iterator[tuple[date, date]]:
    """Neighbouring days as (first, last), of `limit` days at most; 0 is no limit."""
    first = last = None
    for day in chosen:
        is_next = last is not None and day == last + timedelta(days=1)
        is_full = limit and first is not None and (day - first).days >= limit
        if first is not None and last is not None and (not is_next or is_full):
            yield first, last
            first = None
        first, last = first or day, day
    if first is not None and last is not None:
        yield first, last


def rows_by_day(files: pl.DataFrame, wish: Wish) -> pl.DataFrame:
    """What the intake of each day has before it.

    Returns:
        partition, files (landed), rows_loaded (in the tables already, not read again), files_to_read,
        rows_to_read (estimated; empty where nothing of a feed was ever read), bytes_to_read; a row for every day.
    """
    is_due = pl.col("state").is_in([landing_state.LANDED, landing_state.TRIED_AGAIN])
    counted = files.group_by("partition").agg(
        pl.len().cast(pl.Int64).alias("files"),
        pl.col("rows").filter(pl.col("state") == landing_state.LOADED).sum().alias("rows_loaded"),
        is_due.sum().cast(pl.Int64).alias("files_to_read"),
        pl.when((is_due & pl.col("rows").is_null()).any())
        .then(None)
        .otherwise(pl.col("rows").filter(is_due).sum())
        .alias("rows_to_read"),
        pl.col("bytes").filter(is_due).sum().alias("bytes_to_read"),
    )
    every = pl.DataFrame({"partition": list(_days(wish))}, schema={"partition": pl.Date()})
    joined = every.join(counted, on="partition", how="left", maintain_order="left")
    return joined.with_columns(
        pl.when(pl.col("files").is_null()).then(0).otherwise(pl.col(name)).alias(name)
        for name in counted.columns
        if name != "partition"
    ).sort("partition")
