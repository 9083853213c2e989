"""`xbec metrics`: figures of the platform for Prometheus, as text or in a file that its agent reads."""

import os
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from xbec_platform.commands.home import FAILED, NO_DATA, USAGE
from xbec_platform.commands.home import settings as _settings


def metrics(
    out: Annotated[
        Path | None, typer.Option(help="file to replace, as *.prom of the textfile collector; else printed")
    ] = None,
) -> None:
    """Tell Prometheus what assets cost, how fresh they are, and what is wrong; nothing listens, nothing is sent.

    While a run has the database file nothing is written: the file keeps its time, and the next call makes it good.
    """
    from xbec_platform.operations import read_only
    from xbec_platform.operations.metrics import metrics_text, read_figures
    from xbec_platform.warehouse.lock import WarehouseBusyError
    from xbec_platform.warehouse.queue import tickets

    settings = _settings()
    if find_spec("prometheus_client") is None:
        typer.echo("xbec: install the extra, .venv/bin/uv pip install --editable '.[metrics]'", err=True)
        raise typer.Exit(USAGE)
    if not settings.warehouse.is_file():
        typer.echo(f"xbec: {settings.warehouse} is not there yet: nothing has been loaded", err=True)
        raise typer.Exit(NO_DATA)
    waiting = sum(one.is_alive and one.held_s is None for one in tickets(settings.warehouse))
    try:
        with read_only.looking(settings, "metrics", wait_s=read_only.WAIT_S) as connection:
            size = settings.warehouse.stat().st_size
            figures = read_figures(connection, warehouse_bytes=size, waiting=waiting)
    except WarehouseBusyError as error:
        typer.echo(f"xbec: nothing written, the next call looks again: {error}", err=True)
        raise typer.Exit(FAILED) from error
    text = metrics_text(figures, datetime.now(UTC))
    if out is None:
        typer.echo(text, nl=False)
        return
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(out)
