"""What the tables say, in one short look: rejected files, quarantine, waiting days, open requests. Writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
from packaging.version import InvalidVersion, Version

from xbec_platform.erasure.log import TABLE as ERASURE_LOG
from xbec_platform.ingest.ledger import PENDING_DAYS
from xbec_platform.ingest.quarantine import SHARES_SQL, visible
from xbec_platform.ingest.store import MANIFEST, QUARANTINE
from xbec_platform.operations.doctor.facts import (
    BUSY,
    DAMAGED,
    NEWER,
    OLDER,
    OPEN_OUTSIDE,
    WarehouseFacts,
)
from xbec_platform.operations.read_only import looking, tables_there
from xbec_platform.warehouse.lock import WarehouseBusyError

if TYPE_CHECKING:
    from pathlib import Path

    from xbec_platform.settings import Settings

_REQUESTS = "raw.deletion_requests"
_REJECTED_SQL = f"SELECT drop_date, path, error FROM {MANIFEST} WHERE status = 'rejected' ORDER BY path"
_WAITING_SQL = (
    f"SELECT DISTINCT event_date FROM {PENDING_DAYS} WHERE event_date IS NOT NULL ORDER BY event_date"
)
_LOCKED = "could not set lock"
# A DuckDB file: checksum (8 bytes), "DUCK", then the version of its format and, at 52, that of the library.
_HEADER_BYTES, _MAGIC, _LIBRARY_AT = 84, slice(8, 12), slice(52, 84)


def warehouse(settings: Settings, *, wait_s: float) -> WarehouseFacts:
    """Facts of the tables, or why they cannot be had."""
    if not settings.warehouse.is_file():
        return WarehouseFacts()
    # Read before DuckDB opens the file: closing it afterwards would drop DuckDB's own lock.
    wrote = writer(settings.warehouse)
    try:
        with looking(settings, "doctor", wait_s=wait_s) as connection:
            return _tables(connection)
    except WarehouseBusyError as error:
        return WarehouseFacts(exists=True, obstacle=BUSY, detail=str(error))
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        return WarehouseFacts(exists=True, obstacle=OLDER, detail=_first_line(error))
    except duckdb.Error as error:
        return _unreadable(error, wrote)


def _tables(connection: duckdb.DuckDBPyConnection) -> WarehouseFacts:
    there = tables_there(connection)

    def rows(sql: str, *tables: str) -> list[tuple[Any, ...]]:
        return connection.execute(sql).fetchall() if there >= set(tables) else []

    answered = (
        f"WHERE request_id NOT IN (SELECT request_id FROM {ERASURE_LOG})" if ERASURE_LOG in there else ""
    )
    requests = rows(
        f"SELECT count(DISTINCT request_id), min(requested_ts) FROM {_REQUESTS} {answered}", _REQUESTS
    )
    count, oldest = requests[0] if requests else (0, None)
    return WarehouseFacts(
        exists=True,
        rejected=tuple(
            (day, path, visible(str(error))) for day, path, error in rows(_REJECTED_SQL, MANIFEST)
        ),
        quarantine_shares=dict(rows(SHARES_SQL, MANIFEST, QUARANTINE)),
        waiting=tuple(day for (day,) in rows(_WAITING_SQL, PENDING_DAYS)),
        open_requests=count,
        oldest_request=oldest,
    )


def _unreadable(error: duckdb.Error, wrote: Version | None) -> WarehouseFacts:
    text = _first_line(error)
    if _LOCKED in text.lower():
        return WarehouseFacts(exists=True, obstacle=OPEN_OUTSIDE, detail=text)
    ours = Version(duckdb.__version__)
    if wrote is not None and wrote > ours:
        return WarehouseFacts(exists=True, obstacle=NEWER, detail=f"DuckDB {wrote} wrote it, here is {ours}.")
    return WarehouseFacts(exists=True, obstacle=DAMAGED, detail=text)


def writer(database: Path) -> Version | None:
    """The DuckDB that wrote a file last, by its header; None when the header does not say."""
    with database.open("rb") as stream:
        header = stream.read(_HEADER_BYTES)
    if header[_MAGIC] != b"DUCK":
        return None
    try:
        return Version(header[_LIBRARY_AT].split(b"\0")[0].decode("ascii", "replace"))
    except InvalidVersion:
        return None


def _first_line(error: Exception) -> str:
    return visible(str(error).splitlines()[0])
