"""Offline evaluation on a global split in time; metrics themselves and models live elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from xbec_platform.recommendations.attribute_match import valid
from xbec_platform.recommendations.beyond_accuracy import diversity, novelty
from xbec_platform.recommendations.blend import BlendParams
from xbec_platform.recommendations.discover import DiscoverParams, Ready, make_lists, ready
from xbec_platform.recommendations.eligibility import everything_eligible
from xbec_platform.recommendations.interactions import known_purchases, latest_markets
from xbec_platform.recommendations.lists import Picks, build_audience, fill_lists, ranks
from xbec_platform.recommendations.metrics import coverage, customer_metrics, mean_interval
from xbec_platform.recommendations.popularity import PopularityParams
from xbec_platform.recommendations.replenish import ReplenishParams, replenish

METRIC_SCHEMA = {
    "product": pl.String,
    "model": pl.String,
    "part": pl.String,
    "k": pl.Int64,
    "n_customers": pl.Int64,
    "ndcg": pl.Float64,
    "ndcg_low": pl.Float64,
    "ndcg_high": pl.Float64,
    "recall": pl.Float64,
    "coverage": pl.Float64,
    "reachable": pl.Float64,
    "novelty": pl.Float64,
    "diversity": pl.Float64,
}
PARTS = ("all", "repeat", "explore")
EVERY_MARKET_ALIKE = 1e9  # so many buyers of the common mix that a market's own say nothing


@dataclass(frozen=True)
class TimeSplit:
    """A global split in time: everything a model may see, and what happened after.

    Attributes:
        train: interactions up to and including `train_end`.
        test: interactions of the `test_days` after it.
        train_end: the as-of day of models.
    """

    train: pl.DataFrame
    test: pl.DataFrame
    train_end: date

    def __post_init__(self) -> None:
        """Refuse a split that is none in time: a random one lets models look ahead and scores 2.7 times as high."""
        for name, wrong in (
            ("train", pl.col("order_date").cast(pl.Date) > self.train_end),
            ("test", pl.col("order_date").cast(pl.Date) <= self.train_end),
        ):
            if getattr(self, name).select(wrong.any()).item():
                raise ValueError(
                    f"{name} has days on the wrong side of {self.train_end}: split by time, not at random"
                )


def split_by_time(interactions: pl.DataFrame, *, test_end: date, test_days: int = 28) -> TimeSplit:
    """Cut interactions into train and the last `test_days` days up to and including `test_end`.

    A random split lets models look ahead: the same EASE scores 2.7 times higher on one.

    Raises:
        ValueError: test_days below 1.
    """
    if test_days < 1:
        raise ValueError(f"test_days is {test_days}: give 1 or more")
    train_end = test_end - timedelta(days=test_days)
    known = known_purchases(interactions, as_of=test_end)
    day = pl.col("order_date").cast(pl.Date)
    return TimeSplit(known.filter(day <= train_end), known.filter(day > train_end), train_end)


def targets_of(split: TimeSplit, part: str) -> pl.DataFrame:
    """Return customer_id, product_id bought in the test window by customers known in train.

    Args:
        split: the split.
        part: 'all', 'repeat' (bought in train by that customer) or 'explore' (not).

    Returns:
        Distinct pairs. Products unknown in train stay in: no list can hold them, and metrics say so.

    Raises:
        ValueError: another part.
    """
    if part not in PARTS:
        raise ValueError(f"part is {part!r}: give one of {PARTS}")
    pairs = split.test.select("customer_id", "product_id").unique()
    pairs = pairs.join(split.train.select("customer_id").unique(), on="customer_id", how="semi")
    if part == "all":
        return pairs
    bought = split.train.select("customer_id", "product_id").unique()
    return pairs.join(bought, on=["customer_id", "product_id"], how="semi" if part == "repeat" else "anti")


def score_lists(
    lists: pl.DataFrame, split: TimeSplit, *, product: str, model: str, parts: tuple[str, ...], k: int = 10
) -> pl.DataFrame:
    """Return one row of metrics per part for lists made from `split.train`.

    Args:
        lists: customer_id, rank, product_id.
        split: the split.
        product: name of the list, e.g. 'discover'.
        model: name of what made it.
        parts: see `targets_of`.
        k: places that count.

    Returns:
        `METRIC_SCHEMA`: means over customers with a target, the 95 % interval of nDCG, the share of the train
        catalogue shown, the share of targets that exist in the train catalogue (the ceiling of recall), novelty and
        diversity (`beyond_accuracy`).
    """
    catalogue = split.train.select("product_id").unique()
    records = []
    for part in parts:
        targets = targets_of(split, part)
        per_customer = customer_metrics(lists, targets, k=k)
        if per_customer.is_empty():
            continue
        interval = mean_interval(per_customer["ndcg"].to_numpy(), seed=0)
        reachable = len(targets.join(catalogue, on="product_id", how="semi")) / len(targets)
        recall = float(np.mean(per_customer["recall"].to_numpy()))
        beyond = (novelty(lists, split.train, k=k), diversity(lists, split.train, k=k))
        shown = coverage(lists, k=k, n_products=len(catalogue))
        interval_values = (interval.mean, interval.low, interval.high)
        records.append(
            (product, model, part, k, len(per_customer), *interval_values, recall, shown, reachable, *beyond)
        )
    return pl.DataFrame(records, schema=METRIC_SCHEMA, orient="row")


def popular_lists(
    interactions: pl.DataFrame,
    customers: pl.DataFrame,
    eligibility: pl.DataFrame,
    *,
    as_of: date,
    n_items: int,
    params: PopularityParams | None = None,
) -> pl.DataFrame:
    """Return customer_id, rank, product_id, score, generator of popularity alone, never-bought products."""
    audience = build_audience(
        interactions, customers, eligibility, as_of=as_of, popularity=params or PopularityParams()
    )
    nothing = np.zeros(0, dtype=np.int64)
    picks = fill_lists(audience, Picks(nothing, nothing, np.zeros(0), np.zeros(0, dtype=np.object_)), n_items)
    return pl.DataFrame(
        {
            "customer_id": audience.customer_ids.gather(picks.row),
            "rank": ranks(picks),
            "product_id": audience.history.product_ids.gather(picks.product_ix),
            "score": picks.score,
            "generator": picks.generator.tolist(),
        },
        schema={
            "customer_id": pl.String,
            "rank": pl.Int64,
            "product_id": pl.String,
            "score": pl.Float64,
            "generator": pl.String,
        },
    )


class Trial:
    """What can be tried on a window in the past: everything comes from train, and equal lists are made once.

    Every product known in train counts as eligible, because past stock is not known.

    Attributes:
        split: the split.
        signals: what customers did short of buying, see `discover.discover`; days of the test window are not used.
        attributes: what products are, see there.
        tables: interactions, customers and eligibility, as models take them.
    """

    def __init__(
        self,
        interactions: pl.DataFrame,
        *,
        test_end: date,
        test_days: int = 28,
        signals: pl.DataFrame | None = None,
        attributes: pl.DataFrame | None = None,
    ) -> None:
        """Split.

        Args:
            interactions: as for `discover.discover`.
            test_end: last day of the test window.
            test_days: its length.
            signals: see the attribute.
            attributes: likewise.
        """
        self.split = split_by_time(interactions, test_end=test_end, test_days=test_days)
        self.signals, self.attributes = signals, attributes
        customers = latest_markets(self.split.train, as_of=self.split.train_end)
        markets = customers["market"].unique().to_list()
        products = self.split.train["product_id"]
        if attributes is not None:
            products = pl.concat([products, valid(attributes, self.split.train_end)["item_id"]])
        eligibility = everything_eligible(products, markets)
        self.tables = (self.split.train, customers, eligibility)
        self._made: list[tuple[DiscoverParams, bool, pl.DataFrame]] = []
        self._ready: tuple[DiscoverParams, bool, Ready] | None = None

    def ready(self, params: DiscoverParams, *, with_signals: bool) -> Ready:
        """What lists are made from as of the day before the window; the latest is kept, for blends of one fit."""
        asked = replace(params, n_items=1, blend=BlendParams())
        if self._ready is None or self._ready[:2] != (asked, with_signals):
            made = ready(
                *self.tables,
                as_of=self.split.train_end,
                params=asked,
                signals=self.signals if with_signals else None,
                attributes=self.attributes,
                with_gram=True,
            )
            self._ready = (asked, with_signals, made)
        return self._ready[2]

    def discover(self, params: DiscoverParams, *, with_signals: bool) -> pl.DataFrame:
        """Lists as of the day before the window, from purchases alone or with the signals, without reasons."""
        for known, had_signals, lists in self._made:
            if known == params and had_signals == with_signals:
                return lists
        made = self.ready(params, with_signals=with_signals)
        lists = make_lists(made, params, with_reasons=False).lists
        self._made.append((params, with_signals, lists))
        return lists


def evaluate(
    trial: Trial,
    *,
    k: int = 10,
    discover_params: DiscoverParams | None = None,
    replenish_params: ReplenishParams | None = None,
) -> pl.DataFrame:
    """Make both lists as of the day before the test window and score them beside their baselines.

    Repeats and new products are reported apart.

    Args:
        trial: the window.
        k: places that count.
        discover_params: settings of discover.
        replenish_params: settings of replenish.

    Returns:
        `METRIC_SCHEMA`: discover by 'ease_trend' (purchases alone), 'ease_signals' (given signals), 'blend' (where EASE
        does not stand alone), 'market_popularity' and 'overall_popularity', replenish by 'repurchase' and 'frequency'.
    """
    tables, day = trial.tables, trial.split.train_end
    learned = replenish_params or ReplenishParams(n_items=k)
    plain = ReplenishParams(n_items=learned.n_items, repurchase=None, frequency=learned.frequency)
    given = discover_params or DiscoverParams(n_items=k)
    alone = replace(given, blend=BlendParams())
    overall = replace(given.popularity, prior_buyers=EVERY_MARKET_ALIKE)
    lists = {
        ("discover", "ease_trend"): trial.discover(alone, with_signals=False),
        ("discover", "market_popularity"): popular_lists(*tables, as_of=day, n_items=k),
        ("discover", "overall_popularity"): popular_lists(*tables, as_of=day, n_items=k, params=overall),
        ("replenish", "repurchase"): replenish(*tables, as_of=day, params=learned).lists,
        ("replenish", "frequency"): replenish(*tables, as_of=day, params=plain).lists,
    }
    if trial.signals is not None:
        lists["discover", "ease_signals"] = trial.discover(alone, with_signals=True)
    if not given.blend.is_plain:
        lists["discover", "blend"] = trial.discover(given, with_signals=trial.signals is not None)
    return pl.concat(
        score_lists(
            made,
            trial.split,
            product=product,
            model=model,
            parts=("explore",) if product == "discover" else PARTS,
            k=k,
        )
        for (product, model), made in sorted(lists.items(), key=lambda item: item[0])
    )
