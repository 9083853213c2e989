"""The inventory plan: levels and positions of a small shop, transfers against brute force, and what is not known."""

from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from xbec_platform.logistics.inventory_actions import plan_inventory
from xbec_platform.logistics.inventory_inputs import InventoryInputs, InventoryParams, InventoryTables
from xbec_platform.logistics.stock_ageing import AGES

MONEY = pl.Decimal(18, 4)


PAIR = {"warehouse_id": pl.String, "product_id": pl.String}


def table(rows: Any, **schema: Any) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def shop(
    stock: list[tuple[str, str, int]],
    sales: list[tuple[str, str, float]],
    *,
    known: dict[str, int] | None = None,
    prices: dict[str, tuple[float | None, float | None]] | None = None,
    freight: float = 1.0,
) -> InventoryInputs:
    """Pairs with pieces on hand, pairs with pieces a day over 100 days; warehouses are German, lead time 3 days."""
    places = ("W1", "W2", "W3")
    prices = prices or dict.fromkeys(("P", "Q"), (4.0, 10.0))
    zero = pl.lit(0, dtype=MONEY)
    shelves = table(stock, **PAIR, on_hand=pl.Int64)
    days = [(w, p, day, rate) for w, p, rate in sales for day in range(100)]
    goods = [(name, *both, 20.0, 20.0, 20.0, 1.0, False, False, "DE") for name, both in prices.items()]
    size = dict.fromkeys(("length_cm", "width_cm", "height_cm", "weight_kg"), pl.Float64)
    flags = dict.fromkeys(("has_battery", "is_hazard"), pl.Boolean)
    ways = [(a, b, "plain", freight) for a, b in product(places, places) if a != b]
    ends = {"origin_node": pl.String, "zone": pl.String, "goods": pl.String}
    return InventoryInputs(
        stock=shelves.with_columns(
            reserved=pl.lit(0), inbound=pl.lit(0), age_0_30="on_hand", **{n: pl.lit(0) for n in AGES[1:]}
        ),
        demand=table(days, **PAIR, day=pl.Int64, pieces=pl.Float64),
        history=shelves.select(*PAIR, demand_basis=pl.lit("shipped"), days_in_stock=pl.lit(100)),
        lead_times=table(
            [(w, 3.0, 0.0) for w in places],
            warehouse_id=pl.String,
            lead_mean_days=pl.Float64,
            lead_sd_days=pl.Float64,
        ),
        known=table((known or {}).items(), product_id=pl.String, pieces=pl.Int64),
        products=table(
            goods,
            product_id=pl.String,
            unit_cost=MONEY,
            list_price=MONEY,
            **{**size, **flags, "origin_country": pl.String},
        ),
        warehouses=table(
            [(w, "overseas", "DE") for w in places], warehouse_id=pl.String, type=pl.String, country=pl.String
        ).with_columns(cost_pick=zero, cost_pack=zero),
        tiers=table(
            [("any", 0, 0.0), ("any", 91, 1.0)],
            warehouse_type=pl.String,
            from_age_days=pl.Int64,
            rate_base=pl.Float64,
        ),
        transfers=table(ways, **ends, cost_per_kg_base=pl.Float64),
        import_costs=table(
            [], product_id=pl.String, country=pl.String, import_cost_base=MONEY, status=pl.String
        ),
    )


def policy(result: InventoryTables, warehouse: str, article: str = "P") -> dict[str, Any]:
    rows = result.policy.filter(pl.col("warehouse_id") == warehouse, pl.col("product_id") == article)
    return rows.row(0, named=True)


def actions(result: InventoryTables) -> set[tuple[Any, ...]]:
    return set(result.actions.select(*PAIR, "action", "target_warehouse_id", "pieces").rows())


def test_level_position_and_deposits() -> None:
    """One piece each day, 10 days to cover: level 10; 25 on hand less 4 bought with a deposit leave a surplus of 11."""
    result = plan_inventory(shop([("W1", "P", 25)], [("W1", "P", 1.0)], known={"P": 4}))
    row = policy(result, "W1")
    assert (row["method"], row["order_up_to_pieces"], row["known_demand_pieces"]) == ("simulated", 10, 4)
    assert (row["position_pieces"], row["shortage_pieces"], row["surplus_pieces"]) == (21, 0, 11)
    assert row["cover_days"] == 21.0
    assert actions(result) == set()


def test_deposits_are_spread_by_demand_in_whole_pieces() -> None:
    """5 pieces, demand 3 : 1: 3.75 and 1.25 become 4 and 1."""
    result = plan_inventory(
        shop([("W1", "P", 50), ("W2", "P", 50)], [("W1", "P", 3.0), ("W2", "P", 1.0)], known={"P": 5})
    )
    assert [policy(result, w)["known_demand_pieces"] for w in ("W1", "W2")] == [4, 1]


def test_short_stock_comes_from_the_neighbour_then_from_the_supplier() -> None:
    """W2 lacks 20 and W1 has 6 too many: 6 are sent for 1 each instead of 4 from the supplier, 14 are ordered."""
    result = plan_inventory(
        shop(
            [("W1", "P", 26), ("W2", "P", 0)],
            [("W1", "P", 2.0), ("W2", "P", 2.0)],
            prices={"P": (9.0, 10.0)},
            freight=1.0,
        ),
        InventoryParams(salvage_share=0.0, capital_rate_year=0.0, service_level=0.95),
    )
    moved = result.actions.filter(pl.col("action") == "re_export")
    # A piece that would have sold here anyway is worth its price here: nothing is moved only to save the supplier's.
    assert moved.is_empty()
    dead = plan_inventory(
        shop([("W1", "P", 6), ("W2", "P", 0)], [("W2", "P", 2.0)], prices={"P": (9.0, 10.0)}),
        InventoryParams(salvage_share=0.0, capital_rate_year=0.0, horizon_days=30.0),
    )
    assert ("W1", "P", "re_export", "W2", 6) in actions(dead)
    assert ("W2", "P", "restock", None, 14) in actions(dead)


def test_what_does_not_pay_runs_out() -> None:
    """A piece that costs more than it brings is not ordered, and that is said."""
    result = plan_inventory(shop([("W1", "P", 0)], [("W1", "P", 1.0)], prices={"P": (12.0, 10.0)}))
    assert actions(result) == {("W1", "P", "let_run_out", None, 10)}


def test_old_stock_that_does_not_sell_is_sold_off() -> None:
    """40 pieces of 361 days and more at 1 a m3 and day, 0.008 m3: 35 % of 10 now beats a year of waiting."""
    inputs = shop([("W1", "P", 40)], [])
    aged = inputs.stock.with_columns(age_0_30=pl.lit(0), age_361_plus=pl.lit(40))
    result = plan_inventory(replace(inputs, stock=aged))
    assert result.ageing.select("age_bucket", "pieces").rows() == [("361_plus", 40)]
    assert result.ageing["storage_day_base"].to_list() == [Decimal("0.32")]
    row = result.actions.row(0, named=True)
    assert (row["action"], row["target_warehouse_id"]) == ("liquidate", None)
    assert row["pieces"] >= 30
    assert row["benefit_base"] > 0


def test_what_is_not_known_has_a_row_and_a_reason() -> None:
    """Unknown warehouse, unknown product, no price, ages that exceed the shelf: never a crash, never dropped."""
    inputs = shop(
        [("W9", "P", 5), ("W1", "X", 5), ("W1", "Q", -3), ("W1", "P", 5)],
        [("W9", "P", 1.0), ("W1", "P", 1.0)],
        prices={"P": (4.0, 10.0), "Q": (None, 10.0)},
    )
    result = plan_inventory(inputs)
    assert result.policy.height == 4
    reasons = {
        (w, p): r or "" for w, p, r in result.policy.select("warehouse_id", "product_id", "reason").rows()
    }
    assert "warehouse is unknown" in reasons["W9", "P"]
    assert "product is unknown" in reasons["W1", "X"]
    assert "unit_cost or list_price" in reasons["W1", "Q"]
    assert reasons["W1", "P"] == ""
    assert policy(result, "W1", "Q")["on_hand"] == 0
    assert policy(result, "W9")["shortage_pieces"] == 0
    pieces = result.ageing.group_by(*PAIR).agg(pl.col("pieces").sum()).sort(*PAIR)
    assert pieces.rows() == [("W1", "P", 5), ("W1", "X", 5), ("W9", "P", 5)]


def test_empty_shop() -> None:
    """No stock, no sales: empty tables of the right form."""
    result = plan_inventory(shop([], []))
    assert (result.policy.height, result.ageing.height, result.actions.height) == (0, 0, 0)


def test_row_order_does_not_matter_and_nothing_is_given_twice() -> None:
    """A random shop, shuffled: equal tables; what is sent and sold off stays within the surplus of each shelf."""
    rng = np.random.default_rng(11)
    pairs = [(w, f"P{n:02d}") for w in ("W1", "W2", "W3") for n in range(30)]
    stock = [(w, p, int(rng.integers(0, 60))) for w, p in pairs]
    sales = [(w, p, float(rng.integers(1, 4))) for w, p in pairs if rng.random() < 0.5]
    prices: dict[str, tuple[float | None, float | None]] = {
        f"P{n:02d}": (float(rng.integers(4, 12)), 12.0) for n in range(30)
    }
    inputs = shop(stock, sales, prices=prices, freight=0.5)
    first = plan_inventory(inputs, InventoryParams(horizon_days=40.0))
    shuffled = InventoryInputs(
        **{name: frame.sample(fraction=1.0, shuffle=True, seed=2) for name, frame in vars(inputs).items()}
    )
    second = plan_inventory(shuffled, InventoryParams(horizon_days=40.0))
    for name in ("policy", "ageing", "actions"):
        assert getattr(first, name).equals(getattr(second, name)), name
    assert {"re_export", "restock", "liquidate"} <= set(first.actions["action"])
    taken = (
        first.actions.filter(pl.col("action").is_in(["re_export", "liquidate"]))
        .group_by("warehouse_id", "product_id").agg(pl.col("pieces").sum())
        .join(first.policy, on=["warehouse_id", "product_id"])
    )  # fmt: skip
    assert (taken["pieces"] <= taken["surplus_pieces"]).all()
    answered = (
        first.actions.filter(pl.col("action") != "liquidate")
        .group_by(pl.coalesce("target_warehouse_id", "warehouse_id").alias("warehouse_id"), "product_id")
        .agg(pl.col("pieces").sum())
        .join(first.policy, on=["warehouse_id", "product_id"], how="right")
    )
    assert (answered["pieces"].fill_null(0) == answered["shortage_pieces"]).all()
