"""Dagster's SQLite event log with one transaction per batch of events. It stores what the parent stores.

A run over a range reports every partition of every asset: 305 days of 40 assets are 24,000 events. The stock
SQLite log opens two connections and commits twice for each of them (measured: 25 ms, that is ten minutes
for such a run, with the work itself done in one). Dagster knows batches (`store_event_batch`, switched on by
DAGSTER_EVENT_BATCH_SIZE) but its SQLite log does not implement them; here it does. PostgreSQL needs none of
this. The parent is private API of Dagster, hence the upper bound of its version in pyproject.toml.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """The stock storage plus `store_event_batch`."""

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

    def _store_asset_events(self, events: Sequence[EventLogEntry]) -> None:
        rows = [self._event_to_row(event) for event in events]
        insert = SqlEventLogStorageTable.insert()
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(insert, rows)
        with self.index_transaction() as connection:
            ids: list[int] = []
            for row in rows:
                key = connection.execute(insert, row).inserted_primary_key
                if key is None:
                    raise RuntimeError("the event log gave no id for an event it stored")
                ids.append(key[0])
            self._store_asset_event_tags(connection, events, ids)
            # The asset table keeps the last event of each asset and type: earlier ones of the batch would
            # be overwritten at once.
            last = {
                (event.dagster_event_type, event.get_dagster_event().asset_key): i
                for i, event in enumerate(events)
            }
            for index in sorted(last.values()):
                self._store_asset_event(connection, events[index], ids[index])
