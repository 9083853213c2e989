"""Ways to sell side by side: sums by hand, the volume at which the best changes, and what is not possible."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from xbec_platform.logistics.operation_modes import ModeInputs, ModeParams, compare_modes, import_questions

MONEY = pl.Decimal(18, 4)
NO_RENT = ModeParams(capital_rate_year=0.365)


def frame(rows: list[dict[str, Any]], **types: Any) -> pl.DataFrame:
    return pl.DataFrame(rows, schema_overrides=types)


def mode(name: str, origin: str, crosses: bool, duty_at: str, batch: int, lock: float) -> dict[str, Any]:
    return {
        "mode_id": name,
        "market_countries": "GB|US",
        "origin_types": origin,
        "crosses_border_with_parcel": crosses,
        "duty_at": duty_at,
        "seller_clears_import": True,
        "tax_rebate_eligible": True,
        "min_batch_pieces": batch,
        "cash_lock_days": lock,
        "return_path": "here",
    }


def inputs(pieces_month: float = 10.0) -> ModeInputs:
    """A piece of 20 that weighs 1 kg, from Shenzhen by mail (9 + 4 of tax) or from a British warehouse (1 + 2 + 3)."""
    way = {"zone": "GB", "goods": "plain", "p50_days": 5.0, "p90_days": 8.0}
    asked = {"product_id": "P", "country": "GB", "incoterm": "DDP", "status": "ok", "reason": None}
    return ModeInputs(
        modes=frame(
            [
                mode("mail", "domestic", True, "sale", 1, 0.0),
                mode("stocked", "overseas", False, "import", 100, 10.0),
                mode("trade", "domestic", True, "import", 500, 0.0),
                mode("bonded", "bonded", True, "sale", 1, 0.0),
            ]
        ),
        sold=frame([{"product_id": "P", "market": "GB", "pieces_month": pieces_month}]),
        products=frame(
            [
                {"product_id": "P", "unit_cost": Decimal(20), "list_price": Decimal(50), "weight_kg": 1.0,
                 "hs_code": "61", "category": "baby", "length_cm": None, "width_cm": None, "height_cm": None,
                 "has_battery": False, "is_hazard": None}
            ],
            unit_cost=MONEY, list_price=MONEY, length_cm=pl.Float64, width_cm=pl.Float64, height_cm=pl.Float64,
            is_hazard=pl.Boolean,
        ),
        warehouses=frame(
            [
                {"warehouse_id": "SZX", "type": "domestic", "country": "CN"},
                {"warehouse_id": "EMA", "type": "overseas", "country": "GB"},
            ]
        ),
        routes=frame(
            [
                {**way, "origin_node": "SZX", "parcel_kg": 0.5, "cost_base": Decimal(6)},
                {**way, "origin_node": "SZX", "parcel_kg": 2.0, "cost_base": Decimal(15)},
                {**way, "origin_node": "EMA", "parcel_kg": 2.0, "cost_base": Decimal(1)},
            ],
            cost_base=MONEY,
        ),
        transfers=frame([{"origin_node": "SZX", "zone": "EMA", "goods": "plain", "cost_per_kg_base": 2.0}]),
        import_costs=frame(
            [
                {**asked, "pieces": 1, "import_cost_base": Decimal(4)},
                {**asked, "pieces": 100, "import_cost_base": Decimal(3)},
            ],
            import_cost_base=MONEY, reason=pl.String,
        ),
        tiers=frame([{"warehouse_type": "any", "from_age_days": 0, "rate_base": 0.0}]),
    )  # fmt: skip


def by_mode(table: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["mode_id"]: row for row in table.iter_rows(named=True)}


def test_costs_by_hand() -> None:
    """Mail: 20 + 9 (between 6 at .5 kg and 15 at 2 kg) + 4 = 33. Stocked: 20 + 2 + 1 + 3 and what lying costs.

    Lying: .02 a day for 10 days and half a batch of 100 at 10 a month, 150 days. Trade ends at an importer: no rank.
    """
    found = by_mode(compare_modes(inputs(), NO_RENT))
    assert found["mail"]["total_base"] == Decimal("33.0000")
    assert found["stocked"]["holding_base"] == Decimal("3.2000")
    assert found["stocked"]["total_base"] == Decimal("29.2000")
    assert (found["stocked"]["mode_rank"], found["mail"]["mode_rank"]) == (1, 2)
    assert (found["trade"]["reaches_buyer"], found["trade"]["mode_rank"], found["trade"]["status"]) == (
        False,
        None,
        "ok",
    )
    assert found["bonded"]["status"] == "no_origin"


def test_the_best_changes_at_the_stated_volume() -> None:
    """33 = 26.2 + .02 x 15 x 100 / v: v = 30 / 6.8 = 4.41 pieces a month; below it mail is best."""
    best = by_mode(compare_modes(inputs(), NO_RENT))["stocked"]
    assert best["runner_up_mode_id"] == "mail"
    assert best["switch_pieces_month"] == pytest.approx(30 / 6.8)
    for volume, expected in ((4.3, "mail"), (4.5, "stocked")):
        table = compare_modes(inputs(volume), NO_RENT)
        assert table.filter("is_recommended")["mode_id"].to_list() == [expected]


def test_what_is_missing_is_said() -> None:
    """No rule, no way for batteries, no price: a row with the reason, and no total."""
    usual = inputs()
    no_rule = replace(usual, import_costs=usual.import_costs.clear())
    assert by_mode(compare_modes(no_rule))["mail"]["status"] == "no_rule"
    battery = replace(usual, products=usual.products.with_columns(has_battery=pl.lit(True)))
    assert by_mode(compare_modes(battery))["mail"]["status"] == "no_route"
    unpriced = replace(usual, products=usual.products.with_columns(unit_cost=pl.lit(None, dtype=MONEY)))
    found = by_mode(compare_modes(unpriced))
    assert {row["status"] for row in found.values()} == {"data_missing"}
    assert {row["total_base"] for row in found.values()} == {None}
    unknown = replace(usual, products=usual.products.clear())
    assert by_mode(compare_modes(unknown))["mail"]["status"] == "data_missing"


def test_questions_to_the_rules() -> None:
    """Once by the parcel at the list price, once in bulk at the price of purchase."""
    usual = inputs()
    asked = import_questions(usual.modes, usual.sold, usual.products)
    assert asked.select("pieces", "piece_value").rows() == [(1, Decimal(50)), (100, Decimal(20))]
