"""Exports: tables as Parquet and CSV with a manifest, in one folder that appears whole. No rows are chosen here."""

import fcntl
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType

import polars as pl

from xbec_platform.publish.csv_text import FORMULA_STARTS, nested_json, to_csv
from xbec_platform.publish.overview_input import DownloadLink

MANIFEST_VERSION = 1
MANIFEST_NAME = "manifest.json"
# Names become file names and spreadsheet headers: nothing that leaves a folder or starts a formula.
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ROW_GROUP = 122_880
# 128-bit integers are Parquet bytes that other readers take for binary data; the others have no CSV form.
_REFUSED_TYPES = (pl.Object, pl.Binary, pl.Unknown, pl.Int128, pl.UInt128)


@dataclass(frozen=True, kw_only=True)
class ExportFile:
    """One written file: name inside the folder, format, size in bytes and SHA-256."""

    file: str
    format: str
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ExportTable:
    """One exported table.

    Attributes:
        name: name of the table and stem of its files.
        schema_version: version of its columns, raised by whoever changes them.
        rows: number of rows.
        columns: name and Polars type, in order.
        neutralised_cells: cells of the CSV that got an apostrophe, see `ExportManifest.csv`.
        files: Parquet and CSV.
    """

    name: str
    schema_version: int
    rows: int
    columns: tuple[tuple[str, str], ...]
    neutralised_cells: int
    files: tuple[ExportFile, ...]


@dataclass(frozen=True, kw_only=True)
class ExportManifest:
    """What one export holds; `manifest.json` is this as JSON.

    Attributes:
        as_of: the day the tables know about, and nothing after it.
        folder: name of the export's folder.
        tables: by name.
        notes: facts of the caller, e.g. the consent filter or model ids.
        manifest_version: version of the manifest's own form.
    """

    as_of: date
    folder: str
    tables: tuple[ExportTable, ...]
    notes: Mapping[str, str] = field(default_factory=dict)
    manifest_version: int = MANIFEST_VERSION

    def to_json(self) -> str:
        """Return the manifest as JSON text; equal manifests give equal text."""
        body = {
            "manifest_version": self.manifest_version,
            "as_of": self.as_of.isoformat(),
            "csv": CSV_FORM,
            "notes": dict(sorted(self.notes.items())),
            "tables": {table.name: _table_json(table) for table in self.tables},
        }
        return json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def links(self, base: str = "../exports") -> tuple[DownloadLink, ...]:
        """Return links to every file for a page that lies in a folder beside `exports`.

        Args:
            base: relative path from the page to the folder that was `out` of `write_exports`.
        """
        folder = f"{base}/{self.folder}"
        tables = tuple(
            DownloadLink(
                name=table.name,
                rows=table.rows,
                hrefs={item.format: f"{folder}/{item.file}" for item in table.files},
            )
            for table in self.tables
        )
        return (
            *tables,
            DownloadLink(name="manifest", rows=None, hrefs={"JSON": f"{folder}/{MANIFEST_NAME}"}),
        )


CSV_FORM: Mapping[str, object] = {
    "encoding": "UTF-8 without byte order mark",
    "delimiter": ",",
    "line_end": "LF",
    "null": 'an empty cell; empty text is ""',
    "nested_values": "JSON",
    "formula_neutralisation": {
        "columns": "text columns only",
        "cell_starts_with": list(FORMULA_STARTS),
        "change": "one apostrophe (') is put in front, so that a spreadsheet shows the text and runs nothing",
        "exact_values": "the Parquet file has every value unchanged",
    },
}


def write_exports(
    *,
    frames: Mapping[str, pl.DataFrame],
    out: Path,
    as_of: date,
    schema_versions: Mapping[str, int] = MappingProxyType({}),
    notes: Mapping[str, str] = MappingProxyType({}),
) -> ExportManifest:
    """Write tables to `<out>/as_of=YYYY-MM-DD/` as Parquet and CSV, with `manifest.json`.

    Rows are sorted by all columns, left to right, so that equal rows give equal bytes in any order. The folder
    is built beside its place and renamed into it: a reader finds the old export or the new one, never a part.
    Writing again replaces the day's export whole; other days stay.

    Args:
        frames: name to table; names and columns are lower-case words joined by underscores.
        out: folder of all exports; made when absent.
        as_of: the day the tables know about.
        schema_versions: name to version of its columns; 1 where absent.
        notes: facts to keep with the export, e.g. {"consent": "profiling consent only"}.

    Returns:
        The manifest, as written.

    Raises:
        ValueError: a name is not a lower-case word, a version has no table, or a column has a type neither
            file can hold. Nothing is changed then.
    """
    _check(frames, schema_versions)
    folder = f"as_of={as_of.isoformat()}"
    out.mkdir(parents=True, exist_ok=True)
    with _only_writer(out):
        fresh, old = out / f".{folder}.new", out / f".{folder}.old"
        _clear_up(fresh, out / folder, old)
        fresh.mkdir()
        try:
            tables = tuple(
                _write_table(name, frame, fresh, schema_versions.get(name, 1))
                for name, frame in sorted(frames.items())
            )
            manifest = ExportManifest(as_of=as_of, folder=folder, tables=tables, notes=dict(notes))
            (fresh / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8", newline="\n")
            _swap(fresh, out / folder, old)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return manifest


def _check(frames: Mapping[str, pl.DataFrame], schema_versions: Mapping[str, int]) -> None:
    if unknown := sorted(set(schema_versions) - set(frames)):
        raise ValueError(f"schema_versions has {', '.join(unknown)}: no such table is exported")
    for name, frame in frames.items():
        bad = [item for item in (name, *frame.columns) if not _NAME.fullmatch(item)]
        if bad:
            raise ValueError(f"{name}: rename {bad[0]!r} to lower-case words joined by underscores")
        for column, dtype in frame.schema.items():
            if dtype in _REFUSED_TYPES:
                raise ValueError(f"{name}.{column} is {dtype}: cast it to text or numbers before the export")


@contextmanager
def _only_writer(out: Path) -> Iterator[None]:
    """Wait until no other process writes here. The lock ends with the process, however it ends."""
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _clear_up(fresh: Path, place: Path, old: Path) -> None:
    """Mend what a killed run left: bring the old export back if it was just aside, drop half-written files."""
    if old.exists() and not place.exists():
        old.rename(place)
    for leftover in (fresh, old):
        if leftover.exists():
            shutil.rmtree(leftover)


def _write_table(name: str, frame: pl.DataFrame, folder: Path, schema_version: int) -> ExportTable:
    ordered = frame.sort(_sortable(frame), nulls_last=False) if frame.width else frame
    parquet, csv = folder / f"{name}.parquet", folder / f"{name}.csv"
    ordered.rechunk().write_parquet(parquet, compression="zstd", statistics=True, row_group_size=_ROW_GROUP)
    text, neutralised = to_csv(ordered)
    csv.write_bytes(text)
    return ExportTable(
        name=name,
        schema_version=schema_version,
        rows=frame.height,
        columns=tuple((column, str(dtype)) for column, dtype in frame.schema.items()),
        neutralised_cells=neutralised,
        files=(_describe(csv, "CSV"), _describe(parquet, "Parquet")),
    )


def _sortable(frame: pl.DataFrame) -> Sequence[pl.Expr]:
    """All columns, nested ones by their JSON: order must not depend on how the rows came."""
    return [nested_json(name) if dtype.is_nested() else pl.col(name) for name, dtype in frame.schema.items()]


def _describe(path: Path, kind: str) -> ExportFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ExportFile(file=path.name, format=kind, bytes=path.stat().st_size, sha256=digest)


def _swap(fresh: Path, place: Path, old: Path) -> None:
    """Rename the new folder into place. A full folder cannot be renamed over, so the old one steps aside first."""
    if not place.exists():
        fresh.rename(place)
        return
    place.rename(old)
    try:
        fresh.rename(place)
    except OSError:
        old.rename(place)
        raise
    shutil.rmtree(old)


def _table_json(table: ExportTable) -> dict[str, object]:
    body = asdict(table)
    body["columns"] = [{"name": name, "type": dtype} for name, dtype in table.columns]
    del body["name"]
    return body
