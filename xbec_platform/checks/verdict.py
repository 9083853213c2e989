"""The one form of a check's result: expected, observed, and at most twenty samples."""

from collections.abc import Sequence

import dagster as dg

SAMPLE = 20


def verdict(
    key: dg.AssetKey,
    name: str,
    faults: Sequence[tuple[object, ...]],
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    """A check passes when it found no fault."""
    samples = "\n".join("- " + " · ".join(map(str, fault)) for fault in faults[:SAMPLE])
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=not faults,
        severity=severity,
        metadata={
            "expected": 0,
            "observed": len(faults),
            **({"samples": dg.MetadataValue.md(samples)} if faults else {}),
        },
    )
