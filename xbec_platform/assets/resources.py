"""Dagster resources: the warehouse behind the fair wait. No asset is defined here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import PrivateAttr

from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.keeper import Keeper, keeping


class WarehouseResource(DuckDBResource):
    """`DuckDBResource` that waits its turn for the file and always closes it.

    The parent opens at once (two runs fight for the lock) and leaves the connection open when the body
    raises (dagster-duckdb 0.29, `get_connection` has no `finally`); both are mended here.
    """

    wait_s: int = 1800
    memory_limit: str = "2GB"
    threads: int = 2
    _keeper: Keeper | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, settings: Settings) -> "WarehouseResource":
        """The resource of a home."""
        return cls(
            database=str(settings.warehouse),
            wait_s=settings.lock_wait_s,
            memory_limit=settings.memory_limit,
            threads=settings.dbt_threads,
        )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["WarehouseResource"]:  # noqa: ARG002
        """The resource of a run, which keeps the file open between two uses that follow one another."""
        with keeping() as self._keeper:
            yield self

    @property
    def file(self) -> Warehouse:
        """The warehouse itself."""
        return Warehouse(Path(self.database), self.wait_s, self.memory_limit, self.threads, self._keeper)

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that nobody else shares, closed at the end whatever happens."""
        with self.file.connect("dagster resource") as connection:
            yield connection
