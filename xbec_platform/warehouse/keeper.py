"""The open database file between two uses by the same run. How it is opened, and whose turn it is, is known elsewhere.

DuckDB reads its whole catalogue at every opening: 50 ms of CPU for 170 tables. A daily run uses the file 140 times,
mostly a fraction of a second after the last use. So a run keeps the file open for a moment after each. Nobody waits
longer for that: who draws a ticket gets the file as soon as it is unused.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xbec_platform.warehouse.lock import POLL_S, Turn

if TYPE_CHECKING:
    import duckdb

KEPT_S = 0.5


@dataclass(frozen=True)
class Opening:
    """The file as one opening has it.

    Attributes:
        connection: Never used itself: each use has a cursor, so that nothing temporary passes to the next one.
        turn: The place in the queue.
        close: Closes the file, then ends the turn.
    """

    connection: duckdb.DuckDBPyConnection
    turn: Turn
    close: Callable[[], None]


class Keeper:
    """Keeps one opening at most; made by `keeping`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: Opening | None = None
        self._since = 0.0
        self._over = threading.Event()

    def take(self) -> Opening | None:
        """The opening that was kept; None when there is none, or somebody else waits, who comes first."""
        kept = self._let_go()
        if kept is None or not kept.turn.is_wanted():
            return kept
        kept.close()
        return None

    def keep(self, opening: Opening) -> None:
        """Keep an opening after its use."""
        with self._lock:
            self._kept, self._since = opening, time.monotonic()

    def give_back(self) -> None:
        """Close what is kept."""
        kept = self._let_go()
        if kept is not None:
            kept.close()

    def end(self) -> None:
        """Keep nothing any more."""
        self._over.set()
        self.give_back()

    def watch(self) -> None:
        """Until the end give back what is waited for, or has been kept long enough."""
        while not self._over.wait(POLL_S):
            with self._lock:
                kept, kept_s = self._kept, time.monotonic() - self._since
            if kept is not None and (kept_s > KEPT_S or kept.turn.is_wanted()):
                self._close_unused(kept)

    def _close_unused(self, kept: Opening) -> None:
        with self._lock:
            if self._kept is not kept:
                return
            self._kept = None
        kept.close()

    def _let_go(self) -> Opening | None:
        with self._lock:
            kept, self._kept = self._kept, None
        return kept


@contextmanager
def keeping() -> Iterator[Keeper]:
    """A keeper for as long as a run lasts; with its end the file is closed."""
    keeper = Keeper()
    watcher = threading.Thread(target=keeper.watch, name="database file", daemon=True)
    watcher.start()
    try:
        yield keeper
    finally:
        keeper.end()
        watcher.join()
