"""Tariff rules as a source delivers them: a demonstration, not legal advice. Applying them is not done here."""

from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.world.spec import parameters

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

_AMOUNT = pl.Decimal(18, 4)
TARIFF_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "rule_id": pl.String,
    "market": pl.String,
    "regime": pl.String,
    "kind": pl.String,
    "item_scope": pl.String,
    "threshold_low": _AMOUNT,
    "threshold_high": _AMOUNT,
    "threshold_basis": pl.String,
    "currency": pl.String,
    "duty_rate_pct": pl.Float64,
    "specific_amount": _AMOUNT,
    "vat_rate_pct": pl.Float64,
    "consumption_tax_pct": pl.Float64,
    "reduction_pct": pl.Float64,
    "annual_limit": _AMOUNT,
    "incoterm_scope": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "source": pl.String,
    "verified_on": pl.Date,
    "note": pl.String,
}
LABEL = "Demonstration, not legal advice. "


@cache
def tariff_rules() -> pl.DataFrame:
    """Return all rules, sorted by rule_id; thresholds are above `threshold_low` up to `threshold_high` inclusive.

    `valid_to` is the last day (null: open). Rates in percent; `reduction_pct` is what is taken off VAT and
    consumption tax. An empty rate means "by tariff line", not zero: kind tariff_line has those of the world's goods.
    """
    source = resources.files("xbec_platform.world") / "data" / "tariff_rules.csv"
    rules = pl.read_csv(source.read_bytes(), schema=TARIFF_SCHEMA)
    labelled = pl.concat([rules, _tariff_lines()]).with_columns(note=pl.lit(LABEL) + pl.col("note"))
    return labelled.sort("rule_id")


def _tariff_lines() -> pl.DataFrame:
    """Duty by tariff subheading and market, as the shop charges it: the generated world's assumption, no law."""
    duty = {
        kind["hs"]: float(category["duty_pct"])
        for category in parameters("products")["categories"].values()
        for kind in category["kinds"]
    }
    rows = [
        {
            "rule_id": f"{market}-HS-{code}",
            "market": market,
            "regime": "standard",
            "kind": "tariff_line",
            "item_scope": f"hs:{code}",
            "currency": terms["currency"],
            "duty_rate_pct": percent * terms["duty"]["pct_factor"],
            "valid_from": date(2016, 1, 1),
            "source": "assumption of the generated world",
            "verified_on": date(2026, 11, 22),
            "note": "Duty of the tariff line",
        }
        for market, terms in parameters("trade")["markets"].items()
        for code, percent in sorted(duty.items())
    ]
    return pl.DataFrame(rows, schema=TARIFF_SCHEMA)


def tariff_rules_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return all rules on the first day and none later: the file is versioned, it does not change in the period."""
    del plan
    return tariff_rules() if day == 0 else tariff_rules().clear()
