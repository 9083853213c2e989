"""Sensors that start no run: what they find becomes alerts. The numbers come from tables, the limits from `watches`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from xbec_platform.automation.ticks import Look, Tick, build_sensor
from xbec_platform.operations.alerts.ledger import Kind
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import duckdb

    from xbec_platform.operations.alerts.levels import Reading

# A flood is told in portions, worst first.
MAX_ALERTS_PER_TICK = 500
# Files of alerts that a crash kept from being written are made good this long.
RECENT = timedelta(days=7)


@dataclass(frozen=True)
class AlertWatch:
    """A thing that is watched.

    Attributes:
        kind: How its alerts behave; its name is the sensor's.
        tables: What must be there before anything can be read.
        read: All readings of the newest day.
        interval_s: Least time between two looks.
        description: For the UI.
    """

    kind: Kind
    tables: tuple[str, ...]
    read: "Callable[[duckdb.DuckDBPyConnection], list[Reading]]"
    interval_s: int
    description: str


def build_alert_sensor(settings: Settings, watch: AlertWatch) -> dg.SensorDefinition:
    """One sensor for one watch."""
    return build_sensor(
        settings,
        watch.kind.name,
        lambda tick: look(tick, watch),
        description=watch.description,
        interval_s=watch.interval_s,
    )


def look(tick: Tick, watch: AlertWatch) -> Look:
    """Read, store, hand on. An unchanged warehouse is not opened; what the webhook did not take is tried again."""
    from xbec_platform.operations.alerts.ledger import raised_since, record
    from xbec_platform.operations.alerts.outbox import deliver, hand_on
    from xbec_platform.warehouse.database import missing_tables

    if tick.memory.get("seen") == tick.file_state:
        return Look(_said("nothing has changed", deliver(tick.settings)))
    with tick.warehouse.transaction(f"sensor {watch.kind.name}") as connection:
        missing = missing_tables(connection, watch.tables)
        if missing:
            return Look(f"waits for {', '.join(missing)}")
        decision = record(
            connection, watch.kind, watch.read(connection), now=tick.now, limit=MAX_ALERTS_PER_TICK
        )
        recent = raised_since(connection, watch.kind, tick.now - RECENT)
    hand_on(tick.settings, recent)
    note = f"{len(decision.raised)} alerts raised, {len(decision.cleared)} cleared"
    if decision.waiting:
        note += f", {decision.waiting} more in the next tick"
    memory = {} if decision.waiting else {"seen": tick.file_state}
    return Look(_said(note, deliver(tick.settings)), memory=memory)


def _said(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
