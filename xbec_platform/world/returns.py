"""Returns: which delivered lines come back, why and when. What is paid back is in payments."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import money, timestamp
from xbec_platform.world.catalogue import Catalogue
from xbec_platform.world.draws import seconds_between
from xbec_platform.world.order_feed import customer_ids
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.streams import categorical, stream

if TYPE_CHECKING:
    from xbec_platform.world.fulfilment import Fulfilment
    from xbec_platform.world.orders import Orders
    from xbec_platform.world.plan import Plan

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

TYPICAL_QUALITY = 0.7
LEAST_FACTOR = 0.2
REFUND_ONLY = "refund_only"


@dataclass(frozen=True, kw_only=True)
class Returns:
    """Returns by (opened_ts, order, line_no); refund in cents of the order's currency, times in s.

    Attributes:
        frame: order, line (row of the order's lines), line_no, product, qty, refund_cents, opened_ts,
            received_ts (null: nothing came back), day (of opening), reason, disposition, has_order (the source
            knows the order), late_days, probability (truth).
    """

    frame: pl.DataFrame


def delivered_lines(orders: "Orders", fulfilment: "Fulfilment") -> pl.DataFrame:
    """Return the lines that arrived: line, order, product, delivered_ts and late_days (negative: early)."""
    parcel = fulfilment.contents["parcel"]
    times = fulfilment.parcels.select("delivered_ts", "promised_ts")
    late = (pl.col("delivered_ts") - pl.col("promised_ts")) / SECONDS_PER_DAY
    return (
        orders.lines.select(
            pl.int_range(pl.len(), dtype=pl.UInt32).alias("line"),
            pl.col("order").cast(pl.Int32),
            "product",
            times["delivered_ts"].gather(parcel).cast(pl.Int64),
            times["promised_ts"].gather(parcel).cast(pl.Int64),
        )
        .filter(pl.col("delivered_ts").is_not_null())
        .select("line", "order", "product", "delivered_ts", late.round(3).alias("late_days"))
    )


def build_returns(
    spec: WorldSpec, orders: "Orders", catalogue: Catalogue, fulfilment: "Fulfilment"
) -> Returns:
    """Return what comes back: more of poor products and of late parcels, by the share of the category."""
    rule = parameters("reviews")["returns"]
    rng = stream(spec.seed, "returns")
    lines = delivered_lines(orders, fulfilment)
    late = np.clip(lines["late_days"].to_numpy(), 0, rule["most_late_days"])
    product = lines["product"].to_numpy()
    quality = catalogue.frame["quality"].to_numpy()[product].astype(np.float64)
    share = catalogue.frame["return_share"].to_numpy()[product]
    factor = 1 + rule["quality"] * (TYPICAL_QUALITY - quality) + rule["per_late_day"] * late
    probability = np.round(np.minimum(share * np.maximum(factor, LEAST_FACTOR), 0.9), 6)
    chosen = np.flatnonzero(rng.random(len(share)) < probability)
    lines = lines[chosen].with_columns(probability=pl.Series(probability[chosen]))
    return Returns(frame=_course(spec, orders, catalogue, lines, rng))


def _course(
    spec: WorldSpec, orders: "Orders", catalogue: Catalogue, lines: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """Add to returned lines when and why they come back and what is refunded."""
    rule = parameters("reviews")["returns"]
    size = lines.height
    sold = orders.lines[lines["line"]]
    bought = sold["qty"].to_numpy().astype(np.int64)
    # Mostly everything, else a part.
    pieces = np.where(rng.random(size) < 0.6, bought, 1 + (rng.random(size) * bought).astype(np.int64))
    net = (sold["unit_price_cents"] * bought - sold["discount_cents"]).to_numpy()
    # A coupon on the order is not paid out: each line bears its part.
    header = orders.frame.select("goods_cents", "discount_cents")[lines["order"]]
    paid_share = 1 - (header["discount_cents"] / header["goods_cents"]).to_numpy()
    opened = lines["delivered_ts"].to_numpy() + seconds_between(rng, rule["wait_days"], size)
    received = opened + seconds_between(rng, rule["back_days"], size)
    names = list(rule["dispositions"])
    disposition = pl.Series(names).gather(
        pl.Series(categorical(rng.random(size), list(rule["dispositions"].values())))
    )
    comes_back = pl.Series(rng.random(size) >= rule["never_received_share"]) & (disposition != REFUND_ONLY)
    return (
        lines.select("order", "line", sold["line_no"], "product", "late_days", "probability")
        .with_columns(
            qty=pl.Series(pieces),
            refund_cents=pl.Series(np.floor(net * paid_share * pieces / bought).astype(np.int64)),
            opened_ts=pl.Series(opened),
            received_ts=pl.select(pl.when(comes_back).then(pl.Series(received))).to_series(),
            day=pl.Series(((opened - spec.epoch) // SECONDS_PER_DAY).astype(np.int32)),
            reason=_reasons(rng, catalogue, lines),
            disposition=disposition,
            has_order=pl.Series(rng.random(size) >= rule["without_order_share"]),
        )
        .sort("opened_ts", "order", "line_no")
    )


def _reasons(rng: np.random.Generator, catalogue: Catalogue, lines: pl.DataFrame) -> pl.Series:
    """Return the reason of each return, drawn by lateness, quality and whether the goods have to fit."""
    rule: dict[str, Any] = parameters("reviews")["returns"]
    late = np.clip(lines["late_days"].to_numpy(), 0, rule["most_late_days"])
    product = lines["product"].to_numpy()
    poor = 1 - catalogue.frame["quality"].to_numpy()[product].astype(np.float64)
    fitting = np.isin(np.array(catalogue.categories), rule["fit_categories"])
    fit = fitting[catalogue.frame["category"].to_numpy()[product]].astype(np.float64)
    weight = np.column_stack(
        [
            of["base"] + of["late"] * late + of["poor"] * poor + of["fit"] * fit
            for of in rule["reasons"].values()
        ]
    )
    edges = np.cumsum(weight, axis=1)
    drawn = (edges <= (rng.random(len(edges)) * edges[:, -1])[:, None]).sum(axis=1)
    return pl.Series(list(rule["reasons"])).gather(pl.Series(np.minimum(drawn, weight.shape[1] - 1)))


def returns_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the returns opened on a day; columns of the contract `returns.yml`.

    On that day nothing has come back yet: received_ts is empty, the goods are expected or not wanted back.
    """
    returns = plan.returns.frame.with_row_index("number", offset=1).filter(pl.col("day") == day)
    header = plan.orders.frame.select("order_id", "customer", "currency")[returns["order"]]
    unit_price = plan.orders.lines["unit_price_cents"].gather(returns["line"])
    known = pl.col("has_order")
    refund_only = pl.col("disposition") == REFUND_ONLY
    return returns.with_columns(header["order_id"], unit_price).select(
        ("R" + pl.col("number").cast(pl.String).str.zfill(7)).alias("return_id"),
        pl.when(known).then("order_id").alias("order_id"),
        pl.when(known).then(pl.col("line_no").cast(pl.Int64)).alias("line_no"),
        customer_ids(plan, header["customer"]).alias("customer_id"),
        plan.catalogue.frame["product_id"].gather(returns["product"].cast(pl.UInt32)),
        pl.col("qty").cast(pl.Int64),
        money(pl.col("unit_price_cents")).alias("unit_price"),
        header["currency"].cast(pl.String),
        "reason",
        timestamp(pl.col("opened_ts")).alias("opened_ts"),
        pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("received_ts"),
        pl.when(refund_only).then(pl.lit(REFUND_ONLY)).otherwise(pl.lit("expected")).alias("disposition"),
        money(pl.col("refund_cents")).alias("refund"),
    )


def truth_returns(plan: "Plan") -> pl.DataFrame:
    """Return what the feed does not say: the order of every return, its probability and what became of the goods."""
    returns = plan.returns.frame.with_row_index("number", offset=1)
    return returns.select(
        ("R" + pl.col("number").cast(pl.String).str.zfill(7)).alias("return_id"),
        plan.orders.frame["order_id"].gather(returns["order"]),
        pl.col("line_no").cast(pl.Int64),
        *("late_days", "probability", "disposition"),
        timestamp(pl.col("received_ts")).alias("received_ts"),
    )
