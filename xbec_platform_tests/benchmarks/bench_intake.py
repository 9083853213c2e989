"""Intake of large clean files against bare DuckDB reading, casting and inserting the same columns.

Order lines are short and mostly numbers; versions of customers are wide, mostly text of many languages, in any order
and half empty. Both sides start from files in a folder and end with a closed database file; CPU seconds of all
threads, alternating.
Run as `python -m xbec_platform_tests.benchmarks.bench_intake [rows] [GB]`, with POLARS_MAX_THREADS,
OMP_NUM_THREADS and OPENBLAS_NUM_THREADS at 1. Peak memory is that of a process of its own.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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
        rows: Order lines of the files that are timed; of customers a third, which are four times as wide.
        gigabytes: Size of the CSV whose intake's memory is measured, about.
    """
    with tempfile.TemporaryDirectory() as folder:
        measured = [
            _against_duckdb(Path(folder), name, feed, make(), ending)
            for name, feed, make in _shapes(rows)
            for ending in ("csv", "parquet")
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


def customers(rows: int, *, seed: int) -> pl.DataFrame:
    """Clean versions of customers, two each; places, hashes and most other cells are often missing."""
    rng = np.random.default_rng(seed)

    def sparse(values: pl.Series, share: float) -> pl.Series:
        """Some of the values; the others are missing."""
        return pl.select(pl.when(pl.Series(rng.random(rows) < share)).then(values)).to_series()

    def words(share: float, *known: str) -> pl.Series:
        return sparse(pl.Series(known).gather(rng.integers(0, len(known), rows)), share)

    def moments(share: float) -> pl.Series:
        millis = rng.integers(1_750_000_000_000, 1_767_000_000_000, rows)
        return sparse(pl.Series(millis).cast(pl.Datetime("ms")).cast(pl.Datetime("us")), share)

    def digest(share: float) -> pl.Series:
        numbers = pl.DataFrame(rng.integers(10**15, 10**16, (rows, 4)))
        return sparse(numbers.select(pl.concat_str(pl.all())).to_series(), share)

    flags = {
        name: sparse(pl.Series(rng.integers(0, 2, rows) == 1), 0.8)
        for name in ("id_verified", "consent_marketing", "consent_profiling")
    }
    return pl.DataFrame(
        {
            "customer_id": pl.select(pl.format("C{}", pl.Series(rng.permutation(rows) // 2))).to_series(),
            "created_ts": moments(0.7),
            "updated_ts": moments(1.0),
            "email_hash": digest(0.6),
            "phone_hash": digest(0.3),
            "country": words(0.9, "DE", "FR", "JP", "US", "PL", "BR"),
            "region": words(0.5, "Île-de-France", "Bayern", "Kansai", "Ohio", "Mazowieckie"),
            "city": words(0.7, "Saint-Étienne", "Köln", "São Paulo", "Gdańsk", "Ōsaka", "Springfield"),
            "postal_code": sparse(pl.Series(rng.integers(10_000, 99_999, rows)).cast(pl.String), 0.7),
            "lat": sparse(pl.Series(rng.uniform(-60, 70, rows).round(5)), 0.5),
            "lon": sparse(pl.Series(rng.uniform(-170, 170, rows).round(5)), 0.5),
            "language": words(0.8, "de", "fr", "ja", "en-US", "pl", "pt-BR"),
            "birth_year": sparse(pl.Series(rng.integers(1930, 2008, rows)), 0.4),
            "gender": words(0.5, "f", "m", "x"),
            "acquisition_channel": words(0.6, "search, paid", "e-mail", "direct", "friends & family"),
            "registration_status": words(1.0, "open", "confirmed"),
            **flags,
            "deleted_ts": moments(0.05),
        }
    )


def _shapes(rows: int) -> list[tuple[str, str, Callable[[], pl.DataFrame]]]:
    """Name, feed and rows."""

    def lines(*, is_sorted: bool) -> pl.DataFrame:
        made = order_lines(rows, seed=1, is_sorted=is_sorted)
        return made.with_columns(pl.col("unit_price", "discount").cast(pl.Decimal(18, 4)))

    wide = rows // 3
    return [
        (f"{rows:,} order lines in order", "order_lines", lambda: lines(is_sorted=True)),
        (f"{rows:,} order lines in any order", "order_lines", lambda: lines(is_sorted=False)),
        (f"{wide:,} versions of customers", "customers", lambda: customers(wide, seed=1)),
    ]


def load(home: Path) -> None:
    """The intake of everything landed in a home, with one thread of DuckDB."""
    report = run_intake(Warehouse(home / "ours.duckdb", threads=1), home / "landing")
    if report.rejected or any(one.rows_in != one.rows_loaded for one in report.accounts):
        raise RuntimeError(f"clean files were not loaded whole: {report}")


def bare_load(path: Path, database: Path, feed: str) -> None:
    """DuckDB alone: read, cast and insert the contract's columns, checkpoint on close."""
    schema = contracts()[feed].schema
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


def _landed(home: Path, feed: str, name: str) -> Path:
    path = home / "landing" / feed / f"dt={DAY}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _against_duckdb(
    folder: Path, name: str, feed: str, frame: pl.DataFrame, ending: str
) -> dict[str, object]:
    home = folder / f"{feed}-{ending}"
    path = _landed(home, feed, f"rows.{ending}")
    if ending == "csv":
        frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%S%.3fZ")
    else:
        frame.write_parquet(path)
    del frame
    pairs = []
    for _ in range(ROUNDS):
        started = time.process_time()
        bare_load(path, home / "bare.duckdb", feed)
        between = time.process_time()
        load(home)
        pairs.append((time.process_time() - between, between - started))
        for database in ("bare.duckdb", "ours.duckdb"):
            (home / database).unlink()
    path.unlink()
    return {
        "name": f"intake of {name}, {ending} / DuckDB alone",
        "ours": statistics.median(ours for ours, _ in pairs),
        "peer": statistics.median(peer for _, peer in pairs),
        "ratio": statistics.median(ours / peer for ours, peer in pairs),
        "unit": "CPU s",
        "goal": "<= 1.5x",
    }


def _peak(folder: Path, gigabytes: float) -> dict[str, object]:
    """Peak resident memory of a process that takes in one CSV."""
    home = folder / "peak"
    path, part = _landed(home, "order_lines", "lines.csv"), 0
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
