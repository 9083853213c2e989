"""Exports, pages, logs and Dagster's storage without a person. No landed file, no table of the warehouse.

Identifiers that are short or numbers are looked for where only identifiers stand: in the columns of exports, and as
words of pages, which are about to be made anew. Not in logs: a number there is a count or a time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl

from xbec_platform.erasure.event_storage import is_sqlite, redact_sqlite
from xbec_platform.erasure.landing_rewrite import redact, replace_file
from xbec_platform.erasure.mentions import pattern
from xbec_platform.erasure.search import files_below, listed_rows, mentioned_in_files
from xbec_platform.ingest.suppression import Suppression, is_unmistakable
from xbec_platform.publish.exports import MANIFEST_NAME, write_exports

# What a page shows between two tags.
_SHOWN = re.compile(r">[^<>]+<")


def rewrite_exports(exports: Path, suppression: Suppression, identifiers: Iterable[str]) -> dict[str, int]:
    """Leave erased persons' rows out of every day's export, whose manifest is written anew with it.

    Args:
        exports: The folder of all days.
        suppression: The list, for columns that hold identifiers.
        identifiers: In plain text, for words of any other column.

    Returns:
        Rows left out, by folder; folders without the person are not touched.
    """
    found, gone = pattern(identifiers), {}
    for manifest in sorted(exports.glob(f"as_of=*/{MANIFEST_NAME}")):
        stated = json.loads(manifest.read_text(encoding="utf-8"))
        tables = {name: pl.read_parquet(manifest.parent / f"{name}.parquet") for name in stated["tables"]}
        kept = {name: _without(frame, suppression, found) for name, frame in tables.items()}
        rows = sum(tables[name].height - frame.height for name, frame in kept.items())
        if rows:
            write_exports(
                frames=kept,
                out=exports,
                as_of=date.fromisoformat(stated["as_of"]),
                schema_versions={name: table["schema_version"] for name, table in stated["tables"].items()},
                notes=stated["notes"],
            )
            gone[manifest.parent.name] = rows
    return gone


def _without(frame: pl.DataFrame, suppression: Suppression, found: re.Pattern[str] | None) -> pl.DataFrame:
    """Rows that name nobody on the list and in none of whose text columns the person is mentioned."""
    keep = ~listed_rows(frame, suppression)
    for name in (name for name, dtype in frame.schema.items() if dtype == pl.String and found):
        values = [
            value for value in frame[name].drop_nulls().unique().to_list() if found and found.search(value)
        ]
        keep &= ~frame[name].is_in(values).fill_null(value=False)
    return frame.filter(keep)


def rewrite_texts(
    folders: Iterable[Path], suppression: Suppression, identifiers: Iterable[str]
) -> dict[Path, int]:
    """Put tombstones into pages, logs, artifacts and SQLite files below some folders.

    Returns:
        Mentions found, by file.
    """
    values = list(identifiers)
    mentions, _ = mentioned_in_files(files_below(folders), values)
    for path in mentions:
        if is_sqlite(path):
            redact_sqlite(path, suppression, values)
        else:
            replace_file(path, redact(path.read_bytes(), None, suppression, pattern(values)))
    return mentions


def rewrite_pages(reports: Path, suppression: Suppression, identifiers: Iterable[str]) -> int:
    """Put tombstones in place of short and numeric identifiers among the words that pages show.

    Such a word may mean something else on the same page, so this is for pages that are about to be made anew: one
    that nobody makes anew any more then says too little of a person rather than too much.

    Returns:
        Number of pages changed.
    """
    words = sorted({value for value in identifiers if value and not is_unmistakable(value)})
    if not words:
        return 0
    shown = re.compile(rf"(?<![\w.,-])(?:{'|'.join(map(re.escape, words))})(?![\w-]|[.,]\d)")

    def without(segment: re.Match[str]) -> str:
        return shown.sub(lambda match: suppression.tombstone(match[0]), segment[0])

    changed = 0
    for path in (path for path in files_below([reports]) if path.suffix == ".html"):
        html = path.read_text(encoding="utf-8", errors="surrogateescape")
        after = _SHOWN.sub(without, html)
        if after != html:
            replace_file(path, after.encode("utf-8", errors="surrogateescape"))
            changed += 1
    return changed
