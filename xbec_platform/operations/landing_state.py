"""What the next intake would do with the landed files of some days: the intake's own plan, as a frame. Nothing is read.

Rows of files nobody has read yet are estimated from the size of earlier files of their feed; nothing is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.landing import Landing, discover
from xbec_platform.ingest.manifest import REJECTED, SUPERSEDED, plan_intake
from xbec_platform.ingest.store import MANIFEST, read_manifest
from xbec_platform.operations.read_only import tables_there

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from xbec_platform.ingest.accounting import LandedFile
    from xbec_platform.ingest.feeds import Feeds
    from xbec_platform.ingest.manifest import IntakePlan, ManifestEntry

# States of a file: in the tables; to be read; rejected before and to be tried again; no rows of its own; to be taken
# out of the tables.
LOADED, LANDED, TRIED_AGAIN, NO_ROWS, TAKEN_BACK = (
    "loaded",
    "landed",
    "tried again",
    "no rows of its own",
    "taken back",
)
NO_TABLE = ""
SCHEMA = {
    "partition": pl.Date(),
    "feed": pl.String(),
    "path": pl.String(),
    "state": pl.String(),
    "sources": pl.List(pl.String()),
    "rows": pl.Int64(),
    "bytes": pl.Int64(),
}


@dataclass(frozen=True)
class Known:
    """What the manifest says.

    Attributes:
        entries: All of them.
        rows: file_id -> records of a file that was read.
        rows_per_byte: Feed -> records per byte of what was read.
    """

    entries: tuple[ManifestEntry, ...] = ()
    rows: Mapping[int, int] = field(default_factory=dict)
    rows_per_byte: Mapping[str, float] = field(default_factory=dict)


def known_files(connection: duckdb.DuckDBPyConnection) -> Known:
    """Read the manifest; empty where there is none yet."""
    if MANIFEST not in tables_there(connection):
        return Known()
    rows = connection.execute(
        f"SELECT file_id, rows_in FROM {MANIFEST} WHERE status = 'loaded' AND rows_in IS NOT NULL"
    ).fetchall()
    shares = connection.execute(
        f"""SELECT feed, sum(rows_in) / sum(size_bytes) FROM {MANIFEST}
        WHERE status = 'loaded' AND rows_in IS NOT NULL GROUP BY feed HAVING sum(size_bytes) > 0"""
    ).fetchall()
    return Known(tuple(read_manifest(connection)), dict(rows), dict(shares))


def landing_state(landing: Path, known: Known, feeds: Feeds, start: date, end: date) -> pl.DataFrame:
    """Every landed file of the drop days `[start, end]` and what the next intake does with it.

    Returns:
        partition (drop day), feed, path, state (see this module), sources (raw tables it fills; `NO_TABLE` for a
        feed nobody knows), rows (of the account, or estimated; empty where nothing of the feed was read yet), bytes;
        sorted by partition and path.
    """
    found = discover(landing, start=start, end=end + timedelta(days=1))
    plan = plan_intake(found.files, known.entries, found.withdrawn)
    state = _states(found, plan, known.entries)
    rows = [
        (
            file.drop_date,
            file.feed,
            file.path,
            state[file.path],
            sorted(sources_of(file.feed, feeds)),
            _rows(file, state[file.path], known),
            file.size_bytes,
        )
        for file in (*found.files, *found.withdrawn)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("partition", "path")


def _states(found: Landing, plan: IntakePlan, entries: Iterable[ManifestEntry]) -> dict[str, str]:
    """Path -> state."""
    current = {one.file.path: one for one in entries if one.status != SUPERSEDED}
    tried = {path for path, one in current.items() if one.status == REJECTED and one.file in set(plan.load)}
    going = {file.path for file in plan.taken_back}
    coming = {file.path for file in plan.load}
    copies = {file.path for file, _ in plan.duplicates}
    states = {}
    for file in (*found.files, *found.withdrawn):
        path = file.path
        if path in coming:
            states[path] = TRIED_AGAIN if path in tried else LANDED
        elif path in going:
            states[path] = TAKEN_BACK
        else:
            is_copy = path in copies or (path in current and current[path].status != "loaded")
            states[path] = NO_ROWS if is_copy else LOADED
    return states


def _rows(file: LandedFile, state: str, known: Known) -> int | None:
    if state in {NO_ROWS, TAKEN_BACK}:
        return 0
    if file.file_id in known.rows:
        return known.rows[file.file_id]
    share = known.rows_per_byte.get(file.feed)
    return None if share is None else round(file.size_bytes * share)


def sources_of(feed: str, feeds: Feeds) -> frozenset[str]:
    """Raw tables a feed fills; `NO_TABLE` for a feed nobody knows, whose files only the manifest tells of."""
    if feed in contracts():
        return frozenset({feed})
    mapping = feeds.mapping(feed)
    return frozenset(mapping.filled) if mapping else frozenset({NO_TABLE})
