"""How the benchmarks of operation measure: processes with all they start, and the load of the machine beside them."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(sys.executable).parent
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What work took.

    Attributes:
        wall_s: Seconds on the clock.
        cpu_s: User and system seconds of all its processes.
        others_cpu_s: What the rest of the machine computed meanwhile, per second of `wall_s`: the cores it kept busy.
    """

    wall_s: float
    cpu_s: float
    others_cpu_s: float

    def __str__(self) -> str:
        return (
            f"{self.cpu_s:.1f} CPU s, {self.wall_s:.1f} s wall, others {self.others_cpu_s:.1f} of "
            f"{os.cpu_count()} cores"
        )


class Stopwatch:
    """Costs of the children that end between `start` and `stop`, and of this process."""

    def __init__(self) -> None:
        self._began, self._ours, self._all = time.monotonic(), _our_cpu_s(), _machine_cpu_s()

    def stop(self) -> Cost:
        """What was used since the beginning."""
        wall_s, ours = time.monotonic() - self._began, _our_cpu_s() - self._ours
        return Cost(wall_s, ours, max(0.0, _machine_cpu_s() - self._all - ours) / wall_s)


def _our_cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _machine_cpu_s() -> float:
    """Seconds that all cores have computed since the machine started: user, nice, system and interrupts."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    busy = [int(fields[number]) for number in (0, 1, 2, 5, 6)]
    return sum(busy) / _TICKS_PER_S


def environment(home: Path) -> dict[str, str]:
    """The environment of a process that works on a home."""
    return {**os.environ, "XBEC_HOME": str(home)}


def run_python(code: str, home: Path, *arguments: str) -> str:
    """Run code in a process of its own.

    Returns:
        What it printed.

    Raises:
        SystemExit: It failed, so there is nothing to measure.
    """
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    return checked(command, home)


def checked(command: Sequence[str], home: Path) -> str:
    """Run a command on a home; a failure ends the benchmark with what it said."""
    done = subprocess.run(list(command), env=environment(home), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"{command[0]} failed, so nothing was measured:\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
        )
    return done.stdout
