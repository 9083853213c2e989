"""The shape of every sensor: one look at a home per tick, with a JSON cursor, never longer than a tick may take.

What is looked at belongs to the sensor's own module.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from xbec_platform.automation.jobs import build_jobs
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.lock import WarehouseBusyError

# A tick has 60 s; a file that is held longer is looked at in the next one.
WAIT_S = 5
NOTHING_LOADED = "nothing has been loaded yet"


@dataclass(frozen=True)
class Tick:
    """What a look gets.

    Attributes:
        settings: The home.
        instance: Dagster's storage.
        memory: What the last look left; empty for a new or lost cursor.
        now: UTC, without zone.
    """

    settings: Settings
    instance: dg.DagsterInstance
    memory: Mapping[str, Any]
    now: datetime

    @property
    def warehouse(self) -> Warehouse:
        """The live file, with the patience of a tick."""
        return Warehouse.of(self.settings, wait_s=WAIT_S)

    @property
    def file_state(self) -> list[int]:
        """Changes with every write into the warehouse: an unchanged one need not be opened."""
        facts = self.settings.warehouse.stat()
        return [facts.st_mtime_ns, facts.st_size]


@dataclass(frozen=True)
class Look:
    """What came of a look.

    Attributes:
        note: What is said when no run is asked for.
        requests: Runs asked for.
        memory: For the next look; None keeps the present one.
        events: States of asset checks that are told without a run.
    """

    note: str
    requests: tuple[dg.RunRequest, ...] = ()
    memory: Mapping[str, Any] | None = field(default=None)
    events: tuple[dg.AssetCheckEvaluation, ...] = ()


def build_sensor(
    settings: Settings,
    name: str,
    look: Callable[[Tick], Look],
    *,
    description: str,
    interval_s: int,
    jobs: tuple[str, ...] = (),
    needs_warehouse: bool = True,
) -> dg.SensorDefinition:
    """A sensor of a home.

    Args:
        settings: The home.
        name: As it is switched on.
        look: One tick's work.
        description: For the UI.
        interval_s: Least time between two ticks.
        jobs: Those it asks for; none for a sensor that only writes down.
        needs_warehouse: Before the first load there is nothing to look at, and a look would create the file.
    """

    @dg.sensor(
        name=name,
        jobs=[job for job in build_jobs() if job.name in jobs] or None,
        minimum_interval_seconds=interval_s,
        default_status=sensor_status(settings),
        description=description,
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if needs_warehouse and not settings.warehouse.is_file():
            return dg.SkipReason(NOTHING_LOADED)
        memory = _memory(context.cursor)
        tick = Tick(settings, context.instance, memory, datetime.now(UTC).replace(tzinfo=None))
        try:
            found = look(tick)
        except WarehouseBusyError as error:
            return dg.SkipReason(f"looked away, the next tick looks again: {error}")
        if found.memory is not None and found.memory != memory:
            # Not in the result as well: Dagster refuses a tick that says both.
            context.update_cursor(json.dumps(found.memory, sort_keys=True))
        if found.events:
            return dg.SensorResult(run_requests=list(found.requests), asset_events=list(found.events))
        if not found.requests:
            return dg.SkipReason(found.note)
        return dg.SensorResult(run_requests=list(found.requests))

    return sensor


def sensor_status(settings: Settings) -> dg.DefaultSensorStatus:
    """Stopped until the home's choice `automation` says otherwise; a person's own choice in the UI comes first."""
    return dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED


def schedule_status(settings: Settings) -> dg.DefaultScheduleStatus:
    """As `sensor_status`."""
    return dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED


def _memory(cursor: str | None) -> dict[str, Any]:
    """What a cursor holds; one that cannot be read counts as lost, which every sensor bears."""
    try:
        found = json.loads(cursor or "{}")
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
