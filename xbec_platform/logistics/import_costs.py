"""Duty, tax and fees of one piece of many articles and countries, imported in bulk or by the parcel. No rules here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import polars as pl

from xbec_platform.logistics.assignment_schema import MONEY
from xbec_platform.logistics.consignments import Consignment, Item
from xbec_platform.logistics.landed_cost import landed_cost
from xbec_platform.logistics.tariff_rules import Rulebook

IMPORT_COST_SCHEMA = pl.Schema(
    {
        "product_id": pl.String(),
        "country": pl.String(),
        "pieces": pl.Int64(),
        "incoterm": pl.String(),
        "import_cost_base": MONEY,
        "duty_base": MONEY,
        "status": pl.String(),
        "reason": pl.String(),
    }
)
"""Grain: row of the question. import_cost_base and duty_base are of one piece; null with status no_rule."""

_TICK = Decimal("0.0001")


def import_costs(
    asked: pl.DataFrame,
    rules: Rulebook,
    *,
    rates: Mapping[str, Decimal],
    base_currency: str,
    day: date,
    category_duty_pct: Mapping[tuple[str, str], Decimal],
) -> pl.DataFrame:
    """What the import of one piece costs.

    Args:
        asked: product_id, country, pieces (of one consignment), piece_value (base currency, Decimal), incoterm,
            hs_code, category, weight_kg.
        rules: All rules; those of the day are taken.
        rates: Value of one unit of each currency in base currency on the day.
        base_currency: Currency of the values.
        day: Day of the import.
        category_duty_pct: Duty of goods without HS code, as `landed_cost_tables.category_duties` returns it.

    Returns:
        IMPORT_COST_SCHEMA in the order asked.
    """
    found = []
    for row in asked.iter_rows(named=True):
        goods = Item(
            line_no=1,
            product_id=row["product_id"],
            qty=row["pieces"],
            value=row["piece_value"] * row["pieces"],
            hs_code=row["hs_code"],
            category=row["category"],
            weight_kg=row["weight_kg"],
        )
        consignment = Consignment(
            order_id="",
            market=row["country"],
            day=day,
            currency=base_currency,
            items=(goods,),
            incoterm=row["incoterm"],
        )
        cost = landed_cost(consignment, rules, rates=rates, category_duty_pct=category_duty_pct)
        rate = rates.get(cost.currency or "")
        found.append(
            {
                **{name: row[name] for name in ("product_id", "country", "pieces", "incoterm")},
                "import_cost_base": _each(cost.total, rate, row["pieces"]),
                "duty_base": _each(cost.duty, rate, row["pieces"]),
                "status": cost.status,
                "reason": cost.reason,
            }
        )
    return pl.DataFrame(found, schema=IMPORT_COST_SCHEMA)


def _each(amount: Decimal | None, rate: Decimal | None, pieces: int) -> Decimal | None:
    if amount is None or rate is None:
        return None
    return (amount * rate / pieces).quantize(_TICK, ROUND_HALF_UP)
