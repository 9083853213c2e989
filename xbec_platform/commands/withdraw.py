"""`xbec withdraw`: take a delivered file back, or give it again. The next intake moves the rows."""

from pathlib import Path
from typing import Annotated

import typer

from xbec_platform.commands.home import USAGE, settings


def withdraw(
    file: Annotated[Path, typer.Argument(help="landed file, such as orders/dt=2026-01-31/orders.csv")],
    why: Annotated[str, typer.Option(help="reason, kept beside the file")] = "no reason given",
    undo: Annotated[bool, typer.Option("--undo", help="give the file again")] = False,
) -> None:
    """Take a file back that should not have been delivered; its rows go out with the next run of its day."""
    from xbec_platform.ingest.withdrawal import WithdrawalError, give_again, take_back

    home = settings()
    try:
        landed = give_again(home.landing, file) if undo else take_back(home.landing, file, why)
    except WithdrawalError as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(USAGE) from error
    done = "is given again" if undo else "is taken back"
    day = landed.parent.name.removeprefix("dt=")
    typer.echo(
        f"{landed.name} {done}; the landing sensor or a run of the job intake_and_facts for {day} follows"
    )
