"""The one form of a check's result: expected, observed, and at most twenty samples."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform.ingest.contracts import contracts

if TYPE_CHECKING:
    import duckdb

SAMPLE = 20


def faults_of(connection: "duckdb.DuckDBPyConnection", sql: str) -> list[tuple[object, ...]]:
    """Rows a check's query found, fit to be shown: personal columns are hashed.

    Dagster keeps what a check shows for ever, where no erasure should have to look for a person.
    """
    found = connection.execute(sql)
    personal = {
        name for one in contracts().values() for name, column in one.columns.items() if column.pii != "none"
    }
    hide = [name in personal for name, *_ in found.description or ()]
    return [
        tuple(_hashed(value) if hidden else value for value, hidden in zip(row, hide, strict=True))
        for row in found.fetchall()
    ]


def _hashed(value: object) -> str:
    return "" if value is None else "#" + hashlib.sha256(str(value).encode()).hexdigest()[:12]


def verdict(
    key: dg.AssetKey,
    name: str,
    faults: Sequence[tuple[object, ...]],
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    """A check passes when it found no fault."""
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=not faults,
        severity=severity,
        metadata=verdict_metadata(faults),
    )


def verdict_metadata(faults: Sequence[tuple[object, ...]]) -> dict[str, Any]:
    """What a check shows of its faults."""
    samples = "\n".join("- " + " · ".join(map(str, fault)) for fault in faults[:SAMPLE])
    shown = {"samples": dg.MetadataValue.md(samples)} if faults else {}
    return {"expected": 0, "observed": len(faults), **shown}
