"""Goods that may not go everywhere: the plan keeps to it, says why, and its audit holds."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl

from xbec_platform.logistics.assignment import assign
from xbec_platform.logistics.restricted_items import allow, name_back, restricted_reasons
from xbec_platform_tests.unit.logistics.small_days import make_day

RESTRICTED = {
    "product_id": pl.String,
    "restriction_id": pl.String,
    "market": pl.String,
    "mode": pl.String,
    "carrier": pl.String,
    "from_outside_eu": pl.Boolean,
    "reason": pl.String,
}


def day() -> Any:
    """Air for 1 or sea for 2 from A (China), road for 5 from B (Poland); p and q to Germany, p to Australia too."""
    inputs = make_day(
        lines=[
            {"order_id": "1", "product_id": "p"},
            {"order_id": "2", "product_id": "q"},
            {"order_id": "3", "product_id": "p", "ship_country": "AU"},
            {"order_id": "4", "product_id": "p", "ship_country": None},
        ],
        products=[{"product_id": "p", "weight_kg": 1.0}, {"product_id": "q", "weight_kg": 1.0}],
        lanes=[
            {"origin_node": "A", "mode": "air", "rate_per_kg": Decimal(1)},
            {"origin_node": "A", "mode": "sea", "rate_per_kg": Decimal(2)},
            {"origin_node": "B", "mode": "truck", "rate_per_kg": Decimal(5)},
            {"origin_node": "A", "mode": "air", "dest_node": "AU"},
        ],
    )
    return replace(
        inputs,
        lanes=inputs.lanes.with_columns(carrier=pl.lit("Quick")),
        warehouses=inputs.warehouses.with_columns(country=pl.Series(["CN", "PL"])),
    )


def rules(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{"from_outside_eu": False, **row} for row in rows], schema=RESTRICTED)


def solve(restricted: pl.DataFrame) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Lane of each order served, and reason and evidence of each left over."""
    allowed = allow(day(), restricted)
    result = assign(allowed.inputs)
    served = name_back(result.assignments)
    left = restricted_reasons(result.unserved, allowed.groups)
    assert not served["ship_country"].str.contains("|", literal=True).any()
    return (
        dict(served.select("order_id", "lane_id").rows()),
        {
            order: (reason, detail)
            for order, reason, detail in left.select("order_id", "reason", "detail").rows()
        },
    )


def test_nothing_restricted_changes_nothing() -> None:
    served, left = solve(rules())
    assert served == {"1": "L0", "2": "L0", "3": "L3"}
    assert left["4"][0] == "NO_ADDRESS_OR_RATE"
    assert allow(day(), rules()).inputs.lanes.height == 4


def test_a_mode_is_closed_for_one_product() -> None:
    """P may not fly: it goes by sea to Germany and not at all to Australia; q flies as before."""
    served, left = solve(
        rules(
            {
                "product_id": "p",
                "restriction_id": "LOOSE",
                "mode": "air",
                "reason": "no batteries on aircraft",
            }
        )
    )
    assert served == {"1": "L1", "2": "L0"}
    assert left["3"][0] == "RESTRICTED_ITEM"
    assert "LOOSE: no batteries on aircraft" in left["3"][1]
    assert left["4"][0] == "NO_ADDRESS_OR_RATE"


def test_a_market_is_closed() -> None:
    """Not into Australia, whatever the way; Germany stays as it was."""
    served, left = solve(
        rules({"product_id": "p", "restriction_id": "AU-FOOD", "market": "AU", "reason": "permit"})
    )
    assert served == {"1": "L0", "2": "L0"}
    assert left["3"][0] == "RESTRICTED_ITEM"


def test_from_outside_the_union_only() -> None:
    """Pet food of third countries: from Poland it may go to Germany."""
    petfood = {"product_id": "p", "restriction_id": "EU-PET", "market": "DE", "from_outside_eu": True}
    served, _ = solve(rules(petfood))
    assert served["1"] == "L2"


def test_restrictions_add_up() -> None:
    """No air and no sea from outside: only the road from Poland is left; another carrier's ban does not touch it."""
    served, _ = solve(
        rules(
            {"product_id": "p", "restriction_id": "A", "mode": "air"},
            {"product_id": "p", "restriction_id": "B", "mode": "sea"},
            {"product_id": "p", "restriction_id": "C", "carrier": "Slow"},
        )
    )
    assert served["1"] == "L2"
