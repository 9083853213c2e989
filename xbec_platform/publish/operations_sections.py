"""The page's sections on operations: network, plan, intake, downloads. Text only, no markup."""

from collections.abc import Mapping
from decimal import Decimal
from math import inf

import polars as pl

from xbec_platform.publish.formats import any_value, count, money, number, percent, plural, text
from xbec_platform.publish.overview_input import OverviewInput
from xbec_platform.publish.page_parts import Cell, Table, Tile, cells, columns, cut, scaled, words

MAX_ROWS = 50
MAX_FLOWS = 200
INTAKE_COUNTS = ("files", "rows_in", "loaded", "quarantined", "exact_duplicates", "rejected_files")


def numbered_warehouses(warehouses: pl.DataFrame) -> pl.DataFrame:
    """Return the warehouses with `label` 1, 2, ... by units sent: their number on map and table."""
    if warehouses.is_empty():
        return warehouses
    ordered = warehouses.sort("used_units", "warehouse_id", descending=[True, False], nulls_last=True)
    return ordered.with_row_index("label", offset=1)


def network(data: OverviewInput) -> dict[str, object]:
    """Return the sample notice, a sentence, and the tables of warehouses and flows beside the maps."""
    warehouses = numbered_warehouses(data.warehouses)
    if warehouses.is_empty():
        return {"empty": data.why_empty("warehouses"), "sample": ""}
    flows = data.flows.filter(pl.col("units") > 0) if data.flows.height else data.flows
    names = dict(warehouses.select("warehouse_id", "name").iter_rows())
    return {
        "empty": "",
        "sample": sample_notice(warehouses),
        "lead": _network_lead(warehouses, flows),
        "has_places": bool(warehouses.drop_nulls(["lat", "lon"]).height),
        "warehouses": _warehouse_table(warehouses),
        "flows": _flow_table(flows, names),
        "flows_empty": data.why_empty("flows") if flows.is_empty() else "",
    }


def sample_notice(warehouses: pl.DataFrame) -> str:
    """Return the sentence every sample network must carry; empty when all warehouses are the shop's own."""
    n_sample = int(warehouses["is_sample"].fill_null(value=False).sum()) if warehouses.height else 0
    if n_sample == 0:
        return ""
    if n_sample == warehouses.height:
        return "Sample network, not the shop’s own: made-up warehouses at real places."
    return f"Partly a sample network, not the shop’s own: {n_sample} of {warehouses.height} are made up."


def _network_lead(warehouses: pl.DataFrame, flows: pl.DataFrame) -> str:
    if flows.is_empty():
        return f"{plural(warehouses.height, 'warehouse', 'warehouses')}, nothing sent."
    countries = flows["dest_country"].n_unique()
    units = sum(int(value) for value in flows["units"])
    senders = flows["warehouse_id"].n_unique()
    return (
        f"{plural(units, 'unit', 'units')} from {count(senders)} of "
        f"{plural(warehouses.height, 'warehouse', 'warehouses')} to {plural(countries, 'country', 'countries')}."
    )


def _warehouse_table(warehouses: pl.DataFrame) -> Table:
    rows = []
    for row in warehouses.iter_rows(named=True):
        used, capacity = row["used_units"], row["capacity_orders_day"]
        share = Decimal(str(used)) / Decimal(str(capacity)) if used is not None and capacity else None
        name = f"{row['label']} {text(row['name'])} ({text(row['warehouse_id'])})"
        if row["lat"] is None or row["lon"] is None:
            name += ", not on the map: place unknown"
        rows.append(
            (
                *cells(name, text(row["country"]), count(used), count(capacity)),
                scaled(percent(share), float(share) if share is not None else None, 1.0),
            )
        )
    return Table(
        caption="Warehouses, by units sent",
        columns=columns(
            "Warehouse", "Country", "Units sent", "Capacity per day", "Utilisation", numeric_from=2
        ),
        rows=tuple(rows),
    )


def _flow_table(flows: pl.DataFrame, names: Mapping[str, str]) -> Table | None:
    if flows.is_empty():
        return None
    ordered = flows.sort("units", "warehouse_id", "dest_country", descending=[True, False, False])
    largest = float(ordered["units"][0])
    rows, note = cut(
        [
            (
                *cells(
                    f"{text(names.get(row['warehouse_id'], 'unknown'))} ({text(row['warehouse_id'])})",
                    text(row["dest_country"]),
                ),
                scaled(count(row["units"]), float(row["units"]), largest),
            )
            for row in ordered.iter_rows(named=True)
        ],
        MAX_FLOWS,
    )
    heads = columns("From warehouse", "To country", "Units", numeric_from=2)
    return Table(caption="Flows, largest first", columns=heads, rows=rows, note=note)


def plan(data: OverviewInput) -> dict[str, object]:
    """Return the plan's figures, the unserved units by reason and the limits that bind."""
    return {
        "sample": sample_notice(data.warehouses),
        "empty": "" if data.plan_summary else data.why_empty("plan_summary"),
        "tiles": [_plan_tile(label, value, data.base_currency) for label, value in data.plan_summary.items()],
        "unserved": _unserved_table(data.unserved),
        "unserved_empty": data.why_empty("unserved") if data.unserved.is_empty() else "",
        "bottlenecks": _bottleneck_table(data.bottlenecks, data.base_currency),
        "bottlenecks_empty": data.why_empty("bottlenecks") if data.bottlenecks.is_empty() else "",
    }


def _plan_tile(label: str, value: object, currency: str) -> Tile:
    return Tile(
        label=text(label), value=any_value(value), unit=text(currency) if isinstance(value, Decimal) else ""
    )


def _unserved_table(unserved: pl.DataFrame) -> Table | None:
    if unserved.is_empty():
        return None
    rows = unserved.sort("units", "reason", descending=[True, False]).to_dicts()
    largest = float(rows[0]["units"] or 0)
    return Table(
        caption="Unserved units by reason",
        columns=columns("Reason", "Units", "Order lines"),
        rows=tuple(
            (
                *cells(words(row["reason"])),
                scaled(count(row["units"]), float(row["units"] or 0), largest),
                *cells(count(row["lines"])),
            )
            for row in rows
        ),
        total=cells(
            "All reasons", *(count(sum(int(row[name] or 0) for row in rows)) for name in ("units", "lines"))
        ),
    )


def _bottleneck_table(bottlenecks: pl.DataFrame, currency: str) -> Table | None:
    if bottlenecks.is_empty():
        return None
    ordered = bottlenecks.sort(
        "shadow_price_base",
        "kind",
        "warehouse_id",
        "product_id",
        descending=[True, False, False, False],
        nulls_last=True,
    )
    rows, note = cut(
        [
            cells(
                words(row["kind"]),
                text(row["warehouse_id"]),
                text(row["product_id"]),
                _amount(row["limit"]),
                _amount(row["used"]),
                money(row["shadow_price_base"]),
            )
            for row in ordered.iter_rows(named=True)
        ],
        MAX_ROWS,
    )
    return Table(
        caption="Limits that bind, by what one more unit would save",
        columns=columns(
            "Limit",
            "Warehouse",
            "Product",
            "Available",
            "Used",
            f"Saving per unit, {text(currency)}",
            numeric_from=3,
        ),
        rows=rows,
        note=note,
    )


def _amount(value: float | Decimal | None) -> str:
    return "–" if value is None or value in (inf, -inf) else number(value)


def intake(data: OverviewInput) -> dict[str, object]:
    """Return the account of every row that came in, quarantine reasons and rejected files."""
    reasons, rejects = data.quarantine_reasons, data.rejects
    return {
        "empty": data.why_empty("intake") if data.intake.is_empty() else "",
        **_account(data.intake),
        "reasons": _reason_table(reasons),
        "reasons_empty": data.why_empty("quarantine_reasons") if reasons.is_empty() else "",
        "rejects": _reject_table(rejects),
        "rejects_empty": data.why_empty("rejects") if rejects.is_empty() else "",
    }


def _account(frame: pl.DataFrame) -> dict[str, object]:
    if frame.is_empty():
        return {}
    rows = [{**row, "gap": _gap(row)} for row in frame.sort("feed").to_dicts()]
    totals = {name: sum(int(row[name] or 0) for row in rows) for name in INTAKE_COUNTS}
    off = [row for row in rows if row["gap"]]
    table = Table(
        caption="Rows per feed: in = loaded + quarantined + exact duplicates",
        columns=columns(
            "Feed",
            "Files read",
            "Rows in",
            "Loaded",
            "Quarantined",
            "Exact duplicates",
            "Files rejected",
            "Adds up",
        ),
        rows=tuple(_account_row(text(row["feed"]), row, row["gap"]) for row in rows),
        total=_account_row("All feeds", totals, sum(abs(row["gap"]) for row in rows)),
    )
    lead = (
        f"{count(totals['rows_in'])} rows came in: {count(totals['loaded'])} loaded, "
        f"{count(totals['quarantined'])} quarantined, {count(totals['exact_duplicates'])} exact duplicates. "
    )
    if off:
        lead += f"{plural(len(off), 'feed does', 'feeds do')} not add up."
    else:
        lead += "Every row is accounted for."
    return {"lead": lead, "unbalanced": bool(off), "table": table}


def _gap(row: Mapping[str, int | None]) -> int:
    accounted = sum(int(row[name] or 0) for name in ("loaded", "quarantined", "exact_duplicates"))
    return int(row["rows_in"] or 0) - accounted


def _account_row(feed: str, row: Mapping[str, int], gap: int) -> tuple[Cell, ...]:
    verdict = Cell(text="yes") if gap == 0 else Cell(text=f"off by {count(gap)}", alert=True)
    return (*cells(feed, *(count(row[name]) for name in INTAKE_COUNTS)), verdict)


def _reason_table(reasons: pl.DataFrame) -> Table | None:
    if reasons.is_empty():
        return None
    ordered = reasons.sort("rows", "feed", "reason", descending=[True, False, False], nulls_last=True)
    rows, note = cut(
        [
            cells(text(row["feed"]), text(row["reason"]), count(row["rows"]))
            for row in ordered.iter_rows(named=True)
        ],
        MAX_ROWS,
    )
    heads = columns("Feed", "Reason", "Rows", numeric_from=2)
    return Table(caption="Quarantined rows by reason", columns=heads, rows=rows, note=note)


def _reject_table(rejects: pl.DataFrame) -> Table | None:
    if rejects.is_empty():
        return None
    ordered = rejects.sort("feed", "path", "reason")
    rows, note = cut(
        [
            cells(text(row["feed"]), text(row["path"]), text(row["reason"]))
            for row in ordered.iter_rows(named=True)
        ],
        MAX_ROWS,
    )
    heads = columns("Feed", "File", "Reason", numeric_from=3)
    return Table(caption="Rejected files", columns=heads, rows=rows, note=note)
