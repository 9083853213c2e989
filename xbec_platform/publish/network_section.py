"""The plan of centres on the logistics page: map, centres, flows. Text and drawings, no markup of its own."""

from __future__ import annotations

from typing import Any

import polars as pl

from xbec_platform.publish.formats import MISSING, count, money, percent, plural, text
from xbec_platform.publish.page_parts import Table, cells, columns, cut, scaled, words

MAX_FLOWS = 200


def network_section(
    sites: pl.DataFrame, flows: pl.DataFrame, summary: pl.DataFrame, *, base_currency: str
) -> dict[str, object]:
    """What the section shows; without a plan only `sites`: None.

    Args:
        sites: warehouse_id, name, country, lat, lon (null: not known), action, fixed_cost_base, capacity_units,
            served_units, served_today_units, utilisation, status.
        flows: warehouse_id, dest_country, dest_lat, dest_lon, units, cost_base.
        summary: The one row of the plan, empty without a plan.
        base_currency: Of all amounts.
    """
    if summary.is_empty() or sites.is_empty():
        return {"sites": None}
    # Only centres that are open have a number and a place on the map: a closed one sends nothing.
    is_open = pl.col("action").is_in(["keep", "open"])
    ordered = sites.sort(
        is_open, "served_units", "warehouse_id", descending=[True, True, False]
    ).with_columns(label=pl.when(is_open).then(pl.int_range(1, pl.len() + 1)))
    shown: dict[str, object] = {
        "lead": _lead(summary.row(0, named=True), sites, base_currency),
        "sites": _site_table(ordered, base_currency),
        "flows": _flow_table(flows, base_currency),
        "maps": None,
    }
    places = ordered.drop_nulls(["label", "lat", "lon"])
    if places.height:
        from xbec_platform.publish.map_chart import legend, network_maps

        places = places.with_columns(capacity_orders_day="capacity_units", used_units="served_units")
        shown["maps"], shown["legend"] = network_maps(places, flows), legend(flows)
    return shown


def _lead(plan: dict[str, Any], sites: pl.DataFrame, currency: str) -> str:
    """The plan in words: what to change, what it saves, how sure that is."""
    moves = "; ".join(
        f"{action} {', '.join(text(name) for name in sorted(found))}"
        for action in ("open", "close")
        if len(found := sites.filter(pl.col("action") == action)["warehouse_id"])
    )
    saving = f"saves {money(plan['saving_base'])} {text(currency)} in {plan['window_days']} days"
    proof = "proven best" if plan["is_proven"] else f"at most {percent(plan['gap'])} above the best"
    what = f"{moves}: {saving} against the centres open today" if moves else "Keep the centres as they are"
    open_now = plural(int(plan["n_opened"]), "centre", "centres")
    return f"{what[0].upper()}{what[1:]}; {open_now} open, {proof}."


def _site_table(sites: pl.DataFrame, currency: str) -> Table:
    rows = []
    for row in sites.iter_rows(named=True):
        number = "" if row["label"] is None else f"{row['label']} "
        name = f"{number}{text(row['name'])} ({text(row['warehouse_id'])})"
        if number and (row["lat"] is None or row["lon"] is None):
            name += ", not on the map: place unknown"
        cost = row["fixed_cost_base"]
        rows.append(
            (
                *cells(
                    name,
                    text(row["country"]),
                    words(row["action"]),
                    "not known" if cost is None else money(cost),
                    count(round(row["served_today_units"])),
                    count(round(row["served_units"])),
                ),
                scaled(
                    MISSING if row["utilisation"] is None else percent(row["utilisation"]),
                    row["utilisation"],
                    1.0,
                ),
            )
        )
    heads = columns(
        "Centre", "Country", "Action", f"Fixed cost, {currency}", "Pieces today", "Pieces in the plan", "Utilisation",
        numeric_from=3,
    )  # fmt: skip
    return Table(
        caption="Centres of the plan for four weeks, by pieces sent", columns=heads, rows=tuple(rows)
    )


def _flow_table(flows: pl.DataFrame, currency: str) -> Table:
    ordered = flows.sort("units", "warehouse_id", "dest_country", descending=[True, False, False])
    largest = max((float(units) for units in ordered["units"]), default=0.0)
    rows, note = cut(
        [
            (
                *cells(text(row["warehouse_id"]), text(row["dest_country"] or "no country")),
                scaled(count(round(row["units"])), float(row["units"]), largest),
                *cells(money(row["cost_base"])),
            )
            for row in ordered.iter_rows(named=True)
        ],
        MAX_FLOWS,
    )
    heads = columns("From", "To country", "Pieces", f"Cost, {currency}", numeric_from=2)
    return Table(caption="Planned flows of four weeks, largest first", columns=heads, rows=rows, note=note)
