"""Order-up-to level and position of every article in every warehouse (F30). Ageing and actions: `inventory_actions`."""

from __future__ import annotations

import numpy as np
import polars as pl

from xbec_platform.logistics.customs_territory import territory
from xbec_platform.logistics.inventory_inputs import PAIR, InventoryInputs, InventoryParams
from xbec_platform.logistics.stock_ageing import AGES
from xbec_platform.logistics.stock_levels import (
    DailyDemand,
    critical_ratio,
    normal_level,
    period_lengths,
    simulated_level,
)

NOT_CLEARED = ("bonded", "consolidation", "station")
"""Types of warehouses whose goods are not imported yet: duty falls due when they are sold."""
LEAST_DAYS = 30
"""Days a rate of sale is taken over at least: one piece on the first day is no piece a day."""
SUPPLY_TYPES = ("domestic", "consolidation", "bonded")
"""Where goods come to from the supplier at no freight of the shop's own."""


def stocked_pairs(inputs: InventoryInputs, params: InventoryParams) -> pl.DataFrame:
    """Every article of every warehouse with all its facts; what is stated nowhere is assumed and says so.

    Returns:
        PAIR, `n` (0.. in key order), stock, history, lead time, prices as floats, status and reason, sorted by PAIR.
    """
    stock = inputs.stock.select(
        *PAIR, *(pl.col(name).cast(pl.Float64) for name in ("on_hand", "reserved", "inbound", *AGES))
    )
    pairs = (
        pl.concat([stock.select(PAIR), inputs.history.select(PAIR)])
        .unique()
        .sort(PAIR)
        .join(stock.unique(PAIR, keep="first", maintain_order=True), on=PAIR, how="left")
        .join(inputs.history, on=PAIR, how="left")
        .join(
            inputs.lead_times.select("warehouse_id", "lead_mean_days", "lead_sd_days"),
            on="warehouse_id",
            how="left",
        )
        .join(inputs.warehouses.with_columns(is_centre=True), on="warehouse_id", how="left")
        .join(_goods(inputs.products, params), on="product_id", how="left")
        .sort(PAIR)
    )
    return (
        pairs.with_columns(
            pl.col("on_hand", "reserved", "inbound").fill_null(0).clip(lower_bound=0),
            pl.col("days_in_stock").fill_null(0).cast(pl.Int64),
            pl.col("demand_basis").fill_null("none"),
            lead_basis=pl.when(pl.col("lead_mean_days").is_null())
            .then(pl.lit("assumed"))
            .otherwise(pl.lit("stated")),
        )
        .with_columns(
            pl.col("lead_mean_days").fill_null(params.lead_mean_days),
            lead_sd_days=pl.when(pl.col("lead_basis") == "assumed")
            .then(params.lead_sd_days)
            .otherwise(pl.col("lead_sd_days").fill_null(0.0)),
            reason=_fault(),
        )
        .with_columns(
            status=pl.when(pl.col("reason").is_null()).then(pl.lit("ok")).otherwise(pl.lit("data_missing"))
        )
        .pipe(_supplied, inputs)
        .with_row_index("n")
        .with_columns(pl.col("n").cast(pl.Int64))
    )


def _goods(products: pl.DataFrame, params: InventoryParams) -> pl.DataFrame:
    m3 = pl.col("length_cm") * pl.col("width_cm") * pl.col("height_cm") / 1e6
    no_volume = m3.is_null() | (m3 <= 0)
    kg = pl.col("weight_kg")
    if "goods_group" not in products.columns:
        products = products.with_columns(goods_group=pl.lit(None, dtype=pl.String))
    return products.select(
        "product_id",
        "origin_country",
        is_article=pl.lit(True),
        unit_cost=pl.col("unit_cost").cast(pl.Float64),
        price=pl.col("list_price").cast(pl.Float64),
        m3=pl.when(no_volume).then(params.volume_m3).otherwise(m3),
        volume_assumed=no_volume,
        kg=pl.when(kg.is_null() | (kg <= 0)).then(params.weight_kg).otherwise(kg),
        goods=pl.coalesce("goods_group", goods_kind()),
    )


def goods_kind() -> pl.Expr:
    """Kind of goods of an article: dangerous before battery before plain."""
    return (
        pl.when(pl.col("is_hazard").fill_null(False))
        .then(pl.lit("hazard"))
        .when(pl.col("has_battery").fill_null(False))
        .then(pl.lit("battery"))
        .otherwise(pl.lit("plain"))
    )


def _fault() -> pl.Expr:
    """Why nothing can be ordered for a pair; the first that applies."""
    return (
        pl.when(pl.col("is_centre").is_null())
        .then(pl.lit("the warehouse is unknown: deliver it in warehouses"))
        .when(pl.col("is_article").is_null())
        .then(pl.lit("the product is unknown: deliver it in products"))
        .when(pl.col("unit_cost").is_null() | pl.col("price").is_null())
        .then(pl.lit("unit_cost or list_price is missing, or its currency has no exchange rate"))
    )


def _supplied(pairs: pl.DataFrame, inputs: InventoryInputs) -> pl.DataFrame:
    """Add what one more piece costs on the shelf: the supplier's price, freight from where he delivers, import."""
    sources = inputs.warehouses.filter(pl.col("type").is_in(SUPPLY_TYPES)).select(origin_node="warehouse_id")
    inbound = (
        inputs.transfers.join(sources, on="origin_node", how="semi")
        .group_by(warehouse_id="zone", goods="goods")
        .agg(freight_kg=pl.col("cost_per_kg_base").cast(pl.Float64).min())
    )
    imports = inputs.import_costs.select(
        "product_id",
        "country",
        import_status="status",
        import_cost=pl.col("import_cost_base").cast(pl.Float64),
    )
    at_home = territory("origin_country") == territory("country")
    return (
        pairs.join(inbound, on=["warehouse_id", "goods"], how="left")
        .join(imports, on=["product_id", "country"], how="left")
        .with_columns(
            freight_kg=pl.when(pl.col("type").is_in(SUPPLY_TYPES)).then(0.0).otherwise(pl.col("freight_kg").fill_null(0.0)),
            import_cost_there=pl.col("import_cost").fill_null(0.0),
        )
        .with_columns(is_free=at_home.fill_null(False) | pl.col("type").is_in(NOT_CLEARED))
        .with_columns(
            import_cost=pl.when("is_free").then(0.0).otherwise("import_cost_there"),
            import_status=pl.when("is_free").then(pl.lit("none")).otherwise(pl.col("import_status").fill_null("no_rule")),
        )
        .with_columns(supply_cost=pl.col("unit_cost") + pl.col("kg") * pl.col("freight_kg") + pl.col("import_cost"))
        .sort(PAIR)
    )  # fmt: skip


def daily_demand(pairs: pl.DataFrame, demand: pl.DataFrame) -> DailyDemand:
    """The history by number of the pair, sorted as the simulation needs it."""
    rows = (
        demand.join(pairs.select(*PAIR, "n", "days_in_stock"), on=PAIR, how="inner")
        .group_by("n", "day")
        .agg(pl.col("pieces").cast(pl.Float64).sum())
        .sort("n", "day")
    )
    return DailyDemand(
        article=rows["n"].to_numpy(),
        day=rows["day"].cast(pl.Int64).to_numpy(),
        pieces=rows["pieces"].to_numpy(),
        n_days=pairs["days_in_stock"].to_numpy(),
    )


def with_levels(pairs: pl.DataFrame, history: DailyDemand, params: InventoryParams) -> pl.DataFrame:
    """Add demand, service level, method, order-up-to level.

    The service level is the newsvendor's: a piece too few loses its margin, a piece too many binds its money for a
    review. A level is simulated where the history holds `least_periods` periods, taken as normal below, and 0 without
    demand.
    """
    mean, sd = history.moments()
    margin = np.nan_to_num((pairs["price"] - pairs["supply_cost"]).to_numpy(), nan=0.0)
    binding = (
        np.nan_to_num(pairs["supply_cost"].to_numpy(), nan=0.0)
        * params.capital_rate_year
        / 365
        * params.review_days
    )
    priced = (margin > 0) & (binding > 0)
    ratio = critical_ratio(np.where(priced, margin, 1.0), np.where(priced, binding, 1.0))
    service = np.where(
        priced, np.clip(ratio, params.least_service, params.most_service), params.service_level
    )
    lead, lead_sd = pairs["lead_mean_days"].to_numpy(), pairs["lead_sd_days"].to_numpy()
    period = params.review_days + lead
    moves = mean > 0
    simulated = moves & (history.n_days >= params.least_periods * period)
    level = np.where(moves, normal_level(mean, sd, period, lead_sd, service), 0.0)
    for mean_days, sd_days in sorted(
        set(zip(lead[simulated].tolist(), lead_sd[simulated].tolist(), strict=True))
    ):
        rng = np.random.default_rng(params.seed)
        chosen = np.flatnonzero(simulated & (lead == mean_days) & (lead_sd == sd_days))
        lengths = period_lengths(params.review_days, mean_days, sd_days, n_samples=params.n_samples, rng=rng)
        level[chosen] = simulated_level(history, chosen, lengths, service[chosen], rng=rng)
    method = np.where(simulated, "simulated", np.where(moves, "normal", "no_demand"))
    return pairs.with_columns(
        mean_pieces_day=pl.Series(mean),
        # A short silent history is no proof that nothing sells: Jeffreys' prior of a Poisson rate is half a piece.
        sale_rate_day=pl.Series((mean * history.n_days + 0.5) / np.maximum(history.n_days, LEAST_DAYS)),
        sd_pieces_day=pl.Series(sd),
        service_level=pl.Series(service),
        method=pl.Series(method),
        period_demand_pieces=pl.Series(mean * period),
        review_days=pl.lit(params.review_days),
        order_up_to_pieces=pl.Series(np.maximum(np.ceil(level - 1e-9), 0)).cast(pl.Int64),
    )


def with_position(pairs: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Add known demand, position, shortage and surplus.

    Known demand of a product is spread over its warehouses by their demand (evenly where there is none), whole pieces,
    largest remainders first: what is known needs no safety stock and is not in the level.
    """
    weight = pl.col("mean_pieces_day")
    whole = weight.sum().over("product_id")
    share = pl.when(whole > 0).then(weight / whole).otherwise(1 / pl.len().over("product_id"))
    spread = (
        pairs.join(
            known.group_by("product_id").agg(known=pl.col("pieces").sum()), on="product_id", how="left"
        )
        .sort(PAIR)
        .with_columns(exact=pl.col("known").fill_null(0) * share)
        .with_columns(floor=pl.col("exact").floor())
        .with_columns(
            missing=(pl.col("exact").sum() - pl.col("floor").sum()).round().over("product_id"),
            place=(pl.col("floor") - pl.col("exact")).rank("ordinal").over("product_id"),
        )
    )
    position = pl.col("on_hand") - pl.col("reserved") + pl.col("inbound") - pl.col("known_demand_pieces")
    usable = pl.col("status") == "ok"
    # Only what is on the shelves and promised to nobody can be given away.
    free = (pl.col("on_hand") - pl.col("reserved") - pl.col("known_demand_pieces")).clip(lower_bound=0)
    return (
        spread.with_columns(known_demand_pieces=pl.col("floor") + (pl.col("place") <= pl.col("missing")))
        .with_columns(position_pieces=position)
        .with_columns(beyond=pl.col("position_pieces") - pl.col("order_up_to_pieces"))
        .with_columns(
            shortage_pieces=pl.when(usable).then((-pl.col("beyond")).clip(lower_bound=0)).otherwise(0),
            surplus_pieces=pl.when(usable)
            .then(pl.min_horizontal(pl.col("beyond").clip(lower_bound=0), free))
            .otherwise(0),
            cover_days=pl.when(pl.col("mean_pieces_day") > 0).then(free / pl.col("mean_pieces_day")),
        )
        .drop("known", "exact", "floor", "missing", "place", "beyond")
    )  # fmt: skip
