"""Charts: right numbers drawn, no network, equal bytes, words beside pictures."""

import subprocess
import sys
from datetime import date, timedelta

import altair as alt
import polars as pl
import pytest

from xbec_platform.publish import charts

FIRST = date(2020, 1, 1)


def days(n: int, *, closed: tuple[int, ...] = ()) -> pl.DataFrame:
    """Days with 10, 20, 30, ... gross; net half of it; 1, 2, 3, ... orders."""
    open_days = [i for i in range(n) if i not in closed]
    return pl.DataFrame(
        {
            "kpi_date": [FIRST + timedelta(days=i) for i in open_days],
            "gross_base": [10.0 * (i + 1) for i in open_days],
            "net_base": [5.0 * (i + 1) for i in open_days],
            "n_orders": [i + 1 for i in open_days],
        }
    )


def test_drawing_libraries_are_loaded_only_to_draw() -> None:
    """Altair costs a second of start-up in every run process; nobody pays it before a page is drawn."""
    code = (
        "import sys; import xbec_platform.publish.pages, xbec_platform.publish.exports;"
        "print(sorted({'altair', 'vl_convert', 'duckdb', 'dagster'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_chart_cannot_reach_the_network() -> None:
    """Data by address is refused before any request: a page must not depend on a network, nor leak to one."""
    chart = alt.Chart(alt.UrlData("https://example.org/x.csv")).mark_point()
    with pytest.raises(ValueError, match="example.org"):
        charts.to_svg(chart, label="x", prefix="x")


def test_equal_charts_give_equal_bytes_and_own_ids() -> None:
    """The converter numbers its clip paths through the life of the process; pages are compared by bytes."""
    chart = alt.Chart(days(3)).mark_line(clip=True).encode(x="kpi_date:T", y="net_base:Q")
    first, second = (charts.to_svg(chart, label="x", prefix="a") for _ in range(2))
    assert first == second
    assert 'id="a-clip0"' in first
    assert 'id="b-clip0"' in charts.to_svg(chart, label="x", prefix="b")


def test_the_label_is_escaped() -> None:
    """The label is put into the SVG by hand, so it needs its own escaping."""
    svg = charts.to_svg(alt.Chart(days(1)).mark_point(), label='"><script>', prefix="x")
    assert svg.startswith('<svg role="img" aria-label="&quot;&gt;&lt;script&gt;"')


def test_every_day_fills_closed_days_with_zero_up_to_the_last_day() -> None:
    """A mean over days with orders only would be too high for a shop that closes."""
    daily = charts.every_day(days(5, closed=(2,)), last_day=FIRST + timedelta(days=6))
    assert daily["gross_base"].to_list() == [10.0, 20.0, 0.0, 40.0, 50.0, 0.0, 0.0]
    assert daily["has_row"].to_list() == [True, True, False, True, True, False, False]


@pytest.mark.parametrize("n", [1, 13, 14, 800])
def test_the_trend_draws_any_number_of_days(n: int) -> None:
    """From the first day of a shop to two years; the label names the days drawn."""
    figure = charts.daily_trend(days(n), currency="EUR")
    assert f"{FIRST} to {FIRST + timedelta(days=n - 1)}" in figure.label
    for svg in (figure.wide, figure.narrow):
        assert "Sales per day, EUR" in svg
        assert "NaN" not in svg


def test_no_days_is_a_mistake_of_the_caller() -> None:
    """An empty chart says nothing; the page writes a sentence instead."""
    with pytest.raises(ValueError, match="at least one day"):
        charts.daily_trend(days(0), currency="EUR")
