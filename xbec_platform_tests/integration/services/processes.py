"""Services as processes of their own, each in a session of its own, so that what they leave behind is seen."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from xbec_platform.settings import Settings

Found = TypeVar("Found")
# Two cores shared by many have made a code location wait this long.
PATIENCE_S = 300
# What a script starts in its background is deaf to Ctrl-C: the worst case for whoever wants to end it.
DEAF = """trap '' INT; exec "$0" "$@" """


def eventually(look: Callable[[], Found], what: str, *, every_s: float = 0.2) -> Found:
    """What a look brings as soon as it brings anything."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(every_s)
    raise AssertionError(f"waited {PATIENCE_S} s in vain for {what}")


def free_port() -> int:
    """One of 127.0.0.1 that was free a moment ago, and that the system gives to nobody who asks for any port.

    Those it gives away (32768 and up on Linux) may be gone as the local end of somebody's connection when the service
    that was told of one gets to it.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_768)
        with suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return port


@dataclass(frozen=True)
class Service:
    """A command of `xbec` that runs until it is stopped.

    Attributes:
        process: The first one of its session.
        log: What all of them say.
    """

    process: subprocess.Popen[bytes]
    log: Path

    def is_up(self, port: int) -> bool:
        """Whether somebody listens; the end of the service is an error."""
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
        return False

    def members(self) -> list[int]:
        """Processes of its session, whatever they have become."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            # A process may end while it is looked at.
            with suppress(OSError):
                state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state != "Z":
                    found.append(int(stat.parent.name))
        return found


@contextmanager
def service(settings: Settings, *words: str) -> Iterator[Service]:
    """`xbec` with some words on a home; at the end nothing of it is left."""
    log = settings.logs / f"{words[0]}.log"
    log.parent.mkdir(exist_ok=True)
    xbec = str(Path(sys.executable).parent / "xbec")
    with log.open("wb") as stream:
        process = subprocess.Popen(
            ["/bin/sh", "-c", DEAF, xbec, *words],
            env={**os.environ, "XBEC_HOME": str(settings.home)},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    running = Service(process, log)
    try:
        yield running
    finally:
        for number in running.members():
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.wait()
