"""The fair, bounded, logged wait that stands in front of every opening of the database file. No SQL here.

DuckDB lets one process open a file for writing and shuts every other process out, readers included; the
second one fails at once (dagster #18746, #19068, #16248). Here it waits its turn instead. A process draws a
ticket, that is a file named by its time of arrival which it keeps locked, and enters when no older living
ticket is left and it holds the gate. The kernel drops both locks when a process dies, even by kill -9, so
nothing has to be cleaned up by hand. Works on a local file system; network file systems are not supported.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

POLL_S = 0.05
REPORT_EVERY_S = 10.0


class WarehouseBusyError(TimeoutError):
    """The wait for the database file ended without a turn."""


@contextmanager
def turn(database: Path, *, purpose: str, wait_s: float) -> Iterator[None]:
    """Hold the database file alone, after everybody who came earlier.

    Args:
        database: The DuckDB file; tickets lie in `<database>.queue/` beside it.
        purpose: What the file is wanted for, shown to those who wait.
        wait_s: Longest wait in seconds.

    Raises:
        WarehouseBusyError: The wait took longer than `wait_s`; the message names the holder.
    """
    queue = database.with_name(database.name + ".queue")
    queue.mkdir(parents=True, exist_ok=True)
    ticket, ticket_fd = _draw(queue, purpose)
    gate_fd = os.open(queue / "gate", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _await_turn(queue, ticket, gate_fd, purpose, wait_s)
        yield
    finally:
        ticket.unlink(missing_ok=True)
        for fd in (ticket_fd, gate_fd):
            # A forked child shares the lock through its copy of the descriptor: closing ours is not enough.
            fcntl.flock(fd, fcntl.LOCK_UN)
            os.close(fd)


def _draw(queue: Path, purpose: str) -> tuple[Path, int]:
    """Create a ticket that is locked before anybody can see it."""
    token = f"{time.time_ns():020d}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    hidden = queue / f".{token}"
    fd = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.write(fd, json.dumps({"pid": os.getpid(), "purpose": purpose}).encode())
    ticket = queue / f"{token}.ticket"
    hidden.rename(ticket)
    return ticket, fd


def _await_turn(queue: Path, ticket: Path, gate_fd: int, purpose: str, wait_s: float) -> None:
    """Poll until no older ticket lives and the gate is ours."""
    began = time.monotonic()
    reported = began
    while True:
        older = _living_before(queue, ticket)
        if older is None and _try_lock(gate_fd):
            return
        now = time.monotonic()
        holder = _describe(older) if older else "a process that is just leaving"
        if now - began > wait_s:
            raise WarehouseBusyError(
                f"waited {wait_s:.0f} s for {queue.parent.name} ({purpose}); it is held by {holder}. "
                "Let that process end or stop it, then run again; XBEC_LOCK_WAIT_S sets the longest wait."
            )
        if now - reported > REPORT_EVERY_S:
            log.warning(
                "%s waits since %.0f s for %s, held by %s", purpose, now - began, queue.parent.name, holder
            )
            reported = now
        time.sleep(POLL_S)


def _living_before(queue: Path, ticket: Path) -> Path | None:
    """The oldest ticket before ours whose process lives; tickets of the dead are removed."""
    for other in sorted(queue.glob("*.ticket")):
        if other.name >= ticket.name:
            return None
        if not _is_dead(other):
            return other
        other.unlink(missing_ok=True)
    return None


def _is_dead(ticket: Path) -> bool:
    """Whether nobody holds the ticket's lock any more."""
    try:
        fd = os.open(ticket, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        return _try_lock(fd)
    finally:
        os.close(fd)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _describe(ticket: Path) -> str:
    """Who holds a ticket and since when, for people."""
    try:
        facts = json.loads(ticket.read_text())
        since_s = time.time() - int(ticket.name.split("-", 1)[0]) / 1e9
    except (FileNotFoundError, json.JSONDecodeError):
        return "a process that is just leaving"
    return f"process {facts['pid']} ({facts['purpose']}, in the queue since {since_s:.0f} s)"
