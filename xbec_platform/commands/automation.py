"""`xbec automation`: one switch for all schedules and sensors of a home."""

from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from xbec_platform.commands.home import console as _console
from xbec_platform.commands.home import settings as _settings
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    from dagster._core.scheduler.instigation import InstigatorTick


class Switch(StrEnum):
    """What to do with all of them."""

    on = "on"
    off = "off"
    status = "status"


def automation(switch: Annotated[Switch, typer.Argument(help="on, off, or status")] = Switch.status) -> None:
    """Switch all schedules and sensors of the home on or off, or say which are on.

    The choice stands in home.yml. One that a person switched in the UI keeps that state until it is reset there.
    """
    settings = _settings()
    if switch is not Switch.status:
        settings = replace(settings, automation=switch is Switch.on)
        settings.save()
        typer.echo(
            f"automation is {switch} for {settings.home}; reload the code location in a UI that runs",
            err=True,
        )
    _print_status(settings)


def _print_status(settings: Settings) -> None:
    """Each schedule and sensor, its state, and what it said last."""
    from xbec_platform.automation.schedules import CLOCKS, build_schedules
    from xbec_platform.automation.sensors import build_sensors
    from xbec_platform.instance import open_instance

    table = Table(title_justify="left", header_style="bold")
    for column in ("name", "when", "state", "last tick", "what it does"):
        table.add_column(column, overflow="fold")
    crons = {clock.name: clock.cron for clock in CLOCKS}
    instance = open_instance(settings)
    try:
        stored = {state.name: state for state in instance.all_instigator_state()}
        schedules, sensors = build_schedules(settings), build_sensors(settings)
        rows = [(one.name, crons[one.name], one.description) for one in schedules]
        rows += [(one.name, f"every {one.minimum_interval_seconds} s", one.description) for one in sensors]
        for name, when, description in rows:
            state = stored.get(name)
            by_hand = state is not None and state.status.value != "DECLARED_IN_CODE"
            is_on = state.is_running if state is not None and by_hand else settings.automation
            ticks = (
                instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1) if state else []
            )
            on = ("on" if is_on else "off") + (" (by hand)" if by_hand else "")
            table.add_row(name, when, on, _told(ticks[0]) if ticks else "never", description or "")
    finally:
        instance.dispose()
    _console().print(table)


def _told(tick: "InstigatorTick") -> str:
    """When a tick was, how it ended, and what it said."""
    moment = datetime.fromtimestamp(tick.timestamp, UTC)
    said = f": {tick.skip_reason}" if tick.skip_reason else ""
    return f"{moment:%Y-%m-%d %H:%M} {tick.status.value.lower()}{said}"
