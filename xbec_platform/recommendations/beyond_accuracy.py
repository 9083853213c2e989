"""What accuracy does not say of lists: how well known and how alike their products are; hits are counted elsewhere."""

from __future__ import annotations

import numpy as np
import polars as pl
import scipy.sparse as sp


def novelty(lists: pl.DataFrame, train: pl.DataFrame, *, k: int) -> float:
    """Return the mean self-information of the first k places, -log2 of the share of customers who bought the product.

    Zhou et al. 2010. A product nobody bought counts as if half a customer had.

    Args:
        lists: rank, product_id.
        train: customer_id, product_id of purchases known when the lists were made.
        k: places that count.
    """
    pairs = train.select("customer_id", "product_id").unique()
    buyers = pairs.group_by("product_id").agg(n=pl.len())
    shown = lists.filter(pl.col("rank") <= k).join(buyers, on="product_id", how="left")
    if shown.is_empty():
        return 0.0
    share = shown["n"].cast(pl.Float64).fill_null(0.5).to_numpy() / max(pairs["customer_id"].n_unique(), 1)
    return float(np.mean(-np.log2(share)))


def diversity(lists: pl.DataFrame, train: pl.DataFrame, *, k: int) -> float:
    """Return 1 - mean cosine of the products of a list, over all lists of two or more products.

    Products are vectors over the customers who bought them; Smyth & McClave 2001. The sum of all pairs of a list is the
    squared length of the sum of its unit vectors, so no product is compared with another one by one.

    Args:
        lists: customer_id, rank, product_id.
        train: customer_id, product_id of purchases.
        k: places that count.
    """
    shown = lists.filter(pl.col("rank") <= k).select("customer_id", "product_id").unique()
    pairs = train.select("customer_id", "product_id").unique().sort("customer_id", "product_id")
    products = pl.concat([shown["product_id"], pairs["product_id"]]).unique().sort()
    buyers = pairs["customer_id"].unique().sort()
    owners = shown["customer_id"].unique().sort()

    def codes(column: pl.Series, ids: pl.Series) -> np.ndarray:
        return column.cast(pl.Enum(ids)).to_physical().to_numpy().astype(np.int64)

    bought = (codes(pairs["product_id"], products), codes(pairs["customer_id"], buyers))
    vectors = sp.csr_matrix((np.ones(pairs.height), bought), shape=(len(products), len(buyers)))
    length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    units = sp.diags_array(1 / np.where(length > 0, length, 1)) @ vectors
    listed = (codes(shown["customer_id"], owners), codes(shown["product_id"], products))
    member = sp.csr_matrix((np.ones(shown.height), listed), shape=(len(owners), len(products)))
    total = member @ units
    n = np.asarray(member.sum(axis=1)).ravel()
    own = member @ (length > 0).astype(np.float64)
    several = n >= 2
    if not several.any():
        return 0.0
    alike = np.asarray(total.multiply(total).sum(axis=1)).ravel()[several] - own[several]
    return float(np.mean(1 - alike / (n[several] * (n[several] - 1))))
