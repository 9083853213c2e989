"""The landing sensor: new or corrected files ask for the run that loads them. It opens no database."""

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from xbec_platform.automation.jobs import INTAKE_AND_FACTS
from xbec_platform.automation.ticks import Look, Tick, build_sensor
from xbec_platform.partitions import daily, days, range_tags, windows
from xbec_platform.settings import Settings

NAME = "landing_files"
INTERVAL_S = 30
# A flood of days comes in portions, newest first; neighbouring days share a run, as a start costs about 9 CPU s.
MAX_DAYS_PER_TICK = 30


def build_landing_sensor(settings: Settings) -> dg.SensorDefinition:
    """Watch `landing/` of the home."""
    return build_sensor(
        settings,
        NAME,
        look,
        description="Loads drop days whose files are new or changed, once they are the same in two ticks.",
        interval_s=INTERVAL_S,
        jobs=(INTAKE_AND_FACTS,),
        needs_warehouse=False,
    )


def look(tick: Tick) -> Look:
    """Ask for drop days whose files have been quiet for one tick.

    The run key holds the files' state: Dagster drops a key it has seen for ever, and a corrected file must run again.
    """
    partitions = daily(tick.settings)
    seen_before, asked_before = tick.memory.get("seen", {}), tick.memory.get("asked", {})
    seen = day_states(tick.settings.landing)
    due = [
        day for day, state in seen.items() if seen_before.get(day) == state and asked_before.get(day) != state
    ]
    known = sorted((day for day in due if partitions.has_partition_key(day)), reverse=True)
    chosen = known[:MAX_DAYS_PER_TICK]
    memory = {"seen": seen, "asked": asked_before | {day: seen[day] for day in chosen}}
    outside = sorted(set(due) - set(known))
    note = (
        f"drop days outside this home's days: {', '.join(outside[:5])}"
        if outside
        else "nothing new is complete"
    )
    spans = windows([*map(date.fromisoformat, chosen)])
    return Look(note, requests=tuple(_request(start, end, seen) for start, end in spans), memory=memory)


def _request(start: date, end: date, seen: Mapping[str, str]) -> dg.RunRequest:
    """One run over neighbouring days."""
    states = " ".join(seen[day.isoformat()] for day in days(start, end))
    key = f"landing:{start}..{end - timedelta(days=1)}:{hashlib.sha256(states.encode()).hexdigest()[:16]}"
    return dg.RunRequest(run_key=key, tags=range_tags(start, end))


def day_states(landing: Path) -> dict[str, str]:
    """Drop day -> digest over names, sizes and times of change of its complete files."""
    from xbec_platform.ingest.landing import is_passed_over

    states: dict[str, list[str]] = {}
    for path in sorted(landing.glob("*/dt=*/*")):
        if path.is_file() and not is_passed_over(path.name):
            facts = path.stat()
            line = f"{path.relative_to(landing).as_posix()} {facts.st_size} {facts.st_mtime_ns}"
            states.setdefault(path.parent.name.removeprefix("dt="), []).append(line)
    return {day: hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] for day, lines in states.items()}
