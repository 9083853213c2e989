"""Dagster's SQLite event log with one transaction per batch of events. It stores what the parent stores.

A run over a range reports every partition of every asset: 305 days of 40 assets are 24,000 events. The stock
SQLite log opens two connections and commits twice for each of them (measured: 25 ms, that is ten minutes
for such a run, with the work itself done in one). Dagster knows batches (`store_event_batch`, switched on by
DAGSTER_EVENT_BATCH_SIZE) but its SQLite log does not implement them; here it does. PostgreSQL needs none of
this.

Single events are as dear: the parent makes an engine, opens the file, compiles the statement, waits for the disk and
closes the file for each of them, 4,600 times in a run of one day. Here the connections stay open.

The parent is private API of Dagster, hence the upper bound of its version in pyproject.toml.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster_shared.serdes import serialize_value
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listens_for
from sqlalchemy.pool import StaticPool

# The index and the runs in hand; a web server looks at many runs, one after the other.
_OPEN_FILES = 8


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """The stock storage plus `store_event_batch`, with connections that stay open."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: dict[tuple[int, str], Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """A transaction on the file of a run or on the index; the lock keeps threads apart, as in the parent."""
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        """The engine of a file with its one connection; the least recently used ones are closed."""
        # SQLite connections must not pass a fork: a child opens its own and leaves its parent's alone.
        key = (os.getpid(), shard)
        engine = self._engines.pop(key, None) or _open(self.conn_string_for_shard(shard))
        self._engines[key] = engine
        for old in [other for other in self._engines if other[0] == key[0]][:-_OPEN_FILES]:
            self._engines.pop(old).dispose()
        return engine

    def _close_files(self) -> None:
        with self._db_lock:
            for pid, shard in list(self._engines):
                engine = self._engines.pop((pid, shard))
                engine.dispose(close=pid == os.getpid())

    def has_table(self, table_name: str) -> bool:
        """As the parent, which opens the file for each of 800 questions of a run; a table that is there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def wipe(self) -> None:
        """Delete everything; the parent unlinks files, which must not stay open here."""
        self._close_files()
        super().wipe()

    def dispose(self) -> None:
        """Close the files."""
        super().dispose()
        self._close_files()

    @classmethod
    def from_config_value(
        cls, inst_data: Any, config_value: Mapping[str, Any]
    ) -> "BatchedSqliteEventLogStorage":
        """Build from dagster.yaml, where `base_dir` is the instance's folder."""
        return cls(str(Path(config_value["base_dir"]) / "history" / "runs"), inst_data)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events of one run in one transaction per database.

        Events that do more than enter the log (run status, checks) take the parent's way.
        """
        plain: list[EventLogEntry] = []
        for event in events:
            if event.is_dagster_event and event.dagster_event_type in ASSET_EVENTS:
                plain.append(event)
            else:
                self.store_event(event)
        if plain:
            self._store_asset_events(plain)

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        """As the parent, with the event turned into text once and not once for each of its partitions."""
        planned = event.get_dagster_event().event_specific_data
        if not isinstance(planned, AssetCheckEvaluationPlanned):
            raise TypeError(f"not a planned check: {event.dagster_event_type}")
        subset = planned.partitions_subset
        row = {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": serialize_value(event),
            "evaluation_event_timestamp": datetime.fromtimestamp(event.timestamp, UTC).replace(tzinfo=None),
            "evaluation_event_storage_id": event_id,
        }
        keys: Sequence[str | None] = list(subset.get_partition_keys()) if subset else [None]
        rows = [row | {"partition": key} for key in keys]
        with self.index_transaction() as connection:
            connection.execute(AssetCheckExecutionsTable.insert(), rows)

    @property
    def supports_partition_subset_in_asset_materialization_planned_events(self) -> bool:
        """One planned event an asset, not one a partition; `_parts` puts the partitions back."""
        return True

    def _store_asset_events(self, events: Sequence[EventLogEntry]) -> None:
        insert = SqlEventLogStorageTable.insert()
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(insert, rows)
        indexed = [
            (event, part) for event, row in zip(events, rows, strict=True) for part in _parts(event, row)
        ]
        entries = [event for event, _ in indexed]
        with self.index_transaction() as connection:
            stored = connection.execute(
                insert.returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True),
                [row for _, row in indexed],
            )
            ids = [int(stored_row[0]) for stored_row in stored]
            self._store_asset_event_tags(connection, entries, ids)
            # The asset table keeps the last event of each asset and type: earlier ones of the batch would
            # be overwritten at once.
            last = {
                (entry.dagster_event_type, entry.get_dagster_event().asset_key): number
                for number, entry in enumerate(entries)
            }
            for number in sorted(last.values()):
                self._store_asset_event(connection, entries[number], ids[number])


def _open(address: str) -> Engine:
    """An engine with one connection, which any thread may use while it holds the storage's lock.

    A commit does not wait for the disk: in WAL mode a killed process loses nothing by that, a power cut the last
    events and never the file's consistency (sqlite.org/pragma.html#pragma_synchronous).
    """
    options = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
    engine = create_engine(address, poolclass=StaticPool, connect_args=options)

    @listens_for(engine, "connect")
    def relax(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")

    return engine


def _parts(event: EventLogEntry, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The index rows of an event: a planned one for many partitions gets a row for each of them.

    Without them Dagster would not know which partitions failed when the run does.
    """
    planned = event.get_dagster_event()
    if not planned.is_asset_materialization_planned:
        return [row]
    subset = planned.asset_materialization_planned_data.partitions_subset
    if subset is None:
        return [row]
    return [{**row, "partition": key} for key in subset.get_partition_keys()]
