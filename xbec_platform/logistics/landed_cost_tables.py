"""Landed cost of many orders: frames in, tables out, and what other rules would change. No arithmetic of rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from statistics import median_low

import polars as pl

from xbec_platform.logistics.assignment_schema import MONEY, conform
from xbec_platform.logistics.consignments import ZERO, Consignment, Item, LandedCost, cents, shares
from xbec_platform.logistics.landed_cost import landed_cost
from xbec_platform.logistics.tariff_rules import Kind, Rulebook, TariffRule, most_specific

LANDED_COST_SCHEMA = pl.Schema(
    {
        "order_id": pl.String(),
        "market": pl.String(),
        "regime": pl.String(),
        "status": pl.String(),
        "reason": pl.String(),
        "incoterm": pl.String(),
        "payer": pl.String(),
        "currency": pl.String(),
        "goods": MONEY,
        "shipping": MONEY,
        "duty": MONEY,
        "consumption_tax": MONEY,
        "vat": MONEY,
        "fees": MONEY,
        "import_cost": MONEY,
        "landed_cost": MONEY,
        "goods_base": MONEY,
        "import_cost_base": MONEY,
        "landed_cost_base": MONEY,
    }
)
"""Grain: order. status: ok, estimate, no_rule (no amounts) or no_border. Amounts in `currency`, that of the rules."""

TRACE_SCHEMA = pl.Schema(
    {
        "order_id": pl.String(),
        "step_no": pl.Int64(),
        "step": pl.String(),
        "rule_id": pl.String(),
        "line_no": pl.Int64(),
        "base": MONEY,
        "rate_pct": MONEY,
        "amount": MONEY,
        "note": pl.String(),
    }
)
"""Grain: order x step. Amounts of an order add up to its import_cost."""

FLAG_SCHEMA = pl.Schema({"order_id": pl.String(), "flag": pl.String(), "detail": pl.String()})
"""Grain: order x flag. Key: order_id, flag, detail."""

REFUSED_SCHEMA = pl.Schema({"rule_id": pl.String(), "reason": pl.String()})


@dataclass(frozen=True, kw_only=True)
class LandedCostInputs:
    """Frames of a run.

    Attributes:
        orders: order_id, order_date, market (country of import), currency, shipping_fee, discount (on the whole order),
            incoterm, crosses_border, bought_before_base (the buyer's transactions of the year so far).
        lines: order_id, line_no, product_id, qty, line_total (order's currency), hs_code, category, weight_kg.
        rules: Columns of the contract tariff_rules.
        rates: fx_date, currency, rate_to_base (Decimal).
    """

    orders: pl.DataFrame
    lines: pl.DataFrame
    rules: pl.DataFrame
    rates: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class LandedCosts:
    """Tables of a run: costs, trace, flags, refused rules; each sorted by its key."""

    costs: pl.DataFrame
    trace: pl.DataFrame
    flags: pl.DataFrame
    refused: pl.DataFrame


def landed_costs(inputs: LandedCostInputs) -> LandedCosts:
    """Compute the landed cost of every order; each order gives exactly one row.

    Returns:
        The tables. What cannot be computed has status no_rule and its reason; a rule that cannot be applied is refused
        with its reason, and no order rests on it.
    """
    rules = Rulebook.of(inputs.rules)
    rates = _rates(inputs.rates)
    items = _items(inputs.lines)
    medians = category_duties(inputs.lines, rules)
    costs: list[dict[str, object]] = []
    trace: list[dict[str, object]] = []
    flags: list[dict[str, object]] = []
    for order in inputs.orders.sort("order_id").iter_rows(named=True):
        today = rates.get(order["order_date"], {})
        consignment = _consignment(order, items.get(order["order_id"], ()), today)
        found = landed_cost(consignment, rules, rates=today, category_duty_pct=medians)
        costs.append(_cost_row(order, found, today))
        trace += [
            {"order_id": found.order_id, "step_no": n, **vars(step)} for n, step in enumerate(found.steps, 1)
        ]
        flags += _flags(consignment, found, rules)
    return LandedCosts(
        costs=_frame(costs, LANDED_COST_SCHEMA),
        trace=_frame(trace, TRACE_SCHEMA),
        flags=_frame(flags, FLAG_SCHEMA).sort("order_id", "flag", "detail"),
        refused=pl.DataFrame(list(rules.refused), schema=REFUSED_SCHEMA, orient="row"),
    )


def _frame(rows: list[dict[str, object]], schema: pl.Schema) -> pl.DataFrame:
    if not rows:
        return pl.DataFrame(schema=schema)
    return conform(pl.DataFrame(rows, infer_schema_length=None, schema_overrides=schema), schema)


def _rates(frame: pl.DataFrame) -> dict[object, dict[str, Decimal]]:
    found: dict[object, dict[str, Decimal]] = {}
    for day, currency, rate in frame.select("fx_date", "currency", "rate_to_base").iter_rows():
        found.setdefault(day, {})[currency] = rate
    return found


def _items(lines: pl.DataFrame) -> dict[str, tuple[Item, ...]]:
    found: dict[str, list[Item]] = {}
    for row in lines.sort("order_id", "line_no").iter_rows(named=True):
        found.setdefault(row["order_id"], []).append(
            Item(
                line_no=row["line_no"],
                product_id=row["product_id"],
                qty=row["qty"],
                value=row["line_total"],
                hs_code=row["hs_code"],
                category=row["category"],
                weight_kg=row["weight_kg"],
            )
        )
    return {order: tuple(items) for order, items in found.items()}


def _consignment(
    order: Mapping[str, object], items: tuple[Item, ...], rates: Mapping[str, Decimal]
) -> Consignment:
    before = order["bought_before_base"]
    before_base = before if isinstance(before, Decimal) else ZERO
    return Consignment(
        order_id=str(order["order_id"]),
        market=str(order["market"] or "?"),
        day=order["order_date"],  # type: ignore[arg-type]
        currency=str(order["currency"]),
        items=_discounted(items, order["discount"] or ZERO),  # type: ignore[arg-type]
        shipping=order["shipping_fee"] or ZERO,  # type: ignore[arg-type]
        incoterm=order["incoterm"],  # type: ignore[arg-type]
        crosses_border=bool(order["crosses_border"]),
        bought_before={currency: cents(before_base / rate) for currency, rate in rates.items() if rate},
    )


def _discounted(items: tuple[Item, ...], discount: Decimal) -> tuple[Item, ...]:
    """Lines after their share of a discount on the whole order: customs value what was paid."""
    whole = sum((item.value for item in items), ZERO)
    if not discount or not whole:
        return items
    parts = shares(cents(min(discount, whole)), [item.value for item in items])
    return tuple(
        replace(item, value=max(item.value - part, ZERO)) for item, part in zip(items, parts, strict=True)
    )


def category_duties(lines: pl.DataFrame, rules: Rulebook) -> dict[tuple[str, str], Decimal]:
    """Duty of goods without HS code by (market, category): the median of the known goods of the lines.

    Of an even number the lower middle one: a rate that some good really has.
    """
    goods = lines.select("category", "hs_code").drop_nulls().unique().sort("category", "hs_code")
    by_market: dict[str, list[TariffRule]] = {}
    for rule in rules.rules:
        if rule.kind == Kind.TARIFF_LINE and rule.duty_rate_pct is not None:
            by_market.setdefault(rule.market, []).append(rule)
    known: dict[tuple[str, str], list[Decimal]] = {}
    for market, found in by_market.items():
        for category, code in goods.iter_rows():
            line = most_specific(found, code, ZERO)
            if line is not None and line.duty_rate_pct is not None:
                known.setdefault((market, category), []).append(line.duty_rate_pct)
    return {key: median_low(values) for key, values in known.items()}


def _cost_row(
    order: Mapping[str, object], found: LandedCost, rates: Mapping[str, Decimal]
) -> dict[str, object]:
    rate = rates.get(found.currency or "")
    total = found.total
    landed = None if total is None else (found.goods or ZERO) + (found.shipping or ZERO) + total

    def base(amount: Decimal | None) -> Decimal | None:
        return (
            None
            if amount is None or rate is None
            else (amount * rate).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        )

    return {
        **{
            name: getattr(found, name)
            for name in ("order_id", "market", "regime", "status", "reason", "payer")
        },
        **{name: getattr(found, name) for name in ("currency", "goods", "shipping", "duty", "vat", "fees")},
        "consumption_tax": found.consumption_tax,
        "incoterm": order["incoterm"],
        "import_cost": total,
        "landed_cost": landed,
        "goods_base": base(found.goods),
        "import_cost_base": base(total),
        "landed_cost_base": base(landed),
    }


def _flags(what: Consignment, found: LandedCost, rules: Rulebook) -> Iterable[dict[str, object]]:
    """What a person must look at: limits that are passed, codes that are missing, rules that are not there."""
    if not what.crosses_border:
        return []
    flags = [
        ("missing_hs_code", f"line {item.line_no}: {item.product_id}")
        for item in what.items
        if not item.hs_code
    ]
    if found.status == "no_rule":
        flags.append(("no_rule", found.reason or ""))
    if found.currency is not None and found.goods is not None:
        flags += _limits_passed(what, found, rules)
    return [{"order_id": what.order_id, "flag": flag, "detail": detail} for flag, detail in flags]


def _limits_passed(what: Consignment, found: LandedCost, rules: Rulebook) -> list[tuple[str, str]]:
    passed = set()
    valid = rules.on(what.market, what.day)
    year = (
        what.bought_before.get(found.currency or "", ZERO) + (found.goods or ZERO) + (found.shipping or ZERO)
    )
    for rule in valid:
        if rule.annual_limit is None:
            continue
        if rule.kind == Kind.QUANTITY_LIMIT:
            goods = [item for item in what.items if most_specific([rule], item.hs_code, ZERO)]
            kg = sum((item.weight_kg or 0.0) * item.qty for item in goods)
            if kg > float(rule.annual_limit):
                passed.add(
                    ("quantity_limit", f"{rule.rule_id}: {kg:.3f} kg of {rule.annual_limit.normalize():f} kg")
                )
        elif year > rule.annual_limit:
            passed.add(("annual_limit", f"{year} of {cents(rule.annual_limit)} {rule.currency} in the year"))
    return sorted(passed)


WHATIF_SCHEMA = pl.Schema(
    {
        "market": pl.String(),
        "status_before": pl.String(),
        "status_after": pl.String(),
        "n_orders": pl.Int64(),
        "import_cost_before_base": MONEY,
        "import_cost_after_base": MONEY,
        "change_base": MONEY,
    }
)
"""Grain: market x status before x status after. A change is known only where both have amounts."""


def compare_rules(before: LandedCosts, after: LandedCosts) -> pl.DataFrame:
    """What the other rules would have changed, by market; orders that do not cross a border are left out."""
    both = before.costs.filter(pl.col("status") != "no_border").join(
        after.costs.select("order_id", status_after="status", after_base="import_cost_base"), on="order_id"
    )
    return (
        both.group_by("market", "status_after", status_before="status")
        .agg(
            n_orders=pl.len(),
            import_cost_before_base=pl.col("import_cost_base").sum(),
            import_cost_after_base=pl.col("after_base").sum(),
            change_base=(pl.col("after_base") - pl.col("import_cost_base")).sum(),
        )
        .pipe(conform, WHATIF_SCHEMA)
        .sort("market", "status_before", "status_after")
    )
