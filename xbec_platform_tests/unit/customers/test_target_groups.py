"""Target groups: indices worked by hand, the exact permutation test, shuffled labels, privacy."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import hypergeom

from xbec_platform.customers.target_groups import TargetInput, attribute_index, for_attributes, product_groups
from xbec_platform.customers.target_index import permutation_p, posterior, significant

ONE = np.array([1])


def test_permutation_test_is_the_share_of_shuffles() -> None:
    """Of all ways to choose 4 of 9 people with 3 buyers among them, those with 3 buyers, twice for two sides."""
    shuffles = [sum(person < 3 for person in chosen) for chosen in combinations(range(9), 4)]
    share = sum(buyers >= 3 for buyers in shuffles) / len(shuffles)
    assert permutation_p(3 * ONE, 4 * ONE, 3 * ONE, 9 * ONE)[0] == pytest.approx(2 * share)
    assert permutation_p(0 * ONE, 4 * ONE, 0 * ONE, 9 * ONE)[0] == 1


def test_false_discovery_rate_by_hand() -> None:
    """Benjamini and Hochberg: .01 and .02 pass (.0125, .025), .04 (.0375) does not."""
    assert significant(np.array([0.02, 0.5, 0.01, 0.04])).tolist() == [True, False, True, False]
    assert significant(np.array([])).tolist() == []


def test_posterior_by_hand() -> None:
    """Beta(2, 38) and 6 buyers of 20: mean 8 / 60; the interval holds it."""
    rate, low, high = posterior(6 * ONE, 20 * ONE, np.array([0.05]), np.array([2.0]))
    assert rate[0] == pytest.approx(8 / 60)
    assert low[0] < rate[0] < high[0]


def shop(*, parents: int = 60, others: int = 240) -> TargetInput:
    """New parents buy baby things ten times as often as others, and chairs like everybody; 20 people are 'tiny'."""
    people = [f"{n:04d}" for n in range(parents + others)]
    groups = [
        ("life_stage", "new_parent" if n < parents else "none known", who) for n, who in enumerate(people)
    ]
    groups += [("country", "MT" if n % 15 == 0 else "DE", who) for n, who in enumerate(people)]
    bought = [
        (who, "nappies") for n, who in enumerate(people) if (n % 2 == 0 if n < parents else n % 20 == 0)
    ]
    bought += [(who, "chair") for n, who in enumerate(people) if n % 3 == 0]
    schema = ["group_type", "group_key", "customer_id"]
    members = pl.DataFrame(groups, schema=schema, orient="row")
    return TargetInput(
        before=members,
        now=members,
        bought=pl.DataFrame(bought, schema=["customer_id", "item_id"], orient="row"),
        items=pl.DataFrame(
            [
                ("nappies", "category", "baby"),
                ("bib", "category", "baby"),
                ("bib", "colour", "red"),
                ("chair", "category", "home"),
                ("chair", "colour", "red"),
            ],
            schema=["item_id", "attribute", "attribute_value"],
            orient="row",
        ),
        active=pl.DataFrame({"customer_id": people[::2]}),
        margins=pl.DataFrame(
            {"item_id": ["nappies", "bib", "chair"], "margin_base": [Decimal("2.00"), Decimal("4.00"), None]},
            schema_overrides={"margin_base": pl.Decimal(18, 4)},
        ),
    )


def test_new_parents_come_first_for_baby_attributes() -> None:
    """30 of 60 new parents and 12 of 240 others buy: index .5 / .14, drawn a little to 1, far from chance."""
    best = for_attributes(attribute_index(shop()), {"category": "baby"}).row(0, named=True)
    assert (best["group_type"], best["group_key"], best["n_group"]) == ("life_stage", "new_parent", 60)
    assert 2.5 < best["index"] < 0.5 / (42 / 300)
    assert best["index_lo"] < best["index"] < best["index_hi"]
    assert best["is_significant"]
    assert best["reach_90d"] == 30
    assert best["why"].startswith("category baby")


def test_a_product_nobody_has_bought_takes_what_its_attributes_promise() -> None:
    """The bib: same group first, few buyers expected, margin of one piece each in decimals."""
    data = shop()
    bib = product_groups(data, attribute_index(data)).filter(pl.col("item_id") == "bib").row(0, named=True)
    assert bib["group_key"] == "new_parent"
    assert bib["n_all_buyers"] == 0
    assert 0 < bib["expected_buyers"] < 1
    assert bib["expected_margin_base"] == pytest.approx(
        Decimal(4) * Decimal(bib["expected_buyers"]), abs=Decimal("0.001")
    )


def test_no_group_of_fewer_than_thirty_is_shown() -> None:
    """Malta has 20 people."""
    data = shop()
    index = attribute_index(data)
    assert "MT" not in index["group_key"]
    assert index["n_group"].min() == 60
    assert "MT" not in product_groups(data, index)["group_key"]


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_significant_after_shuffling(seed: int) -> None:
    """Who buys what is dealt out anew: no group is left that buys more, and indices are near 1."""
    data = shop()
    people = data.before["customer_id"].unique().sort()
    other = people.gather(np.random.default_rng(seed).permutation(len(people)))
    dealt = pl.DataFrame({"customer_id": people, "other": other})
    shuffled = replace(
        data, bought=data.bought.join(dealt, on="customer_id").select(customer_id="other", item_id="item_id")
    )
    index = attribute_index(shuffled)
    assert not index["is_significant"].any()
    assert not product_groups(shuffled, index)["is_significant"].any()
    assert index["index"].is_between(0.5, 1.6).all()


def test_unknown_attributes_say_what_is_known() -> None:
    """A typing error is answered with the values there are."""
    index = attribute_index(shop())
    with pytest.raises(ValueError, match=r"category=babies .* values of category: baby, home"):
        for_attributes(index, {"category": "babies"})
    with pytest.raises(ValueError, match="attributes: category, colour"):
        for_attributes(index, {"shape": "round"})


def test_index_finds_the_next_buyers_of_online_retail(shared_data: Path) -> None:
    """Learned up to 2011-10-13, told apart on the 28 days after: AUC above .60 over the best sold products."""
    from sklearn.metrics import roc_auc_score

    from xbec_platform_tests.unit.recommendations.online_retail import load_online_retail

    lines = load_online_retail(shared_data)
    split = date(2011, 11, 11)

    def bought(first: date, last: date) -> pl.DataFrame:
        window = lines.filter(pl.col("order_date").is_between(first, last, closed="left"))
        return window.select("customer_id", item_id="product_id").unique()

    def groups(day: date) -> pl.DataFrame:
        known = lines.filter(pl.col("order_date") < day)
        facts = known.group_by("customer_id").agg(
            n=pl.col("order_id").n_unique(), last=pl.col("order_date").max(), country=pl.col("market").first()
        )
        recency, often = (
            (pl.lit(day) - pl.col("last")).dt.total_days(),
            pl.col("n").clip(1, 6).cast(pl.String),
        )
        recent = (
            pl.when(recency <= 30)
            .then(pl.lit("a"))
            .when(recency <= 90)
            .then(pl.lit("b"))
            .otherwise(pl.lit("c"))
        )
        parts = {"country": pl.col("country"), "segment": recent + often}
        return pl.concat(
            [
                facts.select(pl.lit(kind).alias("group_type"), key.alias("group_key"), "customer_id")
                for kind, key in parts.items()
            ]
        )

    start, end = date(2011, 10, 14), date(2011, 12, 9)
    learned = bought(start, split)
    data = TargetInput(
        before=groups(start),
        now=groups(split),
        bought=learned,
        items=pl.DataFrame(schema=dict.fromkeys(("item_id", "attribute", "attribute_value"), pl.String)),
        active=lines.select("customer_id").unique(),
        margins=pl.DataFrame(schema={"item_id": pl.String, "margin_base": pl.Decimal(18, 4)}),
    )
    popular = (
        learned["item_id"]
        .value_counts()
        .sort("count", "item_id", descending=[True, False])
        .head(50)["item_id"]
    )
    index = product_groups(data, attribute_index(data), kept=100).filter(
        pl.col("item_id").is_in(popular.implode())
    )
    scores = (
        groups(split)
        .join(index.select("item_id", "group_type", "group_key", "index"), on=("group_type", "group_key"))
        .group_by("item_id", "customer_id")
        .agg(pl.col("index").log().sum())
    )
    test = bought(split, end)
    aucs = []
    for item in popular:
        buyers = test.filter(pl.col("item_id") == item)["customer_id"]
        rows = scores.filter(pl.col("item_id") == item)
        hit = rows["customer_id"].is_in(buyers.implode())
        if 0 < hit.sum() < len(hit):
            aucs.append(roc_auc_score(hit.to_numpy(), rows["index"].to_numpy()))
    assert len(aucs) > 40
    assert np.mean(aucs) > 0.6


def test_permutation_p_is_that_of_the_whole_tails() -> None:
    """Against scipy's hypergeometric distribution, for groups of all sizes, in the middle and at both ends."""
    rng = np.random.default_rng(1)
    everybody = rng.integers(2, 3000, 600)
    all_buyers = (rng.random(600) * everybody).astype(np.int64)
    people = 1 + (rng.random(600) ** 2 * (everybody - 1)).astype(np.int64)
    most, least = np.minimum(all_buyers, people), np.maximum(0, all_buyers + people - everybody)
    usual = hypergeom.rvs(everybody, all_buyers, people, random_state=2)
    for buyers in (usual, most, least):
        upper = hypergeom.sf(buyers - 1, everybody, all_buyers, people)
        lower = hypergeom.cdf(buyers, everybody, all_buyers, people)
        expected = np.minimum(1, 2 * np.minimum(upper, lower))
        assert permutation_p(buyers, people, all_buyers, everybody) == pytest.approx(expected, rel=1e-9)
