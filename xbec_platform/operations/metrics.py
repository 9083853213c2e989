"""Figures of the platform in Prometheus' text format, from `ops.platform_health` and the open incidents and alerts.

Names and units follow prometheus.io/docs/practices/naming. Nothing listens and nothing is sent: a file is written that
node_exporter's textfile collector or another agent reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from xbec_platform.operations.alerts.ledger import ALERTS
from xbec_platform.operations.incidents import INCIDENTS
from xbec_platform.operations.platform_health import TABLE
from xbec_platform.operations.read_only import tables_there

if TYPE_CHECKING:
    import duckdb

# Column of the table -> name and help of the figure.
_FIGURES = {
    "runs": ("xbec_asset_runs", "Runs that built the asset on its newest day of health"),
    "failures": ("xbec_asset_failures", "Runs that failed in the asset on that day"),
    "step_s": (
        "xbec_asset_step_seconds",
        "Seconds of the asset's steps on that day; a step counts for each asset",
    ),
    "queue_wait_s": ("xbec_asset_queue_wait_seconds", "Seconds its runs waited in the queue on that day"),
    "rows": ("xbec_asset_rows", "Rows of the table"),
    "size_bytes": ("xbec_asset_size_bytes", "Bytes of the table"),
    "newest_partition": ("xbec_asset_newest_day_timestamp_seconds", "Start of the newest day there is"),
    "last_built_ts": ("xbec_asset_last_built_timestamp_seconds", "When it was built last"),
}


@dataclass(frozen=True)
class Figures:
    """What is told.

    Attributes:
        assets: asset -> column of `ops.platform_health` -> value, of the asset's newest row.
        incidents: Open ones.
        alerts: Open ones by kind.
        warehouse_bytes: Size of the database file.
        waiting: Who waits for the database file.
    """

    assets: Mapping[str, Mapping[str, Any]]
    incidents: int
    alerts: Mapping[str, int]
    warehouse_bytes: int
    waiting: int


def read_figures(connection: duckdb.DuckDBPyConnection, *, warehouse_bytes: int, waiting: int) -> Figures:
    """Read the tables; those that nothing has written yet hold nothing."""
    there = tables_there(connection)
    assets: dict[str, dict[str, Any]] = {}
    if TABLE in there:
        names = ", ".join(_FIGURES)
        for asset, *values in connection.execute(
            f"""SELECT asset_key, {names} FROM {TABLE}
            QUALIFY row_number() OVER (PARTITION BY asset_key ORDER BY health_date DESC) = 1 ORDER BY asset_key"""
        ).fetchall():
            assets[asset] = dict(zip(_FIGURES, values, strict=True))
    open_incidents = f"SELECT count(*) FROM {INCIDENTS} WHERE resolved_ts IS NULL"
    open_alerts = f"SELECT kind, count(*) FROM {ALERTS} WHERE cleared_ts IS NULL GROUP BY kind ORDER BY kind"
    return Figures(
        assets=assets,
        incidents=connection.execute(open_incidents).fetchall()[0][0] if INCIDENTS in there else 0,
        alerts=dict(connection.execute(open_alerts).fetchall()) if ALERTS in there else {},
        warehouse_bytes=warehouse_bytes,
        waiting=waiting,
    )


def metrics_text(figures: Figures, now: datetime) -> str:
    """The figures as text; what is unknown of an asset is left out.

    Args:
        figures: Of a home.
        now: UTC; told too, as a file that is no longer written looks like one that does not change.
    """
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    for column, (name, description) in _FIGURES.items():
        gauge = Gauge(name, description, ["asset"], registry=registry)
        for asset, values in figures.assets.items():
            if values[column] is not None:
                gauge.labels(asset).set(_number(values[column]))
    alerts = Gauge("xbec_alerts_open", "Alerts that are raised and not cleared", ["kind"], registry=registry)
    for kind, count in figures.alerts.items():
        alerts.labels(kind).set(count)
    single = {
        "xbec_incidents_open": ("Failed assets that have not succeeded since", figures.incidents),
        "xbec_warehouse_size_bytes": ("Size of the database file", figures.warehouse_bytes),
        "xbec_warehouse_waiting": ("Processes that wait for the database file", figures.waiting),
        "xbec_metrics_written_timestamp_seconds": ("When these figures were written", _number(now)),
    }
    for name, (description, value) in single.items():
        Gauge(name, description, registry=registry).set(value)
    return generate_latest(registry).decode()


def _number(value: Any) -> float:
    """Times in seconds since 1970, as Prometheus counts them."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    return float(value)
