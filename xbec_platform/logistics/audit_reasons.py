"""Second opinion on why lines stay unserved, for the audit. Shares no code with the module that stated the reasons."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from xbec_platform.logistics.assignment_inputs import AssignmentInputs, AssignmentParams
from xbec_platform.logistics.assignment_schema import Reason

BLOCK = 20_000
"""Distinct demands looked at once; each meets every lane to its country."""

_FLAGS = ("has_battery", "is_liquid", "is_hazard")
_DOOR = ("ship_country", "promised_days", *_FLAGS)
_DEMAND = (*_DOOR, "product_id", "pieces", "priority")


def wrong_reasons(
    inputs: AssignmentInputs, params: AssignmentParams, assignments: pl.DataFrame, unserved: pl.DataFrame
) -> pl.DataFrame:
    """Unserved lines whose reason does not follow from what the plan leaves over.

    Also finds the plan that is feasible but careless: a line left over although a lane within its promise,
    stock and capacity are free for less than its penalty.

    Args:
        inputs: Canonical frames.
        params: Parameters of the plan.
        assignments: ASSIGNMENT_SCHEMA.
        unserved: UNSERVED_SCHEMA.

    Returns:
        rule "reason", subject, expected, observed.
    """
    key = ["order_id", "line_no"]
    lines = (
        inputs.lines.with_columns(pieces=pl.col("qty").sum().over("order_id"))
        .join(inputs.products.select("product_id", *_FLAGS), on="product_id", how="left")
        .with_columns(pl.col(_FLAGS).fill_null(False))
        .select(*key, *_DEMAND)
    )
    stated = unserved.select(*key, "reason").join(lines, on=key, how="left")
    offers = _offers(inputs, params, assignments)
    demands = stated.select(_DEMAND).unique().sort(_DEMAND)
    doors = _doors(demands.select(_DOOR).unique().sort(_DOOR), offers)
    reached = demands.join(doors.filter("near"), on=_DOOR, how="semi", nulls_equal=True)
    shelves = _shelves(reached, inputs, params, offers, _left_stock(inputs, assignments))
    return (
        stated.join(doors, on=_DOOR, how="left", nulls_equal=True)
        .join(shelves, on=_DEMAND, how="left", nulls_equal=True)
        .with_columns(expected=_expected())
        .filter(pl.col("reason").ne_missing(pl.col("expected")))
        .select(
            rule=pl.lit("reason"),
            subject=pl.format("{} line {}", "order_id", "line_no"),
            expected="expected",
            observed="reason",
        )
    )


def _offers(inputs: AssignmentInputs, params: AssignmentParams, assignments: pl.DataFrame) -> pl.DataFrame:
    """Lanes with what they take and whether their warehouse has room left; one row for each step of a tariff."""
    sent = assignments.group_by("warehouse_id").agg(used=pl.col("qty").sum())
    room = pl.col("capacity_orders_day").is_null() | (
        pl.col("capacity_orders_day") > pl.col("used").fill_null(0)
    )
    centres = inputs.warehouses.join(sent, on="warehouse_id", how="left").with_columns(room=room)
    return (
        _steps(inputs.lanes)
        .join(centres, left_on="origin_node", right_on="warehouse_id", how="inner")
        .select(
            "rate",
            "from_kg",
            "until_kg",
            "vol_divisor",
            "room",
            ship_country="dest_node",
            warehouse_id="origin_node",
            least=pl.col("min_charge").cast(pl.Float64),
            factor=1 + pl.col("surcharge_pct") / 100,
            p90=pl.col("transit_p90_days").fill_null(pl.col("transit_p50_days") * params.transit_p90_factor),
            handling=(pl.col("cost_pick") + pl.col("cost_pack")).cast(pl.Float64),
            battery=pl.col("allows_battery") & pl.col("can_battery"),
            liquid=pl.col("allows_liquid") & pl.col("can_liquid"),
            hazard=pl.col("allows_hazard") & pl.col("can_hazard"),
        )
    )


def _steps(lanes: pl.DataFrame) -> pl.DataFrame:
    """Lanes times the steps of their tariff: rate, from_kg, until_kg; the first starts at nothing, the last is open."""
    step = pl.col("rate_brackets").struct
    rows = (
        lanes.explode("rate_brackets")
        .with_columns(start=step.field("min_kg"), rate=step.field("rate_per_kg"))
        .sort("lane_id", "start")
    )
    before, after = pl.col("start").shift(1), pl.col("start").shift(-1)
    first = pl.col("lane_id") != pl.col("lane_id").shift(1)
    last = pl.col("lane_id") != pl.col("lane_id").shift(-1)
    return rows.with_columns(
        rate=pl.coalesce("rate", pl.col("rate_per_kg").cast(pl.Float64)),
        from_kg=pl.when(first.fill_null(True) | before.is_null()).then(0.0).otherwise("start"),
        until_kg=pl.when(last.fill_null(True) | after.is_null()).then(float("inf")).otherwise(after),
    )


def _left_stock(inputs: AssignmentInputs, assignments: pl.DataFrame) -> pl.DataFrame | None:
    """Products a warehouse had this morning, and whether some is left."""
    if inputs.stock is None:
        return None
    taken = assignments.group_by("warehouse_id", "product_id").agg(taken=pl.col("qty").sum())
    return (
        inputs.stock.filter(pl.col("available") > 0)
        .join(taken, on=["warehouse_id", "product_id"], how="left")
        .select("warehouse_id", "product_id", has=pl.col("available") > pl.col("taken").fill_null(0))
    )


def _doors(doors: pl.DataFrame, offers: pl.DataFrame) -> pl.DataFrame:
    """By country, promise and kind of goods: is there a lane, one for the goods, one in time."""
    facts = [
        doors.slice(start, BLOCK)
        .join(offers, on="ship_country", how="left")
        .with_columns(safe=_safe())
        .with_columns(near=pl.col("safe") & _in_time())
        .group_by(_DOOR)
        .agg(
            lane=pl.col("warehouse_id").is_not_null().any(),
            safe=pl.col("safe").any(),
            near=pl.col("near").any(),
        )
        for start in range(0, max(doors.height, 1), BLOCK)
    ]
    return pl.concat(facts)


def _shelves(
    demands: pl.DataFrame,
    inputs: AssignmentInputs,
    params: AssignmentParams,
    offers: pl.DataFrame,
    left: pl.DataFrame | None,
) -> pl.DataFrame:
    """By demand with a lane in time: stock in reach, stock left, stock left with room, and its least cost."""
    priced = demands.join(inputs.products.drop(_FLAGS), on="product_id", how="left")
    facts = []
    for start in range(0, max(demands.height, 1), BLOCK):
        block = priced.slice(start, BLOCK)
        if left is None:
            known = block.join(offers, on="ship_country").with_columns(has=pl.lit(True))
        else:
            known = block.join(left, on="product_id").join(offers, on=["ship_country", "warehouse_id"])
        facts.append(
            known.filter(_safe() & _in_time())
            .with_columns(open=pl.col("has") & pl.col("room"))
            .group_by(_DEMAND)
            .agg(
                had=pl.lit(True).any(),
                has=pl.col("has").any(),
                open=pl.col("open").any(),
                cost=_cost(params).filter(pl.col("open")).min(),
                penalty=_penalty(params).first(),
            )
        )
    return pl.concat(facts)


def _expected() -> pl.Expr:
    """The reason a demand must carry; `SERVABLE` if there is none."""
    # One tick of slack: the plan compares rounded prices.
    dear = pl.col("cost") + 1e-4 >= pl.col("penalty")
    cases = (
        (~pl.col("lane"), Reason.NO_ADDRESS_OR_RATE),
        (~pl.col("safe"), Reason.NO_MODE_HAZARD),
        (~pl.col("near"), Reason.NO_MODE_MEETS_PROMISE),
        (pl.col("had").is_null(), Reason.SKU_NOT_STOCKED_IN_REACH),
        (~pl.col("has"), Reason.SKU_STOCK_EXHAUSTED_IN_REACH),
        (~pl.col("open"), Reason.WAREHOUSE_CAPACITY_FULL),
        (dear, Reason.COST_ABOVE_PENALTY),
    )
    reason = pl.lit("SERVABLE")
    for fact, name in reversed(cases):
        reason = pl.when(fact.fill_null(True)).then(pl.lit(str(name))).otherwise(reason)
    return reason


def _in_time() -> pl.Expr:
    return pl.col("p90") <= pl.col("promised_days").fill_null(float("inf"))


def _safe() -> pl.Expr:
    """The lane takes the goods; null where there is no lane."""
    flags = dict(zip(_FLAGS, ("battery", "liquid", "hazard"), strict=True))
    return pl.all_horizontal(~pl.col(flag) | pl.col(takes) for flag, takes in flags.items())


def _cost(params: AssignmentParams) -> pl.Expr:
    """Unrounded price of a piece; null on a step of the tariff that its parcel does not pay."""
    weight = pl.when(pl.col("weight_kg") > 0).then("weight_kg").otherwise(params.default_weight_kg)
    volume = pl.col("length_cm") * pl.col("width_cm") * pl.col("height_cm") / pl.col("vol_divisor")
    kg = pl.max_horizontal(weight, volume)
    freight = pl.max_horizontal(pl.col("rate") * kg, pl.col("least") / pl.col("pieces"))
    parcel_kg = kg * pl.col("pieces")
    pays = (parcel_kg >= pl.col("from_kg")) & (parcel_kg < pl.col("until_kg"))
    return pl.when(pays).then(freight * pl.col("factor") + pl.col("handling"))


def _penalty(params: AssignmentParams) -> pl.Expr:
    margin = (
        (pl.col("list_price") - pl.col("unit_cost")).cast(pl.Float64).fill_null(0.0).clip(lower_bound=0.0)
    )
    base: Decimal = params.unserved_penalty_base
    return (margin + float(base)) * pl.col("priority")
