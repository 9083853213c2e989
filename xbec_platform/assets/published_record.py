"""What was published last: from what, into which files, and what the UI was told. It stands while all that is the same.

The record lies beside the snapshot. Nothing is published here.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform.settings import Settings
from xbec_platform.whole_files import replace_text

if TYPE_CHECKING:
    import duckdb

NAME = "published.json"


def made_from(connection: "duckdb.DuckDBPyConnection", settings: Settings, day: date) -> str | None:
    """What the publication of a day follows from: facts, decisions, rows, settings, mappings and code.

    None while a part of it is not known to be unchanged.
    """
    from xbec_platform.code_version import code_hash
    from xbec_platform.ingest.feeds import MAPPINGS_FOLDER
    from xbec_platform.publish.snapshot import table_rows
    from xbec_platform.warehouse.decided import decisions_version

    decisions = decisions_version(connection)
    if decisions is None:
        return None
    mappings = [
        (path.name, path.read_text(encoding="utf-8"))
        for path in sorted((settings.home / MAPPINGS_FOLDER).glob("*"))
    ]
    parts = (day, code_hash(), sorted(asdict(settings).items()), mappings, table_rows(connection), decisions)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def standing(settings: Settings, wanted: str | None) -> Iterator[dg.MaterializeResult[Any]] | None:
    """What the UI was told of the same publication; None when it must be made, or a file is not as it was written."""
    path = _path(settings)
    if wanted is None or not path.is_file():
        return None
    said = json.loads(path.read_text(encoding="utf-8"))
    if said["made_from"] != wanted or said["files"] != _written(map(Path, said["files"])):
        return None
    since = {"unchanged since run": said["run_id"]}
    return (
        dg.MaterializeResult(asset_key=key, metadata={**dg.deserialize_value(told, dict), **since})
        for key, told in ((dg.AssetKey.from_user_string(name), told) for name, told in said["told"].items())
    )


def forget(settings: Settings) -> None:
    """Files are about to change."""
    _path(settings).unlink(missing_ok=True)


def note(
    settings: Settings,
    made: str,
    files: Iterable[Path],
    results: Sequence[dg.MaterializeResult[Any]],
    run_id: str,
) -> None:
    """Write down what has been published."""
    shown: dict[str, Any] = {one.asset_key.to_user_string(): one.metadata for one in results if one.asset_key}
    told = {name: dg.serialize_value(dict(metadata)) for name, metadata in shown.items()}
    said = {"made_from": made, "run_id": run_id, "files": _written(files), "told": told}
    replace_text(_path(settings), json.dumps(said, indent=1))


def _path(settings: Settings) -> Path:
    return settings.published.with_name(NAME)


def _written(files: Iterable[Path]) -> dict[str, list[int] | None]:
    """Length and time of the last change of each file; None where there is none."""
    return {
        str(path): [path.stat().st_size, path.stat().st_mtime_ns] if path.is_file() else None
        for path in files
    }
