"""A day's lists from purchases and signals: how much signals count, the lists, their evaluation, the gate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from xbec_platform.recommendations.discover import DISCOVER_SCHEMA, DiscoverParams, discover
from xbec_platform.recommendations.evaluation import (
    Trial,
    evaluate,
    popular_lists,
    score_lists,
    split_by_time,
)
from xbec_platform.recommendations.gate import (
    ABLATION_SCHEMA,
    GATE_SCHEMA,
    ablation,
    judge,
    kept_lists,
)
from xbec_platform.recommendations.learning import learn
from xbec_platform.recommendations.replenish import replenish

TEST_DAYS = 28
PROVEN_DAYS = 7


@dataclass(frozen=True)
class DailyLists:
    """Tables of a day: lists, how good they would have been, whether they are new, what each signal is worth."""

    discover: pl.DataFrame
    replenish: pl.DataFrame
    evaluation: pl.DataFrame
    gate: pl.DataFrame
    ablation: pl.DataFrame


def daily_lists(
    interactions: pl.DataFrame,
    signals: pl.DataFrame,
    customers: pl.DataFrame,
    eligibility: pl.DataFrame,
    *,
    as_of: date,
    previous: pl.DataFrame,
    week_ago: pl.DataFrame,
    attributes: pl.DataFrame | None = None,
    params: DiscoverParams | None = None,
) -> DailyLists:
    """Make the lists of a day; discover is published only if it beats popularity, else earlier lists stay.

    How much signals and each generator count is learned on the two weeks before the window the gate looks at, so that
    the gate judges what it has not chosen.

    Args:
        interactions: as for `discover.discover`, of people who consent.
        signals: as for `discover.discover`, of people who consent; may be empty.
        customers: customer_id, market; who gets lists.
        eligibility: see `eligibility.decide_eligibility`.
        as_of: last known day.
        previous: as_of_date and `discover.DISCOVER_SCHEMA`: the newest earlier lists; may be empty.
        week_ago: customer_id, rank, product_id of the lists of a week ago; may be empty.
        attributes: as for `discover.discover`.
        params: settings.

    Returns:
        All tables of the day.
    """
    params = params or DiscoverParams()
    used = None if signals.is_empty() else signals
    params = learn(interactions, used, attributes, as_of=as_of - timedelta(days=TEST_DAYS), params=params)
    judged = replace(params, n_items=10)
    trial = Trial(interactions, test_end=as_of, test_days=TEST_DAYS, signals=used, attributes=attributes)
    metrics = evaluate(trial, discover_params=judged)
    gate = judge(metrics)
    lists = discover(
        interactions, customers, eligibility, as_of=as_of, params=params, signals=used, attributes=attributes
    ).lists
    kept_from = None
    if not gate.may_publish:
        kept_from = previous["as_of_date"].max() if previous.height else None
        lists = _kept(interactions, customers, eligibility, previous, as_of=as_of, params=params)
    verdict = pl.DataFrame(
        [
            (
                gate.status,
                gate.model,
                gate.ndcg,
                gate.best_popularity,
                gate.popularity_ndcg,
                params.signals.scale if used is not None else 0.0,
                kept_from,
                f"{gate.reason}; lists by {params.blend}"
                if gate.may_publish
                else f"{gate.reason}; {_instead(kept_from)}",
            )
        ],
        schema=GATE_SCHEMA,
        orient="row",
    )
    without = ablation(trial, params=params) if used is not None else pl.DataFrame(schema=ABLATION_SCHEMA)
    proven = _proven(interactions, week_ago, as_of=as_of)
    return DailyLists(
        lists,
        replenish(interactions, customers, eligibility, as_of=as_of).lists,
        pl.concat([metrics, proven]),
        verdict,
        without,
    )


def _instead(kept_from: object) -> str:
    return (
        f"the lists of {kept_from} stay"
        if kept_from
        else "there are no earlier lists: popularity in the market"
    )


def _kept(
    interactions: pl.DataFrame,
    customers: pl.DataFrame,
    eligibility: pl.DataFrame,
    previous: pl.DataFrame,
    *,
    as_of: date,
    params: DiscoverParams,
) -> pl.DataFrame:
    """Earlier lists, still eligible and not bought since, filled by today's popularity."""
    popular = popular_lists(
        interactions,
        customers,
        eligibility,
        as_of=as_of,
        n_items=2 * params.n_items,  # as many as may be in the earlier list already
        params=params.popularity,
    ).with_columns(
        reason_product_id=pl.lit(None, dtype=pl.String),
        reason_kind=pl.lit("market_popularity", dtype=pl.String),
    )
    bought = interactions.select("customer_id", "product_id").unique()
    allowed = customers.join(eligibility.filter("is_eligible"), on="market").select(
        "customer_id", "product_id"
    )
    return kept_lists(
        previous.select(DISCOVER_SCHEMA.keys()),
        popular.select(DISCOVER_SCHEMA.keys()),
        bought,
        allowed,
        n_items=params.n_items,
    )


def _proven(interactions: pl.DataFrame, week_ago: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Score the lists of a week ago by what was bought since."""
    split = split_by_time(interactions, test_end=as_of, test_days=PROVEN_DAYS)
    if week_ago.is_empty() or split.test.is_empty():
        return score_lists(week_ago, split, product="discover", model="published", parts=())
    return score_lists(week_ago, split, product="discover", model="published_7_days_ago", parts=("explore",))
