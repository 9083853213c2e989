"""The description of clusters, by hand."""

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest

from xbec_platform.customers.cluster_model import ClusterModel
from xbec_platform.customers.cluster_profile import (
    FEATURE_SCHEMA,
    GROUP_SCHEMA,
    PROFILE_FEATURES,
    profile,
)
from xbec_platform.customers.features import CLUSTER_FEATURES, FeatureSpec

SPECS = (*CLUSTER_FEATURES, FeatureSpec(column="return_rate", log=False))


@pytest.fixture
def two_groups(model: ClusterModel) -> ClusterModel:
    """Customers with one order, and with many; the other features alike."""
    names = {"a": ("Small", -1.0), "b": ("Large", 1.0), "c": ("Nobody", 99.0)}
    feature = replace(
        model.features[1], log=False, unit=1.0, lower=-100.0, upper=100.0, center=5.0, scale=4.0
    )
    groups = tuple(
        replace(model.groups[0], key=key, name=name, centroid=(z,)) for key, (name, z) in names.items()
    )
    return replace(model, features=(feature,), groups=groups)


@pytest.fixture
def customers() -> pl.DataFrame:
    """Three customers with one order, one with nine."""
    return pl.DataFrame(
        {
            "customer_id": ["1", "2", "3", "4"],
            "recency_days": [10, 20, 30, 5],
            "n_orders": [1, 1, 1, 9],
            "net_base": [Decimal("10.10"), Decimal("20.20"), Decimal("-0.30"), Decimal("90.00")],
            "return_rate": [0.0, 0.5, None, 0.0],
        },
        schema_overrides={"net_base": pl.Decimal(18, 4)},
    )


def test_groups_by_hand(two_groups: ClusterModel, customers: pl.DataFrame) -> None:
    """Sizes, exact sums of money and shares; a cluster nobody is in today is listed all the same."""
    result = profile(two_groups, customers, SPECS).groups
    assert result.schema == GROUP_SCHEMA
    assert result.select("cluster_key", "cluster_name", "n_customers", "share", "net_base").rows() == [
        ("a", "Small", 3, 0.75, Decimal("30.0000")),
        ("b", "Large", 1, 0.25, Decimal("90.0000")),
        ("c", "Nobody", 0, 0.0, Decimal("0.0000")),
    ]
    assert result["revenue_share"].to_list() == pytest.approx([0.25, 0.75, 0.0])
    assert result["evidence"].to_list() == [
        "median customer: last order 20 days ago; orders: 1; net sales: 10",
        "median customer: last order 5 days ago; orders: 9; net sales: 90",
        "no customers on this day",
    ]


def test_features_by_hand(two_groups: ClusterModel, customers: pl.DataFrame) -> None:
    """Orders: within the 1 % and 99 % quantiles log1p is ln 2 three times and, once, about ln 10."""
    result = profile(two_groups, customers, SPECS).features
    assert result.schema == FEATURE_SCHEMA
    orders = {key: (z, median) for key, f, z, median, _ in result.iter_rows() if f == "n_orders"}
    # three equal values and one other one: z = -1/sqrt(3) and sqrt(3), whatever the distance
    assert orders["a"] == pytest.approx((-(3**-0.5), 1.0), abs=1e-6)
    assert orders["b"] == pytest.approx((3**0.5, 9.0), abs=1e-6)
    returns = result.filter(feature="return_rate", cluster_key="a").row(0, named=True)
    assert returns["median"] == 0.25  # of the two customers who have one


def test_top_three_by_size_of_z(two_groups: ClusterModel, customers: pl.DataFrame) -> None:
    """The four features rank by distance from the average customer; equal ones by name."""
    result = profile(two_groups, customers, SPECS)
    large = result.features.filter(cluster_key="b")
    ranked = large.drop_nulls("distinguishing_rank").sort("distinguishing_rank")
    assert ranked["distinguishing_rank"].to_list() == [1, 2, 3]
    sizes = ranked["z_score"].abs().to_list()
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) >= large.filter(pl.col("distinguishing_rank").is_null())["z_score"].abs().max()
    text = result.groups.filter(cluster_key="b")["distinguishing"].item()
    assert text.split(", ")[0] == f"{ranked['feature'][0]} {ranked['z_score'][0]:+.1f}"
    assert len(text.split(", ")) == 3


def test_no_sales_no_shares(two_groups: ClusterModel, customers: pl.DataFrame) -> None:
    """Shares of nothing, or of a loss, are unknown."""
    refunded = customers.with_columns(net_base=pl.lit(Decimal("-1.0000"), dtype=pl.Decimal(18, 4)))
    assert profile(two_groups, refunded, SPECS).groups["revenue_share"].to_list() == [None] * 3


def test_empty_day(two_groups: ClusterModel, customers: pl.DataFrame) -> None:
    """No customers: every cluster is listed with nobody in it, in the fixed schema."""
    result = profile(two_groups, customers.clear(), SPECS)
    assert result.groups.schema == GROUP_SCHEMA
    assert result.groups["n_customers"].to_list() == [0, 0, 0]
    assert result.groups["share"].to_list() == [0.0, 0.0, 0.0]
    assert result.features.schema == FEATURE_SCHEMA
    assert result.features.height == 0


def test_row_order_does_not_matter(model: ClusterModel, shop: pl.DataFrame) -> None:
    """The same tables from shuffled customers."""
    one, other = (profile(model, f, CLUSTER_FEATURES) for f in (shop, shop.sample(300, seed=3, shuffle=True)))
    assert one.groups.equals(other.groups)
    assert one.features.equals(other.features)
    assert one.groups["n_customers"].sum() == 300
    assert one.groups["revenue_share"].sum() == pytest.approx(1.0)


def test_described_habits_are_columns_of_the_user_database() -> None:
    """The mart's contract with the default profile."""
    expected = "recency_days n_orders net_base aov_base items_per_order n_products return_rate tenure_days"
    assert [spec.column for spec in PROFILE_FEATURES] == [*expected.split(), "mean_gap_days"]
