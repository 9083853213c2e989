"""A shop of a few people whose portraits can be worked out by hand."""

from datetime import date
from decimal import Decimal

import polars as pl

from xbec_platform.customers.portrait import PortraitInput

AS_OF = date(2026, 3, 31)
DATABASE = {
    "customer_id": pl.String,
    "country": pl.String,
    "segment": pl.String,
    "cluster_name": pl.String,
    "interest_name": pl.String,
    "n_orders": pl.Int64,
    "n_order_days": pl.Int64,
    "n_items": pl.Int64,
    "n_products": pl.Int64,
    "n_orders_365d": pl.Int64,
    "gross_base": pl.Decimal(18, 4),
    "returns_base": pl.Decimal(18, 4),
    "net_base_365d": pl.Decimal(18, 4),
    "items_per_order": pl.Float64,
    "return_rate": pl.Float64,
    "mean_gap_days": pl.Float64,
    "top_categories": pl.String,
    "price_band": pl.String,
    "clv_method": pl.String,
    "activity": pl.String,
    "p_alive": pl.Float64,
    "expected_order_days_90d": pl.Float64,
    "clv_12m_base": pl.Decimal(18, 4),
    "clv_12m_base_lo": pl.Decimal(18, 4),
    "clv_12m_base_hi": pl.Decimal(18, 4),
}
HABITS = {
    "customer_id": pl.String,
    "n_orders_seen": pl.Int64,
    "n_coupon_orders": pl.Int64,
    "n_lines": pl.Int64,
    "n_reduced_lines": pl.Int64,
    "n_promised_orders": pl.Int64,
    "n_soon_orders": pl.Int64,
    "preferred_hour": pl.Int64,
    "n_hour_orders": pl.Int64,
    "preferred_channel": pl.String,
    "n_channel_orders": pl.Int64,
}
LIKES = {
    "customer_id": pl.String,
    "attribute": pl.String,
    "attribute_value": pl.String,
    "preference": pl.Float64,
    "interest_share": pl.Float64,
    "n_events": pl.Int64,
    "confidence": pl.Float64,
}


def customer(name: str, **changes: object) -> dict[str, object]:
    """A customer with one order; changes make it another."""
    money = Decimal
    usual: dict[str, object] = dict.fromkeys(DATABASE)
    usual |= {"customer_id": name, "country": "DE", "segment": "Loyal", "cluster_name": "Steady"}
    usual |= {"n_orders": 1, "n_order_days": 1, "n_items": 1, "n_products": 1, "n_orders_365d": 1}
    usual |= {"gross_base": money(10), "returns_base": money(0), "net_base_365d": money(10)}
    usual |= {"items_per_order": 1.0, "return_rate": 0.0, "clv_method": "bgnbd_gamma_gamma"}
    usual |= {"activity": "no_repeat_yet", "p_alive": 1.0, "expected_order_days_90d": 0.2}
    usual |= {"clv_12m_base": money(5), "clv_12m_base_lo": money(4), "clv_12m_base_hi": money(6)}
    return usual | changes


def habit(name: str, orders: int, **changes: object) -> dict[str, object]:
    """Habits without coupons, reductions or promises."""
    usual: dict[str, object] = {"customer_id": name, "n_orders_seen": orders, "n_coupon_orders": 0}
    usual |= {"n_lines": orders, "n_reduced_lines": 0, "n_promised_orders": 0, "n_soon_orders": 0}
    usual |= {
        "preferred_hour": 9,
        "n_hour_orders": orders,
        "preferred_channel": "own",
        "n_channel_orders": orders,
    }
    return usual | changes


def shop(
    database: list[dict[str, object]],
    habits: list[dict[str, object]] | None = None,
    likes: list[tuple[object, ...]] | None = None,
    refusing: tuple[str, ...] = (),
    group_likes: list[tuple[object, ...]] | None = None,
) -> PortraitInput:
    """What is known of a shop whose customers are those of the database."""
    names = [row["customer_id"] for row in database]
    return PortraitInput(
        as_of=AS_OF,
        people=pl.DataFrame(
            {
                "customer_id": names,
                "market": [row["country"] for row in database],
                "may_be_profiled": [name not in refusing for name in names],
            },
            schema={"customer_id": pl.String, "market": pl.String, "may_be_profiled": pl.Boolean},
        ),
        database=pl.DataFrame(database, schema=DATABASE),
        habits=pl.DataFrame(habits or [], schema=HABITS),
        likes=pl.DataFrame(likes or [], schema=LIKES, orient="row"),
        stages=pl.DataFrame(
            [("A", "new_parent", 2)], schema=["customer_id", "life_stage", "n_purchases"], orient="row"
        ),
        settings=pl.DataFrame({"customer_id": ["A"], "delivery": ["fast"]}),
        recommended=pl.DataFrame(
            {"customer_id": ["A"], "rank": [1], "product_id": ["P1"], "title": ["Cup"], "n_reasons": [2]}
        ),
        group_likes=pl.DataFrame(
            group_likes or [],
            schema={
                "group_type": pl.String,
                "group_key": pl.String,
                "attribute": pl.String,
                "attribute_value": pl.String,
                "index": pl.Float64,
                "n_buyers": pl.Int64,
                "p_value": pl.Float64,
            },
            orient="row",
        ),
    )
