"""What the alert sensors watch: the readings in SQL over bounded tables, and their limits. No run starts here."""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from xbec_platform.asset_keys import PLATFORM_HEALTH
from xbec_platform.automation.alert_sensors import AlertWatch
from xbec_platform.automation.ticks import Tick
from xbec_platform.operations.alerts import shifts
from xbec_platform.operations.alerts.ledger import Kind
from xbec_platform.operations.alerts.levels import Reading
from xbec_platform.operations.platform_health import DEADLINE_HOUR, PROMISED, built, expected_day, stale
from xbec_platform.warehouse.database import missing_tables

if TYPE_CHECKING:
    import duckdb

DAY_S, QUARTER_S, HOUR_S = 86_400, 900, 3_600

# PSI: below .1 nothing, above .25 a shift (Siddiqi 2006, Credit Risk Scorecards, ch. 10).
PSI_RAISE, PSI_CLEAR = 0.25, 0.2
# Agreement of resampled clusters: below .8 groups are no longer the same ones.
ARI_RAISE, ARI_CLEAR = 0.8, 0.85
# A competitor in stock asks so much less than we do.
UNDERCUT_RAISE, UNDERCUT_CLEAR = 0.25, 0.2
# The mean of the competitors has fallen so far within a week.
FALL_RAISE, FALL_CLEAR = 0.15, 0.1

_PSI_SQL = """
SELECT as_of_date, feature, psi FROM ml.{prefix}_drift
WHERE as_of_date = (SELECT max(as_of_date) FROM ml.{prefix}_drift) AND psi IS NOT NULL ORDER BY feature
"""
_ARI_SQL = """
SELECT as_of_date, mean_ari FROM ml.{prefix}_model
WHERE as_of_date = (SELECT max(as_of_date) FROM ml.{prefix}_model) AND mean_ari IS NOT NULL
"""
# Prefix of the tables of each kind of groups, and what a reader knows them as.
_GROUPS = {"cluster": "customer groups", "interest": "groups by interest"}
_DAYS = shifts.RECENT_DAYS + shifts.BASE_DAYS
# Only days that are whole: the last one of the key figures at most.
_CONVERSION_SQL = f"""
WITH last AS (SELECT max(kpi_date) AS day FROM marts.mart_daily_kpi)
SELECT 'sessions with a purchase', session_date, count(*), count(*) FILTER (n_purchases > 0)
FROM marts.fct_session, last WHERE session_date <= day AND session_date > day - {_DAYS} GROUP BY ALL ORDER BY ALL
"""
_CLICKS_SQL = f"""
WITH last AS (SELECT max(kpi_date) AS day FROM marts.mart_daily_kpi)
SELECT 'clicks in ' || placement, event_date, n_viewable, n_clicks
FROM marts.mart_click_days, last
WHERE NOT is_campaign AND event_date <= day AND event_date > day - {_DAYS} ORDER BY ALL
"""
_RATES = {
    ("marts.fct_session", "marts.mart_daily_kpi"): _CONVERSION_SQL,
    ("marts.mart_click_days", "marts.mart_daily_kpi"): _CLICKS_SQL,
}
# How much longer than 95 of 100 it is silent, or than promised it will take by its P90.
_DELAYS_SQL = """
SELECT as_of_date, parcel_id, stage, greatest(
        CASE WHEN is_silent THEN silent_hours / nullif(silent_p95_hours, 0) END,
        CASE WHEN is_predicted_late
            THEN epoch(predicted_p90_ts - shipped_ts) / nullif(epoch(promised_ts - shipped_ts), 0) END,
        1
    ), carrier, silent_hours, predicted_p90_ts, promised_ts, is_silent, is_predicted_late
FROM ml.delayed_shipments WHERE as_of_date = (SELECT max(as_of_date) FROM ml.delayed_shipments)
ORDER BY parcel_id
"""
_PRICES_SQL = """
WITH last AS (SELECT max(index_date) AS day FROM marts.mart_competitor_index)
SELECT now.index_date, now.product_id, now.market, now.own_price_base, now.lowest_price_base, now.mean_price_base,
    before.mean_price_base
FROM marts.mart_competitor_index AS now
LEFT JOIN marts.mart_competitor_index AS before
    ON before.product_id = now.product_id AND before.market = now.market AND before.index_date = now.index_date - 7
WHERE now.index_date = (SELECT day FROM last) ORDER BY now.product_id, now.market
"""


def late_readings(tick: Tick) -> list[Reading]:
    """Days that are due and not built, by partition: building an old day makes no table fresh."""
    due = expected_day(tick.now, deadline_hour=DEADLINE_HOUR, end=tick.settings.end_date)
    if due < tick.settings.start_date:
        return []
    late = stale(built(tick.instance, PROMISED, set(PROMISED)), due)
    return [
        Reading(
            name,
            "newest day",
            due,
            float((due - newest).days),
            1,
            1,
            f"{name}: newest day is {newest}, {due} is due",
        )
        for name, newest in late
        if newest is not None
    ]


def drift_readings(connection: "duckdb.DuckDBPyConnection") -> list[Reading]:
    """Habits that moved, groups that fell apart, rates that shifted. Each asks a person for a refit; none is made."""
    found = []
    for prefix, name in _GROUPS.items():
        if missing_tables(connection, (f"ml.{prefix}_drift", f"ml.{prefix}_model")):
            continue
        found += [
            Reading(f"habit {feature}", "psi", day, float(psi), PSI_RAISE, PSI_CLEAR,
                    f"{feature} has moved since the {name} were fitted (PSI {psi:.2f}): search the groups anew")
            for day, feature, psi in connection.execute(_PSI_SQL.format(prefix=prefix)).fetchall()
        ]  # fmt: skip
        found += [
            Reading(name, "ari", day, 1 - float(ari), 1 - ARI_RAISE, 1 - ARI_CLEAR,
                    f"the {name} agree in resamples by {ari:.2f} only (ARI): search them anew")
            for day, ari in connection.execute(_ARI_SQL.format(prefix=prefix)).fetchall()
        ]  # fmt: skip
    for tables, sql in _RATES.items():
        if not missing_tables(connection, tables):
            found += rate_readings(connection.execute(sql).fetchall())
    return found


def rate_readings(rows: Iterable[tuple[Any, ...]]) -> list[Reading]:
    """Shifts of rates.

    Args:
        rows: (name, day, trials, hits), by name and day; days without a row had no trial.
    """
    series: dict[str, dict[date, tuple[int, int]]] = {}
    for name, day, trials, hits in rows:
        series.setdefault(name, {})[day] = (trials, min(hits, trials))
    if not series:
        return []
    last = max(day for days in series.values() for day in days)
    window = [date.fromordinal(last.toordinal() - back) for back in reversed(range(_DAYS))]
    found = []
    for name, known in series.items():
        shift = shifts.share_shift([known.get(day, (0, 0)) for day in window])
        if shift is not None:
            text = (
                f"{name}: {shift.recent:.2%} in the last {shifts.RECENT_DAYS} days, {shift.base:.2%} before "
                f"(z {shift.z:+.1f}): look for the cause, then refit what learned from it"
            )
            found.append(Reading(name, "rate", last, shift.size, shifts.RAISE_AT, shifts.CLEAR_AT, text))
    return found


def delay_readings(connection: "duckdb.DuckDBPyConnection") -> list[Reading]:
    """Parcels that are silent for too long or will break their promise, each once per stage."""
    found = []
    for (
        day,
        parcel,
        stage,
        excess,
        carrier,
        silent,
        predicted,
        promised,
        is_silent,
        is_late,
    ) in connection.execute(_DELAYS_SQL).fetchall():
        reasons = [f"silent for {silent:,.0f} h"] if is_silent else []
        if is_late:
            reasons.append(f"expected by {predicted:%Y-%m-%d}, promised for {promised:%Y-%m-%d}")
        text = (
            f"parcel {parcel} of {carrier or 'an unknown carrier'}, last seen {stage}: {'; '.join(reasons)}"
        )
        found.append(Reading(parcel, stage, day, float(excess), 1, 1, text))
    return found


def price_readings(connection: "duckdb.DuckDBPyConnection") -> list[Reading]:
    """How far competitors are below us, and how far they fell within a week, by product and market."""
    found = []
    for day, product, market, own, lowest, mean, mean_before in connection.execute(_PRICES_SQL).fetchall():
        subject = f"{product} {market}"
        if own and lowest is not None:
            gap = float(1 - lowest / own)
            text = (
                f"{product} in {market}: a competitor asks {lowest:,.2f}, we ask {own:,.2f} (base currency)"
            )
            found.append(Reading(subject, "undercut", day, gap, UNDERCUT_RAISE, UNDERCUT_CLEAR, text))
        if mean is not None and mean_before:
            fall = float(1 - mean / mean_before)
            text = f"{product} in {market}: competitors ask {mean:,.2f} on average, {mean_before:,.2f} a week ago"
            found.append(Reading(subject, "fall", day, fall, FALL_RAISE, FALL_CLEAR, text))
    return found


DELAYED_SHIPMENTS = AlertWatch(
    kind=Kind("delayed_shipments", is_absence_good=True, rings_once=True),
    tables=("ml.delayed_shipments",),
    read=lambda connection, _: delay_readings(connection),
    interval_s=QUARTER_S,
    description=(
        "One alert per parcel and stage that is silent for longer than 95 of 100 parcels are, or whose P90 is after "
        "its promise."
    ),
)
DRIFT = AlertWatch(
    kind=Kind("drift", is_absence_good=False),
    tables=("ml.cluster_drift", "ml.cluster_model"),
    read=lambda connection, _: drift_readings(connection),
    interval_s=DAY_S,
    description=(
        f"Asks a person for a refit where habits have drifted (PSI over {PSI_RAISE}), groups do not hold (ARI under "
        f"{ARI_RAISE}), or click and conversion rates have shifted. Nothing is refitted or promoted by itself."
    ),
)
COMPETITOR_JUMP = AlertWatch(
    kind=Kind("competitor_jump", is_absence_good=False),
    tables=("marts.mart_competitor_index",),
    read=lambda connection, _: price_readings(connection),
    interval_s=HOUR_S,
    description=(
        f"An alert where a competitor in stock asks {UNDERCUT_RAISE:.0%} less than we do, or competitors fell by "
        f"{FALL_RAISE:.0%} within a week; cleared below {UNDERCUT_CLEAR:.0%} and {FALL_CLEAR:.0%}."
    ),
)
FRESHNESS = AlertWatch(
    kind=Kind("freshness", is_absence_good=True),
    tables=("ops.file_manifest",),
    read=lambda _, tick: late_readings(tick),
    interval_s=QUARTER_S,
    description=(
        f"An alert where a table that people wait for lacks the newest day at {DEADLINE_HOUR:02}:00 UTC; the same "
        "state shows as the check newest_day_on_time, without a run."
    ),
    check=(PLATFORM_HEALTH, "newest_day_on_time"),
)
WATCHES = (FRESHNESS, DELAYED_SHIPMENTS, DRIFT, COMPETITOR_JUMP)
