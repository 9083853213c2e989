"""One published snapshot opened for reading, and the swap to a newer one under requests. No endpoint lives here."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from xbec_platform.service.search_index import SearchIndex

# A request reads a few rows: one thread each leaves the cores to other requests.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "512MB", "threads": 1}


class SnapshotMissingError(FileNotFoundError):
    """There is no published snapshot; the message says what makes one."""


class Snapshot:
    """A published file, its newest days, and a search index over its catalogue.

    The file is attached to a database in memory of its own: the path may by then be another file, and DuckDB would
    hand out the old one again if it were opened by name.
    """

    def __init__(self, path: Path) -> None:
        """Open a snapshot and index its catalogue.

        Raises:
            SnapshotMissingError: There is none.
        """
        try:
            self.identity = _identity(path)
        except FileNotFoundError as error:
            raise SnapshotMissingError(f"{path} is not there; make run publishes one") from error
        self._connection = duckdb.connect(":memory:", config=_CONFIG)
        self._connection.execute(
            f"ATTACH '{str(path).replace(chr(39), chr(39) * 2)}' AS snapshot (READ_ONLY)"
        )
        self._connection.execute("USE snapshot")
        self.published_at = datetime.fromtimestamp(self.identity[1] / 1e9, UTC)
        found = self._connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'snapshot'"
        ).fetchall()
        self.tables = frozenset(name for (name,) in found)
        self._days = {table: self._newest_day(table) for table in sorted(self.tables)}
        self.as_of = max((day for day in self._days.values() if day), default=None)
        products, offers = self._catalogue()
        # The catalogue is small and asked for with every list: a join of each request costs 1 ms more than this.
        self.shown = {
            row["product_id"]: row
            for row in products.select("product_id", "title", "brand", "category_path").iter_rows(named=True)
        }
        self.search = SearchIndex(products, offers)
        self._own = (
            threading.local()
        )  # a cursor for each thread: they must not meet, and making one costs .3 ms
        self._users = 0
        self._is_retired = False
        self._lock = threading.Lock()
        # DuckDB imports pandas and pyarrow where a value is first bound: .3 s that no request should wait for.
        self.rows("SELECT ?", [self.as_of])

    def _newest_day(self, table: str) -> date | None:
        """The newest as-of day of a model table; None for others."""
        columns = {row[0] for row in self._connection.execute(f"DESCRIBE {table}").fetchall()}
        if "as_of_date" not in columns:
            return None
        newest: date | None = self._connection.execute(f"SELECT max(as_of_date) FROM {table}").fetchall()[0][
            0
        ]
        return newest

    def _catalogue(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Products and where they are sold, for the index."""
        columns = ("product_id", "title", "brand", "category_path", "attributes")
        products = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
        if day := self._days.get("ml.search_documents"):
            products = self._connection.sql(
                f"SELECT {', '.join(columns)} FROM ml.search_documents WHERE as_of_date = DATE '{day}'"
            ).pl()
        elif "marts.dim_product" in self.tables:  # a shop that sells without a catalogue
            products = self._connection.sql(
                """SELECT product_id, title, brand, category_path, NULL::VARCHAR AS attributes
                FROM marts.dim_product WHERE is_product"""
            ).pl()
        offers = pl.DataFrame(schema={"product_id": pl.String, "market": pl.String, "in_stock": pl.Boolean})
        if day := self._days.get("ml.product_offers"):
            offers = self._connection.sql(
                f"""SELECT product_id, market, coalesce(available > 0, true) AS in_stock FROM ml.product_offers
                WHERE as_of_date = DATE '{day}' AND is_eligible ORDER BY ALL"""
            ).pl()
        return products, offers

    def day_of(self, table: str) -> date | None:
        """The newest as-of day of a table; None when it is not there or empty."""
        return self._days.get(table)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run a query of fixed text and bound values, on the thread's own cursor."""
        cursor = getattr(self._own, "cursor", None)
        if cursor is None:
            cursor = self._own.cursor = self._connection.cursor()
            cursor.execute("USE snapshot")
        result = cursor.execute(sql, list(parameters))
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def ranked(self, sql: str, parameters: Sequence[Any], limit: int) -> list[dict[str, Any]]:
        """The first rows of a list by `rank`, each with the title of its product."""
        rows = sorted(self.rows(sql, parameters), key=lambda row: row["rank"])[:limit]
        for row in rows:
            row["title"] = self.shown.get(row.get("product_id", ""), {}).get("title")
        return rows

    def retire(self) -> None:
        """Close when the last request that uses it is done."""
        with self._lock:
            self._is_retired = True
            idle = self._users == 0
        if idle:
            self._connection.close()

    def _take(self) -> bool:
        with self._lock:
            if self._is_retired:
                return False
            self._users += 1
            return True

    def _give_back(self) -> None:
        with self._lock:
            self._users -= 1
            last = self._is_retired and self._users == 0
        if last:
            self._connection.close()


def _identity(path: Path) -> tuple[int, int, int]:
    """What tells one published file from the next: the swap by rename brings another inode."""
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


class CurrentSnapshot:
    """The snapshot requests read, replaced by a newer file as soon as it is open and indexed."""

    def __init__(self, path: Path, *, look_every_s: float = 1.0) -> None:
        """Open the first snapshot and start to look for newer ones.

        Raises:
            SnapshotMissingError: There is none.
        """
        self._path = path
        self._look_every_s = look_every_s
        self._current = Snapshot(path)
        self._stop = threading.Event()
        self.last_error: str | None = None
        self._watcher = threading.Thread(target=self._watch, name="snapshot watcher", daemon=True)
        self._watcher.start()

    @contextmanager
    def lease(self) -> Iterator[Snapshot]:
        """The current snapshot, kept open for as long as the request lasts."""
        while True:
            snapshot = self._current
            if snapshot._take():
                break
        try:
            yield snapshot
        finally:
            snapshot._give_back()

    def close(self) -> None:
        """Stop looking and close."""
        self._stop.set()
        self._watcher.join()
        self._current.retire()

    def _watch(self) -> None:
        while not self._stop.wait(self._look_every_s):
            self.refresh()

    def refresh(self) -> bool:
        """Swap to the file that is there now, if it is another one; a file that cannot be read leaves the old one."""
        try:
            if _identity(self._path) == self._current.identity:
                return False
            newer = Snapshot(self._path)
        except (OSError, duckdb.Error) as error:
            self.last_error = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {self._path}: {error}"
            return False
        older, self._current = self._current, newer
        self.last_error = None
        older.retire()
        return True
