"""The catalogue: valid identifiers and codes, choice by taste, popularity and life of products."""

import csv
import json

import numpy as np
import polars as pl

from xbec_platform.world.catalogue import ANY_SEGMENT, choose_products, gtin_13
from xbec_platform.world.products import products_rows, truth_products
from xbec_platform.world.spec import parameters
from xbec_platform_tests.unit.world.trade_plan import everything, trade_plan


def _only(category, size):
    taste = np.zeros((size, len(trade_plan().catalogue.categories)), dtype=np.float32)
    taste[:, category] = 1.0
    return taste


def test_check_digit_of_a_known_number():
    """4006381333931 is the worked example of many GS1 guides."""
    assert gtin_13("400638133393") == "4006381333931"


def test_every_gtin_is_valid_and_some_are_missing():
    """Matching by GTIN must work and must not be all there is."""
    gtin = trade_plan().catalogue.frame["gtin"]
    assert 0 < gtin.null_count() < 0.15 * len(gtin)
    known = gtin.drop_nulls().to_list()
    assert all(number == gtin_13(number[:12]) for number in known)
    assert len(set(known)) == len(known)


def test_hs_codes_exist(shared_data):
    """Duty is looked up by them."""
    with (shared_data / "reference" / "harmonized-system.csv").open(encoding="utf-8") as file:
        known = {row["hscode"] for row in csv.DictReader(file)}
    assert set(trade_plan().catalogue.frame["hs_code"].drop_nulls()) <= known


def test_sides_follow_from_weight_and_density():
    """No product is lighter than packing foam or heavier than lead, so that no unit slip is in the truth."""
    frame = trade_plan().catalogue.frame
    cm3 = frame["length_cm"] * frame["width_cm"] * frame["height_cm"]
    density = frame["weight_kg"] / cm3 * 1e6
    assert density.min() > 20
    assert density.max() < 3000
    assert frame["length_cm"].max() <= parameters("products")["longest_side_cm"]
    assert (frame["length_cm"] >= frame["width_cm"]).all()


def test_dangerous_goods_carry_their_number():
    """Lanes refuse them by flag and UN number."""
    frame = trade_plan().catalogue.frame
    assert frame.filter(pl.col("has_battery") | pl.col("is_hazard"))["un_number"].null_count() == 0
    assert frame.filter(~pl.col("has_battery") & ~pl.col("is_hazard"))["un_number"].is_null().all()
    power_banks = frame.filter(pl.col("kind") == "Power Bank")["un_number"]
    assert set(power_banks) == {"UN3480"}


def test_segments_prefer_what_their_taste_names():
    """A known answer: bargain hunters weigh a budget product above a premium one of equal attributes."""
    plan = trade_plan()
    attributes = [json.loads(text) for text in plan.catalogue.frame["attributes"]]
    hunter = list(parameters("products")["segments"]).index("bargain_hunter")
    tier = np.array([of["price_tier"] for of in attributes])
    weight = plan.catalogue.segment_weight[hunter]
    assert weight[tier == "budget"].mean() > 4 * weight[tier == "premium"].mean()
    category = plan.catalogue.frame["category"].to_numpy()
    means = [weight[category == number].mean() for number in range(len(plan.catalogue.categories))]
    np.testing.assert_allclose(means, 1.0, atol=1e-3)


def test_choice_follows_popularity_and_segment():
    """Shares of 40,000 draws equal popularity times weight within the category, to four standard errors."""
    catalogue, size = trade_plan().catalogue, 40_000
    category, segment = 3, 2
    drawn = choose_products(np.random.default_rng(1), catalogue, _only(category, size), segment, 0)
    here = np.flatnonzero(catalogue.frame["category"].to_numpy() == category)
    wish = catalogue.frame["popularity"].to_numpy()[here] * catalogue.segment_weight[segment, here]
    wish = wish * catalogue.on_sale(here, 0)
    expected = wish / wish.sum()
    share = np.bincount(drawn, minlength=len(catalogue.companion))[here] / size
    assert np.isin(drawn, here).all()
    assert (np.abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / size) + 1e-3).all()


def test_only_products_on_sale_are_chosen():
    """Launches and retirements: nothing is sold before or after its life."""
    catalogue, size = trade_plan().catalogue, 30_000
    rng = np.random.default_rng(2)
    day = rng.integers(0, 60, size)
    taste = rng.random((size, len(catalogue.categories))).astype(np.float32)
    drawn = choose_products(rng, catalogue, taste, ANY_SEGMENT, day)
    assert catalogue.on_sale(drawn, day).all()
    newcomers = np.flatnonzero(catalogue.launch_day > 0)
    assert np.isin(newcomers, drawn).mean() > 0.8


def test_versions_rebuild_the_price_of_every_day():
    """What a warehouse keeps as history must give the price a customer saw."""
    plan = trade_plan()
    rows = everything(plan, products_rows)
    day = (rows["valid_from"].dt.epoch("s") - plan.spec.epoch) // 86_400
    on_day = 33
    latest = rows.filter(day <= on_day).sort("valid_from").group_by("product_id").last()
    active = latest.filter(pl.col("status") == "active").sort("product_id")
    number = active["product_id"].str.slice(1).cast(pl.Int64).to_numpy() - 1
    sold = plan.catalogue.on_sale(number, on_day)
    assert sold.all()
    assert len(number) == plan.catalogue.on_sale(np.arange(504), on_day).sum()
    cents = (active["list_price"] * 100).cast(pl.Int64).to_numpy()
    np.testing.assert_array_equal(cents, plan.catalogue.list_price_cents(number, on_day))


def test_truth_is_not_in_the_feed():
    """A model must not see quality, popularity or companions."""
    plan = trade_plan()
    hidden = set(truth_products(plan).columns) - {"product_id", "category"}
    assert not hidden & set(products_rows(plan, 0).columns)
