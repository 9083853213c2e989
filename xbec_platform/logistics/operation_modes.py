"""Ways to sell across a border side by side: cost, time, money bound, duty by article and market (F02). No rules here.

Which modes there are and what they ask for is data (contract operation_modes); freight comes from the routes, import
cost from the rules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xbec_platform.logistics.assignment_schema import MONEY, conform
from xbec_platform.logistics.inventory_ageing import ladders_of
from xbec_platform.logistics.inventory_policy import goods_kind
from xbec_platform.logistics.mode_freight import MODE, among, cheapest_ways

MODE_SCHEMA = pl.Schema(
    {
        "product_id": pl.String(),
        "market": pl.String(),
        "mode_id": pl.String(),
        "mode_rank": pl.Int64(),
        "is_recommended": pl.Boolean(),
        "status": pl.String(),
        "reason": pl.String(),
        "reaches_buyer": pl.Boolean(),
        "origin_warehouse_id": pl.String(),
        "pieces_month": pl.Float64(),
        "goods_base": MONEY,
        "inbound_freight_base": MONEY,
        "freight_base": MONEY,
        "import_cost_base": MONEY,
        "holding_base": MONEY,
        "total_base": MONEY,
        "p50_days": pl.Float64(),
        "p90_days": pl.Float64(),
        "cash_lock_days": pl.Float64(),
        "min_batch_pieces": pl.Int64(),
        "duty_at": pl.String(),
        "import_payer": pl.String(),
        "tax_rebate_eligible": pl.Boolean(),
        "return_path": pl.String(),
        "runner_up_mode_id": pl.String(),
        "switch_pieces_month": pl.Float64(),
    }
)
"""Grain: product x market x mode; money of one piece. mode_rank: 1 is the cheapest of those that are possible (status
ok) and reach the buyer; null for the others: the reason says what is missing, and modes of trade end at an importer.
On the recommended row: the next best mode, and the pieces a month at which both cost the same (null: at no volume)."""

OK, NO_ROUTE, NO_ORIGIN, NO_RULE, DATA_MISSING = "ok", "no_route", "no_origin", "no_rule", "data_missing"
BULK_PIECES = 100
"""Pieces of one consignment where goods are imported in bulk: above every threshold for parcels of usual goods."""


@dataclass(frozen=True, kw_only=True)
class ModeInputs:
    """The frames of a day; money in one base currency.

    Attributes:
        modes: Columns of the contract operation_modes, those that hold on the day.
        sold: product_id, market, pieces_month.
        products: product_id, unit_cost, list_price, weight_kg, length_cm, width_cm, height_cm, has_battery, is_hazard.
        warehouses: warehouse_id, type, country.
        routes: origin_node, zone, parcel_kg, goods, cost_base, p50_days, p90_days: one way per row.
        transfers: origin_node, zone, goods, cost_per_kg_base.
        import_costs: product_id, country, pieces, incoterm, import_cost_base, status, reason: answers
            to `import_questions`.
        tiers: warehouse_type, from_age_days, rate_base.
    """

    modes: pl.DataFrame
    sold: pl.DataFrame
    products: pl.DataFrame
    warehouses: pl.DataFrame
    routes: pl.DataFrame
    transfers: pl.DataFrame
    import_costs: pl.DataFrame
    tiers: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class ModeParams:
    """Choices: capital_rate_year of money bound; weight_kg and volume_m3 of articles that state none."""

    capital_rate_year: float = 0.12
    weight_kg: float = 0.5
    volume_m3: float = 0.003

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.capital_rate_year < 0 or min(self.weight_kg, self.volume_m3) <= 0:
            raise ValueError("the capital rate must not be negative, weight and volume must be above 0")


def import_questions(modes: pl.DataFrame, sold: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """What to ask the rules: each article in each market, by the parcel or in bulk, as its modes need it.

    By the parcel the value is the list price, in bulk the price of purchase.

    Returns:
        product_id, country, pieces, incoterm, piece_value, hs_code, category, weight_kg; sorted, without repeats.
    """
    return (
        _candidates(modes, sold)
        .filter(pl.col("duty_at") != "none")
        .join(products, on="product_id", how="inner")
        .with_columns(piece_value=pl.when(pl.col("pieces") == 1).then("list_price").otherwise("unit_cost"))
        .drop_nulls("piece_value")
        .select(
            "product_id",
            "pieces",
            "incoterm",
            "piece_value",
            "hs_code",
            "category",
            "weight_kg",
            country="market",
        )
        .unique(["product_id", "country", "pieces", "incoterm"])
        .sort("country", "product_id", "pieces", "incoterm")
    )


def _candidates(modes: pl.DataFrame, sold: pl.DataFrame) -> pl.DataFrame:
    """Each article and market with the modes that serve the market, and how it is imported then."""
    in_bulk = ~pl.col("crosses_border_with_parcel").fill_null(True) | (pl.col("duty_at") == "import")
    return (
        sold.join(modes, how="cross")
        .filter(among("market_countries", "market"))
        .with_columns(
            pl.col("duty_at").fill_null("sale"),
            pl.col("crosses_border_with_parcel").fill_null(True),
            pl.col("min_batch_pieces").fill_null(1).cast(pl.Int64),
            pl.col("cash_lock_days").fill_null(0.0),
            reaches_buyer=~(
                pl.col("crosses_border_with_parcel").fill_null(True)
                & (pl.col("duty_at").fill_null("sale") == "import")
            ),
            pieces=pl.when(in_bulk).then(BULK_PIECES).otherwise(1).cast(pl.Int64),
            incoterm=pl.when(pl.col("seller_clears_import").fill_null(True) | in_bulk)
            .then(pl.lit("DDP"))
            .otherwise(pl.lit("DDU")),
        )
        .sort("product_id", "market", "mode_id")
    )


def compare_modes(inputs: ModeInputs, params: ModeParams | None = None) -> pl.DataFrame:
    """Cost, time, money bound and duty of every mode for every article and market that sold.

    total = goods + freight to the warehouse + freight to the door + import + holding; holding: money and storage of the
    days the goods are bound (cash_lock_days) and of half a batch, which lies 15 x batch / pieces a month days.

    Args:
        inputs: The frames of the day.
        params: Choices.

    Returns:
        MODE_SCHEMA, sorted by product_id, market, mode_id; every article and market that a mode serves has its row.
    """
    params = params or ModeParams()
    rows = _candidates(inputs.modes, inputs.sold).join(_goods(inputs, params), on="product_id", how="left")
    ways = cheapest_ways(rows, inputs.warehouses, inputs.transfers, inputs.routes)
    rows = rows.join(ways, on=MODE, how="left", maintain_order="left")
    rows = rows.join(
        inputs.import_costs.select(
            "product_id", "pieces", "incoterm", market="country", rule_status="status", rule_reason="reason",
            import_cost=pl.col("import_cost_base").cast(pl.Float64),
        ),
        on=["product_id", "market", "pieces", "incoterm"], how="left", maintain_order="left",
    )  # fmt: skip
    is_free = pl.col("duty_at") == "none"
    rows = rows.with_columns(import_cost=pl.when(is_free).then(0.0).otherwise("import_cost")).with_columns(
        status=_status(is_free), day_cost=_day_cost(rows, inputs, params)
    )
    batch_days = pl.when(pl.col("min_batch_pieces") > 1).then(
        15 * pl.col("min_batch_pieces") / pl.col("pieces_month")
    )
    rows = rows.with_columns(
        reason=_reason(),
        fixed=pl.sum_horizontal("unit_cost", "inbound_freight", "freight", "import_cost")
        + pl.col("day_cost") * pl.col("cash_lock_days"),
        holding=pl.col("day_cost") * (pl.col("cash_lock_days") + batch_days.fill_null(0.0)),
    ).with_columns(
        total=pl.sum_horizontal("unit_cost", "inbound_freight", "freight", "import_cost", "holding")
    )
    return _ranked(rows)


def _goods(inputs: ModeInputs, params: ModeParams) -> pl.DataFrame:
    m3 = pl.col("length_cm") * pl.col("width_cm") * pl.col("height_cm") / 1e6
    return inputs.products.select(
        "product_id",
        unit_cost=pl.col("unit_cost").cast(pl.Float64),
        list_price=pl.col("list_price").cast(pl.Float64),
        kg=pl.when(pl.col("weight_kg") > 0).then("weight_kg").otherwise(params.weight_kg),
        m3=pl.when(m3 > 0).then(m3).otherwise(params.volume_m3),
        goods=goods_kind(),
    )


def _status(is_free: pl.Expr) -> pl.Expr:
    return (
        pl.when(pl.col("unit_cost").is_null() | pl.col("list_price").is_null()).then(pl.lit(DATA_MISSING))
        .when(pl.col("has_origin").is_null()).then(pl.lit(NO_ORIGIN))
        .when(pl.col("freight").is_null()).then(pl.lit(NO_ROUTE))
        .when(~is_free & pl.col("import_cost").is_null()).then(pl.lit(NO_RULE))
        .otherwise(pl.lit(OK))
    )  # fmt: skip


def _reason() -> pl.Expr:
    return (
        pl.when(pl.col("status") == DATA_MISSING)
        .then(pl.lit("the product, its unit_cost or list_price, or their exchange rate is missing"))
        .when(pl.col("status") == NO_ORIGIN)
        .then(pl.lit("no warehouse of the mode's types lies on its side of the border"))
        .when(pl.col("status") == NO_ROUTE)
        .then(pl.format("no way takes {} goods there", "goods"))
        .when(pl.col("status") == NO_RULE)
        .then(pl.col("rule_reason").fill_null("no tariff rule holds"))
    )  # fmt: skip


def _day_cost(rows: pl.DataFrame, inputs: ModeInputs, params: ModeParams) -> pl.Series:
    """What a piece costs a day: money bound, and storage at its mean over the days it is bound."""
    places = inputs.warehouses.select(origin_node="warehouse_id", origin_type="type")
    types = rows.join(places, on="origin_node", how="left", maintain_order="left")["origin_type"]
    days = np.maximum(rows["cash_lock_days"].to_numpy(), 1.0)
    rent = np.zeros(rows.height)
    for at, ladder in ladders_of(inputs.tiers, types):
        rent[at] = ladder.cost_until(days[at]) / days[at]
    return rows["unit_cost"] * params.capital_rate_year / 365 + rows["m3"] * pl.Series(rent)


def _ranked(rows: pl.DataFrame) -> pl.DataFrame:
    """Rank by total, ties by id; the runner-up and the volume at which both cost the same stand beside the best."""
    place = ["product_id", "market"]
    batch = pl.when(pl.col("min_batch_pieces") > 1).then("min_batch_pieces").otherwise(0)
    ordered = rows.sort(
        *place, ~pl.col("reaches_buyer"), pl.col("status") != OK, "total", "mode_id"
    ).with_columns(
        position=pl.int_range(1, pl.len() + 1).over(place),
        is_ok=(pl.col("status") == OK) & pl.col("reaches_buyer"),
        # Per piece a batch costs this divided by the pieces a month.
        batch_cost=15 * pl.col("day_cost") * batch,
    )
    following = {
        name: pl.col(name).shift(-1).over(place) for name in ("mode_id", "is_ok", "fixed", "batch_cost")
    }
    even = (pl.col("batch_cost") - following["batch_cost"]) / (following["fixed"] - pl.col("fixed"))
    best = pl.col("is_ok") & (pl.col("position") == 1)
    compared = best & following["is_ok"].fill_null(False)
    return (
        ordered.with_columns(
            mode_rank=pl.when("is_ok").then("position"),
            is_recommended=best,
            runner_up_mode_id=pl.when(compared).then(following["mode_id"]),
            switch_pieces_month=pl.when(compared & even.is_finite() & (even > 0)).then(even),
            import_payer=pl.when(pl.col("duty_at") == "none").then(pl.lit("none"))
            .when(pl.col("incoterm") == "DDP").then(pl.lit("seller")).otherwise(pl.lit("buyer")),
            origin_warehouse_id=pl.col("origin_node"),
            total=pl.when(pl.col("status") == OK).then("total"),
        )
        .with_columns(
            (pl.col(name).round(4).cast(MONEY)).alias(f"{out}_base")
            for name, out in (
                ("unit_cost", "goods"), ("inbound_freight", "inbound_freight"), ("freight", "freight"),
                ("import_cost", "import_cost"), ("holding", "holding"), ("total", "total"),
            )
        )
        .pipe(conform, MODE_SCHEMA)
        .sort("product_id", "market", "mode_id")
    )  # fmt: skip
