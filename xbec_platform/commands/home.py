"""What every command needs: the home the environment names, the console, the exit codes. No command is defined here."""

import sys

import typer
from rich.console import Console

from xbec_platform.settings import Settings, SettingsError, postgres_url

FAILED, USAGE, NO_DATA = 1, 2, 3


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


def console() -> Console:
    """Standard output; a pipe or a log file has no width of its own, and 80 columns fold every table."""
    return Console() if sys.stdout.isatty() else Console(width=200)
