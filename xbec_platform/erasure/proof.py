"""Whether anybody on the suppression list is still mentioned in a home. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from xbec_platform.erasure.landing_rewrite import rewrite_landing
from xbec_platform.erasure.places import file_contracts, text_folders
from xbec_platform.erasure.search import (
    ColumnMention,
    listed_in_exports,
    mentioned_in_files,
    mentioned_rows,
)
from xbec_platform.ingest.suppression import Suppression, is_unmistakable
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse


@dataclass(frozen=True)
class Mentions:
    """Where persons are mentioned.

    Attributes:
        columns: Text columns of the warehouse and of the published snapshot (its tables begin with `published:`).
        files: Mentions by file; 1 for a landing file in which only columns can tell.
        unreadable: Files nobody can look into, with the cause.
    """

    columns: tuple[ColumnMention, ...]
    files: Mapping[Path, int]
    unreadable: Mapping[Path, str]

    @property
    def is_clean(self) -> bool:
        """Nothing was found where one can look."""
        return not self.columns and not self.files

    @property
    def tables(self) -> dict[str, int]:
        """Rows by table: of its columns the one with the most."""
        return {
            table: max(one.rows for one in self.columns if one.table == table)
            for table in sorted({one.table for one in self.columns})
        }


def search(settings: Settings, suppression: Suppression, values: Iterable[str]) -> Mentions:
    """Look for everybody on the list in all tables and exports, and for some identifiers in the bytes of all files.

    An identifier that is short or a number is looked for in the columns of the landing files instead.
    """
    values = list(values)
    with Warehouse.of(settings).connect("erasure: search") as connection:
        columns = mentioned_rows(connection, suppression)
        if settings.published.is_file():
            place = str(settings.published).replace("'", "''")
            connection.execute(f"ATTACH '{place}' AS published (READ_ONLY)")
            columns += [
                replace(one, table=f"published:{one.table}")
                for one in mentioned_rows(connection, suppression, "published")
            ]
            connection.execute("DETACH published")
    wal = settings.warehouse.with_name(settings.warehouse.name + ".wal")
    files, unreadable = mentioned_in_files(
        [
            settings.warehouse,
            wal,
            settings.published,
            settings.landing,
            settings.exports,
            *text_folders(settings),
        ],
        values,
    )
    exported, broken = listed_in_exports(settings.exports, suppression)
    files |= {path: rows for path, rows in exported.items() if path not in files}
    if not all(is_unmistakable(value) for value in values):
        landed = rewrite_landing(settings.landing, file_contracts(settings), suppression, (), dry_run=True)
        files |= {path: 1 for name in landed.changed if (path := settings.landing / name) not in files}
        broken |= {settings.landing / name: cause for name, cause in landed.unreadable}
    return Mentions(tuple(columns), dict(sorted(files.items())), dict(sorted((broken | unreadable).items())))


def described(mentions: Mentions, home: Path) -> list[str]:
    """Mentions as lines for people."""
    return [
        *(f"{one.table}.{one.column}: {one.rows} rows" for one in mentions.columns),
        *(f"{path.relative_to(home)}: {count} times" for path, count in mentions.files.items()),
    ]
