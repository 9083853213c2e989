"""The process behind a run, and whether it lives. What follows from it is decided elsewhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from dagster import DagsterInstance

# A process is as old as its run or older; its age is known to a hundredth of a second, the clock's offset to one.
_CLOCK_S = 2.0


@dataclass(frozen=True)
class RunProcess:
    """Where a run was executed.

    Attributes:
        number: Of the process, on the machine that all runs are started on.
        began_ts: When the run began, in seconds since 1970.
    """

    number: int
    began_ts: float


def process_of(instance: DagsterInstance, run_id: str) -> RunProcess | None:
    """The process a run started in; None when the run never said."""
    started = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.RUN_START, limit=1).records
    entry = started[0].event_log_entry if started else None
    pid = entry.dagster_event.pid if entry and entry.dagster_event else None
    return RunProcess(pid, entry.timestamp) if entry and pid else None


def is_alive(process: RunProcess | None) -> bool:
    """Whether the process of a run still runs; unknown ones count as alive, so that nobody is declared dead.

    After a restart of the machine numbers are given again: a process that is younger than its run is another one.
    """
    if process is None:
        return True
    try:
        os.kill(process.number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    began_ts = _began_ts(process.number)
    return began_ts is None or began_ts <= process.began_ts + _CLOCK_S


def _began_ts(number: int) -> float | None:
    """When a process began, in seconds since 1970; None where the system does not tell."""
    try:
        told = Path(f"/proc/{number}/stat").read_text()
        since_boot = Path("/proc/stat").read_text()
    except OSError:
        return None
    # The name in brackets may hold anything; 20 fields after it comes the start, in ticks since boot.
    ticks = int(told.rpartition(")")[2].split()[19])
    boot_ts = next(int(line.split()[1]) for line in since_boot.splitlines() if line.startswith("btime "))
    return boot_ts + ticks / os.sysconf("SC_CLK_TCK")
