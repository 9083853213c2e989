"""What products are by their attributes, as vectors whose products are cosines; what is bought plays no part."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp


def valid(attributes: pl.DataFrame, day: date) -> pl.DataFrame:
    """Keep what products are on a day: valid_from <= day < valid_to."""
    return attributes.filter((pl.col("valid_from") <= day) & (pl.col("valid_to") > day))


def attribute_vectors(attributes: pl.DataFrame, item_ids: pl.Series) -> Any:
    """Build unit vectors over attribute values, rare ones weighing more (inverse document frequency).

    Args:
        attributes: item_id, attribute, attribute_value; items that are not asked for are left out.
        item_ids: sorted ids; position = row.

    Returns:
        A scipy CSR matrix of float32, items x values; the row of an item without attributes is empty.
    """
    values = (
        attributes.select("item_id", value=pl.concat_str("attribute", pl.lit("="), "attribute_value"))
        .drop_nulls()
        .filter(pl.col("item_id").is_in(item_ids.implode()))
        .unique()
        .sort("item_id", "value")
    )
    words = values["value"].unique().sort()
    row = values["item_id"].cast(pl.Enum(item_ids)).to_physical().to_numpy().astype(np.int64)
    column = values["value"].cast(pl.Enum(words)).to_physical().to_numpy().astype(np.int64)
    rarity = np.log((1 + len(item_ids)) / (1 + np.bincount(column, minlength=len(words))))
    matrix: Any = sp.csr_matrix((rarity[column], (row, column)), shape=(len(item_ids), len(words)))
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return (sp.diags_array(1 / np.where(length > 0, length, 1)) @ matrix).tocsr().astype(np.float32)
