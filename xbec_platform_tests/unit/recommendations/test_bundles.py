"""Bundles: what one parcel saves and which limit it passes, by hand."""

from decimal import Decimal

import polars as pl

from xbec_platform.recommendations.bundles import price_bundles

MONEY = pl.Decimal(18, 4)
PRODUCTS = pl.DataFrame(
    {
        "product_id": ["A", "B", "C", "X"],
        "price_base": [Decimal(100), Decimal(60), Decimal(50), Decimal(160)],
        "weight_kg": [0.4, 0.6, 1.0, None],
    },
    schema_overrides={"price_base": MONEY},
)
# Up to .5, 1 and 2 kg.
FREIGHT = pl.DataFrame(
    {"market": ["DE"] * 3, "kg": [0.5, 1.0, 2.0], "freight_base": [Decimal(5), Decimal(6), Decimal(9)]},
    schema_overrides={"freight_base": MONEY},
)
LIMITS = pl.DataFrame(
    {"market": ["DE"], "regime": ["ioss"], "limit_base": [Decimal(150)]},
    schema_overrides={"limit_base": MONEY},
)


def _bundles(*pairs: tuple[str, str]) -> dict[tuple[str, str], dict[str, object]]:
    table = pl.DataFrame(
        {
            "basket_kind": "order",
            "market": "all",
            "product_a": [a for a, _ in pairs],
            "product_b": [b for _, b in pairs],
            "lift_low": 2.0,
        }
    )
    rows = price_bundles(table, PRODUCTS, FREIGHT, LIMITS).iter_rows(named=True)
    return {(row["product_a"], row["product_b"]): row for row in rows}


def test_one_parcel_saves_a_minimum_charge() -> None:
    """.6 kg costs 6 and 1 kg costs 6, both together 1.6 kg cost 9: 3 saved, 110 of goods, below the limit."""
    row = _bundles(("B", "C"))["B", "C"]
    assert row["parcel_saving_base"] == Decimal(3)
    assert row["goods_value_base"] == Decimal(110)
    assert (row["crosses_threshold"], row["is_bundle"]) == (None, True)


def test_a_bundle_over_the_limit_is_none() -> None:
    """100 and 60 are each free of duty, 160 together are not: never offered, whatever the parcel saves."""
    row = _bundles(("A", "B"))["A", "B"]
    assert row["parcel_saving_base"] == Decimal(5)
    assert (row["crosses_threshold"], row["is_bundle"]) == ("ioss", False)


def test_what_is_over_the_limit_alone_loses_nothing() -> None:
    """X pays duty anyway; its weight is not known, so nobody says it saves."""
    row = _bundles(("A", "X"))["A", "X"]
    assert (row["crosses_threshold"], row["parcel_saving_base"], row["is_bundle"]) == (None, None, None)


def test_the_limit_itself_is_kept() -> None:
    """Limits include their value: 100 + 50 is 150."""
    assert _bundles(("A", "C"))["A", "C"]["crosses_threshold"] is None
