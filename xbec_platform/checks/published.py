"""Faults of what was published, found from the outside: files, hashes, rows. Nothing is written or mended here."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from pathlib import Path

import duckdb

from xbec_platform.ingest.landing import content_hash
from xbec_platform.warehouse.database import Warehouse

_SIZES = "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name IN ('marts', 'ml') ORDER BY 1"
# From one export to the next: a table that halves or doubles, by more than a few rows.
EXPORT_CHANGE, LEAST_CHANGE = 0.5, 20
_OUTSIDE = re.compile(r"<script[^>]*\bsrc\b|(?:src|href)=[\"']?(?:https?:)?//", re.IGNORECASE)
# A script that runs; data has the type application/json.
_SCRIPT = re.compile(r"<script(?![^>]*application/json)[^>]*>(.*?)</script>", re.IGNORECASE | re.DOTALL)


def snapshot_faults(warehouse: Warehouse, published: Path) -> list[tuple[object, ...]]:
    """Tables whose rows differ between the live file and the snapshot."""
    with warehouse.connect("publish checks") as connection:
        live = _rows(connection)
    snapshot = duckdb.connect(str(published), read_only=True)
    try:
        copied = _rows(snapshot)
    finally:
        snapshot.close()
    return [
        (name, live.get(name), copied.get(name))
        for name in sorted({*live, *copied})
        if live.get(name) != copied.get(name)
    ]


def _rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    names = [name for (name,) in connection.execute(_SIZES).fetchall()]
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in names}


def export_faults(exports: Path) -> list[tuple[object, ...]]:
    """Files of the newest export that are not what its manifest says."""
    manifests = sorted(exports.glob("as_of=*/manifest.json"))
    if not manifests:
        return [("no export",)]
    folder = manifests[-1].parent
    tables = json.loads(manifests[-1].read_text())["tables"]
    files = [file for table in tables.values() for file in table["files"]]
    return [
        (file["file"], "differs from the manifest")
        for file in files
        if not (folder / file["file"]).is_file() or content_hash(folder / file["file"]) != file["sha256"]
    ]


def export_changes(exports: Path) -> list[tuple[object, ...]]:
    """Tables of the newest export with half as many rows more or less than the one before had."""
    newest = sorted(exports.glob("as_of=*/manifest.json"))[-2:]
    if len(newest) < 2:
        return []
    before, after = (
        {name: table["rows"] for name, table in json.loads(path.read_text())["tables"].items()}
        for path in newest
    )
    return [
        (name, f"{before[name]} rows, then", after.get(name, "none"))
        for name in sorted(before)
        if abs(after.get(name, 0) - before[name]) > max(EXPORT_CHANGE * before[name], LEAST_CHANGE)
    ]


def page_faults(reports: Path, names: Iterable[str]) -> list[tuple[object, ...]]:
    """Pages that are missing, their references to the outside, and scripts their security policy does not name."""
    faults: list[tuple[object, ...]] = []
    for name in names:
        page = reports / name
        if not page.is_file():
            faults.append((name, "is missing"))
            continue
        text = page.read_text(encoding="utf-8")
        faults += [(name, found.group(0)) for found in _OUTSIDE.finditer(text)]
        policy = html.unescape(text.partition("script-src ")[2].partition('"')[0])
        for body in _SCRIPT.findall(text):
            digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
            if f"sha256-{digest}" not in policy:
                faults.append((name, f"script {body[:40]!r} is not in the policy"))
    return faults
