"""Pairs of a real shop's baskets: SQL of the platform against a plain self-join, and PyFIM where there is one.

Run as `python -m xbec_platform_tests.benchmarks.bench_affinity <folder with the shared data>`; for PyFIM see
`peer_environment`.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb

from xbec_platform.assets.affinity_queries import count_baskets, statements
from xbec_platform.recommendations.affinity import AffinityParams, rate_pairs
from xbec_platform_tests.benchmarks.peer_environment import SKIPPED, recommenders
from xbec_platform_tests.unit.recommendations.online_retail import NOT_PRODUCTS

Row = dict[str, object]
DAY = date(2011, 12, 9)
ONE_MARKET = AffinityParams(history_days=500, min_market_baskets=10**9)
ALL_MARKETS = AffinityParams(history_days=500)
LEAST = 40  # .2 % of 19,773 baskets

PLAIN_JOIN = f"""
    WITH items AS (SELECT DISTINCT order_id, product_id FROM marts.fct_order_line), frequent AS (
        SELECT product_id FROM items GROUP BY 1 HAVING count(*) >= {LEAST}
    ), kept AS (SELECT order_id, product_id FROM items SEMI JOIN frequent USING (product_id))
    SELECT a.product_id, b.product_id, count(*) FROM kept AS a JOIN kept AS b
        ON a.order_id = b.order_id AND a.product_id < b.product_id GROUP BY 1, 2 HAVING count(*) >= {LEAST}
"""


def run(shared_data: Path) -> list[Row]:
    """Measure; rows of name, ours, peer, ratio, unit, goal."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("CREATE SCHEMA marts; CREATE SCHEMA raw")
    connection.execute(
        f"""CREATE TABLE marts.fct_order_line AS
        SELECT InvoiceNo AS order_id, Country AS ship_country, upper(trim(StockCode)) AS product_id,
            InvoiceDate::DATE AS order_date, Quantity AS qty, true AS is_product, true AS is_paid
        FROM '{shared_data}/online_retail/online_retail.parquet'
        WHERE InvoiceNo NOT LIKE 'C%' AND Quantity > 0 AND UnitPrice > 0
            AND product_id NOT IN {NOT_PRODUCTS} AND product_id NOT LIKE 'GIFT_0001_%'"""
    )
    connection.execute("set perfect_ht_threshold = 24")  # as `count_baskets` does
    made = dict(statements("order", DAY, ONE_MARKET))
    steps = {
        name: _timed(
            lambda sql=f"create or replace temporary table {name} as {sql}": connection.execute(sql)
        )[1]
        for name, sql in made.items()
    }
    connection.execute("reset perfect_ht_threshold")
    plain, plain_s = _timed(lambda: connection.execute(PLAIN_JOIN).fetchall())
    pairs_found = connection.execute("SELECT count(*) FROM pairs WHERE market = 'all'").fetchall()[0][0]
    if pairs_found != len(plain):
        raise AssertionError(f"{pairs_found} pairs and {len(plain)} of the plain join")
    for name in reversed(made):
        connection.execute(f"drop table temp.{name}")
    counts, everything_s = _timed(lambda: count_baskets(connection, DAY, ALL_MARKETS, kinds=("order",)))
    _, rated_s = _timed(lambda: rate_pairs(counts["pairs"], counts["tests"], ALL_MARKETS))
    of_pairs = sum(
        seconds for name, seconds in steps.items() if "triple" not in name and name != "pair_baskets"
    )
    rows = [
        _row("affinity: pairs counted, against a plain self-join", steps["pair_counts"], plain_s, "<= 2"),
        _row("affinity: pairs of one market from lines to counts", of_pairs, plain_s, "reported"),
        _row("affinity: pairs and triples of all markets to frames", everything_s, None, "reported"),
        _row(f"affinity: {counts['pairs'].height:,} pairs judged", rated_s, None, "reported"),
    ]
    return [*rows, _against_pyfim(connection, steps["pair_counts"], len(plain))]


def _against_pyfim(connection: duckdb.DuckDBPyConnection, ours: float, n_pairs: int) -> Row:
    baskets = connection.execute(
        "SELECT list(DISTINCT product_id) FROM marts.fct_order_line GROUP BY order_id"
    ).fetchall()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "baskets.json"
        file.write_text(json.dumps([basket for (basket,) in baskets]))
        peer = recommenders("eclat", file, str(LEAST))
    name = "affinity: pairs counted, against PyFIM eclat"
    if peer is None:
        return _row(f"{name} ({SKIPPED})", ours, None, "reported")
    if peer["found"] != n_pairs:
        raise AssertionError(f"{n_pairs} pairs and {peer['found']} of PyFIM")
    return _row(name, ours, peer["cpu_s"], "reported")


def _timed(call: Callable[[], object]) -> tuple[object, float]:
    start = time.process_time()
    return call(), time.process_time() - start


def _row(name: str, ours: float, peer: float | None, goal: str) -> Row:
    ratio = None if peer is None else round(peer / ours, 2)
    return {"name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": "CPU s", "goal": goal}


if __name__ == "__main__":
    for row in run(Path(sys.argv[1])):
        print(" | ".join(str(value) for value in row.values()))
