"""The fair, bounded, told wait that stands in front of every opening of the database file. No SQL here.

DuckDB lets one process open a file for writing and shuts every other process out, readers included; the
second one fails at once (dagster #18746, #19068, #16248). Here it waits its turn instead. A process draws a
ticket, that is a file named by its time of arrival which it keeps locked, and enters when no older living
ticket is left and it holds the gate. The kernel drops both locks when a process dies, even by kill -9, so
nothing has to be cleaned up by hand. Works on a local file system; network file systems are not supported.

A wait is told to this module's logger, which `dagster.yaml` names among those that go into the run's log: the UI
shows who has the file. `warehouse.queue` reads the tickets.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from xbec_platform.warehouse.queue import queue_folder, read_tickets

log = logging.getLogger(__name__)

POLL_S = 0.05
# Nobody is told of a hand-over between two steps; a real wait is told soon, then ever more rarely.
FIRST_REPORT_S = 2.0
LAST_REPORT_S = 300.0


class WarehouseBusyError(TimeoutError):
    """The wait for the database file ended without a turn."""


class Patience:
    """One bounded wait, told while it lasts: after 2 s, then at twice the time each, every 5 minutes at least.

    Args:
        database: The file that is waited for.
        purpose: What it is wanted for.
        wait_s: Longest wait in seconds.
    """

    def __init__(self, database: Path, purpose: str, wait_s: float) -> None:
        self._file, self._purpose, self._wait_s = database.name, purpose, wait_s
        self._began = time.monotonic()
        self._next_report_s = FIRST_REPORT_S
        self._told = False

    def pause(self, who: Callable[[], str]) -> None:
        """Wait a moment.

        Args:
            who: Says who has the file; asked when somebody is told.

        Raises:
            WarehouseBusyError: The wait is over; the message names the holder and the next step.
        """
        waited_s = time.monotonic() - self._began
        if waited_s > self._wait_s:
            raise WarehouseBusyError(
                f"waited {self._wait_s:.0f} s for {self._file} ({self._purpose}); it is held by {who()}. "
                "Let that process end or stop it, then run again; XBEC_LOCK_WAIT_S sets the longest wait."
            )
        if waited_s > self._next_report_s:
            left_s = self._wait_s - waited_s
            log.warning(
                "%s waits since %.0f s for %s, held by %s; gives up in %.0f s",
                self._purpose,
                waited_s,
                self._file,
                who(),
                left_s,
            )
            self._next_report_s = waited_s + min(waited_s, LAST_REPORT_S)
            self._told = True
        time.sleep(POLL_S)

    def over(self) -> None:
        """The file is there; whoever was told of the wait is told of its end."""
        if self._told:
            waited_s = time.monotonic() - self._began
            log.info("%s has %s after a wait of %.0f s", self._purpose, self._file, waited_s)


@dataclass(frozen=True)
class Turn:
    """A place in the queue whose time has come.

    Attributes:
        ticket: The file that others see.
        descriptor: The same file, open and locked.
    """

    ticket: Path
    descriptor: int

    def is_wanted(self) -> bool:
        """Whether somebody else has drawn a ticket."""
        return any(other != self.ticket for other in self.ticket.parent.glob("*.ticket"))

    def enter(self, purpose: str) -> None:
        """Tell those who wait what the file is used for from now on."""
        # Blanks up to the length of what was said before: a reader finds one whole text at any time.
        said = _said(purpose, entered=time.time())
        os.pwrite(self.descriptor, said.ljust(os.fstat(self.descriptor).st_size), 0)


@contextmanager
def turn(database: Path, *, purpose: str, wait_s: float) -> Iterator[Turn]:
    """Hold the database file alone, after everybody who came earlier.

    Args:
        database: The DuckDB file; tickets lie in `<database>.queue/` beside it.
        purpose: What the file is wanted for, shown to those who wait.
        wait_s: Longest wait in seconds.

    Raises:
        WarehouseBusyError: The wait took longer than `wait_s`; the message names the holder.
    """
    queue = queue_folder(database)
    queue.mkdir(parents=True, exist_ok=True)
    ticket, ticket_fd = _draw(queue, purpose)
    gate_fd = os.open(queue / "gate", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _await_turn(ticket, gate_fd, Patience(database, purpose, wait_s))
        held = Turn(ticket, ticket_fd)
        held.enter(purpose)
        yield held
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
    os.write(fd, _said(purpose))
    ticket = queue / f"{token}.ticket"
    hidden.rename(ticket)
    return ticket, fd


def _said(purpose: str, **more: float) -> bytes:
    """What a ticket says to those who wait."""
    return json.dumps({"pid": os.getpid(), "purpose": purpose, **more}).encode()


def _await_turn(ticket: Path, gate_fd: int, patience: Patience) -> None:
    """Poll until no older ticket lives and the gate is ours."""
    while True:
        older = _living_before(ticket)
        if older is None and _try_lock(gate_fd):
            patience.over()
            return
        patience.pause(partial(_describe, older))


def _living_before(ticket: Path) -> Path | None:
    """The oldest ticket before ours whose process lives; tickets of the dead are removed."""
    for other in sorted(ticket.parent.glob("*.ticket")):
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


def _describe(ticket: Path | None) -> str:
    """Who holds a ticket and since when, for people."""
    said = next(read_tickets([ticket] if ticket else []), None)
    return str(said) if said else "a process that is just leaving"
