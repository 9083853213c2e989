"""Sensors that start no run: what they find becomes alerts. The numbers come from tables, the limits from `watches`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from xbec_platform.automation.ticks import Look, Tick, build_sensor
from xbec_platform.checks.verdict import verdict_metadata
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
        check: Asset check that fails while something is to be raised: its state is told without a run. Such a watch
            goes by the clock too, so that an unchanged warehouse is looked into as well.
    """

    kind: Kind
    tables: tuple[str, ...]
    read: "Callable[[duckdb.DuckDBPyConnection, Tick], list[Reading]]"
    interval_s: int
    description: str
    check: tuple[dg.AssetKey, str] | None = None


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

    if watch.check is None and tick.memory.get("seen") == tick.file_state:
        return Look(_said("nothing has changed", deliver(tick.settings)))
    with tick.warehouse.transaction(f"sensor {watch.kind.name}") as connection:
        missing = missing_tables(connection, watch.tables)
        if missing:
            return Look(f"waits for {', '.join(missing)}")
        readings = watch.read(connection, tick)
        decision = record(connection, watch.kind, readings, now=tick.now, limit=MAX_ALERTS_PER_TICK)
        recent = raised_since(connection, watch.kind, tick.now - RECENT)
    hand_on(tick.settings, recent)
    note = f"{len(decision.raised)} alerts raised, {len(decision.cleared)} cleared"
    if decision.waiting:
        note += f", {decision.waiting} more in the next tick"
    memory: dict[str, object] = {} if decision.waiting else {"seen": tick.file_state}
    events: tuple[dg.AssetCheckEvaluation, ...] = ()
    if watch.check is not None:
        faults = sorted(one.text for one in readings if one.value >= one.raise_at)
        memory |= {"faults": faults}
        if tick.memory.get("faults") != faults:
            events = (_evaluation(*watch.check, faults),)
    return Look(_said(note, deliver(tick.settings)), memory=memory, events=events)


def _evaluation(key: dg.AssetKey, name: str, faults: list[str]) -> dg.AssetCheckEvaluation:
    """The state of a check, in the form that checks of runs have."""
    shown = verdict_metadata([(fault,) for fault in faults])
    warn = dg.AssetCheckSeverity.WARN
    return dg.AssetCheckEvaluation(
        asset_key=key, check_name=name, passed=not faults, severity=warn, metadata=shown, blocking=False
    )


def _said(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
