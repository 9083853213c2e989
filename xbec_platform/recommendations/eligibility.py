"""Which product may be shown in which market, and if not, why; no ranking and no customer lives here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

ELIGIBILITY_SCHEMA = {
    "product_id": pl.String,
    "market": pl.String,
    "is_eligible": pl.Boolean,
    "exclude_reason": pl.String,
}


def _check_products(products: pl.DataFrame) -> None:
    missing = {"product_id", "status"} - set(products.columns)
    if missing:
        raise ValueError(f"products lack {sorted(missing)}")
    if products["product_id"].is_duplicated().any():
        raise ValueError("products have repeated product_id: give one row per product")
    unknown = set(products["status"].unique().to_list()) - {"active", "retired"}
    if unknown:
        raise ValueError(f"products have status {sorted(map(str, unknown))}: use 'active' or 'retired'")


def _with_stock(table: pl.DataFrame, stock: pl.DataFrame | None) -> pl.DataFrame:
    if stock is None:
        return table.with_columns(available=pl.lit(None, dtype=pl.Int64))
    keys = ["product_id", "market"] if "market" in stock.columns else ["product_id"]
    if stock.select(keys).is_duplicated().any():
        raise ValueError(f"stock has repeated keys {keys}: add up the warehouses that serve a market first")
    return table.join(stock.select(*keys, "available"), on=keys, how="left")


def decide_eligibility(
    products: pl.DataFrame,
    markets: list[str],
    *,
    restrictions: pl.DataFrame | None = None,
    stock: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Decide for every product and market whether the product may be shown.

    Args:
        products: product_id, status ('active' or 'retired'), optionally markets (list of markets the product is
            sold in, null = all).
        markets: all markets.
        restrictions: optional product_id, market, reason: not shippable (battery, liquid, hazard), not allowed.
        stock: optional product_id, available, and market where stock is reserved by market. A product that is
            not in it, or has null, is of unknown stock and stays eligible.

    Returns:
        `ELIGIBILITY_SCHEMA`, one row per product x market, sorted by key. exclude_reason is null for eligible
        products, else the first of: 'retired', 'not_sold_in_market', the restriction's reason (the
        alphabetically first), 'out_of_stock'.

    Raises:
        ValueError: repeated keys or an unknown status.
    """
    _check_products(products)
    market_frame = pl.DataFrame({"market": sorted(set(markets))}, schema={"market": pl.String})
    table = products.join(market_frame, how="cross")
    if "markets" not in table.columns:
        table = table.with_columns(markets=pl.lit(None, dtype=pl.List(pl.String)))
    if restrictions is None:
        restrictions = pl.DataFrame(
            schema={"product_id": pl.String, "market": pl.String, "reason": pl.String}
        )
    reasons = restrictions.group_by("product_id", "market").agg(pl.col("reason").min())
    table = _with_stock(table.join(reasons, on=["product_id", "market"], how="left"), stock)
    sold_here = pl.col("markets").list.contains(pl.col("market")).fill_null(value=True)
    reason = (
        pl.when(pl.col("status") == "retired")
        .then(pl.lit("retired"))
        .when(~sold_here)
        .then(pl.lit("not_sold_in_market"))
        .when(pl.col("reason").is_not_null())
        .then(pl.col("reason"))
        .when(pl.col("available") <= 0)
        .then(pl.lit("out_of_stock"))
    )
    return (
        table.with_columns(exclude_reason=reason.cast(pl.String))
        .with_columns(is_eligible=pl.col("exclude_reason").is_null())
        .select(pl.col(name).cast(dtype) for name, dtype in ELIGIBILITY_SCHEMA.items())
        .sort("product_id", "market")
    )


def everything_eligible(product_ids: pl.Series, markets: list[str]) -> pl.DataFrame:
    """Return a table in which every product may be shown in every market, for evaluation on past data."""
    products = pl.DataFrame({"product_id": product_ids.unique().sort()}).with_columns(status=pl.lit("active"))
    return decide_eligibility(products, markets)


@dataclass(frozen=True)
class EligibleProducts:
    """Eligibility by code.

    Attributes:
        markets: market names, sorted; position = row of `allowed`.
        allowed: markets x products, True = may be shown; one more row at the end, all False, stands for a
            market that the table does not know.
    """

    markets: list[str]
    allowed: NDArray[np.bool_]

    def rows_of(self, markets: pl.Series) -> NDArray[np.int64]:
        """Return the row of `allowed` for each market; null and unknown markets get the row of nothing."""
        position = {market: row for row, market in enumerate(self.markets)}
        return np.array([position.get(market, len(self.markets)) for market in markets], dtype=np.int64)


def eligible_products(eligibility: pl.DataFrame, product_ids: pl.Series) -> EligibleProducts:
    """Turn the table into a matrix over sorted product ids; pairs that are not in the table are not eligible.

    Raises:
        ValueError: columns are missing, or a product has two rows for one market.
    """
    missing = set(ELIGIBILITY_SCHEMA) - {"exclude_reason"} - set(eligibility.columns)
    if missing:
        raise ValueError(f"eligibility lacks {sorted(missing)}: build it with decide_eligibility")
    if eligibility.select("product_id", "market").is_duplicated().any():
        raise ValueError("eligibility has repeated product_id x market: one row each, with the first reason")
    markets = eligibility["market"].unique().sort().to_list()
    shown = eligibility.filter("is_eligible").select(
        row=pl.col("market").cast(pl.Enum(markets)).to_physical().cast(pl.Int64),
        product_ix=pl.col("product_id").cast(pl.Enum(product_ids)).to_physical().cast(pl.Int64),
    )
    allowed = np.zeros((len(markets) + 1, len(product_ids)), dtype=np.bool_)
    allowed[shown["row"].to_numpy(), shown["product_ix"].to_numpy()] = True
    return EligibleProducts(markets, allowed)
