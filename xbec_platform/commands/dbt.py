"""`xbec dbt`: dbt on this home, waiting its turn for the database file like everybody else."""

import os
import subprocess
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import typer

from xbec_platform.commands.home import FAILED
from xbec_platform.commands.home import settings as _settings
from xbec_platform.dbt_program import PROJECT_DIR, VARIABLE_PREFIX, dbt_executable
from xbec_platform.settings import Settings

# They read the project only.
_OPEN_NOTHING = frozenset({"clean", "deps", "init", "list", "ls", "parse"})
_PLACES = ("--project-dir", "--profiles-dir", "--target-path", "--log-path")


def dbt(context: typer.Context) -> None:
    """Run dbt on this home: xbec dbt build --select fct_order+, xbec dbt show --inline "select ...", and so on.

    All arguments are dbt's own. Without --vars the models cover all days.
    """
    from xbec_platform.warehouse.database import Warehouse
    from xbec_platform.warehouse.lock import WarehouseBusyError

    settings = _settings()
    settings.announce()
    os.environ[f"{VARIABLE_PREFIX}BASE_CURRENCY"] = settings.base_currency
    asked = context.args
    opens_nothing = not asked or asked[0] in _OPEN_NOTHING or asked[0].startswith("-")
    purpose = f"xbec dbt {' '.join(asked)}"
    try:
        with nullcontext() if opens_nothing else Warehouse.of(settings).lent(purpose):
            done = subprocess.run(arguments(asked, settings), check=False)  # noqa: S603 - our own dbt
    except WarehouseBusyError as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(FAILED) from error
    raise typer.Exit(done.returncode)


def arguments(asked: Sequence[str], settings: Settings) -> list[str]:
    """The call of dbt: what was asked for, and the platform's places where none are given."""
    if not asked or asked[0].startswith("-"):
        return [dbt_executable(), *asked]
    places: dict[str, Path] = dict.fromkeys(_PLACES[:2], PROJECT_DIR) | dict.fromkeys(
        _PLACES[2:], settings.dbt_target
    )
    given = {word.partition("=")[0] for word in asked}
    added = [part for name, place in places.items() if name not in given for part in (name, str(place))]
    return [dbt_executable(), *asked, *added]
