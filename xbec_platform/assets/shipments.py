"""Parcels under way as assets: lead times, punctuality, delays. Read as of a day, estimate, store; no model here."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.as_of_sql import latest
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

# Shipments and scans that are older say nothing about today.
_SHIPMENT_DAYS = 730
_SCAN_DAYS = 180

# What was known of a parcel's stages at the end of the day: a contradiction that showed later has not happened yet, and
# the order is made from the scans so far.
_STAGES = """
stages AS (
    SELECT s.parcel_id, s.stage, p.stage_no, s.carrier, p.is_terminal,
        CASE WHEN p.is_ordered THEN max(s.scan_ts) OVER (
            PARTITION BY s.parcel_id, p.is_ordered ORDER BY p.stage_no ROWS UNBOUNDED PRECEDING
        ) ELSE s.scan_ts END AS stage_ts
    FROM marts.fct_shipment_stage AS s JOIN seeds.process_stages AS p USING (stage)
    WHERE s.scan_date <= $day AND s.scan_date > $day - {days}
        AND coalesce(s.reason_ts >= $day + 1, true)
)"""


def stages(n_days: int) -> str:
    """The common table expression `stages`: accepted stages of the last days with their times, as known on `$day`."""
    return _STAGES.format(days=n_days)


_SCANS, _ENDS = stages(_SCAN_DAYS), stages(_SHIPMENT_DAYS)

QUERIES = {
    "parcels": f"""
        WITH {_ENDS}, ends AS (
            SELECT parcel_id, min(stage_ts) FILTER (stage = 'delivered') AS delivered_ts,
                min(stage_ts) FILTER (stage IN ('returned', 'lost')) AS closed_ts
            FROM stages WHERE is_terminal GROUP BY parcel_id
        ), paid AS (
            SELECT order_id, min(paid_ts) AS paid_ts FROM raw.payments
            WHERE kind IN ('full', 'balance') AND status = 'succeeded' AND paid_ts < $day + 1 GROUP BY order_id
        )
        SELECT parcel_id, s.order_id, s.warehouse_id, s.lane_ids, s.shipped_ts AS start_ts, e.delivered_ts, e.closed_ts,
            coalesce(p.paid_ts, CASE WHEN NOT o.is_presale THEN o.order_ts END) AS paid_ts,
            CASE WHEN o.is_presale THEN p.paid_ts ELSE o.order_ts END
                + to_days(o.promised_days::INTEGER) AS promised_ts
        FROM marts.fct_shipment AS s LEFT JOIN ends AS e USING (parcel_id)
        LEFT JOIN marts.fct_order AS o ON o.order_id = s.order_id LEFT JOIN paid AS p ON p.order_id = s.order_id
        WHERE s.shipped_date <= $day AND s.shipped_date > $day - {_SHIPMENT_DAYS}
        ORDER BY parcel_id
    """,
    "stages": f"""
        WITH {_SCANS} SELECT parcel_id, stage, stage_no::BIGINT AS stage_no, stage_ts, carrier, is_terminal
        FROM stages ORDER BY parcel_id, stage_no
    """,
    "lanes": f"""
        SELECT lane_id, dest_node, mode FROM raw.lanes WHERE valid_from < $day + 1
        {latest("lane_id", "valid_from")}
    """,
}

_DEPS = [
    asset_keys.mart("fct_shipment"),
    asset_keys.mart("fct_shipment_stage"),
    asset_keys.mart("fct_order"),
    asset_keys.mart("dim_lane"),
]
SHIP_TO_DOOR, PAID_TO_DOOR = "ship_to_door", "paid_to_door"


def build_shipment_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Lead times, punctuality, waits and delayed parcels as of each day."""
    spec = partial(
        model_spec,
        group="logistics",
        owner="team:logistics",
        kinds={"numpy"},
        deps=_DEPS,
    )

    @decided_step(
        settings,
        name="shipment_tracking",
        specs=[
            spec(
                asset_keys.LANE_LEADTIME,
                "P50 and P90 days of every lane, of its mode and of everything, parcels under way included "
                "(Kaplan-Meier, shrunk, shifted to keep its coverage); measure ship_to_door or paid_to_door. "
                "Grain: measure x lane. Key: as_of_date, measure, lane.",
            ),
            spec(
                asset_keys.ONTIME,
                "Share of promises kept, of those that fell due in the last 90 days; what is still open is late. "
                "Grain: lane. Key: as_of_date, lane.",
            ),
            spec(
                asset_keys.STAGE_DWELL,
                "How long parcels wait at a stage for their next scan, those that still wait included. "
                "Grain: stage x mode. Key: as_of_date, stage, mode.",
            ),
            spec(
                asset_keys.DELAYED_SHIPMENTS,
                "Parcels under way that are silent for longer than 95 % of their like, or whose P90 arrival is after "
                "the promise: known before they are late. Grain: parcel. Key: as_of_date, parcel_id.",
            ),
            spec(
                asset_keys.FAULTY_SHIPMENTS,
                "Parcels whose times cannot be true, with the reason; no lead time is made from them. "
                "Grain: parcel. Key: as_of_date, parcel_id.",
            ),
        ],
    )
    def shipment_tracking(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = as_of_days(context)
        for day in chosen:
            frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"shipments {day}: read")
            tables = track(frames, day)
            write_as_of(warehouse.file, tables, day, purpose=f"shipments {day}")
            context.log.info(
                f"shipments {day}: {tables[asset_keys.DELAYED_SHIPMENTS].height} delayed parcels"
            )
        yield from _report(tables, chosen[-1])

    return [shipment_tracking]


def track(frames: "dict[str, pl.DataFrame]", day: date) -> "dict[dg.AssetKey, pl.DataFrame]":
    """All tables of a day from the frames of `QUERIES`."""
    import polars as pl

    from xbec_platform.logistics.delays import find_delays
    from xbec_platform.logistics.lead_time_tables import faulty_parcels, lead_time_table, ontime_table
    from xbec_platform.logistics.lead_times import lead_times
    from xbec_platform.logistics.parcel_lanes import parcel_lanes

    as_of = datetime.combine(day + timedelta(days=1), time())
    placed = parcel_lanes(frames["parcels"], frames["lanes"])
    faulty = faulty_parcels(placed)
    parcels = placed.join(faulty, on="parcel_id", how="anti", maintain_order="left")
    shipped = lead_times(parcels, as_of=as_of)
    paid = parcels.with_columns(start_ts="paid_ts")
    paid = paid.filter(pl.col("start_ts") <= pl.coalesce("delivered_ts", "closed_ts", pl.lit(as_of)))
    from_payment = lead_times(paid, as_of=as_of)
    delays = find_delays(parcels, frames["stages"], as_of=as_of)
    return {
        asset_keys.LANE_LEADTIME: pl.concat(
            [
                lead_time_table(parcels, shipped, measure=SHIP_TO_DOOR, as_of=as_of),
                lead_time_table(paid, from_payment, measure=PAID_TO_DOOR, as_of=as_of),
            ]
        ),
        asset_keys.ONTIME: ontime_table(parcels, as_of=as_of),
        asset_keys.STAGE_DWELL: delays.dwell,
        asset_keys.DELAYED_SHIPMENTS: delays.delayed,
        asset_keys.FAULTY_SHIPMENTS: faulty,
    }


def _report(tables: "dict[dg.AssetKey, pl.DataFrame]", day: date) -> Iterator[dg.MaterializeResult[Any]]:
    """The last day's tables in numbers that the UI plots over time."""
    import polars as pl

    lanes = tables[asset_keys.LANE_LEADTIME]
    total = lanes.filter(pl.col("level") == "all", pl.col("measure") == SHIP_TO_DOOR)
    numbers = {
        name: value
        for name, value in (total.row(0, named=True) if total.height else {}).items()
        if isinstance(value, float)
    }
    delayed = tables[asset_keys.DELAYED_SHIPMENTS]
    reasons = delayed["reason"].value_counts(name="parcels").sort("parcels", "reason", descending=True)
    most = lanes.filter(pl.col("measure") == SHIP_TO_DOOR).sort("n_parcels", "lane", descending=True)
    due = tables[asset_keys.ONTIME].sort("n_due", "lane", descending=True)
    shown: dict[dg.AssetKey, dict[str, Any]] = {
        asset_keys.LANE_LEADTIME: {**numbers, "lanes with most parcels": markdown_table(most)},
        asset_keys.ONTIME: {"on time": markdown_table(due)},
        asset_keys.STAGE_DWELL: {"waits": markdown_table(tables[asset_keys.STAGE_DWELL])},
        asset_keys.DELAYED_SHIPMENTS: {
            "not late yet": int((~delayed["is_late"]).sum()),
            "reasons": bars(dict(reasons.iter_rows()), unit="parcels"),
        },
        asset_keys.FAULTY_SHIPMENTS: {"faulty": markdown_table(tables[asset_keys.FAULTY_SHIPMENTS])},
    }
    yield from results(tables, day, shown)
