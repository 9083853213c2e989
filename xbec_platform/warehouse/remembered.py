"""Results of long searches by what they were found from: the same input is not searched again by the same code.

A memory decides nothing. It holds what the same search would find, so tables are equal with it and without it, whatever
ran before and in whatever order. What the results mean is known elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.code_version import code_hash
from xbec_platform.warehouse.database import create_missing, missing_tables

if TYPE_CHECKING:
    from xbec_platform.warehouse.database import Warehouse

TABLE = "ops.remembered"
SCHEMA = {"purpose": pl.String(), "input_hash": pl.String(), "document": pl.String()}


def input_hash(rows: pl.DataFrame, *settings: object) -> str:
    """What a search is made of: rows in their order, settings by their `repr`, and the code.

    Polars hashes rows alike within one version, and versions are part of the code's hash.
    """
    digest = hashlib.sha256(f"{code_hash()}\n{dict(rows.schema)}\n{settings!r}\n".encode())
    digest.update(rows.hash_rows().to_numpy().tobytes())
    return digest.hexdigest()


def remembered(warehouse: Warehouse, purpose: str, found_from: str, search: Callable[[], str]) -> str:
    """What a search found.

    Args:
        warehouse: Where it is kept.
        purpose: What is searched for; its last result is kept.
        found_from: As `input_hash` gives it.
        search: Called when this input has not been seen last.
    """
    with warehouse.connect(f"{purpose}: searched before?") as connection:
        known = (
            []
            if missing_tables(connection, [TABLE])
            else connection.execute(
                f"SELECT document FROM {TABLE} WHERE purpose = ? AND input_hash = ?", [purpose, found_from]
            ).fetchall()
        )
    if known:
        return str(known[0][0])
    document = search()
    with warehouse.transaction(f"{purpose}: remember") as connection:
        create_missing(connection, {TABLE: SCHEMA})
        connection.execute(f"DELETE FROM {TABLE} WHERE purpose = ?", [purpose])
        connection.execute(f"INSERT INTO {TABLE} VALUES (?, ?, ?)", [purpose, found_from, document])
    return document
