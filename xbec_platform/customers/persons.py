"""Persons instead of accounts: what several accounts of one person say together, before portraits are made.

Who is who is `identity`. Consent is the strictest of a person's accounts. Numbers add up; what a model says of an
account (segment, group, lifetime value, recommendations) is said of the person by the account with the most orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from xbec_platform.customers.portrait import PortraitInput

SUMS = (
    "n_orders", "n_order_days", "n_items", "n_orders_365d", "n_orders_90d", "gross_base", "returns_base", "net_base",
    "net_base_365d", "net_base_90d", "repeat_gross_base", "costed_base", "margin_base", "n_deposit_orders",
    "n_deposits_converted", "n_deliveries", "duty_paid_base", "cbec_ytd_cny", "n_sessions_30d", "n_views_30d",
    "n_clicks_30d", "n_searches_30d", "n_carts_30d", "dwell_30d_s",
)  # fmt: skip
LEAST, MOST = ("first_order_date", "recency_days"), ("last_order_date", "tenure_days", "n_products")
PERSON_SCHEMA = pl.Schema(
    [
        ("person_id", pl.String),
        ("n_accounts", pl.Int64),
        ("customer_ids", pl.String),
        ("leading_customer_id", pl.String),
        ("may_be_profiled", pl.Boolean),
        ("country", pl.String),
        ("first_order_date", pl.Date),
        ("last_order_date", pl.Date),
        ("n_orders", pl.Int64),
        ("n_items", pl.Int64),
        ("gross_base", pl.Decimal(18, 4)),
        ("returns_base", pl.Decimal(18, 4)),
        ("net_base", pl.Decimal(18, 4)),
        ("net_base_365d", pl.Decimal(18, 4)),
        ("cbec_ytd_cny", pl.Decimal(18, 4)),
    ]
)


def by_person(data: PortraitInput, accounts: pl.DataFrame) -> PortraitInput:
    """Return the input of portraits with one customer for each person, by the id of the person.

    Args:
        data: of accounts.
        accounts: customer_id, person_id of every account.
    """
    led = _leading(data, accounts)
    several = led.filter(pl.len().over("person_id") > 1)
    if several.is_empty():
        return data

    def apart(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Rows of people with one account as they are, those of others with person_id and is_leading."""
        alone = frame.join(several, on="customer_id", how="anti", maintain_order="left")
        return alone, frame.join(several, on="customer_id").sort("person_id", "account_no")

    def merged(frame: pl.DataFrame, how: Mapping[str, pl.Expr], key: tuple[str, ...] = ()) -> pl.DataFrame:
        """One row per person (and key): the first account's values but for those that say how."""
        alone, rows = apart(frame)
        values = [pl.col(name).first() for name in frame.columns if name not in {"customer_id", *key, *how}]
        together = rows.group_by("person_id", *key, maintain_order=True).agg(
            *values, *(expression.alias(name) for name, expression in how.items())
        )
        one = together.rename({"person_id": "customer_id"}).select(
            pl.col(name).cast(dtype) for name, dtype in frame.schema.items()
        )
        return pl.concat([alone, one]).sort("customer_id", *key)

    counts = {name: pl.col(name).sum() for name in data.habits.columns if name.startswith("n_")}
    weight = pl.col("n_events")
    mean = {name: (pl.col(name) * weight).sum() / weight.sum() for name in ("preference", "interest_share")}
    alone, rows = apart(data.recommended)
    first = rows.filter(pl.col("account_no") == pl.col("account_no").min().over("person_id"))
    return replace(
        data,
        people=merged(data.people, {"may_be_profiled": pl.col("may_be_profiled").all()}),
        database=_ratios(merged(data.database, _totals(data.database))),
        habits=merged(data.habits, counts),
        likes=merged(
            data.likes,
            {**mean, "n_events": weight.sum(), "confidence": pl.col("confidence").max()},
            ("attribute", "attribute_value"),
        ),
        stages=merged(data.stages, {"n_purchases": pl.col("n_purchases").sum()}, ("life_stage",)),
        settings=merged(data.settings, {}),
        recommended=pl.concat(
            [alone, first.with_columns(customer_id="person_id").select(data.recommended.columns)]
        ).sort("customer_id", "rank"),
    )


def person_database(data: PortraitInput, accounts: pl.DataFrame) -> pl.DataFrame:
    """Return `PERSON_SCHEMA`, one row per person with an order, by person.

    Args:
        data: of accounts.
        accounts: customer_id, person_id of every account.
    """
    led = _leading(data, accounts)
    of_person = led.group_by("person_id").agg(
        n_accounts=pl.len(),
        customer_ids=pl.col("customer_id").sort().str.join(", "),
        leading_customer_id=pl.col("customer_id").sort_by("account_no").first(),
    )
    together = by_person(data, accounts)
    profiled = together.people.select("may_be_profiled", person_id="customer_id")
    return (
        together.database.rename({"customer_id": "person_id"})
        .join(of_person, on="person_id", how="left", maintain_order="left")
        .join(profiled, on="person_id", how="left", maintain_order="left")
        # Some shops deliver orders of customers and no customers: each is a person of whose consent nobody knows.
        .with_columns(
            pl.col("n_accounts").fill_null(1),
            pl.col("customer_ids", "leading_customer_id").fill_null(pl.col("person_id")),
            pl.col("may_be_profiled").fill_null(value=False),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in PERSON_SCHEMA.items())
        .sort("person_id")
    )


def _leading(data: PortraitInput, accounts: pl.DataFrame) -> pl.DataFrame:
    """customer_id, person_id and account_no of every account: 1 has the most orders, ids break ties."""
    orders = data.database.select("customer_id", "n_orders")
    return (
        accounts.select("customer_id", "person_id")
        .join(data.people.select("customer_id"), on="customer_id", how="semi")
        .join(orders, on="customer_id", how="left")
        .sort("person_id", pl.col("n_orders").fill_null(0), "customer_id", descending=[False, True, False])
        .select(
            "customer_id",
            "person_id",
            account_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("person_id"),
        )
    )


def _totals(database: pl.DataFrame) -> dict[str, pl.Expr]:
    return {
        name: expression
        for names, how in ((SUMS, pl.Expr.sum), (LEAST, pl.Expr.min), (MOST, pl.Expr.max))
        for name in names
        if name in database.columns
        for expression in (how(pl.col(name)),)
    }


def _ratios(database: pl.DataFrame) -> pl.DataFrame:
    """Ratios of the sums."""
    gross, returns, orders = pl.col("gross_base"), pl.col("returns_base"), pl.col("n_orders")
    found = {
        "items_per_order": pl.col("n_items") / orders,
        "return_rate": pl.when(gross > 0).then(returns.cast(pl.Float64) / gross.cast(pl.Float64)),
        "mean_gap_days": pl.when(pl.col("n_order_days") > 1).then(
            (pl.col("tenure_days") - pl.col("recency_days")) / (pl.col("n_order_days") - 1)
        )
        if "tenure_days" in database.columns
        else pl.col("mean_gap_days"),
    }
    return database.with_columns(**found)
