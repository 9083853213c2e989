"""The database file written anew: what was deleted leaves the disk. No row is changed.

DuckDB marks deleted rows and reuses their blocks some day; until then their bytes stay in the file.
"""

from __future__ import annotations

from pathlib import Path

from xbec_platform.warehouse.database import Warehouse


def free_share(warehouse: Warehouse) -> float:
    """Share of the file's blocks that hold nothing."""
    with warehouse.connect("free share of the database file") as connection:
        blocks, free = connection.execute(
            "SELECT sum(total_blocks), sum(free_blocks) FROM pragma_database_size()"
        ).fetchall()[0]
    return float(free) / float(blocks) if blocks else 0.0


def rewrite_file(warehouse: Warehouse) -> tuple[int, int]:
    """Copy everything into a fresh file that takes the old one's name in one step, under the warehouse's lock.

    Returns:
        Size in bytes before and after.
    """
    path = warehouse.path
    part = path.with_name(f".{path.name}.part")
    for leftover in (part, _wal(part)):
        leftover.unlink(missing_ok=True)
    with warehouse.closing.connect("rewrite the database file") as connection:
        connection.execute("CHECKPOINT")
        before = path.stat().st_size
        name = connection.execute("SELECT current_database()").fetchall()[0][0]
        connection.execute(f"ATTACH '{_quoted(part)}' AS fresh")
        connection.execute(f'COPY FROM DATABASE "{name}" TO fresh')
        connection.execute("CHECKPOINT fresh")
        connection.execute("DETACH fresh")
        # Nothing was written since the checkpoint, so the log is empty, and nobody else can open the file before
        # this connection is closed: whoever comes next opens the fresh one.
        _wal(path).unlink(missing_ok=True)
        part.replace(path)
    return before, path.stat().st_size


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
