"""The HTTP service at 200 requests a second: latencies from the moment each request was due, and CPU of the service.

Run as `python -m xbec_platform_tests.benchmarks.bench_service [home]`; without a home a snapshot of the default world's
size is made up. A request that waits because an earlier one was slow counts with its wait (no coordinated omission).
What the readers themselves are late, with nothing to wait for, is in the latencies too and stands beside them.
"""

import http.client
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

import duckdb
import numpy as np

from xbec_platform_tests.benchmarks.measured import Stopwatch
from xbec_platform_tests.unit.service.test_service import Service

Row = dict[str, object]
RATE_PER_S, SECONDS, READERS = 200, 15, 8
PATHS = (
    "/v1/recommendations/C{n}",
    "/v1/recommendations/C{n}?kind=replenish",
    "/v1/search?q=copper+lamp+{n}",
    "/v1/search?q=cooper+lmap&limit=10",
    "/v1/target-groups/P{p}",
)


def publish(home: Path, *, customers: int = 3000, products: int = 504) -> None:
    """A snapshot of the default world's size: two lists of 20 products a customer, ten groups a product."""
    with duckdb.connect(str(home / "published.duckdb")) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE SCHEMA ml")
        connection.execute(
            f"""CREATE TABLE marts.dim_product AS
            SELECT 'P' || n AS product_id, ['copper', 'velvet', 'smart', 'tiny'][n % 4 + 1] || ' '
                || ['lamp', 'mug', 'chair', 'ring', 'bag'][n % 5 + 1] || ' ' || n AS title,
                'Brand ' || n % 40 AS brand, 'home/things' AS category_path, true AS is_product
            FROM range({products}) AS r(n)"""
        )
        for kind, more in (
            ("discover", ""),
            ("replenish", ", NULL::DATE AS due_date, NULL::DATE AS order_by_date"),
        ):
            connection.execute(
                f"""CREATE TABLE ml.recs_{kind} AS SELECT DATE '2026-01-02' AS as_of_date, 'C' || n AS customer_id,
                k AS rank, 'P' || (n * 7 + k * 13) % {products} AS product_id, 1.0 / k AS score, 'ease' AS generator,
                'P1' AS reason_product_id, 'bought' AS reason_kind{more}
                FROM range({customers}) AS c(n), range(1, 21) AS r(k) ORDER BY customer_id, rank"""
            )
        connection.execute(
            f"""CREATE TABLE ml.product_target_groups AS SELECT DATE '2026-01-02' AS as_of_date, 'P' || n AS item_id,
            k AS rank, 'segment' AS group_type, 'g' || k AS group_key
            FROM range({products}) AS p(n), range(1, 11) AS r(k)"""
        )


def run(home: Path | None = None) -> list[Row]:
    """Measure; rows of name, ours, peer, ratio, unit, goal."""
    with tempfile.TemporaryDirectory() as folder:
        if home is None:
            home = Path(folder)
            publish(home)
        watch = Stopwatch()
        service = Service(home)
        try:
            latencies, late, failed = _load(service.port)
        finally:
            service.stop()
    cost = watch.stop()
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    p50, p99 = np.percentile(latencies, [50, 99]) * 1000
    what = f"service at {RATE_PER_S} requests/s"
    return [
        {"name": f"{what}: p99", "ours": float(p99), "unit": "ms", "goal": "<= 50 on idle cores"},
        {"name": f"{what}: median", "ours": float(p50), "unit": "ms", "goal": "reported"},
        {
            "name": f"{what}: p99 of the readers' own delay",
            "ours": float(np.percentile(late, 99)) * 1000,
            "unit": "ms",
            "goal": "reported",
        },
        {
            "name": f"{what}: cores that others kept busy",
            "ours": cost.others_cpu_s,
            "unit": "cores",
            "goal": "reported",
        },
        {"name": f"{what}: failed of {len(latencies)}", "ours": failed, "unit": "requests", "goal": "<= 0"},
        {
            "name": f"{what}: start and load",
            "ours": cpu.ru_utime + cpu.ru_stime,
            "unit": "CPU s",
            "goal": f"reported, {SECONDS} s of load",
        },
    ]


def _load(port: int) -> tuple[list[float], list[float], int]:
    """Ask at a fixed rate from several connections that stay open: latencies, how late readers were by themselves."""
    latencies: list[float] = []
    late: list[float] = []
    failed = [0]
    start = time.monotonic() + 0.5

    def read(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        free = start
        for n in range(first, RATE_PER_S * SECONDS, READERS):
            due = start + n / RATE_PER_S
            time.sleep(max(0.0, due - time.monotonic()))
            late.append(time.monotonic() - max(due, free))
            connection.request("GET", PATHS[n % len(PATHS)].format(n=n * 37 % 3000, p=n % 504))
            answer = connection.getresponse()
            answer.read()
            free = time.monotonic()
            latencies.append(free - due)
            failed[0] += answer.status != 200
        connection.close()

    readers = [threading.Thread(target=read, args=(n,)) for n in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return latencies, late, failed[0]


if __name__ == "__main__":
    for row in run(Path(sys.argv[1]) if len(sys.argv) > 1 else None):
        print(" | ".join(str(value) for value in row.values()))
