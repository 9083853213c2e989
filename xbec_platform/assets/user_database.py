"""Reading the user database of a day for the models that are made of it."""

from datetime import date
from typing import TYPE_CHECKING

from xbec_platform.warehouse.database import Warehouse

if TYPE_CHECKING:
    import polars as pl


class MissingDayError(ValueError):
    """A day a model depends on has not been built yet."""


def user_database(warehouse: Warehouse, day: date) -> "pl.DataFrame":
    """The user database as of a day.

    Raises:
        MissingDayError: There were customers by then, but the day has not been built.
    """
    return _rows(warehouse, "SELECT * FROM marts.mart_user_database WHERE as_of_date = ?", day)


def segmented_user_database(warehouse: Warehouse, day: date) -> "pl.DataFrame":
    """The user database as of a day with each customer's RFM segment.

    Raises:
        MissingDayError: There were customers by then, but the day has not been built.
    """
    return _rows(
        warehouse,
        "SELECT u.*, r.segment FROM marts.mart_user_database AS u "
        "LEFT JOIN marts.mart_rfm AS r USING (as_of_date, customer_id) WHERE u.as_of_date = ?",
        day,
    )


def _rows(warehouse: Warehouse, sql: str, day: date) -> "pl.DataFrame":
    rows = warehouse.read_frame(sql, purpose="user database: read", parameters=[day])
    if rows.is_empty():
        known = warehouse.read_frame(
            "SELECT count(*) FROM marts.fct_order WHERE customer_id IS NOT NULL AND order_date <= ?",
            purpose="user database: read",
            parameters=[day],
        ).item()
        if known:
            raise MissingDayError(
                f"marts.mart_user_database has no rows as of {day}, on which models of later days depend: "
                f"run the job intake_and_facts for {day} (or the whole range), then this one again"
            )
    return rows
