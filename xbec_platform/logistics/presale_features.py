"""What is known of a deposit when it is made, as numbers. No model, and nothing that came after the deposit."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.logistics.assignment_schema import MONEY, conform

Floats = NDArray[np.float64]

DEPOSIT_FACTS = pl.Schema(
    {
        "order_id": pl.String(),
        "presale_id": pl.String(),
        "product_id": pl.String(),
        "customer_id": pl.String(),
        "zone": pl.String(),
        "qty": pl.Int64(),
        "category": pl.String(),
        "deposit_ts": pl.Datetime("us"),
        "balance_open_ts": pl.Datetime("us"),
        "balance_close_ts": pl.Datetime("us"),
        "balance_ts": pl.Datetime("us"),
        "cancelled_ts": pl.Datetime("us"),
        "deposit_base": MONEY,
        "final_price_base": MONEY,
        "list_price_base": MONEY,
        "has_coupon": pl.Boolean(),
        "prior_orders": pl.Int64(),
    }
)
"""Grain: order of a pre-sale with its deposit paid. Money per piece in base currency; times UTC. balance_ts: when the
balance was paid; null = not yet, or never. cancelled_ts: when it was given up. prior_orders: the customer's in
the year before."""

NUMERIC = (
    "deposit_share",
    "days_to_balance",
    "discount_depth",
    "log_price",
    "has_coupon",
    "log_prior_orders",
    "paid_share_before",
)
USUAL = {"deposit_share": 0.15, "days_to_balance": 10.0, "discount_depth": 0.2, "log_price": 3.5}
"""Where a number is not known. Constants: a median would change with deposits that came later."""
HISTORY_SHARE, HISTORY_WEIGHT = 0.75, 2.0
"""Assumed of a customer without closed pre-sales, and the pre-sales it counts for."""
NAMED = ("category", "zone")
MIN_CATEGORY = 30


def deposit_facts(frame: pl.DataFrame) -> pl.DataFrame:
    """Typed deposits, sorted by order_id.

    Raises:
        ValueError: A column or a time is missing, or an order comes twice.
    """
    missing = sorted(set(DEPOSIT_FACTS) - set(frame.columns))
    if missing:
        raise ValueError(f"deposits: add the columns {missing}")
    times = [
        pl.col(name).cast(pl.Datetime("us"))
        for name, dtype in DEPOSIT_FACTS.items()
        if dtype == pl.Datetime("us")
    ]
    facts = conform(frame.with_columns(times), DEPOSIT_FACTS).sort("order_id")
    for name in ("order_id", "presale_id", "deposit_ts", "balance_open_ts", "balance_close_ts"):
        if facts[name].null_count():
            raise ValueError(f"deposits.{name}: {facts[name].null_count()} rows are null, fill or drop them")
    if facts["order_id"].is_duplicated().any():
        raise ValueError(
            f"deposits: order {facts.filter(pl.col('order_id').is_duplicated())['order_id'][0]} comes twice"
        )
    return facts


def with_features(facts: pl.DataFrame) -> pl.DataFrame:
    """Deposits with the columns `NUMERIC`; what is not known takes the value that says least.

    What a customer did in earlier pre-sales counts from the day their balances closed: before, nobody knew.
    """
    price = pl.col("final_price_base").cast(pl.Float64)
    depth = 1 - price / pl.col("list_price_base").cast(pl.Float64)
    numbers = facts.with_columns(
        deposit_share=(pl.col("deposit_base").cast(pl.Float64) / price).clip(0, 1),
        days_to_balance=((pl.col("balance_open_ts") - pl.col("deposit_ts")).dt.total_seconds() / 86_400).clip(
            0
        ),
        discount_depth=depth.clip(-1, 1),
        log_price=price.clip(0.01).log(),
        has_coupon=pl.col("has_coupon").fill_null(False).cast(pl.Float64),
        log_prior_orders=pl.col("prior_orders").fill_null(0).clip(0).cast(pl.Float64).log1p(),
    ).with_columns(
        pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name)
        for name in ("deposit_share", "discount_depth", "log_price")
    )
    return numbers.with_columns(pl.col(name).fill_null(usual) for name, usual in USUAL.items()).join(
        _history(facts), on="order_id", how="left", maintain_order="left"
    )


def _history(facts: pl.DataFrame) -> pl.DataFrame:
    """Pre-sales of the same customer that had closed before the deposit: paid and not paid."""
    known = facts.drop_nulls("customer_id").select(
        "customer_id",
        other_id="order_id",
        closed_ts="balance_close_ts",
        was_paid=pl.col("balance_ts").is_not_null(),
    )
    pairs = (
        facts.select("order_id", "customer_id", "deposit_ts")
        .join(known, on="customer_id", how="inner")
        .filter((pl.col("closed_ts") < pl.col("deposit_ts")) & (pl.col("other_id") != pl.col("order_id")))
    )
    # A share and not counts: counts grow with the age of the log, and the model would take that for a habit.
    share = (pl.col("was_paid").sum() + HISTORY_SHARE * HISTORY_WEIGHT) / (pl.len() + HISTORY_WEIGHT)
    shares = pairs.group_by("order_id").agg(paid_share_before=share)
    return (
        facts.select("order_id")
        .join(shares, on="order_id", how="left")
        .select("order_id", pl.col("paid_share_before").fill_null(HISTORY_SHARE))
    )


def frequent_values(rows: pl.DataFrame) -> list[tuple[str, str]]:
    """Categories and zones with enough deposits to have a number of their own: column and value, sorted."""
    found = []
    for column in NAMED:
        counts = rows[column].drop_nulls().value_counts().filter(pl.col("count") >= MIN_CATEGORY)
        found += [(column, value) for value in sorted(counts[column])]
    return found


def matrix(rows: pl.DataFrame, known: list[tuple[str, str]]) -> Floats:
    """Features as columns: `NUMERIC`, then one per frequent value."""
    flags = [
        (pl.col(column) == value).fill_null(False).cast(pl.Float64).alias(f"{column} {value}")
        for column, value in known
    ]
    return np.asarray(rows.select(*NUMERIC, *flags).to_numpy(), dtype=np.float64)
