"""Landed prices of the catalogue: the rules of orders on one piece, by hand."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from xbec_platform.logistics.landed_prices import LANDED_PRICE_SCHEMA, landed_prices

RULES = pl.read_csv(
    Path(__file__).parents[3] / "xbec_platform" / "world" / "data" / "tariff_rules.csv",
    schema_overrides={"threshold_low": pl.Float64, "threshold_high": pl.Float64, "annual_limit": pl.Float64},
    try_parse_dates=True,
    infer_schema_length=None,
)
RATES = {"EUR": Decimal(1), "CNY": Decimal("0.125"), "GBP": Decimal("1.2")}


def products(*rows: tuple[str, str | None, str]) -> pl.DataFrame:
    """Products of (id, price in EUR, origin)."""
    return pl.DataFrame(
        [(name, None if price is None else Decimal(price), origin) for name, price, origin in rows],
        schema={"product_id": pl.String, "price": pl.Decimal(18, 4), "origin_country": pl.String},
        orient="row",
    ).with_columns(
        currency=pl.lit("EUR"), hs_code=pl.lit("950300"), category=pl.lit("toys"), weight_kg=pl.lit(1.0)
    )


def _found(table: pl.DataFrame) -> dict[tuple[str, str], dict[str, object]]:
    return {(row["product_id"], row["market"]): row for row in table.iter_rows(named=True)}


def test_one_piece_in_several_markets() -> None:
    """100 EUR: 19 % VAT in Germany under IOSS; 70 % of 13 % in China under CBEC, in CNY 8 times; at home as listed."""
    table = landed_prices(
        products(("A", "100", "CN"), ("B", "100", "DE")), ["DE", "CN"], RULES, RATES, date(2026, 1, 5)
    )
    assert table.schema == LANDED_PRICE_SCHEMA
    found = _found(table)
    assert found["A", "DE"]["landed_price_base"] == Decimal(119)
    assert found["B", "CN"]["import_cost_base"] == Decimal("9.1")
    assert (found["B", "CN"]["local_currency"], found["B", "CN"]["landed_price_local"]) == (
        "CNY",
        Decimal("872.80"),
    )
    assert (found["A", "CN"]["price_status"], found["A", "CN"]["landed_price_base"]) == (
        "no_border",
        Decimal(100),
    )


def test_what_cannot_be_priced_says_why() -> None:
    """No price, no rate, no rule of the market: a status and no amount, never a guess."""
    dollars = products(("D", "10", "CN")).with_columns(currency=pl.lit("USD"))
    table = landed_prices(
        pl.concat([products(("A", "100", "CN"), ("N", None, "CN")), dollars]),
        ["DE", "ZZ"],
        RULES,
        RATES,
        date(2026, 1, 5),
    )
    found = _found(table)
    assert found["N", "DE"]["price_status"] == found["D", "DE"]["price_status"] == "no_price"
    assert (found["A", "ZZ"]["price_status"], found["A", "ZZ"]["landed_price_base"]) == ("no_rule", None)
