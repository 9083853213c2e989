"""`xbec queue`: who has the database file, since when, and who waits for it."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from xbec_platform.commands.home import console as _console
from xbec_platform.commands.home import settings as _settings
from xbec_platform.warehouse.queue import tickets


def queue(as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False) -> None:
    """Tell who has the database file and who waits for it; nobody is kept waiting and nothing is changed.

    Readers of published.duckdb are in no queue: they never wait.
    """
    settings = _settings()
    living = [one for one in tickets(settings.warehouse) if one.is_alive]
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in living], indent=2))
        return
    if not living:
        typer.echo(f"nobody has {settings.warehouse}, nobody waits")
        return
    table = Table(title=str(settings.warehouse), title_justify="left", header_style="bold")
    for name in ("process", "wants the file for", "came", "state"):
        table.add_column(name, overflow="fold")
    for one in living:
        state = f"has it since {one.held_s:,.0f} s" if one.held_s is not None else "waits"
        table.add_row(str(one.process), escape(one.purpose), f"{one.since_s:,.0f} s ago", state)
    _console().print(table)
    typer.echo(f"a wait ends after {settings.lock_wait_s:,} s at the latest (XBEC_LOCK_WAIT_S)")
