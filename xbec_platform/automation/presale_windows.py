"""The sensor of pre-sale windows: when deposits or balances can no longer come, the plan of that day is made again."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from xbec_platform.as_of_sql import latest
from xbec_platform.asset_keys import ASSIGNMENT_SUMMARY
from xbec_platform.automation.asking import Want, ask
from xbec_platform.automation.jobs import LOGISTICS
from xbec_platform.automation.ticks import Look, Tick, build_sensor
from xbec_platform.automation.time_zones import zone_of
from xbec_platform.partitions import daily, range_tags
from xbec_platform.settings import Settings

NAME = "presale_windows"
INTERVAL_S = 1800
# A daemon that was off for so long still catches up.
HORIZON = timedelta(days=7)
MAX_RUNS_PER_TICK = 3

_CLOSINGS_SQL = f"""
WITH offers AS (
    SELECT * FROM raw.presales
    {latest("presale_id")}
), closings AS (
    SELECT presale_id, 'deposit' AS part, deposit_close_ts AS closed_ts FROM offers UNION ALL
    SELECT presale_id, 'balance', balance_close_ts FROM offers
), markets AS (
    SELECT presale_id, list(DISTINCT market ORDER BY market) AS markets FROM raw.orders
    WHERE presale_id IS NOT NULL AND market IS NOT NULL GROUP BY presale_id
)
SELECT presale_id, part, closed_ts, coalesce(markets, []) FROM closings LEFT JOIN markets USING (presale_id)
WHERE closed_ts > ? AND closed_ts <= ? ORDER BY closed_ts, presale_id, part
"""


@dataclass(frozen=True)
class Closing:
    """The end of a window of a pre-sale (UTC), and the markets it was sold in."""

    presale_id: str
    part: str
    closed_ts: datetime
    markets: tuple[str, ...]

    def told(self) -> str:
        """For people, in the time of each market."""
        places = []
        for market in self.markets:
            local = self.closed_ts.replace(tzinfo=UTC).astimezone(zone_of(market))
            places.append(f"{local:%Y-%m-%d %H:%M} in {market}")
        return f"{self.presale_id} {self.part} closed {', '.join(places) or f'{self.closed_ts:%Y-%m-%d %H:%M} UTC'}"


def build_presale_sensor(settings: Settings) -> dg.SensorDefinition:
    """Watch the windows of landed pre-sales."""
    return build_sensor(
        settings,
        NAME,
        look,
        description=(
            "Asks for the job logistics as of the day on which a deposit or balance window of a pre-sale has closed, "
            "once that day is over and unless it was planned since."
        ),
        interval_s=INTERVAL_S,
        jobs=(LOGISTICS,),
    )


def look(tick: Tick) -> Look:
    """Ask for the days of the last closings. A home that has ended lives on its last day."""
    from xbec_platform.warehouse.database import missing_tables

    now = tick.now
    if tick.settings.end_date is not None:
        now = min(now, datetime.combine(tick.settings.end_date, datetime.min.time()))
    with tick.warehouse.connect(f"sensor {NAME}") as connection:
        missing = missing_tables(connection, ["raw.presales", "raw.orders"])
        if missing:
            return Look(f"waits for {', '.join(missing)}")
        rows = connection.execute(_CLOSINGS_SQL, [now - HORIZON, now]).fetchall()
    partitions = daily(tick.settings)
    wants = [
        want
        for day, want in wanted(Closing(a, b, c, tuple(d)) for a, b, c, d in rows)
        if partitions.has_partition_key(day.isoformat()) and not _planned_since(tick.instance, day)
    ]
    asked = ask(tick.instance, NAME, wants, limit=MAX_RUNS_PER_TICK)
    return Look(asked.why_none("no window has closed since the last plan"), requests=asked.requests)


def wanted(closings: Iterable[Closing]) -> list[tuple[date, Want]]:
    """One plan for each UTC day with closings, newest first; what closed decides on its key."""
    by_day: dict[date, list[Closing]] = {}
    for one in closings:
        by_day.setdefault(one.closed_ts.date(), []).append(one)
    found = []
    for day in sorted(by_day, reverse=True):
        told = [one.told() for one in by_day[day]]
        state = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
        tags = {**range_tags(day, day + timedelta(days=1)), "xbec/why": "; ".join(told)[:200]}
        found.append((day, Want(f"plan of {day}", state, tags)))
    return found


def _planned_since(instance: dg.DagsterInstance, day: date) -> bool:
    """Whether the day was planned after it was over: the close of day does, when all files were there."""
    over = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(
            asset_key=ASSIGNMENT_SUMMARY, asset_partitions=[day.isoformat()], after_timestamp=over.timestamp()
        ),
        limit=1,
    )
    return bool(records.records)
