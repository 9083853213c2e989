"""Intake of large clean files against bare DuckDB reading, casting and inserting the same columns.

Both start from files in a folder and end with a closed database file; CPU seconds of all threads, alternating.
Run as `python -m xbec_platform_tests.benchmarks.bench_intake [rows] [GB]`, with POLARS_MAX_THREADS,
OMP_NUM_THREADS and OPENBLAS_NUM_THREADS at 1. Peak memory is that of a process of its own.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.intake import run_intake
from xbec_platform.warehouse.database import Warehouse, sql_type

DAY = date(2026, 1, 4)
ROUNDS = 3
PART_ROWS = 5_000_000
_PEAK = """
import sys
from pathlib import Path
from xbec_platform_tests.benchmarks.bench_intake import load
load(Path(sys.argv[1]))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def run(rows: int = PART_ROWS, gigabytes: float = 1.0) -> list[dict[str, object]]:
    """Measure; rows of name, ours, peer, ratio, unit, goal.

    Args:
        rows: Order lines of the files that are timed.
        gigabytes: Size of the CSV whose intake's memory is measured, about.
    """
    with tempfile.TemporaryDirectory() as folder:
        measured = [
            _against_duckdb(Path(folder), rows, ending, is_sorted=is_sorted)
            for ending in ("csv", "parquet")
            for is_sorted in (True, False)
        ]
        return [*measured, _peak(Path(folder), gigabytes)]


def main() -> None:
    """Print the rows as a table."""
    words = sys.argv[1:]
    for row in run(int(words[0]) if words else PART_ROWS, float(words[1]) if len(words) > 1 else 1.0):
        print(
            " | ".join(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values())
        )


def order_lines(rows: int, *, seed: int, is_sorted: bool = True) -> pl.DataFrame:
    """Clean order lines, 2.5 an order; unsorted as a system writes them that ships lines one by one."""
    rng = np.random.default_rng(seed)
    order = pl.Series("order", np.sort(rng.integers(0, max(rows * 2 // 5, 1), rows)))
    cents = {"unit_price": (100, 99_999), "discount": (0, 500)}
    lines = pl.DataFrame({"order": order}).select(
        pl.format("O{}-{}", pl.lit(seed), "order").alias("order_id"),
        pl.int_range(1, pl.len() + 1).over("order").alias("line_no"),
        pl.format("P{}", pl.Series(rng.integers(0, 5000, rows))).alias("product_id"),
        pl.Series("qty", rng.integers(1, 12, rows)),
        *[(pl.Series(name, rng.integers(*span, rows)) / 100).round(2) for name, span in cents.items()],
        pl.lit("EUR").alias("currency"),
        pl.Series("is_gift", rng.integers(0, 2, rows) == 1),
    )
    return lines if is_sorted else lines[rng.permutation(rows)]


def load(home: Path) -> None:
    """The intake of everything landed in a home, with one thread of DuckDB."""
    report = run_intake(Warehouse(home / "ours.duckdb", threads=1), home / "landing")
    if report.rejected or any(one.rows_in != one.rows_loaded for one in report.accounts):
        raise RuntimeError(f"clean files were not loaded whole: {report}")


def bare_load(path: Path, database: Path) -> None:
    """DuckDB alone: read, cast and insert the contract's columns, checkpoint on close."""
    schema = contracts()["order_lines"].schema
    types = {name: sql_type(dtype) for name, dtype in schema.items()}
    with duckdb.connect(str(database), config={"threads": 1, "memory_limit": "2GB"}) as connection:
        connection.execute(
            f"CREATE TABLE lines ({', '.join(f'{name} {kind}' for name, kind in types.items())})"
        )
        if path.suffix == ".csv":
            source = f"read_csv('{path}', header = true, columns = {types})"
        else:
            source = f"read_parquet('{path}')"
        casts = ", ".join(f"{name}::{kind}" for name, kind in types.items())
        connection.execute(f"INSERT INTO lines SELECT {casts} FROM {source}")


def _landed(home: Path, name: str) -> Path:
    path = home / "landing" / "order_lines" / f"dt={DAY}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _against_duckdb(folder: Path, rows: int, ending: str, *, is_sorted: bool) -> dict[str, object]:
    home = folder / f"{ending}-{is_sorted}"
    path = _landed(home, f"lines.{ending}")
    lines = order_lines(rows, seed=1, is_sorted=is_sorted)
    if ending == "csv":
        lines.write_csv(path)
    else:
        lines.with_columns(pl.col("unit_price", "discount").cast(pl.Decimal(18, 4))).write_parquet(path)
    del lines
    pairs = []
    for _ in range(ROUNDS):
        started = time.process_time()
        bare_load(path, home / "bare.duckdb")
        between = time.process_time()
        load(home)
        pairs.append((time.process_time() - between, between - started))
        for database in ("bare.duckdb", "ours.duckdb"):
            (home / database).unlink()
    path.unlink()
    order = "in order" if is_sorted else "in any order"
    return {
        "name": f"intake of {rows:,} order lines {order}, {ending} / DuckDB alone",
        "ours": statistics.median(ours for ours, _ in pairs),
        "peer": statistics.median(peer for _, peer in pairs),
        "ratio": statistics.median(ours / peer for ours, peer in pairs),
        "unit": "CPU s",
        "goal": "<= 1.5",
    }


def _peak(folder: Path, gigabytes: float) -> dict[str, object]:
    """Peak resident memory of a process that takes in one CSV."""
    home = folder / "peak"
    path, part = _landed(home, "lines.csv"), 0
    with path.open("wb") as stream:
        while stream.tell() < gigabytes * 1e9:
            part += 1
            left = int((gigabytes * 1e9 - stream.tell()) / 40) + 1
            order_lines(min(left, PART_ROWS), seed=part).write_csv(stream, include_header=part == 1)
    size = path.stat().st_size / 1e9
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(home)], capture_output=True, text=True, check=True, env=os.environ
    )
    return {
        "name": f"peak memory of the intake of a CSV of {size:.1f} GB",
        "ours": int(done.stdout.split()[-1]) / 1024,
        "peer": None,
        "ratio": None,
        "unit": "MB",
        "goal": "<= 2,048",
    }


if __name__ == "__main__":
    main()
