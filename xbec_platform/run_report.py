"""What a person reads at the end of a run: what was made, where it lies, what was rejected and why."""

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from xbec_platform.customers.portrait_document import Portrait
    from xbec_platform.main_job import Outcome
    from xbec_platform.world.generate import WorldSummary

_MADE_SQL = """
SELECT schema_name || '.' || table_name AS "table", estimated_size AS rows FROM duckdb_tables()
WHERE schema_name IN ('raw', 'marts', 'ml') ORDER BY schema_name = 'raw' DESC, schema_name, table_name
"""
_REJECTED_SQL = "SELECT path, error FROM ops.file_manifest WHERE status = 'rejected' ORDER BY path LIMIT 20"
_REASONS_SQL = """
SELECT feed, reason, count(*) AS records
FROM (SELECT feed, unnest(reasons) AS reason FROM quarantine.records)
GROUP BY ALL ORDER BY feed, records DESC, reason LIMIT 40
"""


def print_report(settings: Settings, outcome: "Outcome", console: Console) -> None:
    """Print tables made, intake accounts, rejects and the places of the results."""
    from xbec_platform.ingest.store import intake_summary
    from xbec_platform.warehouse.database import read_frame

    with WarehouseResource.of(settings).file.connect("report of the run") as connection:
        made = read_frame(connection, _MADE_SQL)
        accounts = intake_summary(connection)
        rejected = read_frame(connection, _REJECTED_SQL)
        reasons = read_frame(connection, _REASONS_SQL)
    print_table(console, "Tables", made)
    print_table(console, "Intake: rows in = loaded + quarantined + exact duplicates", accounts)
    if reasons.height:
        print_table(console, "Quarantined records by reason (quarantine.records keeps each one)", reasons)
    if rejected.height:
        print_table(console, "Files rejected whole: mend them and run again", rejected)
    for asset, check in outcome.failed_checks:
        console.print(f"[red]check failed[/red] {asset}: {check}", highlight=False)
    if outcome.note:
        console.print(f"[yellow]note[/yellow] {outcome.note}", highlight=False)
    _print_places(settings, outcome, console)


def print_world(summary: "WorldSummary", out: "Path", seconds: float, console: Console) -> None:
    """Print what a generated world holds and where it lies."""
    import polars as pl

    rows = pl.DataFrame(
        {"source": list(summary.clean_rows), "rows": list(summary.clean_rows.values())},
        schema_overrides={"rows": pl.Int64},
    )
    print_table(console, "Rows by source, planted ones not counted", rows)
    planted = pl.DataFrame(
        [(fault.kind, fault.source, fault.expect) for fault in summary.faults],
        schema=["fault", "source", "a correct intake makes of it"],
        orient="row",
    )
    print_table(console, "Planted faults", planted.sort(planted.columns))
    console.print(
        f"\n{summary.files:,} files, {summary.bytes / 1e6:,.1f} MB in {seconds:,.1f} s, "
        f"{summary.spec.first_day} to {summary.spec.last_day}",
        highlight=False,
    )
    console.print(f"  landing    {out / 'landing'}", highlight=False, soft_wrap=True)
    console.print(f"  truth      {out / 'truth'} (for tests only)", highlight=False, soft_wrap=True)


def print_targets(found: "pl.DataFrame", title: str, as_of: str, console: Console) -> None:
    """Print target groups, best first, in words."""
    import polars as pl

    shown = found.select(
        "rank",
        group=pl.format("{} {}", pl.col("group_type").str.replace("_", " "), "group_key"),
        index=pl.format(
            "{} ({} to {})",
            pl.col("index").round(2),
            pl.col("index_lo").round(2),
            pl.col("index_hi").round(2),
        ),
        significant=pl.when("is_significant").then(pl.lit("yes")).otherwise(pl.lit("no")),
        people="n_group",
        reach_90d="reach_90d",
        expected_buyers_28d=pl.col("expected_buyers").round(1),
        expected_margin="expected_margin_base",
        why="why",
    )
    print_table(
        console,
        f"Target groups of {title} as of {as_of}; index 1 is everybody, with its 90 % interval",
        shown,
    )


def print_portrait(found: "Portrait", console: Console) -> None:
    """Print a portrait by sections, with what is left out for want of evidence."""
    import polars as pl

    from xbec_platform.customers.portrait_tags import SECTIONS, TAGS

    rows = [
        (
            SECTIONS[section],
            tag["label"],
            tag["value"],
            f"{tag['evidence_of']}: {tag['evidence_n']}",
            tag["confidence"],
        )
        for section, tags in found.sections().items()
        for tag in tags
    ]
    table = pl.DataFrame(rows, schema=["section", "tag", "value", "rests on", "confidence"], orient="row")
    print_table(console, f"Portrait of the {found.kind} {found.subject} as of {found.as_of}", table)
    if found.omitted:
        left_out = "; ".join(TAGS[tag].label for tag in found.omitted)
        console.print(f"left out, as too little is known: {left_out}", highlight=False, soft_wrap=True)


def print_table(console: Console, title: str, frame: "pl.DataFrame") -> None:
    """Print a frame with a title."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for name, dtype in frame.schema.items():
        table.add_column(name, justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in frame.rows():
        table.add_row(*(_text(value) for value in row))
    console.print(table)


def _text(value: Any) -> str:
    from rich.markup import escape

    return f"{value:,}" if isinstance(value, int) else escape("" if value is None else str(value))


def _print_places(settings: Settings, outcome: "Outcome", console: Console) -> None:
    places = {
        "page": settings.reports / "overview.html",
        "snapshot": settings.published,
        "exports": settings.exports,
        "warehouse": settings.warehouse,
    }
    state = "[green]done[/green]" if outcome.succeeded else "[red]a step failed: see the lines above[/red]"
    console.print(f"\n{settings.shop}: {state}")
    for name, path in places.items():
        console.print(
            f"  {name:<10} {path if path.exists() else 'not made'}", highlight=False, soft_wrap=True
        )
    named = "" if settings.home.name == Settings.home.name else f" XBEC_HOME={settings.home}"
    console.print(f"  look at it with: make ui{named}", highlight=False, soft_wrap=True)
