"""What every command needs: the home the environment names, and the exit codes. No command is defined here."""

import typer

from xbec_platform.settings import Settings, SettingsError

FAILED, USAGE, NO_DATA = 1, 2, 3


def settings() -> Settings:
    """The home the environment names; a setting that cannot be used ends the command with its cause."""
    try:
        return Settings.from_env()
    except SettingsError as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(USAGE) from error
