"""Independent re-check of an assignment plan. Imports no solver and none of the code that made the plan.

Everything is derived again from the input frames: conservation, stock, capacity, promise, hazard, every
price and total, and the reason of every unserved line. Solvers have wrong-answer bugs (or-tools #3811,
#5293); a plan that does not pass is not returned.
"""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from xbec_platform.logistics.assignment_inputs import AssignmentInputs, AssignmentParams, canonical
from xbec_platform.logistics.assignment_schema import conform
from xbec_platform.logistics.audit_reasons import wrong_reasons

VIOLATION_SCHEMA = pl.Schema(
    {"rule": pl.String(), "subject": pl.String(), "expected": pl.String(), "observed": pl.String()}
)

_TICK = Decimal("0.0001")
_CENT = Decimal("0.01")
_LINE = ("order_id", "line_no")


def audit_plan(
    inputs: AssignmentInputs,
    params: AssignmentParams,
    assignments: pl.DataFrame,
    unserved: pl.DataFrame,
    summary: pl.DataFrame,
) -> pl.DataFrame:
    """List every rule a plan breaks.

    Args:
        inputs: The frames the plan was made from.
        params: The parameters it was made with.
        assignments: ASSIGNMENT_SCHEMA.
        unserved: UNSERVED_SCHEMA.
        summary: SUMMARY_SCHEMA.

    Returns:
        VIOLATION_SCHEMA sorted by rule and subject; empty = the plan holds.
    """
    inputs = canonical(inputs)
    rows = _placed_rows(inputs, params, assignments)
    left = _left_rows(inputs, params, unserved)
    parts = [
        _conservation(inputs, assignments, unserved),
        _limits(inputs, assignments),
        _lanes(rows),
        _costs(rows),
        _penalties(left),
        _totals(inputs, rows, left, summary),
        wrong_reasons(inputs, params, assignments, unserved),
    ]
    return pl.concat(conform(part, VIOLATION_SCHEMA) for part in parts).sort("rule", "subject")


def audit_splits(
    assignments: pl.DataFrame, summary: pl.DataFrame, extra_parcel_base: Decimal | None
) -> pl.DataFrame:
    """List what a plan breaks of a rule for splits.

    Args:
        assignments: ASSIGNMENT_SCHEMA.
        summary: SUMMARY_SCHEMA.
        extra_parcel_base: Cost of each warehouse of an order beyond its first; None: there may be none.

    Returns:
        VIOLATION_SCHEMA; empty = the plan holds.
    """
    parcels = assignments.select("order_id", "warehouse_id").unique().group_by("order_id").len("parcels")
    torn = parcels.filter(pl.lit(extra_parcel_base is None) & (pl.col("parcels") > 1)).sort("order_id")
    stated = summary.row(0, named=True)
    extra = int(parcels["parcels"].sum()) - parcels.height
    fee = extra * (extra_parcel_base or Decimal(0))
    cost = sum((stated[f"{part}_base"] for part in ("freight", "handling", "container", "split")), Decimal(0))
    expected = {
        "extra_parcels": Decimal(extra),
        "split_base": fee,
        "cost_base": cost,
        "objective_base": cost + stated["penalty_base"],
    }
    wrong = [
        {"rule": "splits", "subject": name, "expected": str(value), "observed": str(stated[name])}
        for name, value in expected.items()
        if stated[name] != value
    ]
    if float(stated["bound_base"]) > float(stated["objective_base"]) * (1 + 1e-6) + 1e-4:
        bound, objective = str(stated["bound_base"]), str(stated["objective_base"])
        wrong.append(
            {"rule": "splits", "subject": "bound_base", "expected": f"<= {objective}", "observed": bound}
        )
    torn = torn.with_columns(least=1)
    return pl.concat(
        [
            _report("one_warehouse", torn, pl.col("order_id"), "least", "parcels"),
            pl.DataFrame(wrong, schema=VIOLATION_SCHEMA),
        ]
    )


def _report(rule: str, rows: pl.DataFrame, subject: pl.Expr, expected: str, observed: str) -> pl.DataFrame:
    return rows.select(
        rule=pl.lit(rule),
        subject=subject,
        expected=pl.col(expected).cast(pl.String),
        observed=pl.col(observed).cast(pl.String),
    )


def _line_name() -> pl.Expr:
    return pl.format("{} line {}", "order_id", "line_no")


def _placed_rows(
    inputs: AssignmentInputs, params: AssignmentParams, assignments: pl.DataFrame
) -> pl.DataFrame:
    """Stated rows beside what lines, products, lanes and warehouses say."""
    ordered = inputs.lines.with_columns(pieces=pl.col("qty").sum().over("order_id")).select(
        *_LINE, "promised_days", "pieces", line_product="product_id", line_country="ship_country"
    )
    products = inputs.products.rename({"product_id": "line_product"}).drop("unit_cost", "list_price")
    lanes = inputs.lanes.drop("distance_km").rename(
        {"mode": "lane_mode", "transit_p90_days": "lane_p90_days"}
    )
    positive = pl.col("weight_kg") > 0
    return (
        assignments.join(ordered, on=_LINE, how="left")
        .join(products, on="line_product", how="left")
        .join(lanes, on="lane_id", how="left")
        .join(inputs.warehouses.drop("lat", "lon"), on="warehouse_id", how="left")
        .with_columns(
            kg=pl.max_horizontal(
                pl.when(positive).then("weight_kg").otherwise(params.default_weight_kg),
                pl.col("length_cm") * pl.col("width_cm") * pl.col("height_cm") / pl.col("vol_divisor"),
            ),
            p90=pl.col("lane_p90_days").fill_null(pl.col("transit_p50_days") * params.transit_p90_factor),
        )
        .pipe(_with_rate)
    )


def _with_rate(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `rate`, what their parcel pays per kilogram: the last step of the tariff it reaches, else the first.

    Found by looking at every step, apart from the model's own way (see `tariff`).
    """
    rows = rows.with_row_index("row")
    steps = (
        rows.select("row", "rate_brackets", parcel_kg=pl.col("kg") * pl.col("pieces"))
        .explode("rate_brackets")
        .select("row", "parcel_kg", pl.col("rate_brackets").struct.unnest())
        .drop_nulls("rate_per_kg")
        .sort("row", "min_kg")
    )
    reached = pl.col("rate_per_kg").filter(pl.col("min_kg") <= pl.col("parcel_kg"))
    by_row = steps.group_by("row").agg(stepped=pl.coalesce(reached.last(), pl.col("rate_per_kg").first()))
    return rows.join(by_row, on="row", how="left", maintain_order="left").with_columns(
        rate=pl.coalesce("stepped", pl.col("rate_per_kg").cast(pl.Float64))
    )


def _left_rows(inputs: AssignmentInputs, params: AssignmentParams, unserved: pl.DataFrame) -> pl.DataFrame:
    """Stated unserved rows beside the penalty their product and priority give."""
    margin = (pl.col("list_price") - pl.col("unit_cost")).fill_null(Decimal(0)).clip(lower_bound=Decimal(0))
    prices = inputs.products.select(line_product="product_id", margin=margin)
    fixed = pl.lit(params.unserved_penalty_base, dtype=pl.Decimal(18, 4))
    return (
        unserved.join(
            inputs.lines.select(*_LINE, "priority", line_product="product_id"), on=_LINE, how="left"
        )
        .join(prices, on="line_product", how="left")
        .with_columns(
            due=(pl.col("margin").fill_null(Decimal(0)) + fixed) * pl.col("priority") * pl.col("qty")
        )
    )


def _conservation(
    inputs: AssignmentInputs, assignments: pl.DataFrame, unserved: pl.DataFrame
) -> pl.DataFrame:
    """Counts in = counts out for every line (hence order) and product; no row with less than one piece."""
    given = pl.concat(
        [assignments.select(*_LINE, "product_id", "qty"), unserved.select(*_LINE, "product_id", "qty")]
    )
    per_line = inputs.lines.select(*_LINE, ordered="qty").join(
        given.group_by(_LINE).agg(planned=pl.col("qty").sum()), on=_LINE, how="full", coalesce=True
    )
    per_product = (
        inputs.lines.group_by("product_id")
        .agg(ordered=pl.col("qty").sum())
        .join(
            given.group_by("product_id").agg(planned=pl.col("qty").sum()),
            on="product_id",
            how="full",
            coalesce=True,
        )
    )
    differs = pl.col("ordered").fill_null(0) != pl.col("planned").fill_null(0)
    empty = given.filter(pl.col("qty") < 1).with_columns(least=1)
    return pl.concat(
        [
            _report("line_conservation", per_line.filter(differs), _line_name(), "ordered", "planned"),
            _report(
                "product_conservation",
                per_product.filter(differs),
                pl.col("product_id"),
                "ordered",
                "planned",
            ),
            _report("pieces_positive", empty, _line_name(), "least", "qty"),
        ]
    )


def _limits(inputs: AssignmentInputs, assignments: pl.DataFrame) -> pl.DataFrame:
    """No warehouse sends more pieces than it can, nor more of a product than it has."""
    sent = assignments.group_by("warehouse_id").agg(used=pl.col("qty").sum())
    over = sent.join(inputs.warehouses, on="warehouse_id", how="left").filter(
        pl.col("used") > pl.col("capacity_orders_day")
    )
    parts = [_report("capacity", over, pl.col("warehouse_id"), "capacity_orders_day", "used")]
    if inputs.stock is not None:
        taken = assignments.group_by("warehouse_id", "product_id").agg(used=pl.col("qty").sum())
        short = taken.join(inputs.stock, on=["warehouse_id", "product_id"], how="left").filter(
            pl.col("used") > pl.col("available").fill_null(0)
        )
        subject = pl.format("{} at {}", "product_id", "warehouse_id")
        parts.append(_report("stock", short, subject, "available", "used"))
    return pl.concat(parts)


def _lanes(rows: pl.DataFrame) -> pl.DataFrame:
    """The lane exists, runs from the warehouse to the customer, in time, and takes the goods."""
    rows = rows.with_columns(
        way=pl.format("{} from {} to {}", "mode", "warehouse_id", "line_country"),
        lane_way=pl.format("{} from {} to {}", "lane_mode", "origin_node", "dest_node"),
        no=pl.lit("not allowed"),
    )
    forbidden = (
        pl.col("has_battery").fill_null(False) & ~(pl.col("allows_battery") & pl.col("can_battery"))
        | pl.col("is_liquid").fill_null(False) & ~(pl.col("allows_liquid") & pl.col("can_liquid"))
        | pl.col("is_hazard").fill_null(False) & ~(pl.col("allows_hazard") & pl.col("can_hazard"))
    )
    return pl.concat(
        [
            _report(
                "lane",
                rows.filter(pl.col("way").ne_missing(pl.col("lane_way"))),
                _line_name(),
                "lane_way",
                "way",
            ),
            _report(
                "transit_days",
                rows.filter(pl.col("p90").ne_missing(pl.col("transit_p90_days"))),
                _line_name(),
                "p90",
                "transit_p90_days",
            ),
            _report(
                "promise",
                rows.filter(pl.col("p90") > pl.col("promised_days")),
                _line_name(),
                "promised_days",
                "p90",
            ),
            _report("hazard", rows.filter(forbidden.fill_null(True)), _line_name(), "no", "lane_id"),
        ]
    )


def _costs(rows: pl.DataFrame) -> pl.DataFrame:
    """Price of a piece from the tariff, within one tick of rounding; the row is exactly pieces x price."""
    money = pl.Decimal(18, 4)
    by_weight = pl.col("rate") * pl.col("kg")
    shared = pl.col("min_charge").cast(pl.Float64) / pl.col("pieces")
    freight = pl.max_horizontal(by_weight, shared) * (1 + pl.col("surcharge_pct") / 100)
    rows = rows.with_columns(
        freight=freight.cast(money),
        handling=(pl.col("cost_pick") + pl.col("cost_pack")).cast(money),
        row_cost=(pl.col("cost_per_unit_base") * pl.col("qty")).cast(money),
        row_kg=pl.col("kg") * pl.col("qty"),
        unit=(pl.col("freight_per_unit_base") + pl.col("handling_per_unit_base")).cast(money),
    )
    off = (pl.col("freight") - pl.col("freight_per_unit_base")).abs() > _TICK
    kg_off = (pl.col("row_kg") - pl.col("chargeable_kg")).abs() > 1e-9 * pl.col("row_kg")
    return pl.concat(
        _report(rule, rows.filter(wrong.fill_null(True)), _line_name(), expected, observed)
        for rule, wrong, expected, observed in (
            ("freight", off, "freight", "freight_per_unit_base"),
            (
                "handling",
                pl.col("handling") != pl.col("handling_per_unit_base"),
                "handling",
                "handling_per_unit_base",
            ),
            ("unit_cost", pl.col("unit") != pl.col("cost_per_unit_base"), "unit", "cost_per_unit_base"),
            ("row_cost", pl.col("row_cost") != pl.col("cost_base"), "row_cost", "cost_base"),
            ("chargeable_kg", kg_off, "row_kg", "chargeable_kg"),
        )
    )


def _penalties(left: pl.DataFrame) -> pl.DataFrame:
    wrong = left.filter((pl.col("due") != pl.col("penalty_base")).fill_null(True))
    return _report("penalty", wrong, _line_name(), "due", "penalty_base")


def _totals(
    inputs: AssignmentInputs, rows: pl.DataFrame, left: pl.DataFrame, summary: pl.DataFrame
) -> pl.DataFrame:
    """The summary's figures against the rows and, to the cent, against the tariff."""
    by_weight = pl.col("rate") * pl.col("kg")
    shared = pl.col("min_charge").cast(pl.Float64) / pl.col("pieces")
    freight = pl.max_horizontal(by_weight, shared) * (1 + pl.col("surcharge_pct") / 100)
    ticks = ((freight * 10_000 + 0.5).floor().cast(pl.Int64) * pl.col("qty")).sum()
    handling = ((pl.col("cost_pick") + pl.col("cost_pack")) * pl.col("qty")).sum()
    stated = summary.row(0, named=True)
    tariff = Decimal(int(rows.select(ticks).item())).scaleb(-4)
    hands = Decimal(rows.select(handling).item() or 0)
    penalty = Decimal(left["due"].sum() or 0)
    expected: dict[str, Decimal] = {
        "freight_base": tariff,
        "handling_base": hands,
        "cost_base": tariff + hands,
        "penalty_base": penalty,
        "objective_base": tariff + hands + penalty,
        "ordered_units": Decimal(int(inputs.lines["qty"].sum())),
        "assigned_units": Decimal(int(rows["qty"].sum())),
        "unserved_units": Decimal(int(left["qty"].sum())),
        "n_lines": Decimal(inputs.lines.height),
    }
    wrong = [
        {"rule": "summary", "subject": name, "expected": str(value), "observed": str(stated[name])}
        for name, value in expected.items()
        if abs(value - stated[name]) >= _CENT
    ]
    return pl.DataFrame(wrong, schema=VIOLATION_SCHEMA)
