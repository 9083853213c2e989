"""Checks of what arrived lately: as much as usual, nothing from the future, no new columns, few rows without parents.

Only the days of the run are read, however long the history is.
"""

from collections.abc import Sequence

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.checks.table_checks import TableCheck
from xbec_platform.ingest.contracts import contracts

# Against the median of the same weekday in the last eight weeks.
WARN_CHANGE, ERROR_CHANGE = 0.5, 0.9
LEAST_WEEKS, LEAST_ROWS = 3, 10
# Clocks of sources may be half a day ahead, and local times a day.
AHEAD_DAYS = 2
WAITING_SHARE = 0.05

# Days with a promotion, holiday or closed customs are neither judged for having more or less, nor part of what is
# usual; a feed that (almost) fails to come is an error on any day.
_VOLUME_SQL = f"""
WITH per_day AS (
    SELECT feed, drop_date, sum(rows_loaded)::BIGINT AS n FROM ops.file_manifest
    WHERE status = 'loaded' AND drop_date <= $last GROUP BY ALL
), event_days AS (
    SELECT DISTINCT calendar_date FROM raw.calendar WHERE kind IN ('promotion', 'holiday', 'customs_closed')
), judged AS (
    SELECT max(drop_date) AS day FROM per_day
), usual AS (
    SELECT feed, median(n) AS n, count(*) AS weeks FROM per_day, judged
    WHERE drop_date < day AND drop_date >= day - 56 AND (day - drop_date) % 7 = 0
        AND drop_date NOT IN (SELECT calendar_date FROM event_days)
    GROUP BY feed
), compared AS (
    SELECT usual.feed, day, coalesce(per_day.n, 0) AS n, usual.n AS usual,
        coalesce(per_day.n, 0) / usual.n - 1 AS change,
        day IN (SELECT calendar_date FROM event_days) AS is_event_day
    FROM usual CROSS JOIN judged LEFT JOIN per_day ON per_day.feed = usual.feed AND per_day.drop_date = day
    -- Four standard deviations of a count: a few rows more or less say nothing.
    WHERE weeks >= {LEAST_WEEKS} AND usual.n >= {LEAST_ROWS}
        AND abs(coalesce(per_day.n, 0) - usual.n) > 4 * sqrt(usual.n)
)
SELECT feed, day, n || ' rows', 'usual ' || usual::BIGINT, round(change, 3) FROM compared
WHERE change <= -{ERROR_CHANGE} OR (NOT is_event_day AND abs(change) > {WARN_CHANGE})
ORDER BY abs(change) DESC, feed
"""
_DATED = [
    (one.source, one.event_time)
    for one in contracts().values()
    if one.event_time is not None and not one.looks_ahead
]
_FUTURE_SQL = (
    "SELECT * FROM ("
    + " UNION ALL ".join(
        f"SELECT '{source}' AS source, _drop_date, count(*) AS n, max({time})::VARCHAR FROM raw.{source} "
        f"WHERE _drop_date >= $first AND _drop_date <= $last AND {time}::DATE >= _drop_date + {AHEAD_DAYS} GROUP BY ALL"
        for source, time in _DATED
    )
    + ") ORDER BY n DESC, source"
)
_EXTRA_SQL = (
    "SELECT source, name, count(*) AS n FROM ("
    + " UNION ALL ".join(
        f"SELECT '{source}' AS source, unnest(json_keys(_extra)) AS name FROM raw.{source} "
        "WHERE _drop_date >= $first AND _drop_date <= $last AND _extra IS NOT NULL"
        for source in contracts()
    )
    + ") GROUP BY ALL ORDER BY n DESC, source, name"
)
_WAITING_SQL = f"""
SELECT source_name, column_name, sum(n_rows)::BIGINT, round(sum(n_rows) / any_value(estimated_size), 3)
FROM marts.mart_waiting_rows
JOIN duckdb_tables() ON schema_name = 'raw' AND table_name = source_name AND database_name = current_database()
GROUP BY ALL HAVING sum(n_rows) > {WAITING_SHARE} * any_value(estimated_size) ORDER BY ALL
"""


def _severity(faults: Sequence[tuple[object, ...]]) -> dg.AssetCheckSeverity:
    """An error where a feed is (almost) missing or ten times as large."""
    severe = any(abs(float(str(fault[-1]))) >= ERROR_CHANGE for fault in faults)
    return dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN


ARRIVAL_CHECKS = (
    TableCheck(
        asset_keys.FILE_MANIFEST,
        "volume_as_usual",
        f"The newest day of each feed has within {WARN_CHANGE:.0%} of the rows its weekday usually has (median of "
        f"eight weeks); an error from {ERROR_CHANGE:.0%} on. Days with calendar events are judged for missing feeds "
        "only.",
        _VOLUME_SQL,
        blocking=False,
        severity_of=_severity,
    ),
    TableCheck(
        asset_keys.FILE_MANIFEST,
        "no_future_data",
        f"No row of the run's days tells of a time {AHEAD_DAYS} days or more after it was delivered.",
        _FUTURE_SQL,
        blocking=False,
    ),
    TableCheck(
        asset_keys.FILE_MANIFEST,
        "no_unknown_columns",
        "Files of the run's days have no column that their contract does not know; such are kept in _extra.",
        _EXTRA_SQL,
        blocking=False,
    ),
    TableCheck(
        asset_keys.mart("mart_waiting_rows"),
        "few_rows_wait",
        f"At most {WAITING_SHARE:.0%} of a source's rows name a parent that has not come.",
        _WAITING_SQL,
        blocking=False,
    ),
    TableCheck(
        asset_keys.mart("mart_user_database"),
        "nothing_after_its_day",
        "No value as of a day comes from a later one.",
        """SELECT as_of_date, customer_id, last_order_date FROM marts.mart_user_database
        WHERE as_of_date >= $first AND (last_order_date > as_of_date OR first_order_date > as_of_date) ORDER BY ALL""",
    ),
)
