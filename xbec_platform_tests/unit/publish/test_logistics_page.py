"""The logistics page: every part is there, names from outside are text, and an empty shop has sentences."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from xbec_platform.logistics.assignment_schema import CONTAINER_SCHEMA
from xbec_platform.logistics.plan_changes import CHANGE_SCHEMA
from xbec_platform.publish.logistics_page import LogisticsInput, render_logistics

HOSTILE = "<script>alert(1)</script>\u202e"
TYPES = {"s": pl.String, "i": pl.Int64, "f": pl.Float64, "b": pl.Boolean, "m": pl.Decimal(18, 4)}
# Column and letter of its type.
FORMS = {
    "unserved": "order_id:s line_no:i product_id:s ship_country:s qty:i reason:s detail:s",
    "lead_times": "lane:s mode:s n_parcels:i n_open:i p50_days:f p90_days:f on_time_rate:f n_due:i",
    "routes": "origin_node:s zone:s route_no:i lane_ids:s modes:s cost_base:m p50_days:f p90_days:f is_fastest:b "
    "is_cheapest:b is_balanced:b cost_per_day_saved_base:f breakeven_day_value_base:f",
    "ageing": "warehouse_id:s age_bucket:s pieces:i storage_day_base:m",
    "actions": "warehouse_id:s product_id:s action:s target_warehouse_id:s pieces:i cost_base:m "
    "benefit_base:m reason:s",
    "modes": "market:s mode_id:s n:i n_best:i total_base:m p50_days:f",
    "sites": "warehouse_id:s name:s country:s lat:f lon:f action:s fixed_cost_base:m capacity_units:i served_units:f "
    "served_today_units:f utilisation:f status:s",
    "flows": "warehouse_id:s dest_country:s dest_lat:f dest_lon:f units:f cost_base:m",
    "network": "window_days:i n_opened:i saving_base:m gap:f is_proven:b",
}
D = Decimal
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "changes": [
        ("DE", "W1", 4, 9, 0.4, 0.9, D(2), D(3), "the warehouse is full no more"),
        (None, None, 0, 1, 0.0, 0.1, None, None, "more stays unserved"),
    ],
    "containers": [(HOSTILE, "W1", "US", 2, D(900), D(1800), 75, 4000.0, 49.0, 0.083, 0.875, 0)],
    "unserved": [(HOSTILE, 1, HOSTILE, None, 2, "NO_ADDRESS_OR_RATE", HOSTILE)],
    "lead_times": [
        (HOSTILE, "air", 10, 2, 3.0, 5.5, 0.9, 8),
        ("W1:DE:sea", "sea", 5, 0, 30.0, 41.0, None, None),
    ],
    "routes": [
        ("W1", HOSTILE, 1, "L1", "air", D("9.5"), 2.0, 3.0, True, False, False, 1.25, 1.25),
        ("W1", HOSTILE, 2, "L2", "sea", D("2.0"), 8.0, 9.0, False, True, True, None, None),
    ],
    "ageing": [(HOSTILE, "0_30", 7, D("0.5")), (HOSTILE, "361_plus", 3, D("1.5"))],
    "actions": [("W1", HOSTILE, "re_export", "W2", 3, D(4), D(9), "why")],
    "modes": [(HOSTILE, "direct_mail", 10, 4, D(12), None)],
    "sites": [
        ("W1", HOSTILE, "DE", 51.0, 10.0, "keep", D(900), 100, 99.0, 80.0, 0.99, "ok"),
        ("W2", "Harbour", "PL", None, None, "open", None, None, 1.0, 0.0, None, "FIXED_COST_UNKNOWN"),
    ],
    "flows": [("W1", "FR", 47.0, 2.0, 99.0, D(50)), ("W2", "", None, None, 1.0, D(2))],
    "network": [(28, 2, D("1234.5"), 0.0, True)],
}


def schema(name: str) -> dict[str, Any]:
    if name in {"changes", "containers"}:
        return dict(CHANGE_SCHEMA if name == "changes" else CONTAINER_SCHEMA)
    return {column: TYPES[kind] for column, kind in (word.split(":") for word in FORMS[name].split())}


def page(rows: dict[str, list[tuple[Any, ...]]]) -> str:
    frames = {name: pl.DataFrame(rows.get(name, []), schema=schema(name), orient="row") for name in ROWS}
    data = LogisticsInput(
        shop=HOSTILE,
        as_of=date(2026, 1, 5),
        base_currency="EUR",
        is_sample=True,
        parcel="A parcel.",
        **frames,
    )
    return render_logistics(data, overview_href="overview.html")


def test_everything_is_shown_and_hostile_names_are_text() -> None:
    """All parts in one document; no markup of a name survives, in tables and in drawings."""
    html = page(ROWS)
    assert "<script" not in html
    assert "\u202e" not in html
    assert "&lt;script&gt;alert(1)" in html
    for shown in (
        "the warehouse is full no more",
        "No address or rate",
        "Containers of the day and how full they are",
        "87.5",
        "W1:DE:sea",
        "1.25",
        "Re export",
        "361+ days",
        "Open W2: saves 1,234.50 EUR in 28 days against the centres open today; 2 centres open, proven best.",
        "2 Harbour (W2), not on the map: place unknown",
        "not known",
    ):
        assert shown in html, shown
    assert "Age unknown" not in html
    assert 'href="overview.html#network"' in html
    assert html.count("<svg role=") == 8
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert page(ROWS) == html


def test_an_empty_shop_is_told_why() -> None:
    """Each part says in a sentence what is not there yet."""
    html = page({})
    for sentence in (
        "There is no plan of the day before",
        "Every ordered piece is served.",
        "No parcel has been shipped yet.",
        "No route has been found yet.",
        "No stock has been counted yet.",
        "Nothing to do",
        "No operation mode is known",
        "No network has been planned",
    ):
        assert sentence in html, sentence
