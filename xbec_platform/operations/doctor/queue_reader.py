"""Who has the database file and who waits, from the tickets beside it. Nothing is written, nobody is kept waiting.

A ticket's process lives as long as it keeps the ticket locked (see `warehouse.lock`), whatever its number says.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path

from xbec_platform.operations.doctor.facts import Ticket


def tickets(database: Path) -> tuple[Ticket, ...]:
    """All tickets in the order in which they were drawn."""
    folder = database.with_name(database.name + ".queue")
    found = (_ticket(path) for path in sorted(folder.glob("*.ticket")))
    return tuple(one for one in found if one is not None)


def _ticket(path: Path) -> Ticket | None:
    """What a ticket says; None when it is given back while it is read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        said = json.loads(os.read(descriptor, 1 << 16) or b"{}")
        since_s = time.time() - int(path.name.split("-", 1)[0]) / 1e9
        return Ticket(said.get("pid", 0), said.get("purpose", "unknown"), since_s, _is_locked(descriptor))
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False
