"""kill -9 at random moments of an ingest, and several processes at once: nothing lost, nothing twice."""

import multiprocessing
import os
import random
import signal
import time
from datetime import date, timedelta
from pathlib import Path

from xbec_platform.ingest.intake import run_intake
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.fingerprint import fingerprints

KILLS = 100
FILES = 8
LARGE_ROWS, BLOCK_ROWS = 1_500, 600
# A process that has everything imported already: a start-up of two seconds would hide the moments that matter.
FORKS = multiprocessing.get_context("forkserver")
# DuckDB imports pandas with the first bound parameter, which takes longer than the whole ingest.
FORKS.set_forkserver_preload(["xbec_platform.ingest.intake", "pandas"])


def content(number: int, version: int) -> str:
    """Rates of a file: good rows, a duplicate, a conflict and a bad one; all of them differ by version."""
    rows = LARGE_ROWS if number == 0 else 200
    first = date(2000, 1, 1) + timedelta(days=number * LARGE_ROWS)
    lines = [f"{first + timedelta(days=n)},EUR,1.{version:04d},ecb" for n in range(rows)]
    lines += [lines[0], f"{first + timedelta(days=1)},EUR,2.{version:04d},ecb", "never,EUR,1,ecb"]
    return "\n".join(["rate_date,currency,rate_to_base,source", *lines, ""])


def land(home: Path, number: int, version: int) -> None:
    """Deliver a file as a source should: complete under its name at once."""
    path = home / "landing" / "fx_rates" / "dt=2026-01-05" / f"f{number:02d}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(content(number, version))
    part.replace(path)


def ingest(home: Path) -> None:
    """One intake in a process of its own."""
    run_intake(Warehouse(home / "w.duckdb", wait_s=60), home / "landing", block_rows=BLOCK_ROWS)


def state(home: Path) -> dict[str, object]:
    """All tables and the present entries of the manifest."""
    with Warehouse(home / "w.duckdb").connect("test") as connection:
        manifest = connection.execute(
            """SELECT path, sha256, status, rows_in, rows_loaded, rows_quarantined, rows_duplicate
            FROM ops.file_manifest WHERE status <> 'superseded' ORDER BY path"""
        ).fetchall()
        return {**fingerprints(connection), "manifest": manifest}


def whole_files_only(home: Path) -> bool:
    """Whether every file that has rows has all of them, as its account says."""
    with Warehouse(home / "w.duckdb").connect("test") as connection:
        known = connection.execute(
            "SELECT 1 FROM duckdb_tables() WHERE table_name = 'file_manifest'"
        ).fetchall()
        if not known:
            return True
        broken = connection.execute(
            """SELECT coalesce(m.file_id, r._file_id) FROM ops.file_manifest AS m
            FULL JOIN (SELECT _file_id, count(*) AS rows FROM raw.fx_rates GROUP BY ALL) AS r
                ON r._file_id = m.file_id AND m.status = 'loaded'
            WHERE m.file_id IS NULL OR (m.status = 'loaded' AND coalesce(r.rows, 0) <> m.rows_loaded)"""
        ).fetchall()
    return not broken


def test_killed_at_a_hundred_moments(tmp_path: Path) -> None:
    """Corrections keep coming while every ingest is killed; the end is what a new home makes of the last files."""
    seed = time.time_ns()
    draw = random.Random(seed)
    versions = dict.fromkeys(range(FILES), 0)
    home = tmp_path / "killed"
    for number in versions:
        land(home, number, 0)
    _finish(home)
    for number in versions:
        versions[number] = 1
        land(home, number, 1)
    began = time.monotonic()
    _finish(home)
    usual_s = time.monotonic() - began
    killed = 0
    for turn in range(2, KILLS + 2):
        for number in draw.sample(range(FILES), 3):
            versions[number] = turn
            land(home, number, turn)
        process = FORKS.Process(target=ingest, args=(home,))
        began = time.monotonic()
        process.start()
        process.join(draw.uniform(0, usual_s))
        if process.is_alive():
            os.kill(int(process.pid or 0), signal.SIGKILL)
            killed += 1
        else:
            # The machine has less to do than when the length was taken.
            usual_s = time.monotonic() - began
        process.join()
        if turn % 10 == 0:
            assert whole_files_only(home), f"seed {seed}, turn {turn}"
    _finish(home)
    fresh = tmp_path / "fresh"
    for number, version in versions.items():
        land(fresh, number, version)
    _finish(fresh)
    assert state(home) == state(fresh), f"seed {seed}"
    assert killed > KILLS / 4


def test_four_processes_at_once_load_each_file_once(tmp_path: Path) -> None:
    """Two sensors, a schedule and a person at a terminal: the manifest is asked again inside each transaction."""
    together, alone = tmp_path / "together", tmp_path / "alone"
    for number in range(FILES):
        land(together, number, 1)
        land(alone, number, 1)
    processes = [FORKS.Process(target=ingest, args=(together,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    _finish(alone)
    assert state(together) == state(alone)


def _finish(home: Path) -> None:
    process = FORKS.Process(target=ingest, args=(home,))
    process.start()
    process.join()
    assert process.exitcode == 0
