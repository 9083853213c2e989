"""Who has the database file and who waits, from the tickets beside it. Nothing is written, nobody is kept waiting.

A ticket's process lives as long as it keeps the ticket locked (see `warehouse.lock`), whatever its number says.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ticket:
    """Somebody who has or wants the database file; the first living one has it, or is about to.

    Attributes:
        process: Its number.
        purpose: What it wants the file for.
        since_s: Seconds since it came.
        is_alive: It still holds its ticket.
        held_s: Seconds since it has had the file; None while it waits.
    """

    process: int
    purpose: str
    since_s: float
    is_alive: bool
    held_s: float | None = None

    def __str__(self) -> str:
        """For people."""
        held = f"has it since {self.held_s:.0f} s" if self.held_s is not None else "is next"
        return f"process {self.process} ({self.purpose}, {held})"


def queue_folder(database: Path) -> Path:
    """Where the tickets of a database file lie."""
    return database.with_name(database.name + ".queue")


def tickets(database: Path) -> tuple[Ticket, ...]:
    """All tickets in the order in which they were drawn."""
    return tuple(read_tickets(sorted(queue_folder(database).glob("*.ticket"))))


def read_tickets(paths: list[Path]) -> Iterator[Ticket]:
    """What tickets say; one that is given back while it is read is left out."""
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            said = json.loads(os.read(descriptor, 1 << 16))
            now = time.time()
            yield Ticket(
                said["pid"],
                said["purpose"],
                now - int(path.name.split("-", 1)[0]) / 1e9,
                _is_locked(descriptor),
                now - said["entered"] if "entered" in said else None,
            )
        except json.JSONDecodeError:
            # Caught while it is written: who asks again sees it.
            continue
        finally:
            os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False
