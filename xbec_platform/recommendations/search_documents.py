"""What the shop's search knows of each product, as text; words are cut and ranked elsewhere."""

from __future__ import annotations

import polars as pl

DOCUMENT_SCHEMA = {
    "product_id": pl.String,
    "title": pl.String,
    "brand": pl.String,
    "category_path": pl.String,
    "attributes": pl.String,
}
_HAVE_THEIR_OWN = ("brand", "category", "top_category", "product_type")


def search_documents(catalogue: pl.DataFrame, attributes: pl.DataFrame) -> pl.DataFrame:
    """Put title, brand, category and all attribute values of each product into one row.

    Args:
        catalogue: product_id, title, brand, category_path; one row per product.
        attributes: item_id, attribute, attribute_value.

    Returns:
        `DOCUMENT_SCHEMA`, sorted by product; a flag ('true') stands as the name of its attribute.
    """
    is_flag = pl.col("attribute_value") == "true"
    texts = (
        attributes.filter(
            ~pl.col("attribute").is_in(_HAVE_THEIR_OWN) & (pl.col("attribute_value") != "false")
        )
        .select(
            pl.col("item_id").alias("product_id"),
            text=pl.when(is_flag)
            .then(pl.col("attribute").str.replace_all("_", " "))
            .otherwise("attribute_value"),
        )
        .unique()
        .sort("product_id", "text")
        .group_by("product_id", maintain_order=True)
        .agg(attributes=pl.col("text").str.join(" "))
    )
    return (
        catalogue.join(texts, on="product_id", how="left").select(DOCUMENT_SCHEMA.keys()).sort("product_id")
    )
