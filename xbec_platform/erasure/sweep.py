"""Landing files that came after an erasure, without the people on the suppression list.

The intake keeps these people out of the tables at once; the landed file itself keeps its bytes until it is swept.
A sweep knows nobody's plain identifiers: it compares hashes in the columns that hold identifiers, and each file is
looked at once. It asks for no rebuild: the rewritten files are loaded again and give the same rows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from xbec_platform.erasure.landing_rewrite import Rewrite, State, rewrite_landing, states
from xbec_platform.erasure.places import file_contracts
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.intake import run_intake
from xbec_platform.ingest.suppression import Suppression
from xbec_platform.ingest.suppression_file import load_suppression
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.whole_files import replace_text

FILE = "suppression.swept.json"
# A file that changed a moment ago may still be written to, whatever its name says.
QUIET = timedelta(minutes=10)
_DAY = re.compile(r"/dt=(\d{4}-\d{2}-\d{2})/")


def unswept(settings: Settings, suppression: Suppression, now: datetime) -> dict[str, State]:
    """Quiet landing files that nobody looked at since they came or since the list changed, by path.

    Args:
        settings: The home.
        suppression: Its list; where nobody was erased nothing waits.
        now: UTC.
    """
    if not suppression:
        return {}
    seen = _seen(settings.home, suppression)
    quiet_ns = int((now.replace(tzinfo=UTC) - QUIET).timestamp() * 1e9)
    found = states(settings.landing).items()
    return {where: state for where, state in found if seen.get(where) != state and state[1] <= quiet_ns}


def sweep(settings: Settings, now: datetime) -> Rewrite:
    """Rewrite the files that wait so that they mention nobody on the list, and load those that changed again.

    Args:
        settings: The home.
        now: UTC.

    Raises:
        SuppressionError: The list is damaged.
    """
    suppression = load_suppression(settings.home)
    waiting = unswept(settings, suppression, now)
    if not waiting:
        return Rewrite((), (), {})
    rewrite = rewrite_landing(
        settings.landing, file_contracts(settings), suppression, (), only=waiting.keys()
    )
    days = _days(rewrite.changed)
    if days:
        run_intake(
            Warehouse.of(settings),
            settings.landing,
            start=days[0],
            end=days[-1] + timedelta(days=1),
            feeds=Feeds.of_home(settings.home),
        )
    note_swept(settings, suppression, rewrite.looked_at)
    return rewrite


def note_swept(settings: Settings, suppression: Suppression, looked_at: Mapping[str, State]) -> None:
    """Remember which files mention nobody on the list; a kill before this makes the next sweep look again."""
    there = states(settings.landing)
    seen = {**_seen(settings.home, suppression), **looked_at}
    kept = {where: state for where, state in sorted(seen.items()) if where in there}
    replace_text(settings.home / FILE, json.dumps({"list": _digest(suppression), "files": kept}))


def _seen(home: Path, suppression: Suppression) -> dict[str, State]:
    """Files looked at under this very list; none when somebody was added since."""
    path = home / FILE
    noted = json.loads(path.read_text()) if path.is_file() else {}
    if noted.get("list") != _digest(suppression):
        return {}
    return {where: (size, changed_ns) for where, (size, changed_ns) in noted["files"].items()}


def _digest(suppression: Suppression) -> str:
    lines = "\n".join(f"{one.kind},{one.hash},{one.is_own}" for one in suppression.entries)
    return hashlib.sha256(lines.encode()).hexdigest()


def _days(paths: Iterable[str]) -> list[date]:
    """Drop days of some landing files, in order; misplaced files have none."""
    return sorted({date.fromisoformat(found[1]) for path in paths if (found := _DAY.search(path))})
