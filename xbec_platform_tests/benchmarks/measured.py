"""How the benchmarks of operation measure: processes with all they start, and the load of the machine beside them."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

PROGRAMS = Path(sys.executable).parent
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
LOOK_EVERY_S = 0.1
# The kernel walks all pages of a process for each look: 10 to 25 ms for a GB, in which that process may not allocate.
LOOKS_SHARE = 0.05


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
    """Costs of the children that end between `start` and `stop`, and of this process.

    Args:
        children_only: Leave this process out, which only looks on.
    """

    def __init__(self, *, children_only: bool = False) -> None:
        own = () if children_only else (resource.RUSAGE_SELF,)
        self._who = (*own, resource.RUSAGE_CHILDREN)
        self._began, self._ours, self._all = time.monotonic(), _cpu_s(self._who), _machine_cpu_s()

    def stop(self) -> Cost:
        """What was used since the beginning."""
        wall_s, ours = time.monotonic() - self._began, _cpu_s(self._who) - self._ours
        return Cost(wall_s, ours, max(0.0, _machine_cpu_s() - self._all - ours) / wall_s)


def _cpu_s(whose: Sequence[int]) -> float:
    used = [resource.getrusage(who) for who in whose]
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


def watched(command: Sequence[str], home: Path) -> tuple[str, int]:
    """Run a command on a home as `checked` does: what it printed, and the most memory of all its processes together.

    Looked at ten times a second, or more seldom where looking is dear. Of pages that processes share each has its part
    (Pss): one that has just been forked would count its parent's memory again.
    """
    peak = 0
    with TemporaryFile("w+") as said, TemporaryFile("w+") as complained:
        process = subprocess.Popen(list(command), env=environment(home), stdout=said, stderr=complained)
        while process.poll() is None:
            began = time.monotonic()
            peak = max(peak, sum(_bytes_held(pid) for pid in (process.pid, *descendants(process.pid))))
            time.sleep(max(LOOK_EVERY_S, (time.monotonic() - began) / LOOKS_SHARE))
        said.seek(0)
        complained.seek(0)
        if process.returncode:
            raise SystemExit(f"{command[0]} failed, so nothing was measured:\n{complained.read()[-3000:]}")
        return said.read(), peak


def descendants(pid: int) -> Iterator[int]:
    """Processes that a process started, and those they started."""
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)
            yield from descendants(int(child))


def cpu_s(pid: int) -> float:
    """User and system seconds that a living process has used; 0 once it has ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return 0.0


def _bytes_held(pid: int) -> int:
    """0 once it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
