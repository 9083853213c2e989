"""From homes and quantities to the tables of a pre-positioning plan. Decides nothing."""

from __future__ import annotations

import polars as pl

from xbec_platform.logistics.assignment_schema import conform
from xbec_platform.logistics.newsvendor import (
    critical_ratio,
    demand_distribution,
    expected_used,
    newsvendor_quantity,
)
from xbec_platform.logistics.preposition_flow import Ints
from xbec_platform.logistics.preposition_homes import Choice
from xbec_platform.logistics.preposition_model import Model
from xbec_platform.logistics.preposition_schema import HOME_SCHEMA, PLAN_SCHEMA, Status

_DIGITS = 9


def home_table(model: Model, choice: Choice | None) -> pl.DataFrame:
    """HOME_SCHEMA, sorted by order_id; every order given is there."""
    names = [] if choice is None else [model.centres[centre] for centre in choice.home]
    placed = model.orders.with_columns(
        warehouse_id=pl.Series(names, dtype=pl.String), reason=pl.lit(None, dtype=pl.String)
    )
    lost = model.rejected.with_columns(warehouse_id=pl.lit(None, dtype=pl.String))
    return pl.concat([conform(placed, HOME_SCHEMA), conform(lost, HOME_SCHEMA)]).sort("order_id")


def plan_table(model: Model, choice: Choice) -> pl.DataFrame:
    """PLAN_SCHEMA, sorted by presale_id and warehouse_id."""
    facts = model.options.unique(["item", "centre"], keep="first", maintain_order=True).select(
        "item", "centre", "origin_node", "route", "transfer_p90_days", "is_last_call"
    )
    rows = [_row(model, choice, at, item, centre) for at, (item, centre, _) in enumerate(choice.groups)]
    money = ("send_cost_per_unit_base", "unused_cost_per_unit_base", "saving_per_unit_base",
             "expected_cost_base", "at_risk_base")  # fmt: skip
    return (
        pl.DataFrame(rows)
        .with_columns(pl.col("item", "centre").cast(pl.UInt32), pl.col(money).round(4))
        .join(facts, on=["item", "centre"], how="left")
        .pipe(conform, PLAN_SCHEMA)
        .sort("presale_id", "warehouse_id")
    )


def _row(model: Model, choice: Choice, at: int, item: int, centre: int) -> dict[str, object]:
    members, units = choice.groups[at][2], int(choice.quantity[at])
    pmf = demand_distribution(model.probability[members], model.qty[members])
    saving = model.mean_saving(centre, members)
    send, unused = float(model.send[item, centre]), float(model.unused[item, centre])
    ratio = float(critical_ratio(saving - send, unused + send))
    used = expected_used(pmf, units)
    hours = _mean_hours(model, item, centre, members)
    group = model.group(item, centre, members)
    return {
        "item": item,
        "centre": centre,
        "presale_id": model.items["presale_id"][item],
        "product_id": model.items["product_id"][item],
        "warehouse_id": model.centres[centre],
        "n_orders": len(members),
        "deposit_units": int(model.qty[members].sum()),
        "expected_units": round(float(model.probability[members] @ model.qty[members]), _DIGITS),
        "critical_ratio": round(ratio, _DIGITS),
        "newsvendor_units": newsvendor_quantity(pmf, ratio) if saving > send else 0,
        "send_units": units,
        "expected_used_units": round(used, _DIGITS),
        "p_some_unused": round(float(pmf[:units].sum()), _DIGITS),
        "hours_saved": round(used * hours, 6),
        "send_cost_per_unit_base": send,
        "unused_cost_per_unit_base": unused,
        "saving_per_unit_base": saving,
        "expected_cost_base": float(group.marginal[:units].sum()),
        "at_risk_base": (send + unused) * (units - used),
        "status": _status(model, choice, at).value,
    }


def _mean_hours(model: Model, item: int, centre: int, members: Ints) -> float:
    """Hours that a used piece saves, by expected pieces."""
    chosen = model.options.filter((pl.col("item") == item) & (pl.col("centre") == centre))
    hours = dict(chosen.select("zone_class", "hours_saved").iter_rows())
    weight = model.probability[members] * model.qty[members]
    each = [float(hours[int(one)] or 0.0) for one in model.zone_class[members]]
    return (
        float(sum(w * h for w, h in zip(weight, each, strict=True)) / weight.sum())
        if weight.sum() > 0
        else 0.0
    )


def _status(model: Model, choice: Choice, at: int) -> Status:
    item = choice.groups[at][0]
    if not choice.wish[at]:
        return Status.DOES_NOT_PAY
    if choice.quantity[at] == choice.wish[at]:
        return Status.AS_WISHED
    product = model.product[item]
    taken = sum(
        int(units)
        for (one, _, _), units in zip(choice.groups, choice.quantity, strict=True)
        if model.product[one] == product
    )
    return Status.STOCK_SHORT if taken >= model.stock[product] else Status.ROOM_FULL
