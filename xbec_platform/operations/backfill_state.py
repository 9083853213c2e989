"""What is known before a backfill: Dagster's records, the landed files, the ledger of changed days. Only reads."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from xbec_platform.asset_keys import MARTS, ML, RAW
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.ledger import PENDING_DAYS
from xbec_platform.instance import open_instance
from xbec_platform.operations import inventory
from xbec_platform.operations.backfill_plan import LATE_SCHEMA, State, Wish
from xbec_platform.operations.landing_state import SCHEMA as FILES_SCHEMA
from xbec_platform.operations.landing_state import Known, known_files, landing_state
from xbec_platform.operations.read_only import looking, relations_there, tables_there
from xbec_platform.operations.selection import Selected
from xbec_platform.partitions import days
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import read_frame

if TYPE_CHECKING:
    import duckdb

# What tables and views of a home are in, but for those that come with a run (seeds, ops).
_SCHEMAS = frozenset({RAW, "staging", "intermediate", MARTS, ML})
_LATE_SQL = f"""
SELECT DISTINCT source, event_date FROM {PENDING_DAYS}
WHERE event_date >= ? AND event_date <= ? ORDER BY ALL
"""


def nothing_known() -> State:
    """For a backfill that does not ask why: everything was asked for."""
    return State(
        pl.DataFrame(schema=inventory.SCHEMA),
        pl.DataFrame(schema=FILES_SCHEMA),
        pl.DataFrame(schema=LATE_SCHEMA),
    )


def known_state(settings: Settings, assets: Sequence[Selected], wish: Wish, *, wait_s: float) -> State:
    """Look at Dagster's storage, the landing folder and the warehouse; no byte of the home changes.

    Raises:
        WarehouseBusyError: Somebody has the database file for longer than `wait_s`.
        duckdb.Error: The file cannot be read.
    """
    known, late = _of_warehouse(settings, wish, wait_s)
    files = landing_state(settings.landing, known, Feeds.of_home(settings.home), wish.first, wish.last)
    return State(_unfinished(settings, assets, wish), files, late)


def absent_inputs(settings: Settings, definitions: dg.Definitions, assets: Sequence[Selected]) -> list[str]:
    """Schemas that the assets read, do not make themselves, and of which the warehouse holds nothing; sorted.

    Raises:
        WarehouseBusyError: Somebody has the database file for longer than a look waits.
        duckdb.Error: The file cannot be read.
    """
    graph = definitions.resolve_asset_graph()
    chosen = {asset.asset_key for asset in assets}
    parents = {parent for key in chosen for parent in graph.get(key).parent_keys} - chosen
    wanted = {key.path[0] for key in parents if len(key.path) == 2 and key.path[0] in _SCHEMAS}
    if not wanted or not settings.warehouse.is_file():
        return sorted(wanted)
    with looking(settings, "backfill: look", wait_s=settings.lock_wait_s) as connection:
        return sorted(wanted - {name.split(".")[0] for name in relations_there(connection)})


def _of_warehouse(settings: Settings, wish: Wish, wait_s: float) -> tuple[Known, pl.DataFrame]:
    nothing = pl.DataFrame(schema=LATE_SCHEMA)
    if not settings.warehouse.is_file():
        return Known(), nothing
    with looking(settings, "backfill: look", wait_s=wait_s) as connection:
        return known_files(connection), _late(connection, wish)


def _late(connection: "duckdb.DuckDBPyConnection", wish: Wish) -> pl.DataFrame:
    if PENDING_DAYS not in tables_there(connection):
        return pl.DataFrame(schema=LATE_SCHEMA)
    return read_frame(connection, _LATE_SQL, [wish.first, wish.last])


def _unfinished(settings: Settings, assets: Sequence[Selected], wish: Wish) -> pl.DataFrame:
    """A home that never ran has no storage, and looking must not make one."""
    keys = [asset.asset_key for asset in assets if asset.is_partitioned]
    wanted = list(days(wish.first, wish.last + timedelta(days=1)))
    instance = open_instance(settings) if has_storage(settings) else dg.DagsterInstance.ephemeral()
    try:
        return inventory.inventory(instance, keys, wanted)
    finally:
        instance.dispose()


def has_storage(settings: Settings) -> bool:
    """Whether Dagster has run in this home."""
    return (settings.dagster_home / "dagster.yaml").is_file() and (settings.dagster_home / "history").is_dir()


def has_orders(settings: Settings) -> bool:
    """Whether there is anything to decide about."""
    if not settings.warehouse.is_file():
        return False
    with looking(settings, "orders there are", wait_s=settings.lock_wait_s) as connection:
        if "marts.fct_order" not in tables_there(connection):
            return False
        return bool(connection.execute("SELECT count(*) FROM marts.fct_order").fetchall()[0][0])
