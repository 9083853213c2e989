"""The warehouse: open late, close early, write a window in one transaction. No business rule lives here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
from polars.datatypes import DataTypeClass

from xbec_platform.warehouse.keeper import Keeper, Opening
from xbec_platform.warehouse.lock import Patience, Turn, turn

if TYPE_CHECKING:
    from xbec_platform.settings import Settings

_SQL_TYPES = {
    pl.String: "VARCHAR",
    pl.Boolean: "BOOLEAN",
    pl.Date: "DATE",
    pl.Float64: "DOUBLE",
    pl.Float32: "FLOAT",
    pl.Int8: "TINYINT",
    pl.Int16: "SMALLINT",
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.UInt8: "UTINYINT",
    pl.UInt16: "USMALLINT",
    pl.UInt32: "UINTEGER",
    pl.UInt64: "UBIGINT",
}
_LOCKED = "Could not set lock on file"
# Types whose values are written into a statement without loss.
_LITERALS = (pl.String, pl.Categorical, pl.Date, pl.Int32, pl.Int64)


@dataclass(frozen=True)
class Warehouse:
    """One DuckDB file behind the fair wait.

    Attributes:
        path: The file; its folder is created on the first opening.
        wait_s: Longest wait for the file in seconds.
        memory_limit: DuckDB's memory limit.
        threads: DuckDB's threads.
        keeper: Keeps the file open between two uses; None closes it after each.
    """

    path: Path
    wait_s: float = 1800.0
    memory_limit: str = "2GB"
    threads: int = 2
    keeper: Keeper | None = None

    @classmethod
    def of(cls, settings: Settings, *, wait_s: float | None = None) -> Warehouse:
        """The warehouse of a home, with its patience unless another is given."""
        patience = settings.lock_wait_s if wait_s is None else wait_s
        return cls(settings.warehouse, patience, settings.memory_limit, settings.dbt_threads)

    @property
    def closing(self) -> Warehouse:
        """The same file, closed after each use: for settings of the whole database, and where its bytes are touched."""
        return replace(self, keeper=None)

    @contextmanager
    def connect(self, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file alone and close it again, whatever happens in between.

        With a keeper it stays open for a moment after a use that went well.
        """
        opening = self.keeper.take() if self.keeper else None
        if opening is None:
            opening = self._opened(purpose)
        else:
            opening.turn.enter(purpose)
        with ExitStack() as after:
            after.callback(opening.close)
            with opening.connection.cursor() as connection:
                yield connection
            if self.keeper:
                after.pop_all()
                self.keeper.keep(opening)

    def _opened(self, purpose: str) -> Opening:
        with ExitStack() as opened:
            held = opened.enter_context(self.reserved(purpose))
            connection = self._open(purpose)
            opened.callback(connection.close)
            return Opening(connection, held, opened.pop_all().close)

    def _open(self, purpose: str, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
        """Open the file whose turn is ours; wait for a process outside the queue that has it.

        Such are a dbt that a person started, and one that outlives its killed run by a few seconds.

        Raises:
            WarehouseBusyError: It kept the file for longer than the wait.
        """
        config: dict[str, Any] = {"memory_limit": self.memory_limit, "threads": self.threads}
        patience = Patience(self.path, purpose, self.wait_s)
        while True:
            try:
                connection = duckdb.connect(str(self.path), read_only=read_only, config=config)
            except duckdb.IOException as error:
                if _LOCKED not in str(error):
                    raise
                holder = str(error)
            else:
                patience.over()
                return connection
            patience.pause(partial("a process outside the queue ({})".format, holder))

    @contextmanager
    def reserved(self, purpose: str) -> Iterator[Turn]:
        """The turn for the file, without opening it."""
        if self.keeper:
            self.keeper.give_back()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with turn(self.path, purpose=purpose, wait_s=self.wait_s) as held:
            yield held

    @contextmanager
    def lent(self, purpose: str) -> Iterator[None]:
        """Keep the file for another program (dbt) that this process starts, when nobody else has it open."""
        with self.reserved(purpose):
            if self.path.is_file():
                self._open(purpose, read_only=True).close()
            yield

    @contextmanager
    def transaction(self, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection whose work is kept whole or not at all."""
        with self.connect(purpose) as connection:
            connection.execute("BEGIN TRANSACTION")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def read_frame(self, sql: str, *, purpose: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """Run one query and return its rows as a Polars frame."""
        with self.connect(purpose) as connection:
            return read_frame(connection, sql, parameters)


def replace_windows(
    connection: duckdb.DuckDBPyConnection,
    frames: Mapping[str, pl.DataFrame],
    *,
    column: str,
    start: date,
    end: date,
) -> None:
    """Replace `start <= column < end` of several tables inside the caller's transaction.

    Columns that frames have gained since the tables were made are added; older rows hold null there.

    Raises:
        ValueError: A frame holds rows outside the window.
    """
    create_missing(connection, {table: frame.schema for table, frame in frames.items()})
    for table, frame in frames.items():
        outside = frame.filter((pl.col(column) < start) | (pl.col(column) >= end)).height
        if outside:
            raise ValueError(f"{table}: {outside} rows lie outside {start} <= {column} < {end}")
        connection.execute(f"DELETE FROM {table} WHERE {column} >= ? AND {column} < ?", [start, end])
        append(connection, table, frame)


def read_frame(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()
) -> pl.DataFrame:
    """Rows of a query as a Polars frame (`sql().pl()` works on DuckDB 1.5 and 2.0, `execute().pl()` does not)."""
    relation = connection.sql(sql, params=list(parameters)) if parameters else connection.sql(sql)
    return relation.pl()


def read_queries(
    connection: duckdb.DuckDBPyConnection, queries: Mapping[str, str], day: date
) -> dict[str, pl.DataFrame]:
    """Rows of several queries that name one day as `$day`."""
    return {
        name: read_frame(connection, sql.replace("$day", f"DATE '{day.isoformat()}'"))
        for name, sql in queries.items()
    }


Schema = Mapping[str, pl.DataType | type[pl.DataType]]


def create_table(connection: duckdb.DuckDBPyConnection, table: str, schema: Schema) -> None:
    """Create `schema.table` for a Polars schema when it is not there yet."""
    columns = ", ".join(f'"{name}" {sql_type(dtype)}' for name, dtype in schema.items())
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.split('.', maxsplit=1)[0]}")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")


def create_missing(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, Schema],
    compression: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Create those of the tables that are missing, and add the columns that their declarations have gained.

    One look into the catalogue for all of them: `IF NOT EXISTS` on 33 tables costs 0.2 s each time.

    Args:
        connection: Of the caller's transaction.
        tables: Table with its schema -> columns.
        compression: Table -> column -> DuckDB's name of a way to store it; the others are found out by DuckDB.
            DuckDB 2 refuses the names of 1.5 (dictionary, fsst) and finds their successor itself.
    """
    named = compression if compression and int(duckdb.__version__.split(".")[0]) < 2 else {}
    known: dict[str, set[str]] = {}
    columns = connection.execute(
        "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() WHERE NOT internal"
    )
    for table, column in columns.fetchall():
        known.setdefault(table, set()).add(column)
    for table, schema in tables.items():
        ways = {name: f" USING COMPRESSION {way}" for name, way in named.get(table, {}).items()}
        described = {
            name: f'"{name}" {sql_type(dtype)}{ways.get(name, "")}' for name, dtype in schema.items()
        }
        if table not in known:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.split('.', maxsplit=1)[0]}")
            connection.execute(f"CREATE TABLE {table} ({', '.join(described.values())})")
        for name in (name for name in described if table in known and name not in known[table]):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {described[name]}")


def missing_tables(connection: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> list[str]:
    """Those of the tables (`schema.name`) that are not there yet, in order."""
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal"
    )
    known = {name for (name,) in rows.fetchall()}
    return [name for name in tables if name not in known]


def append(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    frame: pl.DataFrame,
    *,
    constants: Mapping[str, str | int | date | None] | None = None,
) -> None:
    """Append a frame by column names.

    Text goes over as Arrow string views, as Polars holds it: copying it costs 0.1 CPU s per million rows. A
    column with one value for all rows goes over as that value, which saves another 0.05 a column.

    Args:
        connection: Of the caller's transaction.
        table: With its schema.
        frame: The rows.
        constants: Further columns, each with the one value of all rows.
    """
    if frame.is_empty():
        return
    given = {name: _literal(value) for name, value in (constants or {}).items()}
    found = {name: text for name in frame.columns if (text := _constant(frame[name])) is not None}
    names = [*frame.columns, *given]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join((found | given).get(name, f'"{name}"') for name in names)
    varying = frame.drop(found) if len(found) < frame.width else frame
    # Found by its name here. A registered frame is a view, and a dropped view stays, with its rows, until the
    # transaction ends: 100 MB per million order lines of a large file.
    appended = varying.to_arrow(compat_level=pl.CompatLevel.newest())  # noqa: F841
    connection.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM appended")


def _constant(column: pl.Series) -> str | None:
    """SQL literal of the one value of a column; None when there are several, or its type has no plain literal."""
    if column.null_count() == len(column):
        return "NULL"
    if column.null_count() or column.dtype not in _LITERALS or column[0] != column[-1]:
        return None
    value = column[0]
    # NUL ends a statement.
    return _literal(value) if (column == value).all() and "\0" not in str(value) else None


def _literal(value: str | int | date | None) -> str:
    """A value in SQL; text and dates between quotes."""
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def sql_type(dtype: pl.DataType | type[pl.DataType] | DataTypeClass) -> str:
    """DuckDB's name of a Polars type.

    Raises:
        TypeError: The type has no counterpart the platform stores.
    """
    if isinstance(dtype, pl.Decimal):
        return f"DECIMAL({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.List):
        return f"{sql_type(dtype.inner)}[]"
    if isinstance(dtype, pl.Datetime) or dtype is pl.Datetime:
        return "TIMESTAMP"
    for known, name in _SQL_TYPES.items():
        if dtype == known:
            return name
    raise TypeError(f"no table column type for {dtype}")
