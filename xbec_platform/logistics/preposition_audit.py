"""Independent re-check of a pre-positioning plan. Imports no solver and none of the code that made the plan."""

from __future__ import annotations

import numpy as np
import polars as pl

from xbec_platform.logistics.preposition_schema import PrepositionInputs

_TOLERANCE = 1e-3


def preposition_faults(
    inputs: PrepositionInputs, plan: pl.DataFrame, homes: pl.DataFrame, cost: float
) -> list[str]:
    """Sentences about every rule a plan breaks; empty = it holds.

    Every order has one row with a centre or a reason; no more is sent than was ordered, than there is stock, than a
    centre has room for; costs are those of the options and of the demand, worked out again order by order.
    """
    faults = _conservation(inputs, plan, homes)
    limits = (
        ("product_id", inputs.stock.rename({"units": "most"}), True),
        ("warehouse_id", inputs.rooms.rename({"room_units": "most"}), False),
    )
    for key, most, is_needed in limits:
        sent = plan.group_by(key).agg(pl.col("send_units").sum()).join(most, on=key, how="left")
        bound = pl.col("most").fill_null(0) if is_needed else pl.col("most")
        over = sent.filter((pl.col("send_units") > bound.clip(lower_bound=0)) & (pl.col("send_units") > 0))
        faults += [
            f"{key} {name}: {sent_units} pieces sent, {limit} possible"
            for name, sent_units, limit in over.rows()
        ]
    faults += _costs(inputs, plan, homes)
    total = float(plan["expected_cost_base"].cast(pl.Float64).sum()) if plan.height else 0.0
    if abs(total - cost) > _TOLERANCE * max(plan.height, 1):
        faults.append(f"the plan costs {total:.6f}, {cost:.6f} is stated")
    return faults


def _conservation(inputs: PrepositionInputs, plan: pl.DataFrame, homes: pl.DataFrame) -> list[str]:
    faults = []
    if sorted(inputs.deposits["order_id"]) != sorted(homes["order_id"]):
        faults.append("orders given and orders planned differ")
    faults += [
        f"order {order}: a centre and a reason, or neither"
        for order in homes.filter(pl.col("warehouse_id").is_null() == pl.col("reason").is_null())["order_id"]
    ]
    placed = homes.drop_nulls("warehouse_id")
    offered = inputs.options.select("presale_id", "zone", "warehouse_id")
    lost = placed.join(offered, on=["presale_id", "zone", "warehouse_id"], how="anti")
    faults += [f"order {order}: its centre is no option" for order in lost["order_id"]]
    key = ["presale_id", "warehouse_id"]
    ordered = placed.group_by(key).agg(units=pl.col("qty").sum(), orders=pl.len().cast(pl.Int64))
    both = plan.join(ordered, on=key, how="full", coalesce=True)
    wrong = both.filter(
        pl.col("units").ne_missing(pl.col("deposit_units"))
        | pl.col("orders").ne_missing(pl.col("n_orders"))
        | ~pl.col("send_units").is_between(0, pl.col("units")).fill_null(False)
    )
    return faults + [
        f"{presale} at {centre}: pieces do not add up" for presale, centre in wrong.select(key).rows()
    ]


def _costs(inputs: PrepositionInputs, plan: pl.DataFrame, homes: pl.DataFrame) -> list[str]:
    """Expected cost of every row from the chance of each number of pieces, order by order."""
    faults = []
    priced = homes.drop_nulls("warehouse_id").join(
        inputs.options, on=["presale_id", "zone", "warehouse_id"], how="inner"
    )
    groups = {
        key: rows.sort("order_id")
        for key, rows in priced.group_by("presale_id", "warehouse_id", maintain_order=True)
    }
    for row in plan.iter_rows(named=True):
        rows = groups.get((row["presale_id"], row["warehouse_id"]))
        if rows is None:
            continue
        chance = _chances(rows["probability"].to_list(), rows["qty"].to_list())
        units = row["send_units"]
        used = sum(p * min(n, units) for n, p in enumerate(chance))
        expected = (rows["probability"] * rows["qty"]).to_numpy()
        weight = float(expected.sum())
        mean = float(rows["saving"].to_numpy() @ expected) / weight if weight else 0.0
        cost = rows["send_cost"][0] * units + rows["unused_cost"][0] * (units - used) - mean * used
        if abs(cost - float(row["expected_cost_base"])) > _TOLERANCE:
            stated = row["expected_cost_base"]
            faults.append(
                f"{row['presale_id']} at {row['warehouse_id']}: costs {cost:.6f}, {stated} is stated"
            )
    return faults


def _chances(probability: list[float], qty: list[int]) -> list[float]:
    """Chance of each number of pieces, one order after the other."""
    chance = np.ones(1)
    for p, n in zip(probability, qty, strict=True):
        longer = np.zeros(len(chance) + n)
        longer[: len(chance)] += chance * (1 - p)
        longer[n:] += chance * p
        chance = longer
    return [float(one) for one in chance]
