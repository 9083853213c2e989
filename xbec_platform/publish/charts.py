"""Static SVG charts: house style, conversion, daily trend. No page, no network; maps are in map_chart.py."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from itertools import count

import altair as alt
import polars as pl
import vl_convert

# Okabe & Ito (2008): told apart with every common colour vision.
BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
)
INK, MUTED, RULE, FAINT = "#1B2430", "#55606E", "#DDE2E8", "#B9C1CB"

# A reader's own font: embedding or fetching one would break "works offline" or the size of the page.
FONT = "system-ui, sans-serif"
MEAN_DAYS = 7
# Below two weeks a 7-day mean hides more than it shows.
MIN_DAYS_FOR_MEAN = 14

_CLIP_ID = re.compile(r"\bclip\d+\b")
_PATH = re.compile(r' d="[^"]*"')
_DECIMALS = re.compile(r"(\.\d)\d+")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One chart as two inline SVG texts, for wide and narrow screens, with what they show in words."""

    wide: str
    narrow: str
    label: str


def to_svg(
    chart: alt.TopLevelMixin,
    *,
    label: str,
    prefix: str,
    datasets: Mapping[str, Sequence[object]] | None = None,
) -> str:
    """Convert a chart to SVG fit for inlining: one accessible image, ids of its own, no network.

    Args:
        chart: any Altair chart.
        label: what the chart shows, read out by screen readers.
        prefix: unique on the page; SVGs in one document share the namespace of ids.
        datasets: what the chart calls `alt.NamedData`. Altair walks and copies data inside a chart several
            times: 3 CPU s for the 8,000 points of a land outline.

    Returns:
        The `<svg>` element. Equal charts give equal bytes.

    Raises:
        ValueError: the chart refers to data outside itself.
    """
    with alt.data_transformers.enable("default", max_rows=None):
        # The form of a chart is fixed in code and tested; checking it against the schema doubles the time.
        spec = chart.to_dict(validate=False)
    spec["datasets"] = {**spec.get("datasets", {}), **(datasets or {})}
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    # The converter numbers clip paths through the life of the process.
    numbers: dict[str, str] = {}
    fresh = count()
    svg = _CLIP_ID.sub(lambda m: numbers.setdefault(m[0], f"{prefix}-clip{next(fresh)}"), svg)
    # A tenth of a pixel is finer than any screen; three digits make the land outlines a third larger.
    svg = _PATH.sub(lambda m: _DECIMALS.sub(r"\1", m[0]), svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" focusable="false" ', 1)


def house_style(chart: alt.TopLevelMixin, *, room: int = 0) -> alt.TopLevelMixin:
    """Return the chart with the fonts, rules and colours all charts of the page share.

    Args:
        chart: any Altair chart.
        room: px kept free right and below; axis labels reach a little over the box the layout measures.
    """
    styled: alt.TopLevelMixin = (
        chart.configure(
            font=FONT,
            background="transparent",
            padding={"left": 0, "top": 0, "right": room, "bottom": room},
            aria=False,
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=MUTED,
            labelFontSize=12,
            titleColor=MUTED,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=RULE,
            domain=False,
            ticks=False,
            labelPadding=6,
        )
        .configure_title(color=INK, fontSize=14, fontWeight=600, anchor="start", offset=10)
        .configure_legend(
            labelColor=INK,
            labelFontSize=13,
            title=None,
            orient="top",
            symbolSize=320,
            symbolStrokeWidth=2.5,
            offset=2,
        )
    )
    return styled


def daily_trend(kpi: pl.DataFrame, *, currency: str, last_day: date | None = None) -> Figure:
    """Draw gross and net sales and orders day by day, with their 7-day mean.

    Args:
        kpi: kpi_date, gross_base, net_base, n_orders; days may be missing (they count as zero).
        currency: code of the amounts, for the title.
        last_day: where the axis ends; default the last day of `kpi`.

    Returns:
        The figure. The mean is left out below two weeks.

    Raises:
        ValueError: `kpi` is empty.
    """
    if kpi.is_empty():
        raise ValueError("the daily trend needs at least one day: say on the page that there is none instead")
    daily = every_day(kpi, last_day=last_day)
    label = (
        f"Line charts of gross sales, net sales and orders per day, {daily['kpi_date'][0]} to "
        f"{daily['kpi_date'][-1]}. The same numbers are in the table below."
    )
    wide = _trend_chart(daily, currency, width=900, heights=(230, 120), ticks=8)
    narrow = _trend_chart(daily, currency, width=310, heights=(190, 110), ticks=3)
    return Figure(
        wide=to_svg(house_style(wide, room=6), label=label, prefix="trend-w"),
        narrow=to_svg(house_style(narrow, room=6), label=label, prefix="trend-n"),
        label=label,
    )


def every_day(kpi: pl.DataFrame, *, last_day: date | None = None) -> pl.DataFrame:
    """Return one row per calendar day, days without orders as zeros, amounts as floats to draw.

    Columns: kpi_date, gross_base, net_base, n_orders, has_row (whether `kpi` had the day).
    """
    values = ("gross_base", "net_base", "n_orders")
    known: list[date] = kpi["kpi_date"].to_list()
    last = max([*known, last_day or known[0]])
    days = pl.DataFrame({"kpi_date": pl.date_range(min(known), last, timedelta(days=1), eager=True)})
    return (
        days.join(kpi.select("kpi_date", *values, has_row=True), on="kpi_date", how="left")
        .with_columns(pl.col("has_row").fill_null(value=False))
        .with_columns(pl.col(name).cast(pl.Float64).fill_null(0.0) for name in values)
        .sort("kpi_date")
    )


def _trend_chart(
    daily: pl.DataFrame, currency: str, *, width: int, heights: tuple[int, int], ticks: int
) -> alt.TopLevelMixin:
    sales = _panel(
        daily,
        series={"net_base": "Net", "gross_base": "Gross"},
        colors=(BLUE, VERMILLION),
        title=f"Sales per day, {currency}",
        size=(width, heights[0]),
        ticks=ticks,
    )
    orders = _panel(
        daily,
        series={"n_orders": "Orders"},
        colors=(GREEN,),
        title="Orders per day",
        size=(width, heights[1]),
        ticks=ticks,
    )
    panels = alt.vconcat(sales, orders, spacing=28)
    trend: alt.TopLevelMixin = panels.resolve_scale(color="independent", strokeDash="independent")
    return trend


def _panel(
    daily: pl.DataFrame,
    *,
    series: dict[str, str],
    colors: Sequence[str],
    title: str,
    size: tuple[int, int],
    ticks: int,
) -> alt.LayerChart | alt.FacetChart:
    """One panel: single days behind lines of the 7-day mean, or only the days where they are few."""
    has_mean = daily.height >= MIN_DAYS_FOR_MEAN
    value = pl.col("value").rolling_mean(MEAN_DAYS).over("series") if has_mean else pl.col("value")
    long = (
        daily.rename(series)
        .unpivot(on=list(series.values()), index=["kpi_date", "has_row"], variable_name="series")
        .sort("series", "kpi_date")
        .with_columns(day=pl.col("kpi_date").cast(pl.String), line=value)
        .drop("kpi_date")
    )
    names = list(series.values())
    x_axis = alt.Axis(
        grid=False, tickCount=ticks, format="%b %Y" if daily.height > 120 else "%-d %b", labelOverlap=True
    )
    x = alt.X("day:T", title=None, scale=alt.Scale(type="utc"), axis=x_axis)
    # Vega writes "0k" where the other ticks are in thousands.
    y_axis = alt.Axis(labelExpr="datum.value == 0 ? '0' : format(datum.value, '~s')", tickCount=4)
    legend = alt.Legend() if len(names) > 1 else None
    lines = (
        alt.Chart(long)
        .mark_line(strokeWidth=2.5, point=not has_mean)
        .encode(
            x=x,
            y=alt.Y("line:Q", title=None, axis=y_axis),
            color=alt.Color("series:N", scale=alt.Scale(domain=names, range=list(colors)), legend=legend),
            # The second line is dashed: colour alone is lost in a grey print.
            strokeDash=alt.StrokeDash(
                "series:N", scale=alt.Scale(domain=names, range=[[1, 0], [5, 3]][: len(names)]), legend=legend
            ),
        )
    )
    # The line of single days breaks where the shop was closed: falling to zero every Saturday would draw a
    # comb that hides the rest.
    days = long.filter((pl.col("series") == names[0]) & pl.lit(has_mean))
    thin = (
        alt.Chart(days.with_columns(value=pl.when("has_row").then("value")))
        .mark_line(strokeWidth=1, color=FAINT, invalid="break-paths-show-path-domains")
        .encode(x=x, y=alt.Y("value:Q", axis=y_axis))
    )
    return alt.layer(thin, lines).properties(width=size[0], height=size[1], title=title)
