"""The page's sections on sales and customers: header, key figures, groups, one customer. No markup."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from xbec_platform.publish.formats import any_value, clean, count, day, money, percent, plural, text
from xbec_platform.publish.overview_input import CUSTOMER_FACTS, MIN_GROUP, OverviewInput
from xbec_platform.publish.page_parts import Table, Tile, cells, columns, scaled, words

COMPARED_DAYS = 28
MONEY_FACTS = frozenset({"gross_base", "returns_base", "net_base", "aov_base"})


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """One recommended product: what, why, and which model says so."""

    product_id: str
    title: str
    reason: str
    generator: str


@dataclass(frozen=True, kw_only=True)
class GroupCard:
    """One customer group in words; its shares of customers and revenue as text and as bars of 0-100 %."""

    name: str
    evidence: str
    size: str
    share: str
    share_bar: float
    revenue_share: str
    revenue_bar: float


def header(data: OverviewInput) -> dict[str, object]:
    """Return shop name, facts and, where the data ends before the as-of day, a warning."""
    lag = (data.as_of - data.data_end).days if data.data_end else 0
    return {
        "shop_name": text(data.shop_name),
        "facts": [
            ("As of", day(data.as_of)),
            ("Data ends", day(data.data_end) if data.data_end else "no data yet"),
            ("Base currency", text(data.base_currency)),
            ("Filters", text(data.filters)),
        ],
        "warning": f"The data ends {plural(lag, 'day', 'days')} before the as-of day." if lag > 0 else "",
    }


def key_figures(data: OverviewInput) -> dict[str, object]:
    """Return tiles and the table of days; the chart is drawn from the same frame."""
    kpi = data.kpi.sort("kpi_date") if data.kpi.height else data.kpi
    if kpi.is_empty():
        return {"empty": data.why_empty("kpi")}
    first, last = kpi["kpi_date"][0], kpi["kpi_date"][-1]
    return {
        "empty": "",
        "lead": f"{day(first)} to {day(last)}, {plural(kpi.height, 'day', 'days')} with data. "
        f"Amounts in {text(data.base_currency)}.",
        "tiles": _tiles(kpi, data.base_currency, data.data_end or last),
        "table": _days_table(kpi, data.base_currency),
    }


def _tiles(kpi: pl.DataFrame, currency: str, data_end: date) -> list[Tile]:
    gross, returns, net = (_total(kpi[name]) for name in ("gross_base", "returns_base", "net_base"))
    orders = int(_total(kpi["n_orders"]))
    anonymous = int(_total(kpi["n_anonymous_orders"]))
    changes = {name: _change(kpi, name, data_end) for name in ("net_base", "gross_base", "n_orders")}
    average = gross / orders if orders else None
    return [
        Tile(label="Net sales", value=money(net), unit=currency, notes=changes["net_base"]),
        Tile(label="Gross sales", value=money(gross), unit=currency, notes=changes["gross_base"]),
        Tile(
            label="Returns",
            value=money(returns),
            unit=currency,
            notes=(f"{percent(returns / gross)} of gross sales",) if gross else (),
        ),
        Tile(
            label="Orders",
            value=count(orders),
            notes=(
                *changes["n_orders"],
                *([f"{count(anonymous)} without a customer id"] if anonymous else []),
            ),
        ),
        Tile(
            label="Average order",
            value=money(average),
            unit=currency,
            notes=("gross sales per order",),
        ),
        Tile(
            label="New customers",
            value=count(int(_total(kpi["n_new_customers"]))),
            notes=("first order in these days",),
        ),
    ]


def _total(values: pl.Series) -> Decimal:
    """Sum exactly: decimals stay decimals, floats are taken at their shortest notation."""
    return sum((Decimal(str(value)) for value in values.drop_nulls()), Decimal(0))


def _change(kpi: pl.DataFrame, name: str, data_end: date) -> tuple[str, ...]:
    """Return how the last 28 days compare with the 28 before; nothing when the days do not reach that far."""
    middle = data_end - timedelta(days=COMPARED_DAYS)
    start = middle - timedelta(days=COMPARED_DAYS)
    if kpi["kpi_date"][0] > start + timedelta(days=1):
        return ()
    now = _total(kpi.filter(pl.col("kpi_date") > middle)[name])
    before = _total(kpi.filter((pl.col("kpi_date") > start) & (pl.col("kpi_date") <= middle))[name])
    if before <= 0:
        return ()
    return (f"Last {COMPARED_DAYS} days: {percent(now / before - 1, signed=True)}",)


def _days_table(kpi: pl.DataFrame, currency: str) -> Table:
    rows = tuple(
        cells(
            day(row["kpi_date"]),
            count(row["n_orders"]),
            count(row["n_customers"]),
            money(row["gross_base"]),
            money(row["returns_base"]),
            money(row["net_base"]),
        )
        for row in kpi.sort("kpi_date", descending=True).iter_rows(named=True)
    )
    heads = columns("Day (UTC)", "Orders", "Customers", "Gross sales", "Returns", "Net sales")
    return Table(
        caption=f"Sales per day, newest first, amounts in {text(currency)}", columns=heads, rows=rows
    )


def groups(data: OverviewInput) -> dict[str, object]:
    """Return the customer groups as cards and the RFM segments as a table; small ones are left out."""
    clusters, hidden_clusters = _large_groups(data.clusters)
    rfm, hidden_rfm = _large_groups(data.rfm_segments)
    cards = [_card(row) for row in _sorted(clusters, "revenue_share", "cluster_key")]
    return {
        "cards": cards,
        "cards_empty": data.why_empty("clusters") if data.clusters.is_empty() else "",
        "cards_hidden": _hidden(hidden_clusters, "group"),
        "lead": _groups_lead(cards),
        "rfm": _rfm_table(rfm, data.base_currency),
        "rfm_empty": data.why_empty("rfm_segments") if data.rfm_segments.is_empty() else "",
        "rfm_hidden": _hidden(hidden_rfm, "segment"),
    }


def _large_groups(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return the groups large enough to show and the number of the others; an unknown size is small."""
    if frame.is_empty():
        return frame, 0
    large = frame.filter(pl.col("n_customers").fill_null(0) >= MIN_GROUP)
    return large, frame.height - large.height


def _hidden(n: int, noun: str) -> str:
    if n == 0:
        return ""
    verb = "is" if n == 1 else "are"
    return f"{plural(n, noun, noun + 's')} of fewer than {MIN_GROUP} customers {verb} hidden."


def _sorted(frame: pl.DataFrame, by: str, tie: str) -> list[dict[str, object]]:
    if frame.is_empty():
        return []
    return frame.sort(by, tie, descending=[True, False], nulls_last=True).to_dicts()


def _card(row: Mapping[str, object]) -> GroupCard:
    share, revenue = Decimal(str(row["share"] or 0)), Decimal(str(row["revenue_share"] or 0))
    return GroupCard(
        name=text(row["name"]),
        evidence=text(row["evidence"]),
        size=plural(int(Decimal(str(row["n_customers"]))), "customer", "customers"),
        share=percent(share),
        share_bar=_bar(share),
        revenue_share=percent(revenue),
        revenue_bar=_bar(revenue),
    )


def _bar(share: Decimal) -> float:
    return round(float(min(max(share, Decimal(0)), Decimal(1))) * 100, 1)


def _groups_lead(cards: Sequence[GroupCard]) -> str:
    if not cards:
        return ""
    top = cards[0]
    return f"“{top.name}” are {top.share} of the grouped customers and bring {top.revenue_share} of revenue."


def _rfm_table(rfm: pl.DataFrame, currency: str) -> Table | None:
    if rfm.is_empty():
        return None
    rows = _sorted(rfm, "net_base", "segment")
    most, highest = (max(float(str(row[name] or 0)) for row in rows) for name in ("n_customers", "net_base"))
    return Table(
        caption=f"RFM segments by net sales, amounts in {text(currency)}",
        columns=columns("Segment", "Customers", "Net sales"),
        rows=tuple(
            (
                *cells(words(row["segment"])),
                scaled(count(Decimal(str(row["n_customers"]))), float(str(row["n_customers"])), most),
                scaled(money(Decimal(str(row["net_base"] or 0))), float(str(row["net_base"] or 0)), highest),
            )
            for row in rows
        ),
    )


def one_customer(data: OverviewInput) -> dict[str, object]:
    """Return one customer's facts, habits and both lists of suggestions."""
    if not data.customer:
        return {"empty": data.why_empty("customer")}
    return {
        "empty": "",
        "facts": [(label, _fact(key, data)) for key, label in CUSTOMER_FACTS.items() if key in data.customer],
        "habits": [(text(label), any_value(value)) for label, value in data.habits.items()],
        "habits_empty": "" if data.habits else data.why_empty("habits"),
        "discover": [_discovery(row) for row in _ranked(data.discover)],
        "discover_empty": data.why_empty("discover") if data.discover.is_empty() else "",
        "replenish": [_replenishment(row) for row in _ranked(data.replenish)],
        "replenish_empty": data.why_empty("replenish") if data.replenish.is_empty() else "",
    }


def _fact(key: str, data: OverviewInput) -> str:
    value = data.customer[key]
    if key == "segment":
        return words(value)
    if value is None or key not in MONEY_FACTS:
        return any_value(value)
    return f"{money(Decimal(str(value)))} {clean(data.base_currency)}"


def _ranked(frame: pl.DataFrame) -> list[dict[str, object]]:
    return [] if frame.is_empty() else frame.sort("rank", "product_id").to_dicts()


def _discovery(row: Mapping[str, object]) -> Suggestion:
    if row["reason_product_id"] is None:
        reason = "No single purchase behind it: liked by customers in general"
    else:
        bought = text(row["reason_product_id"])
        reason = (
            f"Because of {text(row['reason_title'])} ({bought})"
            if row["reason_title"]
            else f"Because of {bought}"
        )
    return Suggestion(
        product_id=text(row["product_id"]),
        title=text(row["title"]),
        reason=reason,
        generator=words(row["generator"]),
    )


def _replenishment(row: Mapping[str, object]) -> Suggestion:
    orders, last = row["n_orders"], row["last_order_date"]
    known = (
        [f"Bought in {plural(int(Decimal(str(orders))), 'order', 'orders')}"]
        if orders is not None
        else ["Bought before"]
    )
    if isinstance(last, date):
        known.append(f"last on {day(last)}")
    return Suggestion(
        product_id=text(row["product_id"]),
        title=text(row["title"]),
        reason=", ".join(known),
        generator=words(row["generator"]),
    )
