"""`xbec retention`: what of a home may go by age, and letting it go."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from xbec_platform.commands.home import FAILED, USAGE
from xbec_platform.commands.home import console as _console
from xbec_platform.commands.home import settings as _settings
from xbec_platform.operations.retention import Ages

if TYPE_CHECKING:
    from xbec_platform.operations.retention_run import Plan

_USUAL = Ages()


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only tell what would go")] = False,
    archive_files: Annotated[
        int, typer.Option(help="pack raw files that landed so many days ago; 0: never")
    ] = _USUAL.archive_files,
    exports: Annotated[
        int, typer.Option(help="remove exports so many days old, not the newest; 0: never")
    ] = _USUAL.exports,
    logs: Annotated[
        int, typer.Option(help="remove what runs wrote so many days ago to standard output; 0: never")
    ] = _USUAL.logs,
    runs: Annotated[
        int, typer.Option(help="remove runs so many days old, unless they are the last word on something")
    ] = _USUAL.runs,
    restore: Annotated[bool, typer.Option("--restore", help="put all packed raw files back instead")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the dry run as JSON")] = False,
) -> None:
    """Let old things go: raw files into archives with their hashes, old exports, outputs and runs; compact the files.

    Nothing that a replay needs is lost: archives hold every byte, and --restore puts them back.
    """
    from xbec_platform.ingest.archive import ArchiveError
    from xbec_platform.ingest.archive import restore as put_back
    from xbec_platform.instance import open_instance
    from xbec_platform.operations.retention_run import let_go, look

    settings = _settings()
    if restore:
        try:
            typer.echo(
                f"{put_back(settings.home, settings.landing)} raw files are back in {settings.landing}"
            )
        except ArchiveError as error:
            typer.echo(f"xbec: {error}", err=True)
            raise typer.Exit(FAILED) from error
        return
    try:
        ages = Ages(archive_files, exports, logs, runs)
    except ValueError as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(USAGE) from error
    instance = open_instance(settings)
    try:
        now = datetime.now(UTC).replace(tzinfo=None)
        plan = look(settings, instance, ages, now)
        _show(plan, as_json=as_json)
        if not dry_run:
            done = let_go(settings, instance, plan, lambda text: typer.echo(text, err=True))
            typer.echo(f"{done.bytes_freed:,} bytes freed")
            for sentence in done.left:
                typer.echo(f"left: {sentence}", err=True)
    finally:
        instance.dispose()


def _show(plan: "Plan", *, as_json: bool) -> None:
    from xbec_platform.operations.retention_run import described, size_of

    def sizes(folders: Iterable[Path]) -> int:
        return sum(size_of(folder) for folder in folders)

    lines = described(plan, sizes)
    if as_json:
        typer.echo(json.dumps([{"what": what, "count": count, "how": how} for what, count, how in lines]))
        return
    table = Table(title="What may go", title_justify="left", header_style="bold")
    for name in ("what", "how many", "how"):
        table.add_column(name, justify="right" if name == "how many" else "left")
    for what, count, how in lines:
        table.add_row(what, f"{count:,}", how)
    _console().print(table)
