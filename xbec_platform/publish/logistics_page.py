"""The page of logistics: plan and its changes, lead times, routes, stock by age, modes. No database, no new numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from xbec_platform.publish.formats import MISSING, count, day, money, percent, text
from xbec_platform.publish.network_section import network_section
from xbec_platform.publish.page_parts import Cell, Table, cells, columns, cut, scaled, words
from xbec_platform.publish.pages import environment

MAX_ROWS, MAX_LANES = 60, 25
_AGES = {
    "0_30": "0-30",
    "31_60": "31-60",
    "61_90": "61-90",
    "91_180": "91-180",
    "181_360": "181-360",
    "361_plus": "361+",
    "unknown": "unknown",
}


@dataclass(frozen=True, kw_only=True)
class LogisticsInput:
    """What the page shows.

    Attributes:
        shop: Name shown to people.
        as_of: Day of the tables.
        base_currency: Of all amounts.
        is_sample: Whether some warehouses are made up.
        changes: As `logistics.plan_changes` compares the plan with the day before; empty without one.
        unserved: order_id, line_no, product_id, ship_country, qty, reason, detail.
        containers: Columns of `logistics.assignment_schema.CONTAINER_SCHEMA`; empty where no lane ships in them.
        lead_times: lane, mode, n_parcels, n_open, p50_days, p90_days, on_time_rate, n_due (null: nothing fell due).
        routes: origin_node, zone, route_no, lane_ids, modes, cost_base, p50_days, p90_days, is_fastest, is_cheapest,
            is_balanced, cost_per_day_saved_base, breakeven_day_value_base: efficient routes of the busiest pairs.
        parcel: In words, what the routes are for.
        ageing: warehouse_id, age_bucket, pieces, storage_day_base.
        actions: Columns of the inventory actions, most worth first.
        sites: Centres of the network plan, see `network_section`; empty without one.
        flows: Its flows.
        network: Its one row.
        modes: market, mode_id, n, n_best, total_base (mean), p50_days (mean): possible modes.
    """

    shop: str
    as_of: date
    base_currency: str
    is_sample: bool
    changes: pl.DataFrame
    unserved: pl.DataFrame
    containers: pl.DataFrame
    lead_times: pl.DataFrame
    routes: pl.DataFrame
    parcel: str
    ageing: pl.DataFrame
    actions: pl.DataFrame
    modes: pl.DataFrame
    sites: pl.DataFrame
    flows: pl.DataFrame
    network: pl.DataFrame


def render_logistics(data: LogisticsInput, *, overview_href: str) -> str:
    """Render the page: one HTML document without scripts or outside references. Equal input gives equal bytes."""
    context = {
        "shop": text(data.shop),
        "as_of": day(data.as_of),
        "sample": "Some warehouses of this network are made up." if data.is_sample else "",
        "overview_href": overview_href,
        "changes": _changes(data.changes),
        "unserved": _unserved(data.unserved),
        "containers": _containers(data),
        "network": network_section(
            data.sites, data.flows, data.network, base_currency=text(data.base_currency)
        ),
        "lead_times": _lead_times(data.lead_times),
        "routes": _routes(data),
        "parcel": text(data.parcel),
        "ageing": _ageing(data),
        "actions": _actions(data),
        "modes": _modes(data),
        "figures": _figures(data),
    }
    return environment().get_template("logistics.html.j2").render(context)


def _figures(data: LogisticsInput) -> dict[str, object]:
    """Draw what there is; the drawing library is loaded only here."""
    from xbec_platform.publish import logistics_charts

    figures: dict[str, object] = {"lead_times": None, "routes": None, "ageing": None}
    lanes = _shown_lanes(data.lead_times)
    if lanes.height:
        named = lanes.with_columns(label=_drawn("lane"))
        figures["lead_times"] = logistics_charts.lead_times(named.select("label", "p50_days", "p90_days"))
    if data.routes.height:
        kind = (
            pl.when("is_fastest").then(pl.lit("fastest"))
            .when("is_cheapest").then(pl.lit("cheapest"))
            .when("is_balanced").then(pl.lit("balanced"))
            .otherwise(pl.lit("other"))
        )  # fmt: skip
        drawn = data.routes.select(
            "p50_days",
            pair=_drawn(pl.format("{} to {}", "origin_node", "zone")),
            cost=pl.col("cost_base").cast(pl.Float64),
            kind=kind,
        )
        figures["routes"] = logistics_charts.efficient_routes(drawn, currency=text(data.base_currency))
    if data.ageing.height:
        figures["ageing"] = logistics_charts.stock_by_age(
            data.ageing.select(
                "pieces", warehouse=_drawn("warehouse_id"), age=pl.col("age_bucket").replace(_AGES)
            )
        )
    return figures


def _drawn(what: str | pl.Expr) -> pl.Expr:
    """Names as a chart may draw them: cleaned, cut to a length that fits."""
    named = pl.col(what) if isinstance(what, str) else what
    return named.map_elements(lambda name: text(name)[:40], return_dtype=pl.String)


def _days(value: float | None) -> str:
    return MISSING if value is None else f"{value:,.1f}"


def _amount(value: Decimal | float | None) -> str:
    return MISSING if value is None else money(value)


def _changes(changes: pl.DataFrame) -> Table:
    rows, note = cut(
        [
            cells(
                text(row["ship_country"] or "no country"),
                text(row["warehouse_id"]) if row["warehouse_id"] else "unserved",
                count(row["pieces_before"]),
                count(row["pieces_now"]),
                percent(row["share_before"]),
                percent(row["share_now"]),
                text(row["cause"]),
            )
            for row in changes.iter_rows(named=True)
        ],
        MAX_ROWS,
    )
    heads = columns("To", "From", "Day before", "Today", "Share before", "Share today", numeric_from=2)
    return Table(
        caption="The plan against the day before, largest changes first",
        columns=(*heads, *columns("Cause")),
        rows=rows,
        note=note,
    )


def _unserved(unserved: pl.DataFrame) -> Table:
    rows, note = cut(
        [
            cells(
                f"{text(row['order_id'])}, line {row['line_no']}",
                text(row["product_id"]),
                text(row["ship_country"] or "no country"),
                words(row["reason"]),
                text(row["detail"]),
                count(row["qty"]),
            )
            for row in unserved.iter_rows(named=True)
        ],
        MAX_ROWS,
    )
    heads = columns("Order", "Product", "To", "Reason", "Evidence", "Pieces", numeric_from=5)
    return Table(caption="Order lines that no warehouse can ship", columns=heads, rows=rows, note=note)


def _shown_lanes(lanes: pl.DataFrame) -> pl.DataFrame:
    return lanes.sort("n_parcels", "lane", descending=[True, False]).head(MAX_LANES)


def _lead_times(lanes: pl.DataFrame) -> Table:
    rows, note = cut(
        [
            (
                *cells(
                    text(row["lane"]),
                    count(row["n_parcels"]),
                    count(row["n_open"]),
                    _days(row["p50_days"]),
                    _days(row["p90_days"]),
                ),
                scaled(percent(row["on_time_rate"]), row["on_time_rate"], 1.0),
                *cells(count(row["n_due"])),
            )
            for row in lanes.sort("n_parcels", "lane", descending=[True, False]).iter_rows(named=True)
        ],
        MAX_ROWS,
    )
    heads = columns("Lane", "Parcels", "Under way", "P50, days", "P90, days", "On time", "Promises due")
    return Table(caption="Lead times of lanes, most parcels first", columns=heads, rows=rows, note=note)


def _routes(data: LogisticsInput) -> Table:
    rows, note = cut(
        [
            cells(
                f"{text(row['origin_node'])} to {text(row['zone'])}",
                text(row["modes"]),
                _days(row["p50_days"]),
                _days(row["p90_days"]),
                _amount(row["cost_base"]),
                _amount(row["cost_per_day_saved_base"]),
                _amount(row["breakeven_day_value_base"]),
            )
            for row in data.routes.iter_rows(named=True)
        ],
        MAX_ROWS,
    )
    currency = text(data.base_currency)
    heads = columns(
        "Pair",
        "Modes in order",
        "P50, days",
        "P90, days",
        f"Cost, {currency}",
        f"{currency} per day saved",
        f"Break-even value of a day, {currency}",
        numeric_from=2,
    )
    return Table(caption="Efficient routes, fastest first", columns=heads, rows=rows, note=note)


def _ageing(data: LogisticsInput) -> Table:
    wide = data.ageing.group_by("warehouse_id").agg(
        pl.col("pieces").sum(),
        pl.col("storage_day_base").sum(),
        *(pl.col("pieces").filter(pl.col("age_bucket") == code).sum().alias(code) for code in _AGES),
    )
    shown = [code for code in _AGES if wide[code].sum()]
    largest = max([float(value or 0) for value in wide["storage_day_base"]], default=0.0)
    rows, note = cut(
        [
            (
                *cells(
                    text(row["warehouse_id"]), count(row["pieces"]), *(count(row[code]) for code in shown)
                ),
                scaled(_amount(row["storage_day_base"]), float(row["storage_day_base"] or 0), largest),
            )
            for row in wide.sort("pieces", "warehouse_id", descending=[True, False]).iter_rows(named=True)
        ],
        MAX_ROWS,
    )
    ages = ["Age unknown" if code == "unknown" else f"{_AGES[code]} days" for code in shown]
    heads = columns("Warehouse", "Pieces", *ages, f"Storage a day, {text(data.base_currency)}")
    return Table(caption="Pieces in stock by days in stock", columns=heads, rows=rows, note=note)


def _containers(data: LogisticsInput) -> Table:
    rows, note = cut(
        [
            (
                *cells(
                    text(row["lane_id"]),
                    text(row["warehouse_id"]),
                    text(row["ship_country"]),
                    count(row["containers"]),
                    count(row["pieces"]),
                    _amount(row["cost_base"]),
                ),
                scaled(percent(row["weight_fill"]), row["weight_fill"], 1.0),
                scaled(percent(row["volume_fill"]), row["volume_fill"], 1.0),
            )
            for row in data.containers.sort("cost_base", "lane_id", descending=[True, False]).iter_rows(
                named=True
            )
        ],
        MAX_ROWS,
    )
    heads = columns(
        "Lane", "From", "To", "Containers", "Pieces", f"Cost, {text(data.base_currency)}", "Payload used", "Room used",
        numeric_from=3,
    )  # fmt: skip
    return Table(caption="Containers of the day and how full they are", columns=heads, rows=rows, note=note)


def _actions(data: LogisticsInput) -> Table:
    rows, note = cut(
        [
            cells(
                words(row["action"]),
                text(row["warehouse_id"]),
                text(row["target_warehouse_id"]) if row["target_warehouse_id"] else MISSING,
                text(row["product_id"]),
                count(row["pieces"]),
                _amount(row["cost_base"]),
                _amount(row["benefit_base"]),
            )
            for row in data.actions.iter_rows(named=True)
        ],
        MAX_ROWS,
    )
    currency = text(data.base_currency)
    heads = columns(
        "Action",
        "Warehouse",
        "To",
        "Product",
        "Pieces",
        f"Cost, {currency}",
        f"Benefit, {currency}",
        numeric_from=4,
    )
    return Table(caption="What to do about stock, most worth first", columns=heads, rows=rows, note=note)


def _modes(data: LogisticsInput) -> Table:
    rows = [
        (
            *cells(text(row["market"]), text(row["mode_id"])),
            scaled(count(row["n_best"]), float(row["n_best"]), float(row["n"])),
            Cell(text=count(row["n"])),
            *cells(_amount(row["total_base"]), _days(row["p50_days"])),
        )
        for row in data.modes.sort("market", "mode_id").iter_rows(named=True)
    ]
    shown, note = cut(rows, MAX_ROWS)
    heads = columns(
        "Market",
        "Mode",
        "Best for articles",
        "of possible",
        f"Mean cost of a piece, {text(data.base_currency)}",
        "P50, days",
        numeric_from=2,
    )
    return Table(caption="Ways to sell by market", columns=heads, rows=shown, note=note)
