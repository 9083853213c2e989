"""Deposits of a generated world as the model gets them, with their true probabilities."""

from datetime import date
from functools import cache

import polars as pl

from xbec_platform.logistics.presale_features import DEPOSIT_FACTS
from xbec_platform_tests.unit.world.trade_plan import trade_plan


@cache
def deposit_log(
    scale: int = 10, days: int = 760, last_day: date = date(2025, 12, 31)
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Facts (DEPOSIT_FACTS) and truth (order_id, probability) of all pre-sales of a world."""
    plan = trade_plan(scale=scale, days=days, last_day=last_day)
    orders = plan.orders.frame.with_row_index("order").with_columns(pl.col("order").cast(pl.Int32))
    offers = plan.presales.offers.with_row_index("presale").with_columns(pl.col("presale").cast(pl.Int16))
    products = plan.catalogue.frame.with_row_index("product").with_columns(pl.col("product").cast(pl.Int16))
    lines = plan.orders.lines.group_by("order").agg(qty=pl.col("qty").sum())
    joined = (
        plan.presales.deposits.join(orders, on="order", how="left")
        .join(offers, on="presale", how="left")
        .join(products.select("product", "product_id", "category"), on="product", how="left")
        .join(lines, on="order", how="left")
    )
    earlier = orders.filter(pl.col("customer") >= 0).select("customer", earlier_ts="order_ts")
    prior = (
        joined.select("order", "customer", "order_ts")
        .join(earlier, on="customer")
        .filter((pl.col("order_ts") - pl.col("earlier_ts")).is_between(1, 365 * 86_400))
        .group_by("order")
        .agg(prior=pl.len())
    )
    time = {name: pl.from_epoch(name, "s").cast(pl.Datetime("us")) for name in
            ("order_ts", "balance_open_ts", "balance_close_ts", "balance_ts")}  # fmt: skip
    opens = joined["announced_day"].to_numpy()
    listed = plan.catalogue.list_price_cents(joined["product"].to_numpy().astype("int64"), opens)
    facts = joined.join(prior, on="order", how="left").select(
        "order_id",
        presale_id=pl.col("presale").cast(pl.String),
        product_id=pl.col("product_id"),
        customer_id=pl.col("customer").cast(pl.String),
        zone=pl.col("market").cast(pl.String),
        qty=pl.col("qty"),
        category=pl.col("category").cast(pl.String),
        deposit_ts=time["order_ts"],
        balance_open_ts=time["balance_open_ts"],
        balance_close_ts=time["balance_close_ts"],
        balance_ts=pl.when("is_paid").then(time["balance_ts"]),
        cancelled_ts=pl.lit(None, dtype=pl.Datetime("us")),
        deposit_base=(pl.col("deposit_cents") / 100),
        final_price_base=(pl.col("final_cents") / 100),
        list_price_base=pl.Series(listed) / 100,
        has_coupon=pl.lit(False),
        prior_orders=pl.col("prior").fill_null(0),
    )
    typed = facts.select(pl.col(name).cast(dtype) for name, dtype in DEPOSIT_FACTS.items())
    return typed, joined.select("order_id", "probability")
