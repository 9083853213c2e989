"""The ledger of event days whose raw rows changed, so that their facts must be built again. Builds nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.ingest.contracts import contracts

if TYPE_CHECKING:
    import duckdb


PENDING_DAYS = "ops.pending_event_days"
PENDING_SCHEMA = {
    "source": pl.String(),
    "event_date": pl.Date(),
    "drop_date": pl.Date(),
    "rows": pl.Int64(),
}


def note_event_days(connection: duckdb.DuckDBPyConnection, ids: Sequence[int]) -> None:
    """Remember the event days whose facts rows of these files change: the ledger of what must be rebuilt.

    It is written in the transaction that moves the rows, and cleared by whoever has rebuilt the days, so that
    a late or corrected row is never forgotten, whatever dies in between.
    """
    if not ids:
        return
    # Constants let DuckDB skip blocks of other files; a parameter or a subquery reads the whole column.
    these = ", ".join(map(str, ids))
    days = {
        source: (f"{contract.event_time}::DATE", f"raw.{source}", source)
        for source, contract in contracts().items()
        if contract.event_time and not contract.looks_ahead
    }
    # A line happens when its order does, and a return that waited for its order is matched from now on.
    lines = ("o.order_ts::DATE", "raw.order_lines JOIN raw.orders AS o USING (order_id)", "order_lines")
    waited = ("r.opened_ts::DATE", "raw.returns AS r JOIN raw.orders USING (order_id)", "orders")
    for source, (day, rows, of) in [*days.items(), ("order_lines", lines), ("returns", waited)]:
        connection.execute(
            f"""INSERT INTO {PENDING_DAYS} (source, event_date, drop_date, rows)
            SELECT '{source}', {day}, raw.{of}._drop_date, count(*) FROM {rows}
            WHERE raw.{of}._file_id IN ({these}) GROUP BY ALL"""
        )


def pending_days(connection: duckdb.DuckDBPyConnection) -> list[date]:
    """Event days whose raw rows changed since their facts were built, in order."""
    rows = connection.execute(f"SELECT DISTINCT event_date FROM {PENDING_DAYS} ORDER BY ALL").fetchall()
    return [day for (day,) in rows if day is not None]


def clear_pending(connection: duckdb.DuckDBPyConnection, start: date, end: date) -> None:
    """Forget the days of `[start, end)`: their facts have been built from the rows as they are."""
    connection.execute(f"DELETE FROM {PENDING_DAYS} WHERE event_date >= ? AND event_date < ?", [start, end])
