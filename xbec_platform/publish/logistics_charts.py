"""Charts of the logistics page: lead times, efficient routes, stock by age. No page, no new numbers."""

from __future__ import annotations

import altair as alt
import polars as pl

from xbec_platform.publish.charts import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Figure,
    house_style,
    to_svg,
)

AGE_COLOURS = {
    "0-30": BLUE,
    "31-60": SKY,
    "61-90": GREEN,
    "91-180": ORANGE,
    "181-360": VERMILLION,
    "361+": PURPLE,
    "unknown": FAINT,
}
WIDE, NARROW = 900, 310
_COLUMNS = 3


def lead_times(lanes: pl.DataFrame) -> Figure:
    """Draw P50 to P90 of each lane as a bar, the fastest first.

    Args:
        lanes: label, p50_days, p90_days.
    """
    order = lanes.sort("p90_days", "label")["label"].to_list()
    label = (
        "Bars from the usual to the slow time of each lane, in days. The same numbers are in the table below."
    )

    def chart(width: int, limit: int) -> alt.TopLevelMixin:
        base = alt.Chart(lanes)
        y = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=limit, minExtent=limit + 10))
        days = alt.Scale(zero=True, nice=True)
        spans = base.mark_bar(height=9, color=SKY).encode(
            x=alt.X("p50_days:Q", title="days, P50 (dot) to P90", scale=days),
            x2="p90_days:Q",
            y=y,
        )
        usual = base.mark_point(filled=True, size=45, color=INK).encode(
            x=alt.X("p50_days:Q", scale=days), y=y
        )
        return alt.layer(spans, usual).properties(width=width, height=18 * lanes.height)

    return _figure(chart(WIDE - 190, 170), chart(NARROW - 130, 115), label, "lead")


def efficient_routes(routes: pl.DataFrame, *, currency: str) -> Figure:
    """Draw the efficient routes of some pairs, cost against days, one panel each.

    Args:
        routes: pair, p50_days, cost, kind (fastest, cheapest, balanced or other).
        currency: Of the cost.
    """
    pairs = routes["pair"].unique(maintain_order=True).to_list()
    label = "Cost against days of the efficient routes of each pair. The same numbers are in the table below."

    def panel(pair: str, width: int) -> alt.LayerChart | alt.FacetChart:
        base = alt.Chart(routes.filter(pl.col("pair") == pair).sort("p50_days"))
        x = alt.X("p50_days:Q", title="days (P50)", scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4))
        y = alt.Y("cost:Q", title=currency, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4))
        steps = base.mark_line(interpolate="step-after", color=FAINT, strokeWidth=1.5).encode(x=x, y=y)
        shape = alt.Scale(
            domain=["fastest", "cheapest", "balanced", "other"],
            range=["triangle-up", "square", "diamond", "circle"],
        )
        colour = alt.Scale(
            domain=["fastest", "cheapest", "balanced", "other"], range=[VERMILLION, BLUE, GREEN, FAINT]
        )
        points = base.mark_point(filled=True, size=80, opacity=1).encode(
            x=x, y=y, color=alt.Color("kind:N", scale=colour), shape=alt.Shape("kind:N", scale=shape)
        )
        return alt.layer(steps, points).properties(width=width, height=150, title=pair)

    def grid(columns: int, width: int) -> alt.TopLevelMixin:
        return alt.concat(*(panel(pair, width) for pair in pairs), columns=columns, spacing=30)

    return _figure(grid(_COLUMNS, 230), grid(1, NARROW - 60), label, "pareto")


def stock_by_age(ages: pl.DataFrame) -> Figure:
    """Draw pieces by age as stacked bars, one for each warehouse.

    Args:
        ages: warehouse, age (keys of AGE_COLOURS), pieces.
    """
    order = (
        ages.group_by("warehouse")
        .agg(pl.col("pieces").sum())
        .sort("pieces", "warehouse", descending=[True, False])
    )["warehouse"].to_list()
    present = [age for age in AGE_COLOURS if age in set(ages["age"])]
    ranked = ages.with_columns(
        rank=pl.col("age").replace_strict({age: i for i, age in enumerate(AGE_COLOURS)})
    )
    label = (
        "Stacked bars of pieces by days in stock for each warehouse. The same numbers are in the table below."
    )

    def chart(width: int, limit: int) -> alt.TopLevelMixin:
        colour = alt.Scale(domain=present, range=[AGE_COLOURS[age] for age in present])
        bars: alt.TopLevelMixin = (
            alt.Chart(ranked)
            .mark_bar()
            .encode(
                x=alt.X("sum(pieces):Q", title="pieces", axis=alt.Axis(tickCount=5)),
                y=alt.Y(
                    "warehouse:N",
                    sort=order,
                    title=None,
                    axis=alt.Axis(labelLimit=limit, minExtent=limit + 10),
                ),
                color=alt.Color("age:N", scale=colour),
                order=alt.Order("rank:Q"),
            )
            .properties(width=width, height=22 * len(order))
        )
        return bars

    return _figure(chart(WIDE - 110, 90), chart(NARROW - 90, 70), label, "age")


def _figure(wide: alt.TopLevelMixin, narrow: alt.TopLevelMixin, label: str, prefix: str) -> Figure:
    return Figure(
        wide=to_svg(house_style(wide, room=6), label=label, prefix=f"{prefix}-w"),
        narrow=to_svg(house_style(narrow, room=6), label=label, prefix=f"{prefix}-n"),
        label=label,
    )
