"""The pre-sale board: who will pay, what leaves for which centre, what it came to. No database, only sums are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from xbec_platform.publish.formats import count, day, money, percent, plural, text
from xbec_platform.publish.page_parts import Cell, Table, Tile, cells, columns, cut, scaled, words
from xbec_platform.publish.pages import environment

SHOWN_ROWS = 25
_TENTH = "{:,.1f}"


@dataclass(frozen=True, kw_only=True)
class PresaleBoard:
    """What the page shows.

    Attributes:
        shop: Name shown to people.
        as_of: Day up to whose end everything is known.
        currency: Base currency.
        presales: By pre-sale: presale_id, title, balance_open_ts, n_deposits, expected_paid, n_paid, send_units,
            expected_cost_base.
        plan: presale_id, title, warehouse_id, origin_node, is_last_call, n_orders, expected_units, critical_ratio,
            send_units, hours_saved, expected_cost_base, at_risk_base, status; of today.
        reasons: reason, orders; of deposits planned for no centre.
        summary: Columns of `logistics.presale_day.SUMMARY_SCHEMA`, one row or none.
        calibration: balance_open_date, bin, n_deposits, predicted, observed, method, calibration_error.
        outcomes: as_of_date, days_after_close, n_presales, sent_units, used_units, misplaced_units, late_shipped_units,
            hours_saved, cost_base, hindsight_cost_base, hours_to_door_centre, hours_to_door_elsewhere; newest first.
    """

    shop: str
    as_of: date
    currency: str
    presales: pl.DataFrame
    plan: pl.DataFrame
    reasons: pl.DataFrame
    summary: pl.DataFrame
    calibration: pl.DataFrame
    outcomes: pl.DataFrame


def render_presales(data: PresaleBoard) -> str:
    """Render the board: one HTML document without scripts or outside references. Equal input gives equal bytes."""
    context = {
        "shop": text(data.shop),
        "as_of": day(data.as_of),
        "tiles": _tiles(data),
        "leaving": _plan(
            data.plan.filter(pl.col("is_last_call") & (pl.col("send_units") > 0)), "Leaves tomorrow morning"
        ),
        "plan": _plan(data.plan, "Plan by pre-sale and centre"),
        "presales": _presales(data.presales),
        "reasons": _reasons(data.reasons),
        "calibration": _calibration(data.calibration),
        "outcomes": _outcomes(data.outcomes),
    }
    return environment().get_template("presale_board.html.j2").render(context)


def _tiles(data: PresaleBoard) -> tuple[Tile, ...]:
    row = data.summary.row(0, named=True) if data.summary.height else {}
    paid = int(data.presales["n_paid"].sum())
    expected = float(data.presales["expected_paid"].sum())
    return (
        Tile(
            label="Deposits",
            value=count(int(data.presales["n_deposits"].sum())),
            notes=(
                f"{plural(data.presales.height, 'pre-sale', 'pre-sales')} running",
                f"{count(paid)} paid in full",
            ),
        ),
        Tile(
            label="Expected to be paid",
            value=_TENTH.format(expected),
            notes=("balances, paid ones included",),
        ),
        Tile(
            label="Pieces to send ahead",
            value=count(row.get("send_units", 0)),
            notes=(f"{count(row.get('last_call_units', 0))} must leave tomorrow",),
        ),
        Tile(
            label="Hours saved",
            value=_TENTH.format(row.get("hours_saved", 0.0)),
            notes=("expected, all pieces",),
        ),
        Tile(
            label="Against sending nothing",
            value=money(row.get("expected_cost_base", 0)),
            unit=data.currency,
            notes=(f"all to the nearest centre: {money(row.get('nearest_cost_base', 0))}", "below 0 saves"),
        ),
        Tile(
            label="At risk",
            value=money(row.get("at_risk_base", 0)),
            unit=data.currency,
            notes=("pieces nobody pays for",),
        ),
    )


def _presales(presales: pl.DataFrame) -> Table:
    largest = _largest(presales["n_deposits"])
    rows = [
        (
            Cell(text=_named(row["presale_id"], row["title"])),
            Cell(text=f"{row['balance_open_ts']:%Y-%m-%d %H:%M}"),
            scaled(count(row["n_deposits"]), row["n_deposits"], largest),
            Cell(text=_TENTH.format(row["expected_paid"])),
            Cell(text=count(row["n_paid"])),
            Cell(text=count(row["send_units"])),
            Cell(text=money(row["expected_cost_base"])),
        )
        for row in presales.sort("n_deposits", "presale_id", descending=[True, False]).iter_rows(named=True)
    ]
    shown, note = cut(rows, SHOWN_ROWS)
    heads = columns(
        "Pre-sale",
        "Balance opens, UTC",
        "Deposits",
        "Expected paid",
        "Paid",
        "Send ahead",
        "Cost",
        numeric_from=2,
    )
    return Table(caption="Running pre-sales", columns=heads, rows=shown, note=note)


def _plan(plan: pl.DataFrame, caption: str) -> Table:
    largest = _largest(plan["send_units"])
    order = ["send_units", "expected_units", "presale_id", "warehouse_id"]
    rows = [
        (
            Cell(text=_named(row["presale_id"], row["title"])),
            Cell(text=f"{text(row['origin_node'])} → {text(row['warehouse_id'])}"),
            scaled(count(row["send_units"]), row["send_units"], largest),
            Cell(text=_TENTH.format(row["expected_units"])),
            Cell(text=percent(row["critical_ratio"])),
            Cell(text=_TENTH.format(row["hours_saved"])),
            Cell(text=money(row["expected_cost_base"])),
            Cell(text=words(row["status"]), alert=row["status"] in {"ROOM_FULL", "STOCK_SHORT"}),
        )
        for row in plan.sort(order, descending=[True, True, False, False]).iter_rows(named=True)
    ]
    shown, note = cut(rows, SHOWN_ROWS)
    heads = columns(
        "Pre-sale", "Way", "Send", "Expected", "Level", "Hours saved", "Cost", "State", numeric_from=2
    )  # fmt: skip
    return Table(caption=caption, columns=heads, rows=shown, note=note)


def _reasons(reasons: pl.DataFrame) -> Table:
    rows = tuple(
        cells(words(reason), count(orders)) for reason, orders in reasons.select("reason", "orders").rows()
    )
    return Table(caption="Deposits planned for no centre", columns=columns("Reason", "Deposits"), rows=rows)


def _calibration(calibration: pl.DataFrame) -> Table:
    rows = tuple(
        cells(
            day(row["balance_open_date"]),
            count(row["bin"]),
            count(row["n_deposits"]),
            percent(row["predicted"]),
            percent(row["observed"]),
            percent(row["calibration_error"]),
            words(row["method"]),
        )
        for row in calibration.sort("balance_open_date", "bin", descending=[True, False]).iter_rows(
            named=True
        )
    )
    heads = columns(
        "Balances from", "Bin", "Deposits", "Predicted", "Came true", "Error of the window", "Method"
    )
    return Table(
        caption="Chances as they were predicted before the window, and what came true",
        columns=heads,
        rows=rows,
    )


def _outcomes(outcomes: pl.DataFrame) -> Table:
    rows = tuple(
        (
            *cells(day(row["as_of_date"]), count(row["days_after_close"]), count(row["n_presales"])),
            *cells(count(row["sent_units"]), count(row["used_units"])),
            Cell(text=_share(row["misplaced_units"], row["sent_units"])),
            *cells(count(row["late_shipped_units"]), _TENTH.format(row["hours_saved"])),
            *cells(money(row["cost_base"]), money(row["hindsight_cost_base"])),
            *cells(_hours(row["hours_to_door_centre"]), _hours(row["hours_to_door_elsewhere"])),
        )
        for row in outcomes.iter_rows(named=True)
    )
    heads = columns(
        "Measured", "Days", "Pre-sales", "Sent", "Used", "Misplaced", "Sent after", "Hours saved", "Cost", "Hindsight",
        "Door, h", "Elsewhere, h",
    )  # fmt: skip
    return Table(caption="What it came to, against shipping all after the balance", columns=heads, rows=rows)


def _share(part: int, whole: int) -> str:
    return percent(part / whole) if whole else ""


def _hours(value: float | None) -> str:
    return "" if value is None else _TENTH.format(value)


def _named(identifier: object, title: object) -> str:
    return f"{text(identifier)} · {text(title)}" if title else text(identifier)


def _largest(values: pl.Series) -> float | None:
    found = values.max()
    return float(found) if isinstance(found, int | float) else None
