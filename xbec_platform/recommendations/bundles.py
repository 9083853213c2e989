"""What a bundle saves in parcels and which import limit it passes; which pairs sell together is decided elsewhere."""

from __future__ import annotations

import polars as pl

MOST_PAIRS = 2_000  # the strongest; times 30 markets these are rows enough for people and shops
BUNDLE_COLUMNS = (
    "market",
    "product_a",
    "product_b",
    "lift_low",
    "goods_value_base",
    "parcel_saving_base",
    "crosses_threshold",
    "is_bundle",
)


def price_bundles(
    pairs: pl.DataFrame, products: pl.DataFrame, freight: pl.DataFrame, limits: pl.DataFrame
) -> pl.DataFrame:
    """Say what selling a pair as one parcel means in each market.

    Two pieces in one parcel pay one minimum charge; but goods that are each below an import limit (IOSS, CBEC, low
    value) and together above it pay duty: such a pair is no bundle.

    Args:
        pairs: as `affinity.rate_pairs` returns them; those of orders of all markets count.
        products: product_id, price_base (decimal, one piece), weight_kg.
        freight: market, kg, freight_base (decimal): the cheapest parcel of up to so many kg to an address there.
        limits: market, regime, limit_base (decimal): values up to which a regime takes a consignment.

    Returns:
        `BUNDLE_COLUMNS`, one row for each of the `MOST_PAIRS` strongest pairs and each market, sorted by key:
        goods_value_base of both pieces, parcel_saving_base (two parcels less one; null without weights or a tariff that
        reaches so far), crosses_threshold (the lowest limit both pieces keep and the bundle passes, by its regime) and
        is_bundle (something is saved, no limit passed; null = unknown).
    """
    strongest = (
        pairs.filter((pl.col("basket_kind") == "order") & (pl.col("market") == "all"))
        .sort("lift_low", "product_a", "product_b", descending=[True, False, False])
        .head(MOST_PAIRS)
        .select("product_a", "product_b", "lift_low")
    )
    wanted = strongest.join(freight.select("market").unique(), how="cross").with_row_index("row")
    for side in "ab":
        wanted = wanted.join(
            products.select(
                pl.col("product_id").alias(f"product_{side}"),
                pl.col("price_base").alias(f"price_{side}"),
                pl.col("weight_kg").alias(f"kg_{side}"),
            ),
            on=f"product_{side}",
            how="left",
        )
    wanted = wanted.with_columns(
        goods_value_base=pl.col("price_a") + pl.col("price_b"), kg_ab=pl.col("kg_a") + pl.col("kg_b")
    )
    for side in ("a", "b", "ab"):
        wanted = _with_freight(wanted, freight, side)
    saving = pl.col("freight_a") + pl.col("freight_b") - pl.col("freight_ab")
    passed = pl.col("crosses_threshold").is_not_null()
    saves = (pl.col("parcel_saving_base") > 0) & pl.col("goods_value_base").is_not_null()
    return (
        wanted.join(_crossing(wanted, limits), on="row", how="left")
        .with_columns(parcel_saving_base=saving)
        .with_columns(is_bundle=pl.when(passed).then(pl.lit(value=False)).otherwise(saves))
        .select(BUNDLE_COLUMNS)
        .sort("market", "product_a", "product_b")
    )


def _with_freight(table: pl.DataFrame, freight: pl.DataFrame, side: str) -> pl.DataFrame:
    """Add the price of the smallest step of the tariff that takes the weight."""
    steps = freight.select(
        "market", pl.col("kg").alias("step_kg"), pl.col("freight_base").alias(f"freight_{side}")
    )
    joined = table.sort(f"kg_{side}", nulls_last=True).join_asof(
        steps.sort("step_kg"),
        left_on=f"kg_{side}",
        right_on="step_kg",
        by="market",
        strategy="forward",
        check_sortedness=False,
    )
    return joined.drop("step_kg", strict=False)


def _crossing(table: pl.DataFrame, limits: pl.DataFrame) -> pl.DataFrame:
    """Row and regime of the lowest limit that both pieces keep and the bundle passes."""
    limit = pl.col("limit_base")
    return (
        table.select("row", "market", "price_a", "price_b", "goods_value_base")
        .join(limits, on="market")
        .filter(
            (pl.col("price_a") <= limit) & (pl.col("price_b") <= limit) & (pl.col("goods_value_base") > limit)
        )
        .sort("row", "limit_base", "regime")
        .group_by("row", maintain_order=True)
        .agg(pl.col("regime").first().alias("crosses_threshold"))
    )
