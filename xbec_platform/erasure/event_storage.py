"""Dagster's own SQLite files without a person: words replaced in every text column, then the file packed.

Our metadata must hold no person in the first place; what a failed check or an error message once said is undone
here. Runs, events and their times stay.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from xbec_platform.erasure.mentions import pattern, replaced
from xbec_platform.ingest.suppression import Suppression

MAGIC = b"SQLite format 3\x00"
# A run that is writing its events holds the file for moments only.
WAIT_S = 60.0


def is_sqlite(path: Path) -> bool:
    """Whether a file is an SQLite database."""
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def redact_sqlite(path: Path, suppression: Suppression, identifiers: Iterable[str]) -> int:
    """Put tombstones in place of identifiers in all text of a database.

    Returns:
        Values changed. The file is packed in any case, so that freed pages hold nothing either.
    """
    found = pattern(identifiers)
    if found is None:
        return 0
    with closing(sqlite3.connect(path, timeout=WAIT_S)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall()
        changed = sum(_redact_table(connection, table, suppression, found) for (table,) in tables)
        connection.commit()
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return changed


def _redact_table(
    connection: sqlite3.Connection, table: str, suppression: Suppression, found: re.Pattern[str]
) -> int:
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
    changed = 0
    for column in columns:
        rows = connection.execute(
            f'SELECT rowid, "{column}" FROM "{table}" WHERE typeof("{column}") = \'text\''
        ).fetchall()
        hits = [(replaced(text, found, suppression), row) for row, text in rows if found.search(text)]
        connection.executemany(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', hits)
        changed += len(hits)
    return changed
