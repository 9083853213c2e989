"""A look into the live database file that changes no byte of it: attached read-only behind the fair wait.

No query is here. A file whose writer was killed is read with its log and left as it is: the next writer recovers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from xbec_platform.warehouse.database import Warehouse

if TYPE_CHECKING:
    import duckdb

    from xbec_platform.settings import Settings

# Somebody who only looks does not wait for a run to end: it is said who has the file instead.
WAIT_S = 5.0


@contextmanager
def looking(
    settings: Settings, purpose: str, *, wait_s: float = WAIT_S
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads the tables of a home and cannot write them.

    The home's file is attached to an empty one elsewhere, which keeps every opening inside `warehouse`.

    Raises:
        WarehouseBusyError: Somebody else has the file for longer than `wait_s`.
        duckdb.IOException: The file cannot be read: damaged, of a newer DuckDB, or open outside the queue.
    """
    live = Warehouse.of(settings, wait_s=wait_s)
    with live.reserved(purpose), TemporaryDirectory(prefix="xbec-look-") as scratch:
        elsewhere = Warehouse(Path(scratch) / "look.duckdb", wait_s, live.memory_limit, live.threads)
        with elsewhere.connect(purpose) as connection:
            quoted = str(live.path).replace("'", "''")
            connection.execute(f"ATTACH '{quoted}' AS home (READ_ONLY)")
            connection.execute("USE home")
            yield connection


def tables_there(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Tables of the home, `schema.name`."""
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'home'"
    ).fetchall()
    return frozenset(name for (name,) in rows)


def relations_there(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Tables and views of the home, `schema.name`."""
    rows = connection.execute(
        "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE database_name = 'home' AND NOT internal"
    ).fetchall()
    return tables_there(connection) | {name for (name,) in rows}
