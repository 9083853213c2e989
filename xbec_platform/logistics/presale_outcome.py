"""What pre-positioning came to once the balances were paid (F23), against shipping everything after the balance."""

from __future__ import annotations

import polars as pl

from xbec_platform.logistics.assignment_schema import MONEY, conform

OUTCOME_SCHEMA = pl.Schema(
    {
        "presale_id": pl.String(),
        "product_id": pl.String(),
        "warehouse_id": pl.String(),
        "days_after_close": pl.Int64(),
        "sent_on": pl.Date(),
        "sent_units": pl.Int64(),
        "expected_used_units": pl.Float64(),
        "paid_units": pl.Int64(),
        "used_units": pl.Int64(),
        "misplaced_units": pl.Int64(),
        "late_shipped_units": pl.Int64(),
        "misplacement_rate": pl.Float64(),
        "hours_saved": pl.Float64(),
        "cost_base": MONEY,
        "hindsight_cost_base": MONEY,
        "n_delivered": pl.Int64(),
        "n_from_centre": pl.Int64(),
        "hours_to_door_centre": pl.Float64(),
        "hours_to_door_elsewhere": pl.Float64(),
        "status": pl.String(),
    }
)
"""Grain: pre-sale x centre, and one row without a centre for what was planned for none. cost_base: against shipping all
after the balance, below 0 = it paid; hindsight_cost_base: of the best quantity had the payers been known. Hours to the
door: balance paid to delivered, means of parcels that left from the centre and of the same zones' from elsewhere.
status: sent, nothing_sent, no_centre."""

NO_CENTRE = ""


def committed_plans(plans: pl.DataFrame) -> pl.DataFrame:
    """The plan that was carried out for each pre-sale and centre: that of the first day on which goods had to leave.

    Args:
        plans: PLAN_SCHEMA of several days with `sent_on`, the day.
    """
    return (
        plans.filter(pl.col("is_last_call"))
        .sort("presale_id", "warehouse_id", "sent_on")
        .unique(["presale_id", "warehouse_id"], keep="first", maintain_order=True)
    )


def presale_outcome(
    committed: pl.DataFrame, homes: pl.DataFrame, orders: pl.DataFrame, *, days_after_close: int
) -> pl.DataFrame:
    """Set what was sent against who paid.

    Orders are served by the centre that their zone was planned for on the day the goods left; deposits made later
    share what is there.

    Args:
        committed: Columns of `preposition_schema.PLAN_SCHEMA` with `sent_on`: for each pre-sale and centre the plan of
            the day the goods had to leave.
        homes: HOME_SCHEMA with `sent_on`: the orders of these plans.
        orders: Of closed pre-sales: order_id, presale_id, product_id, zone, qty, is_paid, and of its parcel, where it
            has arrived: warehouse_id, hours_to_door.
        days_after_close: Days since the balance window closed.

    Returns:
        OUTCOME_SCHEMA, sorted by presale_id and warehouse_id; every paid piece of the pre-sales is in one row.
    """
    zones = _zone_centres(committed, homes)
    placed = (
        orders.rename({"warehouse_id": "from_warehouse"})
        .join(zones, on=["presale_id", "zone"], how="left")
        .with_columns(pl.col("warehouse_id").fill_null(NO_CENTRE))
    )
    is_from = pl.col("from_warehouse") == pl.col("warehouse_id")
    came = placed.group_by("presale_id", "product_id", "warehouse_id").agg(
        paid_units=pl.col("qty").filter(pl.col("is_paid")).sum(),
        n_delivered=pl.col("hours_to_door").is_not_null().sum().cast(pl.Int64),
        n_from_centre=(is_from & pl.col("hours_to_door").is_not_null()).sum().cast(pl.Int64),
        hours_to_door_centre=pl.col("hours_to_door").filter(is_from).mean().round(6),
        hours_to_door_elsewhere=pl.col("hours_to_door").filter(~is_from.fill_null(False)).mean().round(6),
    )
    plan = committed.select(
        "presale_id",
        "product_id",
        "warehouse_id",
        "sent_on",
        "expected_used_units",
        sent_units="send_units",
        send=pl.col("send_cost_per_unit_base").cast(pl.Float64),
        unused=pl.col("unused_cost_per_unit_base").cast(pl.Float64),
        saving=pl.col("saving_per_unit_base").cast(pl.Float64),
        hours_each=pl.col("hours_saved") / pl.col("expected_used_units"),
    )
    both = came.join(plan, on=["presale_id", "product_id", "warehouse_id"], how="full", coalesce=True)
    return (
        both.with_columns(pl.col("sent_units", "paid_units", "n_delivered", "n_from_centre").fill_null(0))
        .with_columns(used_units=pl.min_horizontal("sent_units", "paid_units"))
        .with_columns(_measures(days_after_close))
        .pipe(conform, OUTCOME_SCHEMA)
        .sort("presale_id", "warehouse_id")
    )


def _measures(days_after_close: int) -> list[pl.Expr]:
    sent, paid, used = (pl.col(name) for name in ("sent_units", "paid_units", "used_units"))
    cost = pl.col("send") * sent + pl.col("unused") * (sent - used) - pl.col("saving") * used
    best = pl.min_horizontal(pl.lit(0.0), (pl.col("send") - pl.col("saving")) * paid)
    return [
        pl.lit(days_after_close, dtype=pl.Int64).alias("days_after_close"),
        (sent - used).alias("misplaced_units"),
        (paid - used).alias("late_shipped_units"),
        pl.when(sent > 0).then((sent - used) / sent).round(9).alias("misplacement_rate"),
        pl.when(used > 0).then(used * pl.col("hours_each")).otherwise(0.0).round(6).alias("hours_saved"),
        cost.fill_null(0.0).round(4).alias("cost_base"),
        best.fill_null(0.0).round(4).alias("hindsight_cost_base"),
        pl.when(pl.col("warehouse_id") == NO_CENTRE)
        .then(pl.lit("no_centre"))
        .when(sent > 0)
        .then(pl.lit("sent"))
        .otherwise(pl.lit("nothing_sent"))
        .alias("status"),
    ]


def _zone_centres(committed: pl.DataFrame, homes: pl.DataFrame) -> pl.DataFrame:
    """The centre of each zone of a pre-sale: that of most of its pieces on the days goods left; ties by id."""
    left = committed.select("presale_id", "warehouse_id", "sent_on")
    return (
        homes.drop_nulls(["warehouse_id", "zone"])
        .join(left, on=["presale_id", "warehouse_id", "sent_on"], how="semi")
        .group_by("presale_id", "zone", "warehouse_id")
        .agg(units=pl.col("qty").sum())
        .sort("presale_id", "zone", -pl.col("units"), "warehouse_id")
        .unique(["presale_id", "zone"], keep="first", maintain_order=True)
        .select("presale_id", "zone", "warehouse_id")
    )
