"""The sensor of changed rules: first the list of what a new version concerns, at the next tick the runs.

Tariffs, stages, modes and seeds concern the days of their validity, which are rebuilt. Screening rules concern landed
files: these wait for a person, since a replay can take rows out of tables.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from xbec_platform.automation.alert_sensors import RECENT
from xbec_platform.automation.asking import Want, ask
from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS, LOGISTICS
from xbec_platform.automation.ticks import Look, Tick, build_sensor
from xbec_platform.operations.alerts.ledger import Kind
from xbec_platform.operations.alerts.levels import Reading
from xbec_platform.operations.rule_versions import (
    RuleChange,
    Stale,
    listed_changes,
    seed_rows,
    source_rows,
    stale_screenings,
    take_over,
)
from xbec_platform.partitions import range_tags
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import duckdb

NAME = "rule_change"
INTERVAL_S = 3600
# A person who reads the list has this long to stop the sensor; then the runs are asked for.
NOTICE = timedelta(minutes=30)
HORIZON = timedelta(days=30)
MAX_RUNS_PER_TICK = 3
KIND = Kind(NAME, is_absence_good=True, rings_once=True)
# What follows from each landed source of rules. Seeds are part of facts and marts.
JOB_OF_SOURCE = {
    "tariff_rules": LOGISTICS,
    "operation_modes": LOGISTICS,
    "restricted_items": LOGISTICS,
    "process_stages": INTAKE_AND_FACTS,
    "cluster_promotions": DECISIONS,
}


def build_rule_sensor(settings: Settings) -> dg.SensorDefinition:
    """Watch rule sources, seeds and screening rules."""
    return build_sensor(
        settings,
        NAME,
        look,
        description=(
            "Lists the days that a new version of tariffs, stages, modes, decisions on groups or seeds concerns, as an "
            "alert, and half an hour later asks for their rebuild. Changed screening rules are listed only: xbec "
            "quarantine replay."
        ),
        interval_s=INTERVAL_S,
        jobs=(INTAKE_AND_FACTS, LOGISTICS, DECISIONS),
    )


def look(tick: Tick) -> Look:
    """List new changes, and ask for the rebuild of those that were listed before."""
    from xbec_platform.ingest.feeds import Feeds
    from xbec_platform.operations.alerts.ledger import raised_since, record
    from xbec_platform.operations.alerts.outbox import deliver, hand_on

    feeds = Feeds.of_home(tick.settings.home)
    with tick.warehouse.transaction(f"sensor {NAME}") as connection:
        versions = {source: source_rows(connection, source) for source in JOB_OF_SOURCE}
        versions |= {f"seed {path.stem}": seed_rows(path) for path in _seeds()}
        built = _built_days(connection, tick.settings, tick.now)
        take_over(connection, versions, days=built, now=tick.now)
        listed = listed_changes(connection, tick.now - HORIZON)
        readings = [_listed(change) for change in listed]
        stale = stale_screenings(connection, feeds.names, feeds.rules_hash)
        readings += [_replay(one) for one in stale]
        decision = record(connection, KIND, readings, now=tick.now, limit=100)
        recent = raised_since(connection, KIND, tick.now - RECENT)
    hand_on(tick.settings, recent)
    said = deliver(tick.settings)
    due = [change for change in listed if change.listed_ts <= tick.now - NOTICE]
    asked = ask(tick.instance, NAME, [_want(change) for change in due], limit=MAX_RUNS_PER_TICK)
    waiting = len(listed) - len(due)
    note = f"{waiting} changes are listed and run from the next tick on" if waiting else "no rule has changed"
    note = asked.why_none(note) + (f"; {len(decision.raised)} alerts raised" if decision.raised else "")
    return Look(f"{note}; {said}" if said else note, requests=asked.requests)


def job_of(rule_set: str) -> str:
    """The job that rebuilds what a rule set decides."""
    return JOB_OF_SOURCE.get(rule_set, INTAKE_AND_FACTS)


def _want(change: RuleChange) -> Want:
    label = f"{change.rule_set} {change.start}..{change.end - timedelta(days=1)}"
    return Want(label, change.change_id, range_tags(change.start, change.end), job_of(change.rule_set))


def _listed(change: RuleChange) -> Reading:
    """The dry run of a change, as an alert."""
    days = (change.end - change.start).days
    names = ", ".join(change.rules[:20]) + (" …" if len(change.rules) > 20 else "")
    text = (
        f"{change.rule_set}: {len(change.rules)} rules came, went or changed ({names}); {days} days from "
        f"{change.start} to {change.end - timedelta(days=1)} are rebuilt by {job_of(change.rule_set)} from the next "
        f"tick on. Stop the sensor {NAME} to keep it from that."
    )
    return Reading(change.rule_set, change.change_id, change.start, float(days), 1, 1, text)


def _replay(stale: Stale) -> Reading:
    text = (
        f"screening rules of {stale.feed} have changed: {stale.files} files of {stale.first_drop} to {stale.last_drop} "
        f"were screened under others. See what would change with xbec quarantine replay --source {stale.feed} --all "
        "--dry-run, then without --dry-run"
    )
    return Reading(f"screening {stale.feed}", stale.present, stale.last_drop, float(stale.files), 1, 1, text)


def _seeds() -> list[Path]:
    from xbec_platform.dbt_program import PROJECT_DIR

    return sorted((PROJECT_DIR / "seeds").glob("*.csv"))


def _built_days(
    connection: "duckdb.DuckDBPyConnection", settings: Settings, now: datetime
) -> tuple[date, date]:
    """Days `[first, end)` that have been built, by the newest file that is loaded."""
    from xbec_platform.warehouse.database import missing_tables

    if missing_tables(connection, ["ops.file_manifest"]):
        return settings.start_date, settings.start_date
    newest = connection.execute("SELECT max(drop_date) FROM ops.file_manifest").fetchall()[0][0]
    end = newest + timedelta(days=1) if newest else settings.start_date
    # The day that runs now is no partition yet.
    return settings.start_date, min(end, settings.end_date or end, now.date())
