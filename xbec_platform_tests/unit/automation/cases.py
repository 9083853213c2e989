"""What each sensor is tried with: something that is due, the work its run does, and something that changes after it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl

from xbec_platform.automation import (
    landing_sensor,
    late_data,
    presale_windows,
    rule_change,
    run_failures,
    watches,
)
from xbec_platform.automation.alert_sensors import build_alert_sensor
from xbec_platform.automation.erasure_requests import build_erasure_sensor
from xbec_platform.erasure.log import create_log
from xbec_platform.ingest.store import create_tables
from xbec_platform.operations.platform_health import PROMISED
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse, append, create_table
from xbec_platform_tests.unit.automation.daemon import Daemon

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)
Act = Callable[[Daemon], None]


def nothing(_: Daemon) -> None:
    """A run whose work needs no imitation, a sensor that has nothing to wait for."""


@dataclass(frozen=True)
class Case:
    """One sensor and what it is tried with.

    Attributes:
        build: Makes the sensor.
        arrange: Something is due.
        change: Something else becomes due after that: a replaced file, a changed row.
        work: What the run it asked for does to the home.
        wait: What passes between two ticks until it acts.
        ticks: Ticks until it acts.
        needs_warehouse: It does nothing before the first load.
    """

    build: Callable[[Settings], dg.SensorDefinition]
    arrange: Act
    change: Act
    work: Act = nothing
    wait: Act = nothing
    ticks: int = 1
    needs_warehouse: bool = True


def execute(home: Settings, *statements: str) -> None:
    """SQL in one transaction, over the intake's tables."""
    with Warehouse.of(home).transaction("test") as connection:
        create_tables(connection)
        create_log(connection)
        for statement in statements:
            connection.execute(statement)


def land(content: str) -> Act:
    def act(daemon: Daemon) -> None:
        path: Path = daemon.home.landing / "orders" / f"dt={YESTERDAY}" / "a.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    return act


def late(day: date) -> Act:
    statement = f"INSERT INTO ops.pending_event_days VALUES ('orders', DATE '{day}', DATE '{day}', 1)"
    return lambda daemon: execute(daemon.home, statement)


def request(number: str) -> Act:
    values = f"('{number}', 'C000001', TIMESTAMP '2026-01-01')"
    return lambda daemon: execute(
        daemon.home,
        f"INSERT INTO raw.deletion_requests (request_id, customer_id, requested_ts) VALUES {values}",
    )


def answer(daemon: Daemon) -> None:
    execute(
        daemon.home, "INSERT INTO ops.erasure_log (request_id) SELECT request_id FROM raw.deletion_requests"
    )


def tariff(rate: float, drop: date) -> Act:
    """A rule that holds for the last ten days, delivered on a day."""
    return lambda daemon: execute(
        daemon.home,
        f"INSERT INTO ops.file_manifest (file_id, feed, drop_date, path, status) VALUES "
        f"('{drop.toordinal()}', 'tariff_rules', DATE '{drop}', 'p{drop}', 'loaded')",
        f"INSERT INTO raw.tariff_rules (rule_id, duty_rate_pct, valid_from, valid_to, _file_id, _row_no, _drop_date) "
        f"VALUES ('DE-1', {rate}, DATE '{TODAY - timedelta(days=12)}', DATE '{TODAY - timedelta(days=3)}', "
        f"{drop.toordinal()}, 1, DATE '{drop}')",
    )


def first_version_then(rate: float) -> Act:
    """The first version is on record; a second one comes."""

    def act(daemon: Daemon) -> None:
        tariff(1.0, TODAY - timedelta(days=20))(daemon)
        daemon.tick()
        daemon.cursor = None
        tariff(rate, YESTERDAY)(daemon)

    return act


def an_hour(daemon: Daemon) -> None:
    """An hour passes since the list of changes."""
    execute(daemon.home, "UPDATE ops.rule_changes SET listed_ts = listed_ts - INTERVAL 1 HOUR")


def presale(number: str, closed: datetime) -> Act:
    later = closed + timedelta(days=30)
    return lambda daemon: execute(
        daemon.home,
        "INSERT INTO raw.presales (presale_id, deposit_close_ts, balance_close_ts, _file_id, _row_no, _drop_date) "
        f"VALUES ('{number}', TIMESTAMP '{closed}', TIMESTAMP '{later}', 1, 1, DATE '2026-01-01')",
        f"INSERT INTO raw.orders (order_id, presale_id, market) VALUES ('O{number}', '{number}', 'CN')",
    )


def fails(asset_name: str) -> Act:
    """A run that fails in an asset."""

    def act(daemon: Daemon) -> None:
        execute(daemon.home)

        @dg.asset(name=asset_name, key_prefix="ml")
        def broken() -> None:
            raise ValueError(f"{asset_name}: no such column\nand more")

        dg.materialize([broken], instance=daemon.instance, raise_on_error=False)

    return act


def drifts(feature: str) -> Act:
    model = pl.DataFrame({"as_of_date": [YESTERDAY], "mean_ari": [0.95]})
    rows = pl.DataFrame({"as_of_date": [YESTERDAY], "feature": [feature], "psi": [0.3]})

    def act(daemon: Daemon) -> None:
        with Warehouse.of(daemon.home).transaction("test") as connection:
            for table, frame in (("ml.cluster_model", model), ("ml.cluster_drift", rows)):
                create_table(connection, table, frame.schema)
                append(connection, table, frame)

    return act


def delays(parcel: str) -> Act:
    shipped = datetime.combine(YESTERDAY, datetime.min.time())
    rows = pl.DataFrame(
        {
            "as_of_date": [YESTERDAY], "parcel_id": [parcel], "stage": ["departed"], "carrier": ["ACME"],
            "silent_hours": [50.0], "silent_p95_hours": [40.0], "is_silent": [True], "is_predicted_late": [True],
            "shipped_ts": [shipped], "predicted_p90_ts": [shipped + timedelta(days=6)],
            "promised_ts": [shipped + timedelta(days=4)],
        }
    )  # fmt: skip

    def act(daemon: Daemon) -> None:
        with Warehouse.of(daemon.home).transaction("test") as connection:
            create_table(connection, "ml.delayed_shipments", rows.schema)
            append(connection, "ml.delayed_shipments", rows)

    return act


def undercuts(product: str) -> Act:
    money = pl.Decimal(18, 4)
    rows = pl.DataFrame(
        {
            "product_id": [product], "market": ["DE"], "index_date": [YESTERDAY],
            "own_price_base": ["10"], "lowest_price_base": ["7"], "mean_price_base": ["9"],
        }
    ).with_columns(pl.col("own_price_base", "lowest_price_base", "mean_price_base").cast(money))  # fmt: skip

    def act(daemon: Daemon) -> None:
        with Warehouse.of(daemon.home).transaction("test") as connection:
            create_table(connection, "marts.mart_competitor_index", rows.schema)
            append(connection, "marts.mart_competitor_index", rows)

    return act


def newest_day(day: date) -> Act:
    """What people wait for was built last for a day."""

    def act(daemon: Daemon) -> None:
        execute(daemon.home)
        for key in PROMISED[:2] if day == OLD else PROMISED[2:3]:
            event = dg.AssetMaterialization(key, partition=day.isoformat())
            daemon.instance.report_runless_asset_event(event)

    return act


OLD = TODAY - timedelta(days=5)
_NOON = datetime.combine(YESTERDAY, datetime.min.time()) - timedelta(hours=12)
CASES = {
    "landing_files": Case(
        landing_sensor.build_landing_sensor, land("first"), land("corrected"), ticks=2, needs_warehouse=False
    ),
    "late_data": Case(
        late_data.build_late_data_sensor,
        late(YESTERDAY),
        late(YESTERDAY),
        work=lambda daemon: execute(daemon.home, "DELETE FROM ops.pending_event_days"),
    ),
    "rule_change": Case(
        rule_change.build_rule_sensor, first_version_then(2.0), tariff(3.0, TODAY), wait=an_hour, ticks=2
    ),
    "presale_windows": Case(
        presale_windows.build_presale_sensor,
        presale("PS1", _NOON),
        presale("PS2", _NOON + timedelta(hours=1)),
    ),
    "erasure_requests": Case(build_erasure_sensor, request("D1"), request("D2"), work=answer),
    "run_failures": Case(run_failures.build_failure_sensor, fails("first"), fails("second")),
    "delayed_shipments": Case(
        lambda home: build_alert_sensor(home, watches.DELAYED_SHIPMENTS), delays("P1"), delays("P2")
    ),
    "freshness": Case(
        lambda home: build_alert_sensor(home, watches.FRESHNESS),
        newest_day(OLD),
        newest_day(OLD - timedelta(days=1)),
    ),
    "drift": Case(
        lambda home: build_alert_sensor(home, watches.DRIFT), drifts("recency"), drifts("frequency")
    ),
    "competitor_jump": Case(
        lambda home: build_alert_sensor(home, watches.COMPETITOR_JUMP), undercuts("P1"), undercuts("P2")
    ),
}
