"""What to do about stock: restock, send it where it is missing, sell it off (F30). Levels: `inventory_policy`.

Transfers are a minimum-cost flow like the assignment of orders: shortages are the classes, surpluses the stock, and
leaving a shortage to the supplier is always possible (model M5 of the design: transfer = assignment with warehouses as
sources).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_inputs import TICKS_PER_BASE, UNLIMITED
from xbec_platform.logistics.assignment_schema import MONEY, conform
from xbec_platform.logistics.customs_territory import territory
from xbec_platform.logistics.flow import FlowProblem, solve_flow
from xbec_platform.logistics.inventory_ageing import Rows, ageing_table, ladders_of
from xbec_platform.logistics.inventory_inputs import (
    ACTION_SCHEMA,
    AGEING_SCHEMA,
    PAIR,
    POLICY_SCHEMA,
    InventoryInputs,
    InventoryParams,
    InventoryTables,
)
from xbec_platform.logistics.inventory_policy import (
    NOT_CLEARED,
    daily_demand,
    stocked_pairs,
    with_levels,
    with_position,
)
from xbec_platform.logistics.stock_ageing import (
    AGES,
    Floats,
    KeepingCosts,
    Ladder,
    ages_within,
    best_sell_off,
    keep_value,
)

_MOVES = pl.Schema({"source": pl.Int64(), "target": pl.Int64(), "pieces": pl.Int64(), "cost": pl.Float64()})


def plan_inventory(inputs: InventoryInputs, params: InventoryParams | None = None) -> InventoryTables:
    """Policy, ageing and actions of a day; every article of every warehouse has its row.

    Args:
        inputs: The frames of the day.
        params: Choices.

    Raises:
        ValueError: A ladder of storage rates is malformed.
    """
    params = params or InventoryParams()
    pairs = stocked_pairs(inputs, params)
    pairs = with_levels(pairs, daily_demand(pairs, inputs.demand), params)
    pairs = with_position(pairs, inputs.known)
    ages, unknown = ages_within(pairs["on_hand"].to_numpy(), pairs.select(AGES).to_numpy())
    ladders = ladders_of(inputs.tiers, pairs["type"])
    # What has no age counts as new: it must not be sold off for an age nobody stated.
    counted = ages.copy()
    counted[:, 0] += unknown
    ageing = ageing_table(pairs, ages, unknown, ladders, params)
    if inputs.tiers.is_empty():
        unpriced = ("rate_m3_day_base", "storage_day_base", "storage_to_sale_base", "days_to_next_tier")
        ageing = ageing.with_columns(pl.lit(None, dtype=AGEING_SCHEMA[name]).alias(name) for name in unpriced)
    return InventoryTables(
        policy=_policy_table(pairs),
        ageing=ageing,
        actions=_action_table(pairs, counted, ladders, inputs, params),
    )


def _policy_table(pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.with_columns(
        supply_cost_base=_money(pl.col("supply_cost")),
        stock_value_base=_money(pl.col("on_hand") * pl.col("unit_cost")),
    ).pipe(conform, POLICY_SCHEMA)


def _money(amount: pl.Expr) -> pl.Expr:
    return amount.round(4).cast(MONEY)


def _action_table(
    pairs: pl.DataFrame,
    ages: Floats,
    ladders: list[tuple[Rows, Ladder]],
    inputs: InventoryInputs,
    params: InventoryParams,
) -> pl.DataFrame:
    """ACTION_SCHEMA: transfers first, the supplier for what is still short, then what is better sold off than kept."""
    nothing = np.zeros(pairs.height)
    surplus = pairs["surplus_pieces"].to_numpy().astype(np.float64)
    _, best = _sell_off(pairs, ages, ladders, params, given=nothing, most=surplus)
    without = _kept(pairs, ages, ladders, params, given=surplus)
    each = np.divide(best - without, surplus, out=np.zeros(pairs.height), where=surplus > 0)
    moves = _transfers(pairs, each, inputs)
    given, got = (_by_row(moves, end, pairs.height) for end in ("source", "target"))
    gone, worth = _sell_off(pairs, ages, ladders, params, given=given, most=surplus - given)
    gain = worth - _kept(pairs, ages, ladders, params, given=given)
    parts = [_move_rows(pairs, moves, each), _restock_rows(pairs, got), _sell_off_rows(pairs, gone, gain)]
    return pl.concat(conform(part, ACTION_SCHEMA) for part in parts).sort(
        *PAIR, "action", "target_warehouse_id", nulls_last=True
    )


def _by_row(moves: pl.DataFrame, end: str, n: int) -> Floats:
    found: Floats = np.zeros(n)
    np.add.at(found, moves[end].to_numpy(), moves["pieces"].to_numpy())
    return found


def _costs(pairs: pl.DataFrame, rows: Rows, params: InventoryParams) -> KeepingCosts:
    part = pairs[rows]
    price = part["price"].fill_null(0).to_numpy()
    return KeepingCosts(
        price=price,
        salvage=price * params.salvage_share,
        capital_day=part["unit_cost"].fill_null(0).to_numpy() * params.capital_rate_year / 365,
        m3=part["m3"].fill_null(params.volume_m3).to_numpy(),
        mean_day=part["sale_rate_day"].to_numpy(),
    )


def _sell_off(
    pairs: pl.DataFrame,
    ages: Floats,
    ladders: list[tuple[Rows, Ladder]],
    params: InventoryParams,
    *,
    given: Floats,
    most: Floats,
) -> tuple[Floats, Floats]:
    """Best pieces to sell off after the oldest `given` ones have gone, and what stock is worth then."""
    gone, worth = np.zeros(pairs.height), np.zeros(pairs.height)
    for rows, ladder in ladders:
        gone[rows], worth[rows] = best_sell_off(
            _after(ages[rows], given[rows]),
            _costs(pairs, rows, params),
            ladder,
            most=most[rows],
            horizon_days=params.horizon_days,
        )
    return gone, worth


def _kept(
    pairs: pl.DataFrame,
    ages: Floats,
    ladders: list[tuple[Rows, Ladder]],
    params: InventoryParams,
    *,
    given: Floats,
) -> Floats:
    """What stock is worth when the oldest `given` pieces go and nothing is sold off."""
    worth = np.zeros(pairs.height)
    for rows, ladder in ladders:
        worth[rows] = keep_value(
            ages[rows],
            _costs(pairs, rows, params),
            ladder,
            horizon_days=params.horizon_days,
            sold_off=given[rows],
        )
    return worth


def _after(ages: Floats, given: Floats) -> Floats:
    """Pieces by age when the oldest `given` ones have gone."""
    old_first = ages[:, ::-1]
    gone = np.minimum(np.cumsum(old_first, axis=1), given[:, None])
    left: Floats = (old_first - np.diff(gone, axis=1, prepend=0))[:, ::-1]
    return left


def _transfers(pairs: pl.DataFrame, each: Floats, inputs: InventoryInputs) -> pl.DataFrame:
    """Surplus pieces to where they are short, at least cost against the supplier; _MOVES, sorted."""
    facts = ("n", "product_id", "warehouse_id", "country", "goods")
    short = pairs.filter(pl.col("shortage_pieces") > 0).select(
        *facts, "kg", "type", "import_cost_there", "supply_cost", qty="shortage_pieces"
    )
    spare = pairs.with_columns(each=pl.Series(each)).filter(pl.col("surplus_pieces") > 0)
    offers = (
        short.join(
            spare.select(
                *facts[:4], "each", "cost_pick", "cost_pack", spare="surplus_pieces", source="n"
            ).drop("n"),
            on="product_id",
            suffix="_from",
        )
        .join(
            inputs.transfers.select("origin_node", "zone", "goods", "cost_per_kg_base"),
            left_on=["warehouse_id_from", "warehouse_id", "goods"],
            right_on=["origin_node", "zone", "goods"],
        )
        .with_columns(
            duty=pl.when(
                (territory("country") == territory("country_from")) | pl.col("type").is_in(NOT_CLEARED)
            )
            .then(0.0)
            .otherwise("import_cost_there")
        )
        .with_columns(
            cost=pl.col("kg") * pl.col("cost_per_kg_base").cast(pl.Float64)
            + (pl.col("cost_pick") + pl.col("cost_pack")).cast(pl.Float64)
            + pl.col("duty"),
        )
        .with_columns(ticks=_ticks(pl.col("cost") + pl.col("each")), penalty=_ticks(pl.col("supply_cost")))
        .filter(pl.col("ticks") < pl.col("penalty"))
        .sort("n", "source")
    )
    if offers.is_empty():
        return pl.DataFrame(schema=_MOVES)
    return _solve(offers)


def _ticks(amount: pl.Expr) -> pl.Expr:
    return (amount.clip(lower_bound=0) * TICKS_PER_BASE).round().cast(pl.Int64)


def _solve(offers: pl.DataFrame) -> pl.DataFrame:
    """The optimal moves of the offers, which are sorted by target and source."""
    classes = offers.unique("n", keep="first", maintain_order=True)
    nodes = offers.unique("source", keep="first").sort("product_id", "source")
    number = dict(zip(nodes["source"].to_list(), range(nodes.height), strict=True))
    arc_stock = offers["source"].replace_strict(number, return_dtype=pl.Int64).to_numpy()
    places = sorted(set(nodes["warehouse_id_from"]))
    place = nodes["warehouse_id_from"].replace_strict(
        {name: at for at, name in enumerate(places)}, return_dtype=pl.Int64
    )
    problem = FlowProblem(
        class_qty=classes["qty"].cast(pl.Int64).to_numpy(),
        class_penalty=classes["penalty"].to_numpy(),
        arc_class=offers["n"].rle_id().cast(pl.Int64).to_numpy(),
        arc_warehouse=place.to_numpy()[arc_stock],
        arc_cost=offers["ticks"].to_numpy(),
        capacity=np.full(len(places), UNLIMITED, dtype=np.int64),
        arc_stock=arc_stock,
        stock_product=nodes["product_id"].rle_id().cast(pl.Int64).to_numpy(),
        stock_warehouse=place.to_numpy(),
        stock_qty=nodes["spare"].cast(pl.Int64).to_numpy(),
    )
    moved = offers.with_columns(pieces=pl.Series(solve_flow(problem).arc_flow))
    return (
        moved.filter(pl.col("pieces") > 0)
        .rename({"n": "target"})
        .pipe(conform, _MOVES)
        .sort("source", "target")
    )


def _move_rows(pairs: pl.DataFrame, moves: pl.DataFrame, each: Floats) -> pl.DataFrame:
    source, target = pairs[moves["source"]], pairs[moves["target"]]
    pieces = moves["pieces"]
    saved = target["supply_cost"] - moves["cost"] - pl.Series(each[moves["source"].to_numpy()])
    return source.select(
        *PAIR,
        action=pl.lit("re_export"),
        target_warehouse_id=target["warehouse_id"],
        pieces=pieces,
        cost_base=_money(pl.lit(moves["cost"] * pieces)),
        benefit_base=_money(pl.lit(saved * pieces)),
        reason=pl.lit("more than the level here, short there, and cheaper than the supplier"),
    )


def _restock_rows(pairs: pl.DataFrame, got: Floats) -> pl.DataFrame:
    """What the supplier must send, unless a piece costs more than it brings."""
    margin = pl.col("price") - pl.col("supply_cost")
    return (
        pairs.with_columns(pieces=pl.col("shortage_pieces") - pl.Series(got))
        .filter(pl.col("pieces") > 0)
        .with_columns(pays=margin > 0)
        .select(
            *PAIR,
            "pieces",
            action=pl.when("pays").then(pl.lit("restock")).otherwise(pl.lit("let_run_out")),
            target_warehouse_id=pl.lit(None, dtype=pl.String),
            cost_base=_money(pl.when("pays").then(pl.col("pieces") * pl.col("supply_cost")).otherwise(0.0)),
            benefit_base=_money(
                pl.when("pays").then(pl.col("pieces") * margin).otherwise(-pl.col("pieces") * margin)
            ),
            reason=pl.when("pays")
            .then(pl.lit("the position is below the order-up-to level"))
            .otherwise(pl.lit("a piece costs more on the shelf than it brings")),
        )
    )


def _sell_off_rows(pairs: pl.DataFrame, gone: Floats, gain: Floats) -> pl.DataFrame:
    return (
        pairs.with_columns(pieces=pl.Series(gone), gain=pl.Series(gain))
        .filter(pl.col("pieces") > 0)
        .select(
            *PAIR,
            "pieces",
            action=pl.lit("liquidate"),
            target_warehouse_id=pl.lit(None, dtype=pl.String),
            cost_base=_money(pl.lit(0.0)),
            benefit_base=_money(pl.col("gain")),
            reason=pl.lit(
                "storage and money bound until the sale cost more than the price is above that of a sell-off"
            ),
        )
    )
