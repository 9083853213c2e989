"""The pre-sale board: numbers as they are, names as text, empty days in words."""

from dataclasses import replace
from datetime import date, datetime

import polars as pl
import pytest

from xbec_platform.publish.presale_page import PresaleBoard, render_presales

HOSTILE = '"><script>alert(1)</script>{{7*7}}'


def board() -> PresaleBoard:
    """One pre-sale of a product with a hostile name, planned for a full centre; one window closed before."""
    return PresaleBoard(
        shop=HOSTILE,
        as_of=date(2025, 11, 5),
        currency="EUR",
        presales=pl.DataFrame(
            {
                "presale_id": ["PS1"],
                "title": [HOSTILE],
                "balance_open_ts": [datetime(2025, 11, 10, 16)],
                "n_deposits": [12],
                "expected_paid": [9.25],
                "n_paid": [1],
                "send_units": [7],
                "expected_cost_base": [-31.5],
            }
        ),
        plan=pl.DataFrame(
            {
                "presale_id": ["PS1"],
                "title": [None],
                "warehouse_id": [HOSTILE],
                "origin_node": ["CN-1"],
                "is_last_call": [True],
                "n_orders": [12],
                "expected_units": [9.25],
                "critical_ratio": [0.75],
                "send_units": [7],
                "hours_saved": [168.0],
                "expected_cost_base": [-31.5],
                "at_risk_base": [2.5],
                "status": ["ROOM_FULL"],
            }
        ),
        reasons=pl.DataFrame({"reason": ["NO_ADDRESS"], "orders": [3]}),
        summary=pl.DataFrame(
            {
                "send_units": [7],
                "last_call_units": [7],
                "hours_saved": [168.0],
                "expected_cost_base": [-31.5],
                "nearest_cost_base": [4.0],
                "at_risk_base": [2.5],
            }
        ),
        calibration=pl.DataFrame(
            {
                "balance_open_date": [date(2025, 6, 17)],
                "bin": [1],
                "n_deposits": [50],
                "predicted": [0.7],
                "observed": [0.72],
                "method": ["logistic_beta"],
                "calibration_error": [0.02],
            }
        ),
        outcomes=pl.DataFrame(
            {
                "as_of_date": [date(2025, 6, 20)],
                "days_after_close": [0],
                "n_presales": [1],
                "sent_units": [4],
                "used_units": [3],
                "misplaced_units": [1],
                "late_shipped_units": [2],
                "hours_saved": [72.0],
                "cost_base": [-9.0],
                "hindsight_cost_base": [-14.0],
                "hours_to_door_centre": [None],
                "hours_to_door_elsewhere": [96.0],
            },
            schema_overrides={"hours_to_door_centre": pl.Float64},
        ),
    )


def test_numbers_and_states_are_shown() -> None:
    """What must leave, the misplaced share, the reason in words, the state that needs attention."""
    html = render_presales(board())
    for shown in ("Leaves tomorrow", "25.0\u00a0%", "No address", "Room full", "CN-1 →", "2025-11-10 16:00"):
        assert shown in html, shown
    assert html.count(" alert") >= 1


def test_names_are_text_and_nothing_is_requested() -> None:
    """No script, no address, the template's language is not obeyed; equal input gives equal bytes."""
    html = render_presales(board())
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "{{7*7}}" in html
    assert "http" not in html.replace("http-equiv", "")
    assert html == render_presales(board())


@pytest.mark.parametrize("name", ["presales", "plan", "reasons", "summary", "calibration", "outcomes"])
def test_each_part_may_be_empty(name: str) -> None:
    """A day without pre-sales says so in words."""
    data = board()
    html = render_presales(replace(data, **{name: getattr(data, name).clear()}))
    assert 'class="empty"' in html or name == "summary"
