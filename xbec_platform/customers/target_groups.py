"""Target groups of products and of attributes: who buys them more often than everybody, how many, and why.

Groups are those people belonged to before the 28 days whose purchases count, so that no group is defined by what it is
said to predict. What a product's attributes promise is the prior of the product's own buyers; a product that nobody has
bought yet, or that does not exist, has the promise alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from xbec_platform.customers.numbered_texts import numbered
from xbec_platform.customers.target_index import (
    overall_rates,
    permutation_p,
    posterior,
    prior_buyers,
    significant,
)

LEAST_GROUP = 30
GROUP = ("group_type", "group_key")
VALUE = ("attribute", "attribute_value")
NUMBERS = (
    "n_group",
    "n_buyers",
    "n_people",
    "n_all_buyers",
    "index",
    "index_lo",
    "index_hi",
    "p_value",
    "is_significant",
)


@dataclass(frozen=True, kw_only=True)
class TargetInput:
    """What is known as of a day.

    Attributes:
        before: group_type, group_key, customer_id: groups at the start of the window.
        now: The same at its end.
        bought: customer_id, item_id: purchases of the window, one row each.
        items: item_id, attribute, attribute_value: the catalogue at its end.
        active: customer_id: visited or ordered within 90 days.
        margins: item_id, margin_base (Decimal, null: not known): of one piece.
    """

    before: pl.DataFrame
    now: pl.DataFrame
    bought: pl.DataFrame
    items: pl.DataFrame
    active: pl.DataFrame
    margins: pl.DataFrame


def attribute_index(data: TargetInput) -> pl.DataFrame:
    """Return how each group buys each attribute value.

    Returns:
        group_type, group_key, attribute, attribute_value, NUMBERS, `reach_90d`, `margin_base` (median of one
        piece), sorted; groups of 30 people or more, at the start and at the end of the window.
    """
    bought = data.bought.join(data.items, on="item_id").select("customer_id", *VALUE).unique()
    cells = _cells(data, bought, VALUE).with_columns(expected=pl.lit(1.0))
    margins = data.items.join(data.margins, on="item_id").group_by(VALUE).agg(_median("margin_base"))
    return (
        _indexed(cells, ("group_type", "attribute")).join(margins, on=VALUE, how="left").sort(*GROUP, *VALUE)
    )


def product_groups(data: TargetInput, index: pl.DataFrame, *, kept: int = 10) -> pl.DataFrame:
    """Return the best groups of every product of the catalogue.

    Args:
        data: What is known; products without attributes count from their first purchase.
        index: Of `attribute_index`.
        kept: Groups kept of each product.

    Returns:
        item_id, rank, group_type, group_key, NUMBERS, reach_90d, expected_buyers (within 28 days),
        expected_margin_base, why; by item_id and rank.
    """
    promised = combined(index, data.items)
    bought = data.bought.select("customer_id", "item_id").unique()
    things = pl.concat([data.items.select("item_id"), bought.select("item_id")]).unique()
    cells = _cells(data, bought, ("item_id",), all_things=things).join(
        promised.select(
            "item_id",
            *GROUP,
            "why",
            expected="index",
            down=pl.col("index_lo") / pl.col("index"),
            up=pl.col("index_hi") / pl.col("index"),
        ),
        on=("item_id", *GROUP),
        how="left",
    )
    # A product is known no better than what its attributes promise.
    found = _indexed(cells.with_columns(pl.col("expected").fill_null(1.0)), ("group_type",)).with_columns(
        index_lo=pl.min_horizontal("index_lo", pl.col("index") * pl.col("down")),
        index_hi=pl.max_horizontal("index_hi", pl.col("index") * pl.col("up")),
    )
    return ranked(found.join(data.margins, on="item_id", how="left"), kept=kept)


def combined(index: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """Return what attributes promise together: a weighted geometric mean of their indices.

    Attributes overlap (what is for newborns is in the category baby), so their indices are averaged and not multiplied:
    an attribute that tells groups of a type apart more (variance of its log index) has more weight.

    Args:
        index: Of `attribute_index`.
        wanted: item_id, attribute, attribute_value.

    Returns:
        item_id, group_type, group_key, n_group, reach_90d, index, index_lo, index_hi, rate (share of buyers, at most
        that of the rarest attribute), margin_base, is_significant (one of the attributes is), why; by item and group.
    """
    weights = index.group_by("group_type", *VALUE).agg(
        weight=pl.col("index").log().var(ddof=0) + 1e-6, overall=pl.col("overall_rate").first()
    )
    rows = (
        wanted.join(index, on=VALUE)
        .join(weights, on=("group_type", *VALUE))
        .sort("item_id", *GROUP, "index", *VALUE, descending=[False, False, False, True, False, False])
    )

    def mean(column: str) -> pl.Expr:
        return ((pl.col(column).log() * pl.col("weight")).sum() / pl.col("weight").sum()).exp().alias(column)

    said = pl.format("{} {} ({})", "attribute", "attribute_value", pl.col("index").round(1))
    return (
        rows.group_by("item_id", *GROUP, maintain_order=True)
        .agg(
            pl.col("n_group", "reach_90d").first(),
            mean("index"),
            mean("index_lo"),
            mean("index_hi"),
            pl.col("overall").min(),
            _median("margin_base"),
            pl.col("is_significant").any(),
            why=said.filter(pl.col("index") > 1).head(3).str.join(", "),
        )
        .with_columns(rate=(pl.col("overall") * pl.col("index")).clip(0, 1))
        .drop("overall")
    )


def ranked(found: pl.DataFrame, *, kept: int) -> pl.DataFrame:
    """Rank the groups of each item by index and say what to expect of them."""
    order = found.sort("item_id", "index", *GROUP, descending=[False, True, False, False])
    best = order.with_columns(rank=pl.int_range(1, pl.len() + 1).over("item_id")).filter(
        pl.col("rank") <= kept
    )
    return best.with_columns(
        expected_buyers=pl.col("rate") * pl.col("reach_90d"), why=pl.col("why").fill_null("")
    ).select(
        "item_id",
        "rank",
        *GROUP,
        *NUMBERS,
        "reach_90d",
        "expected_buyers",
        expected_margin_base=(pl.col("margin_base").cast(pl.Float64) * pl.col("expected_buyers")).cast(
            pl.Decimal(18, 4)
        ),
        why="why",
    )


def for_attributes(index: pl.DataFrame, attributes: Mapping[str, str], *, kept: int = 10) -> pl.DataFrame:
    """Return the groups for attributes of a product that is not sold yet, best first.

    Raises:
        ValueError: Nothing with one of the attributes was bought in the window; says what was.
    """
    item = ", ".join(f"{name}={value}" for name, value in sorted(attributes.items()))
    wanted = pl.DataFrame(
        [(item, name, value) for name, value in sorted(attributes.items())],
        schema=["item_id", *VALUE],
        orient="row",
    )
    known = index.select(VALUE).unique()
    for name, value in wanted.join(known, on=VALUE, how="anti").select(VALUE).iter_rows():
        others = known.filter(pl.col("attribute") == name)["attribute_value"].sort().to_list()
        names = known["attribute"].unique().sort().to_list()
        hint = f"values of {name}: {', '.join(others[:30])}" if others else f"attributes: {', '.join(names)}"
        raise ValueError(f"nothing with {name}={value} was bought in the last 28 days; {hint}")
    found = combined(index, wanted)
    nothing = {name: pl.lit(None, pl.Int64) for name in ("n_buyers", "n_people", "n_all_buyers")}
    return ranked(found.with_columns(**nothing, p_value=pl.lit(None, pl.Float64)), kept=kept)


def _median(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Float64).median().alias(column)


def _cells(
    data: TargetInput, bought: pl.DataFrame, thing: tuple[str, ...], all_things: pl.DataFrame | None = None
) -> pl.DataFrame:
    """One row per group of 30 or more and thing: n_group, reach_90d, n_buyers, n_people, n_all_buyers.

    Sizes are those at the start of the window, against which buyers are counted; reach is counted at its end.
    """
    things = bought.select(thing).unique() if all_things is None else all_things
    texts = dict.fromkeys(("customer_id", *GROUP, *thing), ())
    before, now, active, bought, things = numbered(texts, data.before, data.now, data.active, bought, things)
    people = before.group_by("group_type").agg(n_people=pl.col("customer_id").n_unique())
    sizes = before.group_by(GROUP).agg(n_group=pl.len())
    is_active = pl.col("customer_id").to_physical().is_in(active["customer_id"].to_physical().implode())
    reached = now.group_by(GROUP).agg(n_now=pl.len(), reach_90d=is_active.sum().cast(pl.Int64))
    groups = (
        sizes.join(reached, on=GROUP)
        .filter(pl.col("n_group") >= LEAST_GROUP, pl.col("n_now") >= LEAST_GROUP)
        .join(people, on="group_type")
    )
    counted = before.join(bought, on="customer_id")
    of_group = counted.group_by(*GROUP, *thing).agg(n_buyers=pl.len())
    of_all = counted.group_by("group_type", *thing).agg(n_all_buyers=pl.col("customer_id").n_unique())
    return (
        groups.join(things, how="cross")
        .join(of_group, on=(*GROUP, *thing), how="left")
        .join(of_all, on=("group_type", *thing), how="left")
        .with_columns(
            pl.col("n_group", "n_people", "n_buyers", "n_all_buyers").cast(pl.Int64).fill_null(0),
            pl.col(*GROUP, *thing).cast(pl.String),
        )
        .sort(*GROUP, *thing)
    )


def _indexed(cells: pl.DataFrame, strata: tuple[str, ...]) -> pl.DataFrame:
    """Add index, interval, rate and permutation test to counted cells with their `expected` index.

    How far groups of a kind differ is learned for each stratum: countries may buy alike what life stages do not.
    """
    buyers, size, all_buyers, people = (
        cells[name].to_numpy() for name in ("n_buyers", "n_group", "n_all_buyers", "n_people")
    )
    overall = overall_rates(all_buyers, people)
    expected = np.minimum(overall * cells["expected"].to_numpy(), 1.0)
    stratum = cells.select(pl.struct(strata).rank("dense")).to_series().to_numpy()
    strength = np.ones(cells.height)
    for number in np.unique(stratum):
        of = stratum == number
        strength[of] = prior_buyers(buyers[of], size[of], expected[of])
    rate, low, high = posterior(buyers, size, expected, strength)
    p = permutation_p(buyers, size, all_buyers, people)
    return cells.with_columns(
        pl.Series("overall_rate", overall),
        pl.Series("rate", rate),
        pl.Series("index", rate / overall),
        pl.Series("index_lo", low / overall),
        pl.Series("index_hi", high / overall),
        pl.Series("p_value", p),
        pl.Series("is_significant", significant(p)),
    ).drop("expected")
