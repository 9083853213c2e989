"""A backfill's plan and end as a person or a program reads them. Nothing is decided here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from xbec_platform.operations.backfill_plan import PlannedRun
    from xbec_platform.operations.backfill_run import Outcome

# So many assets are named, more are counted by schema.
_NAMED = 3


def plan_json(planned: pl.DataFrame, rows: pl.DataFrame, runs: Sequence[PlannedRun]) -> str:
    """The whole plan: runs, days with their rows, and every day and asset with its reasons."""
    return json.dumps(
        {
            "runs": [
                {"job": run.job, "from": run.first, "to": run.last, "assets": list(run.assets)}
                for run in runs
            ],
            "days": rows.to_dicts(),
            "assets": planned.to_dicts(),
        },
        default=str,
        indent=2,
    )


def print_plan(
    planned: pl.DataFrame, rows: pl.DataFrame, runs: Sequence[PlannedRun], console: Console
) -> None:
    """A line per day and set of reasons, the rows of each day, then the runs."""
    table = Table(title="What would run, by day", title_justify="left", header_style="bold")
    for name in ("day", "runs", "assets", "why"):
        table.add_column(name, overflow="fold")
    for name in ("files", "to read", "rows to read", "rows in already"):
        table.add_column(name, justify="right")
    counts = {row["partition"]: row for row in rows.iter_rows(named=True)}
    before = None
    for line in _lines(planned):
        day = line["partition"]
        cells = [escape(_assets(line["assets"])), ", ".join(line["reasons"])]
        head = [str(day) if day != before else "", "yes" if line["will_run"] else "no"]
        table.add_row(*head, *cells, *(_rows(counts[day]) if day != before else [""] * 4))
        before = day
    console.print(table)
    for number, run in enumerate(runs):
        console.print(run_line(number, len(runs), run), highlight=False)
    if not runs:
        console.print("nothing would run", highlight=False)
    estimated = rows["rows_to_read"].sum()
    console.print(
        f"{rows['files_to_read'].sum():,} files to read, about {estimated:,} rows; nothing was changed",
        highlight=False,
    )


def _lines(planned: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Assets of a day that share verdict and reasons, in order of their first one."""
    by = planned.with_columns(pl.col("reasons").list.join(", ").alias("why"))
    grouped = by.group_by("partition", "will_run", "why", maintain_order=True).agg(
        pl.col("asset_key").alias("assets"), pl.col("reasons").first()
    )
    yield from grouped.iter_rows(named=True)


def _assets(names: Sequence[str]) -> str:
    """Names of a few assets; how many there are of each schema of many."""
    if len(names) <= _NAMED:
        return ", ".join(names)
    counted = Counter(name.split("/", maxsplit=1)[0] for name in names)
    return f"{len(names)}: " + ", ".join(f"{schema} {count}" for schema, count in sorted(counted.items()))


def _rows(counts: dict[str, Any]) -> list[str]:
    guessed = counts["rows_to_read"]
    return [
        f"{counts['files']:,}",
        f"{counts['files_to_read']:,}",
        "unknown" if guessed is None else f"{guessed:,}",
        f"{counts['rows_loaded']:,}",
    ]


def run_line(number: int, total: int, run: PlannedRun) -> str:
    """A run in a line."""
    count = (run.last - run.first).days + 1
    days = f"{run.first}" if count == 1 else f"{run.first} to {run.last}"
    return f"run {number + 1} of {total}: {run.job}, {count} days ({days}), {len(run.assets)} assets"


def print_outcome(outcome: Outcome, console: Console) -> None:
    """What is done, what is not, and how to go on."""
    for asset, check in outcome.failed_checks:
        console.print(f"[red]check failed[/red] {escape(asset)}: {check}", highlight=False)
    for run in outcome.finished:
        console.print(f"finished: {run.job} {run.first} to {run.last}", highlight=False)
    for run, reason in outcome.skipped:
        console.print(f"[yellow]left out[/yellow] {run.job}: {reason}", highlight=False)
    run_stopped = outcome.stopped_at
    if run_stopped is None:
        return
    cause = "interrupted" if outcome.is_interrupted else "failed"
    last = max(run.last for run in (run_stopped, *outcome.left))
    console.print(
        f"[red]{cause}[/red] in {run_stopped.job} {run_stopped.first} to {run_stopped.last}; "
        f"{len(outcome.left)} runs were not begun. Days that were stored stay, none is half written.\n"
        f"Go on with: xbec backfill --from {min(run.first for run in (run_stopped, *outcome.left))} --to {last} "
        "--only-due and the same --select",
        highlight=False,
        soft_wrap=True,
    )
