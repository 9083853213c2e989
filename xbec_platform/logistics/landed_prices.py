"""What one piece of a product costs a buyer in a market, duty and taxes included; orders have their own landed cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import polars as pl

from xbec_platform.logistics.consignments import NO_BORDER, NO_RULE, Consignment, Item, LandedCost
from xbec_platform.logistics.landed_cost import landed_cost
from xbec_platform.logistics.landed_cost_tables import category_duties
from xbec_platform.logistics.tariff_rules import Rulebook

LANDED_PRICE_SCHEMA = pl.Schema(
    {
        "product_id": pl.String(),
        "market": pl.String(),
        "price_base": pl.Decimal(18, 4),
        "import_cost_base": pl.Decimal(18, 4),
        "landed_price_base": pl.Decimal(18, 4),
        "local_currency": pl.String(),
        "landed_price_local": pl.Decimal(18, 2),
        "price_status": pl.String(),
    }
)
_CENT, _EXACT = Decimal("0.01"), Decimal("0.0001")


def landed_prices(
    products: pl.DataFrame, markets: list[str], rules: pl.DataFrame, rates: Mapping[str, Decimal], day: date
) -> pl.DataFrame:
    """Price one piece of every product in every market, sent by itself with duty paid, freight left out.

    Products with the same price, goods code and category cost the same: each such case is computed once.

    Args:
        products: product_id, price (decimal), currency, hs_code, category, weight_kg, origin_country.
        markets: countries.
        rules: columns of the contract `tariff_rules`.
        rates: value of a currency in base currency, on the day.
        day: whose rules and rates count.

    Returns:
        `LANDED_PRICE_SCHEMA`, one row per product x market, sorted. price_status: ok; estimate (duty of the category);
        no_border (made there); no_rule and no_price, without a landed price.
    """
    book = Rulebook.of(rules)
    medians = category_duties(products, book)
    known: dict[tuple[object, ...], LandedCost] = {}
    rows: list[tuple[object, ...]] = []
    for row in products.sort("product_id").iter_rows(named=True):
        for market in sorted(markets):
            rate = rates.get(row["currency"])
            if row["price"] is None or rate is None:
                rows.append((row["product_id"], market, None, None, None, None, None, "no_price"))
                continue
            names = ("price", "currency", "hs_code", "category", "weight_kg")
            at_home = row["origin_country"] == market
            case = (market, at_home, *(row[name] for name in names))
            if case not in known:
                known[case] = landed_cost(
                    _one_piece(row, market, day, crosses_border=not at_home),
                    book,
                    rates=rates,
                    category_duty_pct=medians,
                )
            rows.append(_row(row["product_id"], market, row["price"] * rate, known[case], rates))
    return pl.DataFrame(rows, schema=LANDED_PRICE_SCHEMA, orient="row")


def _one_piece(row: Mapping[str, object], market: str, day: date, *, crosses_border: bool) -> Consignment:
    item = Item(
        line_no=1,
        product_id=str(row["product_id"]),
        qty=1,
        value=row["price"],  # type: ignore[arg-type]
        hs_code=row["hs_code"],  # type: ignore[arg-type]
        category=row["category"],  # type: ignore[arg-type]
        weight_kg=row["weight_kg"],  # type: ignore[arg-type]
    )
    return Consignment(
        order_id="catalogue",
        market=market,
        day=day,
        currency=str(row["currency"]),
        items=(item,),
        incoterm="DDP",
        crosses_border=crosses_border,
    )


def _row(
    product_id: str, market: str, price_base: Decimal, found: LandedCost, rates: Mapping[str, Decimal]
) -> tuple[object, ...]:
    price = price_base.quantize(_EXACT)
    if found.status == NO_RULE:
        return (product_id, market, price, None, None, None, None, NO_RULE)
    if found.status == NO_BORDER or found.currency is None or found.total is None:
        return (product_id, market, price, Decimal(0), price, None, None, found.status)
    import_cost = (found.total * rates[found.currency]).quantize(_EXACT)
    landed = price + import_cost
    local = (landed / rates[found.currency]).quantize(_CENT)
    return (product_id, market, price, import_cost, landed, found.currency, local, found.status)
