"""Recommendation lists against implicit's ALS in one process: nDCG@10 on splits in time, and CPU seconds.

Run as `python -m xbec_platform_tests.benchmarks.bench_recommendations <folder with the shared data>`, with
OMP_NUM_THREADS, OPENBLAS_NUM_THREADS and POLARS_MAX_THREADS at 1 (CPU seconds add up over threads).
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
import scipy.sparse as sp
from implicit.cpu.topk import topk
from implicit.nearest_neighbours import CosineRecommender
from threadpoolctl import threadpool_limits

from xbec_platform.recommendations.discover import DiscoverParams, discover
from xbec_platform.recommendations.eligibility import everything_eligible
from xbec_platform.recommendations.evaluation import TimeSplit, Trial, evaluate, score_lists, split_by_time
from xbec_platform.recommendations.interactions import build_history, decayed_matrix, latest_markets
from xbec_platform.recommendations.learning import learn
from xbec_platform.recommendations.neighbours import strongest_neighbours
from xbec_platform.recommendations.replenish import replenish
from xbec_platform.recommendations.sessions import evaluate_sessions
from xbec_platform.recommendations.top_columns import top_columns
from xbec_platform_tests.benchmarks.measured import run_python
from xbec_platform_tests.benchmarks.peer_environment import SKIPPED, recommenders
from xbec_platform_tests.unit.recommendations.als import als_lists
from xbec_platform_tests.unit.recommendations.online_retail import load_online_retail, title_words

T = TypeVar("T")
Row = dict[str, object]

EARLIER_WINDOWS = 4
VISIT_DAYS = (
    date(2020, 11, 8),
    date(2020, 11, 16),
    date(2020, 11, 23),
    date(2020, 11, 29),
    date(2020, 12, 13),
)
TIMES_CUSTOMERS = 10
ALL_LISTS = """
import sys
from pathlib import Path
import polars as pl
from xbec_platform.recommendations.discover import discover
from xbec_platform.recommendations.eligibility import everything_eligible
from xbec_platform.recommendations.interactions import latest_markets
lines = pl.read_parquet(sys.argv[1])
end = lines["order_date"].max()
customers = latest_markets(lines, as_of=end)
offers = everything_eligible(lines["product_id"], customers["market"].unique().to_list())
discover(lines, customers, offers, as_of=end)
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def run(shared_data: Path) -> list[Row]:
    """Measure; rows of name, ours, peer, ratio, unit, goal (ratio: above 1 is better than the peer).

    Args:
        shared_data: folder with the public data.
    """
    interactions = load_online_retail(shared_data)
    return [
        *_quality(interactions, title_words(shared_data, interactions)),
        *_earlier_windows(interactions, title_words(shared_data, interactions)),
        *_speed(interactions),
        *_scaling(interactions),
        *_factors(),
        *_visits(shared_data / "ga4"),
        *(row for millions in (1, 10) for row in _neighbours(millions)),
    ]


def main() -> None:
    """Print the rows as a table."""
    if len(sys.argv) != 2:
        raise SystemExit("give the folder with the shared data")
    for row in run(Path(sys.argv[1])):
        print(" | ".join(str(value) for value in row.values()))


def _row(name: str, ours: float, peer: float | None, unit: str, goal: str) -> Row:
    better = None
    if peer and ours:
        better = round(ours / peer if "@10" in unit else peer / ours, 3)
    digits = 4 if "@10" in unit else 2
    rounded = None if peer is None else round(peer, digits)
    return {
        "name": name,
        "ours": round(ours, digits),
        "peer": rounded,
        "ratio": better,
        "unit": unit,
        "goal": goal,
    }


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def _ndcg(metrics: pl.DataFrame, model: str, part: str) -> float:
    return float(metrics.filter((pl.col("model") == model) & (pl.col("part") == part))["ndcg"].item())


def _als_ndcg(split: TimeSplit, *, part: str, factors: int, counts: bool) -> float:
    lists = als_lists(
        split.train,
        as_of=split.train_end,
        n_items=10,
        factors=factors,
        counts=counts,
        exclude_bought=part == "explore",
    )
    return _ndcg(score_lists(lists, split, product="peer", model="als", parts=(part,)), "als", part)


def _learned(interactions: pl.DataFrame, words: pl.DataFrame, end: date) -> tuple[pl.DataFrame, float, float]:
    """Metrics of a window, and nDCG of the blend learned before it and of EASE alone."""
    trial = Trial(interactions, test_end=end, attributes=words)
    params = replace(learn(interactions, None, words, as_of=trial.split.train_end), n_items=10)
    metrics = evaluate(trial, discover_params=params)
    alone = _ndcg(metrics, "ease_trend", "explore")
    return metrics, alone if params.blend.is_plain else _ndcg(metrics, "blend", "explore"), alone


def _quality(interactions: pl.DataFrame, words: pl.DataFrame) -> list[Row]:
    """The last 28 days: discover on never-bought products, replenish on everything bought and its parts."""
    end = interactions["order_date"].max()
    metrics, found, alone = _learned(interactions, words, end)
    split = split_by_time(interactions, test_end=end)
    new_peer = _als_ndcg(split, part="explore", factors=64, counts=False)
    all_peer = _als_ndcg(split, part="all", factors=128, counts=True)
    popular = _ndcg(metrics, "market_popularity", "explore")
    repeats = {part: _ndcg(metrics, "repurchase", part) for part in ("all", "repeat", "explore")}
    frequent = {part: _ndcg(metrics, "frequency", part) for part in ("all", "repeat", "explore")}
    return [
        _row(
            "discover: against stock implicit ALS", found, new_peer, "nDCG@10", "ours >= .127, ratio >= 1.25"
        ),
        _row("discover: learned blend against EASE alone", found, alone, "nDCG@10", "ratio >= 1"),
        *_against_rectools(split, found),
        _row("discover: against popularity by market", found, popular, "nDCG@10", "ratio >= 1.1 (gate)"),
        _row(
            "replenish, all: against ALS with counts",
            repeats["all"],
            all_peer,
            "nDCG@10",
            "ours >= .35, ratio >= 1.15",
        ),
        *[
            _row(
                f"replenish, {part}: against personal frequency",
                repeats[part],
                frequent[part],
                "nDCG@10",
                "reported",
            )
            for part in repeats
        ],
    ]


def _against_rectools(split: TimeSplit, found: float) -> list[Row]:
    """RecTools' EASE on our decayed purchases, which it has no option for: quality, and CPU of fit and lists."""
    nobody = pl.Series([], dtype=pl.String)
    history = build_history(split.train, as_of=split.train_end, customer_ids=nobody, product_ids=nobody)
    weights = decayed_matrix(history, half_life_days=60, max_history=10**6).tocoo()
    with tempfile.TemporaryDirectory() as folder:
        given, lists = Path(folder) / "weights.csv", Path(folder) / "lists.csv"
        pl.DataFrame(
            {
                "user_id": history.customer_ids.gather(weights.row),
                "item_id": history.product_ids.gather(weights.col),
                "weight": weights.data.astype(np.float64),
            }
        ).with_columns(datetime=pl.lit(split.train_end).cast(pl.Datetime)).write_csv(given)
        peer = recommenders("ease", given, lists)
        if peer is None:
            return [_row(f"discover: against RecTools' EASE ({SKIPPED})", found, None, "nDCG@10", "reported")]
        made = (
            pl.read_csv(lists, infer_schema=False)
            .cast({"rank": pl.Int64})
            .rename({"user_id": "customer_id", "item_id": "product_id"})
        )
    theirs = _ndcg(
        score_lists(made, split, product="peer", model="rectools", parts=("explore",)), "rectools", "explore"
    )
    tables = (split.train, *_everybody(split.train))
    _, ours = _timed(lambda: discover(*tables, as_of=split.train_end, params=DiscoverParams(n_items=10)))
    return [
        _row("discover: against RecTools' EASE on our decay", found, theirs, "nDCG@10", "ratio >= 1.02"),
        _row(
            "discover: fit and all lists against RecTools' EASE", ours, peer["cpu_s"], "CPU s", "ratio >= 4.5"
        ),
    ]


def _earlier_windows(interactions: pl.DataFrame, words: pl.DataFrame) -> list[Row]:
    """Four earlier test windows of 28 days: a method that wins on one window only has been lucky."""
    rows = []
    for back in range(1, EARLIER_WINDOWS + 1):
        end = interactions["order_date"].max() - timedelta(days=28 * back)
        metrics, found, alone = _learned(interactions, words, end)
        peer = _als_ndcg(split_by_time(interactions, test_end=end), part="explore", factors=64, counts=False)
        repeats, frequent = _ndcg(metrics, "repurchase", "all"), _ndcg(metrics, "frequency", "all")
        rows += [
            _row(
                f"discover to {end}: ALS",
                found,
                peer,
                "nDCG@10",
                "ratio >= 1.25",
            ),
            _row(f"discover to {end}: EASE alone", found, alone, "nDCG@10", "ratio >= 1"),
            _row(f"replenish to {end}: frequency", repeats, frequent, "nDCG@10", "ratio >= 1"),
        ]
    return rows


def _everybody(interactions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    customers = latest_markets(interactions, as_of=interactions["order_date"].max())
    markets = customers["market"].unique().to_list()
    return customers, everything_eligible(interactions["product_id"], markets)


def _speed(interactions: pl.DataFrame) -> list[Row]:
    """Fit and 20 products for all 4,334 customers, from the table of lines to the table of lists."""
    end = interactions["order_date"].max()
    tables = (interactions, *_everybody(interactions))
    _, found = _timed(lambda: discover(*tables, as_of=end))
    _, repeated = _timed(lambda: replenish(*tables, as_of=end))
    _, peer = _timed(
        lambda: als_lists(interactions, as_of=end, n_items=20, factors=64, counts=False, exclude_bought=True)
    )
    return [
        _row("discover: fit and all lists, reasons and fill included", found, peer, "CPU s", "<= 1.8"),
        _row("replenish: learning and all lists", repeated, None, "CPU s", "reported"),
        _row("discover: peak memory of a process of its own", _peak_mb(interactions), None, "MB", "<= 260"),
    ]


def _peak_mb(interactions: pl.DataFrame) -> float:
    """Most memory of a process that reads the lines and makes all lists; ru_maxrss begins with that of its parent."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.parquet"
        interactions.write_parquet(lines)
        return int(run_python(ALL_LISTS, Path(folder), str(lines))) / 1024


def _scaling(interactions: pl.DataFrame) -> list[Row]:
    """Ten copies of every customer over the same catalogue: the work per customer must not grow."""
    end = interactions["order_date"].max()
    copies = pl.DataFrame({"copy": np.arange(TIMES_CUSTOMERS)}).select(pl.col("copy").cast(pl.String))
    many = interactions.join(copies, how="cross").with_columns(
        customer_id=pl.col("customer_id") + "-" + pl.col("copy"),
        order_id=pl.col("order_id") + "-" + pl.col("copy"),
    )
    one, ten = (interactions, *_everybody(interactions)), (many.drop("copy"), *_everybody(many))
    _, small = _timed(lambda: discover(*one, as_of=end))
    _, large = _timed(lambda: discover(*ten, as_of=end))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    name = f"discover: {TIMES_CUSTOMERS} x the customers"
    return [
        _row(
            f"{name} (ours) against {TIMES_CUSTOMERS} x the CPU (peer)",
            large,
            TIMES_CUSTOMERS * small,
            "CPU s",
            "ratio >= 1",
        ),
        _row(f"{name}: peak memory of this process", peak_mb, None, "MB", "reported"),
    ]


def _factors() -> list[Row]:
    """The 20 best of 10,000 products for 4,000 customers by factors of length 64; least of three runs each."""
    rng = np.random.default_rng(0)
    items, users = (rng.standard_normal((n, 64)).astype(np.float32) for n in (10_000, 4_000))
    by_product = np.ascontiguousarray(items.T)
    scores = np.empty((100, len(items)), dtype=np.float32)

    def ours() -> None:
        for start in range(0, len(users), len(scores)):
            top_columns(np.matmul(users[start : start + len(scores)], by_product, out=scores), 20)

    def least(call: Callable[[], object]) -> float:
        return min(_timed(call)[1] for _ in range(3))

    with threadpool_limits(limits=1, user_api="blas"):
        found, peer = least(ours), least(lambda: topk(items, users, 20, num_threads=1))
    return [_row("top 20 from factors: against implicit's topk", found, peer, "CPU s", "ratio >= 1.5")]


def _visits(ga4: Path) -> list[Row]:
    """The next product of a visit to Google's store on five days, by models of the days before.

    A product is its name: the store numbers it differently in different events, and what has two numbers is missed.
    """
    views = pl.col("event_name") == "view_item"
    keys = ("event_id", "user_pseudo_id", "ga_session_id", "event_timestamp")
    events = pl.read_parquet(ga4 / "events.parquet").filter(views).select(keys)
    items = pl.read_parquet(ga4 / "event_items.parquet").filter(views, pl.col("item_name") != "(not set)")
    visits = items.select("event_id", item_id="item_name").join(events, on="event_id")
    visits = visits.select(
        "item_id",
        session_id=pl.concat_str("user_pseudo_id", "ga_session_id", separator="-"),
        seen_ts=pl.from_epoch("event_timestamp", "us"),
    )
    rows = []
    for day in VISIT_DAYS:
        found = evaluate_sessions(visits, test_start=day, test_end=day)
        hits = dict(zip(found["model"], found["hit_rate_10"], strict=True))
        name = f"next product of a visit, {day}: against popularity"
        rows.append(_row(name, hits["ease"], hits["popularity"], "HR@10", "ours >= .827, ratio >= 2.7"))
    return rows


def _neighbours(millions: int) -> list[Row]:
    """The 100 strongest neighbours of 20,000 or 50,000 products by decayed purchases; compiled before the clock starts.

    Popularity falls as Zipf's law with .9, histories are lognormal and end at 200 products.
    """
    rng = np.random.default_rng(0)
    n_products, n_customers = (20_000, 60_000) if millions == 1 else (50_000, 1_000_000)
    length = np.exp(rng.normal(0, 1.3, n_customers))
    length = np.clip(length * (millions * 1e6 * 1.06 / length.sum()), 1, 200).astype(np.int64)
    chance = np.cumsum(np.arange(1, n_products + 1) ** -0.9)
    product = np.searchsorted(chance, rng.random(length.sum()) * chance[-1])
    pairs = np.unique(np.repeat(np.arange(n_customers), length) * n_products + product)
    weights = np.exp2(-rng.integers(0, 365, len(pairs)) / 90).astype(np.float32)
    place = (pairs // n_products, rng.permutation(n_products)[pairs % n_products])
    matrix = sp.csr_matrix((weights, place), shape=(n_customers, n_products))
    strongest_neighbours(matrix[:100], 5)
    with threadpool_limits(limits=1):
        _, ours = _timed(lambda: strongest_neighbours(matrix, 100))
        _, peer = _timed(lambda: CosineRecommender(K=101, num_threads=1).fit(matrix, show_progress=False))
    name = f"100 neighbours, {matrix.nnz:,} purchases: against implicit's"
    return [_row(name, ours, peer, "CPU s", "ratio >= 1.4")]


if __name__ == "__main__":
    main()
