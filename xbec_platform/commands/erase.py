"""`xbec erase`: forget a person, show what that would change, search for one who was forgotten, clean late files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xbec_platform.commands.home import FAILED, NO_DATA, USAGE
from xbec_platform.commands.home import console as _console
from xbec_platform.commands.home import settings as _settings
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    from xbec_platform.erasure.erase import ErasureReport, Plan
    from xbec_platform.erasure.landing_rewrite import Rewrite


def erase(
    person: Annotated[
        str | None, typer.Argument(help="customer_id, e-mail address, or its hash as delivered")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only list what would change")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="only search tables and files for the person")
    ] = False,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="keep out of later files, though unknown")
    ] = False,
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="only take the forgotten out of files that landed later; no person"),
    ] = False,
) -> None:
    """Forget a person everywhere: landing files, tables, models, exports, pages, logs; and keep the person out.

    Rows the law wants kept lose the person and keep their amounts. Everything is rebuilt and searched afterwards.
    """
    from xbec_platform.erasure.identity import AmbiguousPersonError, UnknownPersonError

    if (person is None) != sweep or dry_run + verify + sweep > 1:
        raise typer.BadParameter("give a person, or --sweep alone; of --dry-run, --verify and --sweep one")
    settings = _settings()
    try:
        if person is None:
            _sweep(settings)
        elif verify:
            _verify(settings, person)
        elif dry_run:
            _plan(settings, person, unknown=unknown)
        else:
            _erase(settings, person, unknown=unknown)
    except UnknownPersonError as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(NO_DATA) from error
    except AmbiguousPersonError as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(USAGE) from error


def _plan(settings: Settings, name: str, *, unknown: bool) -> None:
    from xbec_platform.erasure.erase import plan_erasure

    plan = plan_erasure(settings, name, unknown_is_fine=unknown)
    console = _console()
    _print_tables(plan.mentions.tables, console, "Rows that mention the person")
    _print_files(plan, settings.home, console)
    person = plan.person
    console.print(
        f"{len(person.own)} identifiers of the person's own, {len(person.shared)} shared with others (their rows "
        f"stay), {len(person.dropped)} used by too many to mean anybody; {len(person.orders)} orders are kept "
        "without the person"
    )
    for one in [*person.shared, *person.dropped]:
        console.print(f"  shared: {one.kind} {escape(one.value)}")
    console.print(f"answers requests: {', '.join(map(escape, plan.requests)) or 'none landed'}")
    console.print("nothing was changed")


def _erase(settings: Settings, name: str, *, unknown: bool) -> None:
    from xbec_platform.erasure.erase import ErasureIncompleteError, open_order, work_off

    open_order(settings, name, unknown_is_fine=unknown)
    # Dagster is imported only once it is known that there is somebody to erase.
    from xbec_platform.main_job import run_jobs

    done_ts = datetime.now(UTC).replace(tzinfo=None)
    try:
        report = work_off(settings, rebuild=lambda: run_jobs(settings).succeeded, done_ts=done_ts)
    except ErasureIncompleteError as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(FAILED) from error
    if report is not None:
        _print_report(report, _console())


def _verify(settings: Settings, name: str) -> None:
    from xbec_platform.erasure.proof import described, search
    from xbec_platform.ingest.suppression_file import load_suppression

    found = search(settings, load_suppression(settings.home), [name])
    for line in described(found, settings.home):
        typer.echo(line)
    for path, cause in found.unreadable.items():
        typer.echo(f"cannot be looked into: {path.relative_to(settings.home)}: {cause}")
    if not found.is_clean:
        raise typer.Exit(FAILED)
    typer.echo("found nowhere: no text column of any table, no byte of any file that can be looked into")


def _sweep(settings: Settings) -> None:
    from xbec_platform.erasure.sweep import QUIET, sweep, unswept
    from xbec_platform.ingest.suppression_file import load_suppression

    now = datetime.now(UTC).replace(tzinfo=None)
    rewrite = sweep(settings, now)
    for name in rewrite.changed:
        typer.echo(f"rewritten: landing/{name}")
    _print_unreadable(rewrite, _console())
    typer.echo(f"{len(rewrite.looked_at)} landing files looked at, {len(rewrite.changed)} rewritten")
    fresh = unswept(settings, load_suppression(settings.home), now + QUIET)
    if fresh:
        typer.echo(
            f"{len(fresh)} files that changed within {QUIET.seconds // 60} minutes may still be written to and were "
            "left; sweep again later"
        )


def _print_tables(tables: dict[str, int], console: Console, title: str) -> None:
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("table")
    table.add_column("rows", justify="right")
    for name, rows in tables.items():
        table.add_row(name, f"{rows:,}")
    console.print(table)


def _print_files(plan: "Plan", home: Path, console: Console) -> None:
    table = Table(title="Files that would be rewritten", title_justify="left", header_style="bold")
    table.add_column("file", overflow="fold")
    table.add_column("mentions", justify="right")
    mentions = {path.relative_to(home).as_posix(): count for path, count in plan.mentions.files.items()}
    for path in sorted({*mentions, *(f"landing/{name}" for name in plan.landing.changed)}):
        table.add_row(escape(path), str(mentions.get(path, "by order")))
    console.print(table)
    _print_unreadable(plan.landing, console)


def _print_unreadable(rewrite: "Rewrite", console: Console) -> None:
    for name, cause in rewrite.unreadable:
        console.print(f"cannot be looked into: landing/{escape(name)}: {escape(cause)}")


def _print_report(report: "ErasureReport", console: Console) -> None:
    _print_tables(dict(report.tables), console, "Rows that mentioned the person")
    console.print(
        f"{len(report.landing.changed)} landing files rewritten; {sum(report.exports.values())} rows left out of "
        f"older exports; {sum(report.texts.values())} mentions replaced in pages, logs and Dagster's storage; "
        f"database file {report.size_before / 1e6:.1f} -> {report.size_after / 1e6:.1f} MB"
    )
    for path, cause in report.after.unreadable.items():
        console.print(f"cannot be looked into, decide yourself: {escape(str(path))}: {escape(cause)}")
    console.print("searched afterwards: found nowhere")
