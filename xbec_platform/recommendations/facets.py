"""What a shopper can browse by in a market: values of attributes with products, stock and prices. No search here."""

from __future__ import annotations

import polars as pl

FACET_SCHEMA = pl.Schema(
    {
        "market": pl.String(),
        "attribute": pl.String(),
        "attribute_value": pl.String(),
        "n_products": pl.Int64(),
        "n_in_stock": pl.Int64(),
        "lowest_landed_base": pl.Decimal(18, 4),
        "median_landed_base": pl.Decimal(18, 4),
    }
)
PRICE_BAND = "price_band"
EDGES = (10, 20, 50, 100, 200, 500)


def facets(offers: pl.DataFrame, attributes: pl.DataFrame) -> pl.DataFrame:
    """Count eligible products by market and attribute value; price bands of the landed price are an attribute too.

    Args:
        offers: product_id, market, is_eligible, available (null = not known, counts as in stock), landed_price_base.
        attributes: item_id, attribute, attribute_value.

    Returns:
        `FACET_SCHEMA`, sorted by key; medians are the lower of two middle prices, null where no price is known.
    """
    shown = offers.filter("is_eligible")
    values = attributes.select(pl.col("item_id").alias("product_id"), "attribute", "attribute_value").unique()
    price = pl.col("landed_price_base")
    band = pl.lit(f"{EDGES[-1]} and more")
    for low, high in reversed(list(zip((0, *EDGES), EDGES, strict=False))):
        band = pl.when(price < high).then(pl.lit(f"{low} to {high}")).otherwise(band)
    bands = shown.filter(price.is_not_null()).with_columns(
        attribute=pl.lit(PRICE_BAND, dtype=pl.String), attribute_value=band
    )
    joined = shown.join(values.filter(pl.col("attribute") != PRICE_BAND), on="product_id")
    both = pl.concat([joined, bands.select(joined.columns)])
    middle = (
        price.drop_nulls()
        .sort()
        .get(pl.max_horizontal((price.drop_nulls().len().cast(pl.Int64) - 1) // 2, 0), null_on_oob=True)
    )
    return (
        both.group_by("market", "attribute", "attribute_value")
        .agg(
            n_products=pl.len().cast(pl.Int64),
            n_in_stock=(pl.col("available").fill_null(1) > 0).sum().cast(pl.Int64),
            lowest_landed_base=price.min(),
            median_landed_base=middle,
        )
        .select(pl.col(name).cast(kind) for name, kind in FACET_SCHEMA.items())
        .sort("market", "attribute", "attribute_value")
    )
