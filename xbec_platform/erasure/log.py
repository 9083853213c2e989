"""`ops.erasure_log` and the requests that are still open. Who a person is does not belong here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.warehouse.database import append, create_table

if TYPE_CHECKING:
    import duckdb

TABLE = "ops.erasure_log"
SCHEMA = {
    "request_id": pl.String(),
    "person_hash": pl.String(),
    "table_name": pl.String(),
    "rows": pl.Int64(),
    "done_ts": pl.Datetime("us"),
}
# Art. 12(3) GDPR: one month; the data model counts 30 days.
LIMIT_DAYS = 30


@dataclass(frozen=True)
class OpenRequest:
    """A landed deletion request nobody has worked off.

    Attributes:
        request_id: As landed.
        name: customer_id, or the e-mail hash where the person did not name an account; None when both are missing.
        requested_ts: UTC.
    """

    request_id: str
    name: str | None
    requested_ts: datetime


def create_log(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the log where it is missing."""
    create_table(connection, TABLE, SCHEMA)


def write_log(
    connection: duckdb.DuckDBPyConnection,
    requests: Sequence[str],
    person_hash: str,
    tables: Mapping[str, int],
    done_ts: datetime,
) -> None:
    """Note what was erased, once for each request. A repetition that found nothing leaves the first note."""
    create_log(connection)
    known = {row[0] for row in connection.execute(f"SELECT request_id FROM {TABLE}").fetchall()}
    counts = dict(sorted(tables.items())) or {"(none)": 0}
    for request in requests:
        if request in known and not tables:
            continue
        connection.execute(f"DELETE FROM {TABLE} WHERE request_id = ?", [request])
        rows = [(request, person_hash, table, count, done_ts) for table, count in counts.items()]
        append(connection, TABLE, pl.DataFrame(rows, schema=SCHEMA, orient="row"))


def open_requests(connection: duckdb.DuckDBPyConnection) -> list[OpenRequest]:
    """Requests that are not in the log, oldest first."""
    create_log(connection)
    rows = connection.execute(
        f"""SELECT request_id, coalesce(customer_id, email_hash), requested_ts FROM raw.deletion_requests
        WHERE request_id NOT IN (SELECT request_id FROM {TABLE})
        QUALIFY row_number() OVER (PARTITION BY request_id ORDER BY requested_ts) = 1
        ORDER BY requested_ts, request_id"""
    ).fetchall()
    return [OpenRequest(*row) for row in rows]


def requests_of(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> tuple[str, ...]:
    """Open requests that name one of some accounts or e-mail hashes."""
    return tuple(one.request_id for one in open_requests(connection) if one.name in set(names))
