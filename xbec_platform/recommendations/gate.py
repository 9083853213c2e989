"""Whether new lists are published: the bar of the best popularity, and what each signal is worth. No list is made."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from xbec_platform.recommendations.discover import DiscoverParams
from xbec_platform.recommendations.evaluation import Trial, targets_of
from xbec_platform.recommendations.metrics import customer_metrics, mean_interval
from xbec_platform.recommendations.signals import PAPER_SIGNALS

MIN_RATIO = 1.1
GATE_SCHEMA = {
    "status": pl.String,
    "model": pl.String,
    "ndcg": pl.Float64,
    "best_popularity": pl.String,
    "popularity_ndcg": pl.Float64,
    "signal_scale": pl.Float64,
    "kept_from": pl.Date,
    "reason": pl.String,
}
ABLATION_SCHEMA = {
    "left_out": pl.String,
    "k": pl.Int64,
    "n_customers": pl.Int64,
    "ndcg": pl.Float64,
    "recall": pl.Float64,
    "ndcg_loss": pl.Float64,
    "ndcg_loss_low": pl.Float64,
    "ndcg_loss_high": pl.Float64,
}


@dataclass(frozen=True)
class Gate:
    """The verdict on today's model.

    Attributes:
        status: 'passed', 'failed', or 'not_judged' when the window has no new product of a known customer.
        model: the model judged.
        ndcg: its nDCG@10 on the last full window; None when not judged.
        best_popularity: the strongest popularity it is compared with.
        popularity_ndcg: of that one.
        reason: in words.
    """

    status: str
    model: str
    ndcg: float | None
    best_popularity: str | None
    popularity_ndcg: float | None
    reason: str

    @property
    def may_publish(self) -> bool:
        """Nothing speaks against new lists."""
        return self.status != "failed"


def judge(metrics: pl.DataFrame, *, min_ratio: float = MIN_RATIO) -> Gate:
    """Compare discover with the best popularity of the same window.

    Args:
        metrics: as `evaluation.evaluate` returns them.
        min_ratio: how many times as good the model must be in nDCG.
    """
    rows = metrics.filter((pl.col("product") == "discover") & (pl.col("part") == "explore"))
    by_model = dict(rows.select("model", "ndcg").iter_rows())
    popularity = {name: value for name, value in by_model.items() if name.endswith("popularity")}
    model = next((name for name in ("blend", "ease_signals") if name in by_model), "ease_trend")
    if model not in by_model or not popularity:
        return Gate(
            "not_judged", model, None, None, None, "no known customer bought a new product in the window"
        )
    best = min(popularity, key=lambda name: (-popularity[name], name))
    ours, theirs = by_model[model], popularity[best]
    passed = ours >= min_ratio * theirs
    text = f"nDCG@10 {ours:.4f} against {theirs:.4f} of {best}, {min_ratio} times as much is asked"
    return Gate("passed" if passed else "failed", model, ours, best, theirs, text)


def kept_lists(
    previous: pl.DataFrame,
    popular: pl.DataFrame,
    bought: pl.DataFrame,
    eligible: pl.DataFrame,
    *,
    n_items: int,
) -> pl.DataFrame:
    """Serve an earlier day's lists again: without what was bought or may no longer be shown, filled by popularity.

    Args:
        previous: customer_id, rank and further columns of a list; may be empty.
        popular: the same columns: everybody's list by popularity as of today; decides who gets a list.
        bought: customer_id, product_id of purchases.
        eligible: customer_id, product_id of what may be shown to whom.
        n_items: length of a list.

    Returns:
        The columns of `popular`, ranks from 1 without gaps.
    """
    keys = ["customer_id", "product_id"]
    kept = (
        previous.join(popular.select("customer_id").unique(), on="customer_id", how="semi")
        .join(bought, on=keys, how="anti")
        .join(eligible, on=keys, how="semi")
        .select(popular.columns)
    )
    fill = popular.join(kept, on=keys, how="anti")
    return (
        pl.concat([kept.with_columns(part=pl.lit(0)), fill.with_columns(part=pl.lit(1))])
        .sort("customer_id", "part", "rank")
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("customer_id").cast(pl.Int64))
        .filter(pl.col("rank") <= n_items)
        .drop("part")
    )


def ablation(trial: Trial, *, k: int = 10, params: DiscoverParams | None = None) -> pl.DataFrame:
    """Measure what each of the paper's four signals is worth: lists without it, on the same customers.

    Args:
        trial: the window, with signals.
        k: places that count.
        params: settings of the complete model.

    Returns:
        `ABLATION_SCHEMA`: left_out 'none' (the complete model), each signal, and 'all' (purchases alone); ndcg_loss is
        the mean loss per customer against the complete model with its 95 % bootstrap interval. No customer, no row.
    """
    params = replace(params or DiscoverParams(), n_items=k)
    targets = targets_of(trial.split, "explore")
    rows: list[tuple[object, ...]] = []
    complete = np.zeros(0)
    for name in ("none", *PAPER_SIGNALS, "all") if not targets.is_empty() else ():
        gone = frozenset({name} & PAPER_SIGNALS.keys())
        tried = replace(params, signals=replace(params.signals, left_out=gone))
        lists = trial.discover(tried, with_signals=name != "all")
        scores = customer_metrics(lists, targets, k=k)
        ndcg = scores["ndcg"].to_numpy()
        complete = ndcg if name == "none" else complete
        loss = mean_interval(complete - ndcg, seed=0)
        means = float(ndcg.mean()), float(scores["recall"].to_numpy().mean())
        rows.append((name, k, len(ndcg), *means, loss.mean, loss.low, loss.high))
    return pl.DataFrame(rows, schema=ABLATION_SCHEMA, orient="row")
