"""`xbec quarantine`: what was not loaded and why, record by record, and replay after a mended rule."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xbec_platform.commands.home import FAILED, NO_DATA, USAGE
from xbec_platform.commands.home import console as _console
from xbec_platform.commands.home import settings as _settings

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.command("list")
def list_reasons(
    source: Annotated[str | None, typer.Option(help="only this source or mapping")] = None,
    reason: Annotated[str | None, typer.Option(help="only reasons that contain this text")] = None,
    day: Annotated[datetime | None, typer.Option(help="only this drop day", formats=["%Y-%m-%d"])] = None,
    limit: Annotated[int, typer.Option(help="at most so many lines", min=1)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Count the records in quarantine by source and reason, each with an example."""
    from xbec_platform.ingest.quarantine import reason_counts, total, visible

    with _connection("quarantine: list") as connection:
        drop_day = day.date() if day else None
        counts = reason_counts(connection, feed=source, reason=reason, day=drop_day, limit=limit)
        records = total(connection)
    if as_json:
        typer.echo(json.dumps(counts.to_dicts(), default=str, indent=2))
        return
    table = Table(title=f"Quarantine: {records:,} records", title_justify="left", header_style="bold")
    for name in ("source", "reason", "records", "files", "drop days", "example"):
        table.add_column(name, overflow="fold", justify="right" if name in {"records", "files"} else "left")
    for row in counts.iter_rows(named=True):
        first, last = row["first_day"], row["last_day"]
        cells = (
            visible(row["feed"]),
            visible(row["reason"]),
            f"{row['records']:,}",
            f"{row['files']:,}",
            f"{first}" if first == last else f"{first} to {last}",
            visible(f"{row['path']}:{row['row_no']}"),
        )
        table.add_row(*map(escape, cells))
    _console().print(table)


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="PATH:RECORD as `list` prints it, or a path or file id")],
    row: Annotated[int | None, typer.Argument(help="number of the record, when not in PATH:RECORD")] = None,
) -> None:
    """Show one record as the file has it, all reasons, what the contract promises, and what to do."""
    from xbec_platform.ingest.quarantine import NotQuarantinedError, find_record

    file, _, number = place.rpartition(":") if row is None else (place, "", str(row))
    if not file or not number.isdecimal():
        _stop(f"{place!r} names no record; write PATH:RECORD, or FILE RECORD", USAGE)
    with _connection("quarantine: show") as connection:
        try:
            record = find_record(connection, file, int(number))
        except NotQuarantinedError as error:
            _stop(str(error), NO_DATA)
    _print_record(record, _console())


def _print_record(record: Any, console: Console) -> None:
    from xbec_platform.ingest.contracts import contracts
    from xbec_platform.ingest.mappings import mappings
    from xbec_platform.ingest.quarantine import advice, concerned_columns, promise, visible

    def line(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    line(f"[bold]{escape(visible(record.path))}[/bold], record {record.row_no}, drop day {record.drop_date}")
    for reason in record.reasons:
        line(f"  [red]{escape(visible(reason))}[/red]")
    line("\n[bold]Record[/bold]")
    for name, value in record.raw.items():
        shown = "[dim]missing[/dim]" if value is None else escape(visible(value))
        line(f"  {escape(visible(name))}: {shown}" if name else f"  {shown}")
    known = mappings(_home_folder())
    contract = contracts().get(record.feed) or (known[record.feed].file if record.feed in known else None)
    promised = concerned_columns(record, contract) if contract else []
    if promised:
        line("\n[bold]Promised[/bold]")
    for column in promised:
        text = f": {column.description}" if column.description else ""
        line(f"  {escape(column.name)} ({escape(promise(column))}){escape(text)}")
    line("\n[bold]What to do[/bold]")
    for way in advice(record):
        line(f"  {escape(way)}")


@app.command()
def replay(
    source: Annotated[str | None, typer.Option(help="only this source or mapping")] = None,
    file: Annotated[str | None, typer.Option(help="only this file, its path below landing/")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="also files without a quarantined record")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only tell what would change")] = False,
) -> None:
    """Screen landed files again under the present rules, and print the accounts before and after."""
    from xbec_platform.ingest.archive import restore
    from xbec_platform.ingest.feeds import Feeds
    from xbec_platform.ingest.replay import files_to_replay
    from xbec_platform.ingest.replay import replay as run

    settings = _settings()
    feeds = Feeds.of_home(settings.home)
    if not dry_run and (count := restore(settings.home, settings.landing)):
        typer.echo(f"{count} packed raw files were put back into {settings.landing}", err=True)
    with _connection("quarantine: files to replay") as connection:
        hashes = {feed: feeds.rules_hash(feed) for feed in feeds.names}
        files = files_to_replay(connection, feed=source, path=file, everything=everything, hashes=hashes)
    if not files:
        _stop("no file to replay; give --all for those without a quarantined record", NO_DATA)
    console, problems = _console(), 0
    table = Table(title_justify="left", header_style="bold")
    for name in ("file", "loaded", "quarantined", "duplicates"):
        table.add_column(name, overflow="fold", justify="left" if name == "file" else "right")
    for done in run(_warehouse(), settings.landing, files, feeds=feeds, dry_run=dry_run):
        if done.problem is not None:
            problems += 1
            typer.echo(f"xbec: {_visible(done.problem)}", err=True)
        else:
            table.add_row(escape(_visible(done.file.path)), *_changes(done))
    console.print(table)
    console.print(
        "nothing was written" if dry_run else "facts and marts follow with the next run", style="dim"
    )
    if problems:
        raise typer.Exit(FAILED)


def _changes(done: Any) -> list[str]:
    """Each count before and, where it changed, after."""
    names = ("rows_loaded", "rows_quarantined", "rows_duplicate")
    pairs = [(getattr(done.before, name), getattr(done.after, name)) for name in names]
    cells = [f"{old:,}" if old == new else f"{old:,} -> {new:,}" for old, new in pairs]
    if done.before.status != done.after.status:
        cells[0] += f" ({done.before.status} -> {done.after.status})"
    return cells


def _visible(text: str) -> str:
    from xbec_platform.ingest.quarantine import visible

    return visible(text)


def _home_folder() -> Path | None:
    from xbec_platform.ingest.feeds import Feeds

    return Feeds.of_home(_settings().home).folder


def _warehouse() -> Any:
    from xbec_platform.warehouse.database import Warehouse

    settings = _settings()
    if not settings.warehouse.is_file():
        _stop_empty()
    return Warehouse.of(settings)


@contextmanager
def _connection(purpose: str) -> Iterator[Any]:
    """The warehouse, once an intake has run."""
    from xbec_platform.warehouse.database import missing_tables

    with _warehouse().connect(purpose) as connection:
        if missing_tables(connection, ["ops.file_manifest"]):
            _stop_empty()
        yield connection


def _stop_empty() -> None:
    settings = _settings()
    _stop(
        f"{settings.home} has taken in no file yet: land files in {settings.landing}, then xbec backfill; "
        "make run makes a demo",
        NO_DATA,
    )


def _stop(message: str, code: int) -> Any:
    typer.echo(f"xbec: {_visible(message)}", err=True)
    raise typer.Exit(code)
