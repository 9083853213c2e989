"""`xbec dbt`: dbt on this home, waiting its turn for the database file like everybody else."""

import os
import subprocess
from collections.abc import Mapping
from contextlib import nullcontext

import typer

from xbec_platform.commands.home import settings as _settings
from xbec_platform.dbt_program import PROJECT_DIR, VARIABLE_PREFIX, dbt_executable
from xbec_platform.settings import Settings

# They read the project only.
_OPEN_NOTHING = frozenset({"clean", "deps", "init", "list", "ls", "parse"})


def dbt(context: typer.Context) -> None:
    """Run dbt on this home: xbec dbt build --select fct_order+, xbec dbt show --inline "select ...", and so on.

    All arguments are dbt's own. Without --vars the models cover all days.
    """
    from xbec_platform.warehouse.database import Warehouse

    settings = _settings()
    settings.announce()
    os.environ[f"{VARIABLE_PREFIX}BASE_CURRENCY"] = settings.base_currency
    asked = context.args
    opens_nothing = not asked or asked[0] in _OPEN_NOTHING or asked[0].startswith("-")
    purpose = f"xbec dbt {' '.join(asked)}"
    with nullcontext() if opens_nothing else Warehouse.of(settings).lent(purpose):
        done = subprocess.run(  # noqa: S603 - our own dbt
            [dbt_executable(), *asked], check=False, env=environment(settings, os.environ)
        )
    raise typer.Exit(done.returncode)


def environment(settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
    """What dbt is started with: the platform's places, where neither `given` nor an argument names others.

    As variables, since some commands (debug) refuse the same places as arguments.
    """
    return {
        "DBT_PROJECT_DIR": str(PROJECT_DIR),
        "DBT_PROFILES_DIR": str(PROJECT_DIR),
        "DBT_TARGET_PATH": str(settings.dbt_target),
        "DBT_LOG_PATH": str(settings.dbt_target),
        **given,
    }
