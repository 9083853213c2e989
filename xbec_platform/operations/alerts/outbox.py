"""Alerts leave the platform: a file per batch, and where a webhook is set, a parcel in the outbox until it was taken.

The rows are stored before the file is written, so that a crash in between costs nothing: the next look writes the
file that is missing. A webhook may get a batch twice, never not at all; `batch` tells the receiver.
"""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from xbec_platform.whole_files import replace_text

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.settings import Settings

log = logging.getLogger(__name__)

# A sensor's tick has 60 s.
TIMEOUT_S = 5
MAX_PARCELS_PER_TICK = 5
_UNDECIDED = ("cleared_ts", "batch")


def hand_on(settings: Settings, alerts: pl.DataFrame) -> list[Path]:
    """Write the files of batches that have none yet: `alerts/dt=D/<kind>-<batch>.jsonl`, and the outbox's copy.

    Args:
        settings: The home.
        alerts: Rows of `ops.alerts`.

    Returns:
        The files written.
    """
    written = []
    for (batch,), rows in sorted(alerts.partition_by("batch", as_dict=True).items()):
        kind, day = rows["kind"][0], rows["raised_ts"].min().date()  # type: ignore[union-attr]
        name = f"{kind}-{batch}"
        target = settings.alerts / f"dt={day}" / f"{name}.jsonl"
        if target.is_file():
            continue
        shown = rows.drop(_UNDECIDED).to_dicts()
        if settings.webhook_url:
            parcel = {"batch": batch, "kind": kind, "shop": settings.shop, "alerts": shown}
            replace_text(settings.outbox / f"{name}.json", json.dumps(parcel, default=str))
        replace_text(target, "".join(json.dumps(row, default=str) + "\n" for row in shown))
        written.append(target)
    return written


def deliver(settings: Settings) -> str:
    """Post what waits in the outbox, oldest name first; what is not taken stays. Returns what is to be said of it."""
    waiting = sorted(settings.outbox.glob("*.json")) if settings.webhook_url else []
    for number, parcel in enumerate(waiting[:MAX_PARCELS_PER_TICK]):
        request = urllib.request.Request(  # noqa: S310 - settings allow http and https only
            settings.webhook_url,
            data=parcel.read_bytes(),
            headers={"Content-Type": "application/json", "Idempotency-Key": parcel.stem},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310 - as above
                parcel.unlink()
        except (urllib.error.URLError, OSError) as error:
            log.warning("webhook: %s", error)
            return f"webhook: {len(waiting) - number} parcels wait, {error}"
    left = len(waiting) - MAX_PARCELS_PER_TICK
    return f"webhook: {left} parcels wait for the next tick" if left > 0 else ""
