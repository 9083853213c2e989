"""What every command needs: the home the environment names, the console, the exit codes. No command is defined here."""

import sys
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from xbec_platform.settings import Settings, SettingsError, postgres_url

FAILED, USAGE, NO_DATA = 1, 2, 3


class Commands(TyperGroup):
    """Commands that say in a line what whoever calls them can mend.

    That is a fault in the files by which a home is told what to do (mappings, `reading.yml`, the list of erased
    people), and a database file that somebody else has or that cannot be read.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except typer.Exit:
            raise
        except Exception as error:
            message, code = _told(error)
            if not message:
                raise
            typer.echo(f"xbec: {message}", err=True)
            raise typer.Exit(code) from error


def _told(error: Exception) -> tuple[str, int]:
    """What to say and the exit code; nothing where only a programmer can help."""
    import duckdb

    from xbec_platform.ingest.contracts import ContractError
    from xbec_platform.ingest.suppression_file import SuppressionError
    from xbec_platform.warehouse.lock import WarehouseBusyError

    if isinstance(error, WarehouseBusyError):
        return str(error), FAILED
    if isinstance(error, ContractError | SuppressionError):
        return str(error), USAGE
    if isinstance(error, duckdb.IOException):
        return f"the warehouse cannot be read, xbec doctor says more: {error}", FAILED
    return "", FAILED


def settings() -> Settings:
    """The home the environment names; a setting that cannot be used ends the command with its cause."""
    try:
        found = Settings.from_env()
        if found.dagster_storage == "postgres":
            postgres_url()
    except SettingsError as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(USAGE) from error
    return found


def require_table(home: Settings, table: str, what: str, job: str) -> None:
    """End the command where a table of the home has not been made yet, with the job that makes it."""
    from xbec_platform.operations.read_only import looking, tables_there

    if home.warehouse.is_file():
        with looking(home, "xbec") as connection:
            if table in tables_there(connection):
                return
    typer.echo(f"xbec: no {what} yet; run the job {job} (make run does)", err=True)
    raise typer.Exit(NO_DATA)


def console() -> Console:
    """Standard output; a pipe or a log file has no width of its own, and 80 columns fold every table."""
    return Console() if sys.stdout.isatty() else Console(width=200)
