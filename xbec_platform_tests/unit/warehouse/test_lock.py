"""The fair wait: one at a time, in order of arrival, bounded, and the dead do not block."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xbec_platform.warehouse.lock import WarehouseBusyError, turn

HOLD = """
import sys, time
from pathlib import Path
from xbec_platform.warehouse.lock import turn
with turn(Path(sys.argv[1]), purpose="holder", wait_s=30):
    print("in", flush=True)
    time.sleep(600)
"""


def hold(database: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(database)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    return process


def test_wait_is_bounded_and_names_the_holder(tmp_path: Path) -> None:
    """Whoever gives up says who had the file and what to do."""
    process = hold(tmp_path / "w.duckdb")
    try:
        with (
            pytest.raises(WarehouseBusyError, match=rf"held by process {process.pid} \(holder"),
            turn(tmp_path / "w.duckdb", purpose="test", wait_s=0.3),
        ):
            pytest.fail("entered although the file was held")
    finally:
        process.kill()
        process.wait()


def test_killed_holder_does_not_block(tmp_path: Path) -> None:
    """Kill -9 leaves a ticket behind; the kernel has dropped its lock, so the next one enters."""
    process = hold(tmp_path / "w.duckdb")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with turn(tmp_path / "w.duckdb", purpose="test", wait_s=60):
        left = list((tmp_path / "w.duckdb.queue").glob("*.ticket"))
    assert len(left) == 1


def _enter(database: Path, number: int, log: Path, started: "multiprocessing.synchronize.Event") -> None:
    started.set()
    with turn(database, purpose=f"p{number}", wait_s=300):
        with log.open("a") as stream:
            stream.write(f"in {number}\n")
        time.sleep(0.05)
        with log.open("a") as stream:
            stream.write(f"out {number}\n")


def test_processes_enter_one_at_a_time_in_order_of_arrival(tmp_path: Path) -> None:
    """Four processes that queue behind a holder leave in the order in which they came."""
    database, log = tmp_path / "w.duckdb", tmp_path / "log"
    context = multiprocessing.get_context("fork")
    processes = []
    with turn(database, purpose="first", wait_s=5):
        for number in range(4):
            started = context.Event()
            process = context.Process(target=_enter, args=(database, number, log, started))
            process.start()
            started.wait()
            while len(list((tmp_path / "w.duckdb.queue").glob("*.ticket"))) < number + 2:
                time.sleep(0.01)
            processes.append(process)
    for process in processes:
        process.join()
    assert log.read_text().splitlines() == [f"{word} {n}" for n in range(4) for word in ("in", "out")]
