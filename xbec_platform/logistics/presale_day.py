"""Everything about pre-sales as of one day: chances, options, plan. The steps live beside it; nothing is read here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import polars as pl

from xbec_platform.logistics.assignment_inputs import AssignmentInputs
from xbec_platform.logistics.assignment_schema import MONEY
from xbec_platform.logistics.preposition import PrepositionResult, preposition
from xbec_platform.logistics.preposition_options import (
    goods_of_product,
    origins,
    preposition_options,
)
from xbec_platform.logistics.preposition_schema import (
    DEPOSIT_SCHEMA,
    OPTION_SCHEMA,
    ROOM_SCHEMA,
    STOCK_SCHEMA,
    PrepositionInputs,
)
from xbec_platform.logistics.preposition_transfers import transfer_offers
from xbec_platform.logistics.presale_scores import PresaleScores, score_presales
from xbec_platform.logistics.route_network import route_network
from xbec_platform.logistics.route_terms import RouteTerms

SUMMARY_SCHEMA = pl.Schema(
    {
        "n_deposits": pl.Int64(),
        "n_planned": pl.Int64(),
        "deposit_units": pl.Int64(),
        "expected_units": pl.Float64(),
        "send_units": pl.Int64(),
        "last_call_units": pl.Int64(),
        "hours_saved": pl.Float64(),
        "expected_cost_base": MONEY,
        "nearest_cost_base": MONEY,
        "at_risk_base": MONEY,
    }
)
"""One row: the plan of the day against sending nothing (0) and against sending all to the nearest centres."""

MORNING = time(9)


@dataclass(frozen=True, kw_only=True)
class PresaleDay:
    """Tables of a day: of scores, of the plan, SUMMARY_SCHEMA."""

    scores: PresaleScores
    plan: PrepositionResult
    summary: pl.DataFrame


def presale_day(
    frames: Mapping[str, pl.DataFrame], day: date, *, terms: RouteTerms | None = None
) -> PresaleDay:
    """Score all deposits, and plan those whose balance cannot be paid yet.

    Args:
        frames: deposits (DEPOSIT_FACTS and promised_days), presales (presale_id, product_id, deposit_open_ts,
            balance_open_ts, final_price_base), products, warehouses (and type, usual_pieces_day, room_days), lanes,
            stock, destinations as `AssignmentInputs` takes them; route_lanes as `route_network` takes them.
        day: The as-of day; frames hold nothing after it.
        terms: Holidays, customs and restrictions on the way to the centres; None: none.
    """
    now = datetime.combine(day + timedelta(days=1), time())
    scores = score_presales(frames["deposits"], now=now)
    waiting = scores.scores.filter(pl.col("state") == "waiting")
    inputs = _inputs(frames, waiting, now, terms)
    plan = preposition(inputs)
    return PresaleDay(scores=scores, plan=plan, summary=_summary(inputs, plan))


def _inputs(
    frames: Mapping[str, pl.DataFrame], waiting: pl.DataFrame, now: datetime, terms: RouteTerms | None
) -> PrepositionInputs:
    presales = frames["presales"].filter(pl.col("presale_id").is_in(waiting["presale_id"].implode()))
    stock = frames["stock"].filter(pl.col("product_id").is_in(presales["product_id"].implode()))
    source = origins(stock)
    options = pl.DataFrame(schema=OPTION_SCHEMA)
    if waiting.height and source.height:
        options = _options(frames, waiting, presales, stock, now, terms)
    rooms = frames["warehouses"].select(
        "warehouse_id",
        room_units=(
            (pl.col("capacity_orders_day") - pl.col("usual_pieces_day").fill_null(0.0)) * pl.col("room_days")
        )
        .clip(lower_bound=0)
        .floor(),
    )
    deposits = waiting.select(
        *(name for name in DEPOSIT_SCHEMA if name != "probability"), probability="p_balance"
    )
    return PrepositionInputs(
        deposits=deposits,
        options=options,
        rooms=rooms.cast(dict(ROOM_SCHEMA)),  # type: ignore[arg-type]
        stock=source.select("product_id", "units").cast(dict(STOCK_SCHEMA)),  # type: ignore[arg-type]
    )


def _options(
    frames: Mapping[str, pl.DataFrame],
    waiting: pl.DataFrame,
    presales: pl.DataFrame,
    stock: pl.DataFrame,
    now: datetime,
    terms: RouteTerms | None,
) -> pl.DataFrame:
    ready = datetime.combine(now.date(), MORNING)
    # Stations sort and keep no stock: nothing can wait there for its buyer.
    centres = frames["warehouses"].filter(pl.col("type") != "station")
    goods = (
        frames["products"].join(presales, on="product_id", how="semi").select(goods_of_product()).to_series()
    )
    held = stock.filter(pl.col("available") > 0).join(centres, on="warehouse_id", how="semi")
    transfers = transfer_offers(
        route_network(frames["route_lanes"]),
        origins(held)["origin_node"].unique().sort().to_list(),
        centres["warehouse_id"].to_list(),
        goods.unique().sort().to_list(),
        ready=ready,
        terms=terms,
    )
    promised = frames["deposits"].select("order_id", "promised_days")
    lines = waiting.filter(pl.col("zone").is_not_null() & (pl.col("qty") >= 1)).join(
        promised, on="order_id", how="left"
    )
    inputs = AssignmentInputs(
        lines=lines.select(
            "order_id", "product_id", "qty", "promised_days", line_no=pl.lit(1), ship_country="zone"
        ),
        products=frames["products"],
        warehouses=centres,
        lanes=frames["lanes"],
        destinations=frames["destinations"],
        stock=held,
    )
    return preposition_options(inputs, presales, transfers, ready=ready)


def _summary(inputs: PrepositionInputs, result: PrepositionResult) -> pl.DataFrame:
    plan = result.plan
    zero = Decimal(0)
    row = {
        "n_deposits": inputs.deposits.height,
        "n_planned": int(plan["n_orders"].sum()),
        "deposit_units": int(inputs.deposits["qty"].sum()),
        "expected_units": float(plan["expected_units"].sum()),
        "send_units": int(plan["send_units"].sum()),
        "last_call_units": int(plan.filter(pl.col("is_last_call"))["send_units"].sum()),
        "hours_saved": float(plan["hours_saved"].sum()),
        "expected_cost_base": plan["expected_cost_base"].sum() or zero,
        "nearest_cost_base": round(result.nearest_cost, 4),
        "at_risk_base": plan["at_risk_base"].sum() or zero,
    }
    return pl.DataFrame([row], schema=SUMMARY_SCHEMA, strict=False)
