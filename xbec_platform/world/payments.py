"""Payments: deposits, balances, payments in full, refunds and chargebacks. What is owed is decided in orders."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import money, timestamp
from xbec_platform.world.draws import seconds_between
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.streams import categorical, stream
from xbec_platform.world.trade import Trade

if TYPE_CHECKING:
    from xbec_platform.world.orders import Orders
    from xbec_platform.world.plan import Plan
    from xbec_platform.world.returns import Returns

IntArray = npt.NDArray[np.int64]

KIND = pl.Enum(["deposit", "balance", "full", "refund", "chargeback"])
STATUS = pl.Enum(["succeeded", "failed"])
DISORDER = pl.Enum(["late", "before_deposit"])
PAYMENT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "order": pl.Int32,
    "kind": KIND,
    "status": STATUS,
    "amount_cents": pl.Int64,
    "ts": pl.Int64,
    "due_ts": pl.Int64,
}
# A deposit is paid within ten minutes of the order, or by the end of its window.
DEPOSIT_WAIT_S = (20, 600)
REFUND_WAIT_D = (0.3, 3.0)
CHARGEBACK_WAIT_D = (10.0, 40.0)
MOST_LATE_DAYS = 3
# How much earlier than its deposit a balance with a wrong clock claims to be.
CLOCK_ERROR_S = 3600


@dataclass(frozen=True, kw_only=True)
class Payments:
    """Payments by (day, ts, order, kind); amounts above 0 in cents of the order's currency, times in s.

    Attributes:
        frame: order, kind, status, amount_cents, ts, due_ts (of deposits and balances), method, day (on which it
            lands), disorder (truth: "late" landed after its day, "before_deposit" has a wrong time; else null).
    """

    frame: pl.DataFrame


def build_payments(spec: WorldSpec, orders: "Orders", returns: "Returns", trade: Trade) -> Payments:
    """Return all payments; they add up to the order's total, less what is paid back."""
    rng = stream(spec.seed, "payments")
    parts = [
        _in_full(orders),
        _attempts(orders, rng),
        _presale(orders, trade, rng),
        _refunds(orders, returns, rng),
        _chargebacks(orders, rng),
    ]
    frame = pl.concat(parts).sort("ts", "order", "kind", "amount_cents")
    frame = _disordered(spec, frame, rng).with_columns(method=_methods(spec, orders, trade, frame["order"]))
    return Payments(frame=frame.sort("day", "ts", "order", "kind", "amount_cents"))


def _rows(
    order: IntArray, kind: str, status: str, amount: IntArray, ts: IntArray, due: pl.Series | None = None
) -> pl.DataFrame:
    size = len(order)
    columns = {
        "order": order,
        "kind": pl.Series([kind], dtype=KIND).new_from_index(0, size),
        "status": pl.Series([status], dtype=STATUS).new_from_index(0, size),
        "amount_cents": amount,
        "ts": ts,
        "due_ts": pl.Series([None], dtype=pl.Int64).new_from_index(0, size) if due is None else due,
    }
    return pl.DataFrame(columns).cast(PAYMENT_SCHEMA)  # type: ignore[arg-type]


def _paid_at_once(orders: "Orders") -> IntArray:
    """Return the orders that are paid in full by one payment."""
    wanted = orders.frame["paid_ts"].is_not_null() & ~orders.frame["is_presale"]
    return wanted.arg_true().to_numpy().astype(np.int64)


def _in_full(orders: "Orders") -> pl.DataFrame:
    order = _paid_at_once(orders)
    ts = orders.frame["paid_ts"].fill_null(0).to_numpy()[order]
    return _rows(order, "full", "succeeded", orders.total_cents()[order], ts)


def _attempts(orders: "Orders", rng: np.random.Generator) -> pl.DataFrame:
    """Return attempts that fail: some before a payment, and most of those never paid."""
    frame, share = orders.frame, parameters("trade")["payment"]["failed_share"]
    placed = frame["order_ts"].to_numpy()
    until = frame["paid_ts"].fill_null(frame["order_ts"] + 600).to_numpy()
    unpaid = (frame["paid_ts"].is_null() & ~frame["is_presale"]).to_numpy()
    fails = rng.random(frame.height) < np.where(unpaid, 0.7, share)
    order = np.flatnonzero(fails & ~frame["is_presale"].to_numpy())
    part = rng.uniform(0.1, 0.9, len(order))
    ts = placed[order] + np.round((until - placed)[order] * part).astype(np.int64)
    return _rows(order, "full", "failed", orders.total_cents()[order], ts)


def _presale(orders: "Orders", trade: Trade, rng: np.random.Generator) -> pl.DataFrame:
    """Return deposits, and balances where they are paid."""
    offers = orders.offers[orders.deposits["presale"].to_list()]
    order = orders.deposits["order"].to_numpy().astype(np.int64)
    header = orders.frame[order.tolist()]
    day, market = header["order_day"].to_numpy(), header["market"].to_numpy()
    factor = trade.term("price_factor")[market] / trade.eur_per_unit[day, market]
    deposit = np.maximum(np.round(offers["deposit_cents"].to_numpy() * factor), 1).astype(np.int64)
    wait = rng.integers(*DEPOSIT_WAIT_S, len(order))
    closes = offers["deposit_close_ts"].to_numpy()
    ts = np.maximum(
        np.minimum(header["order_ts"].to_numpy() + wait, closes), header["order_ts"].to_numpy() + 1
    )
    paid = orders.deposits["is_paid"].to_numpy()
    balance_ts = orders.deposits["balance_ts"].fill_null(0).to_numpy()
    rest = orders.total_cents()[order] - deposit
    return pl.concat(
        [
            _rows(order, "deposit", "succeeded", deposit, ts, offers["deposit_close_ts"]),
            _rows(
                order[paid],
                "balance",
                "succeeded",
                rest[paid],
                balance_ts[paid],
                offers["balance_close_ts"].filter(pl.Series(paid)),
            ),
        ]
    )


def _refunds(orders: "Orders", returns: "Returns", rng: np.random.Generator) -> pl.DataFrame:
    """Return refunds of cancelled orders that were paid, and of returns that came back or are not wanted back."""
    frame = orders.frame
    undone = (frame["cancelled_ts"].is_not_null() & frame["paid_ts"].is_not_null()).arg_true().to_numpy()
    cancelled = frame["cancelled_ts"].fill_null(0).to_numpy()[undone]
    back = returns.frame.filter(
        pl.col("received_ts").is_not_null() | (pl.col("disposition") == "refund_only"),
        pl.col("refund_cents") > 0,
    )
    since = back.select(pl.coalesce("received_ts", "opened_ts")).to_series().to_numpy()
    order = np.concatenate([undone, back["order"].to_numpy()]).astype(np.int64)
    amount = np.concatenate([orders.total_cents()[undone], back["refund_cents"].to_numpy()])
    wait = seconds_between(rng, REFUND_WAIT_D, len(order))
    return _rows(order, "refund", "succeeded", amount, np.concatenate([cancelled, since]) + wait)


def _chargebacks(orders: "Orders", rng: np.random.Generator) -> pl.DataFrame:
    """Return payments that the bank takes back, from orders that were neither cancelled nor a pre-sale."""
    order = _paid_at_once(orders)
    kept = orders.frame["cancelled_ts"].is_null().to_numpy()[order]
    share = parameters("trade")["payment"]["chargeback_share"]
    order = order[kept & (rng.random(len(order)) < share)]
    wait = seconds_between(rng, CHARGEBACK_WAIT_D, len(order))
    ts = orders.frame["paid_ts"].fill_null(0).to_numpy()[order] + wait
    return _rows(order, "chargeback", "succeeded", orders.total_cents()[order], ts)


def _disordered(spec: WorldSpec, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Add the day on which a payment lands and what is wrong with it; wrong clocks change `ts`."""
    rule = parameters("trade")["payment"]
    chance, days = rng.random(frame.height), rng.integers(1, MOST_LATE_DAYS + 1, frame.height)
    late = chance < rule["late_share"]
    is_balance = (frame["kind"] == "balance").to_numpy()
    wrong = is_balance & (chance >= rule["late_share"])
    wrong &= chance < rule["late_share"] + rule["before_deposit_share"]
    day = (frame["ts"].to_numpy() - spec.epoch) // SECONDS_PER_DAY + np.where(late, days, 0)
    deposits = frame.filter(pl.col("kind") == "deposit").select("order", deposit_ts="ts")
    claimed = (
        frame.join(deposits, on="order", how="left", maintain_order="left")["deposit_ts"] - CLOCK_ERROR_S
    )
    wrong_rows = pl.Series(wrong)
    return frame.with_columns(
        ts=pl.select(pl.when(wrong_rows).then(claimed).otherwise(frame["ts"])).to_series(),
        day=pl.Series(day.astype(np.int32)),
        disorder=pl.select(
            pl.when(wrong_rows).then(pl.lit("before_deposit")).when(pl.Series(late)).then(pl.lit("late"))
        )
        .to_series()
        .cast(DISORDER),
    )


def _methods(spec: WorldSpec, orders: "Orders", trade: Trade, order: pl.Series) -> pl.Series:
    """Return the method of each payment: one for all payments of an order."""
    shares = parameters("trade")["payment"]["methods"]
    names = list(dict.fromkeys(name for code in trade.codes for name in shares[code]))
    uniform = stream(spec.seed, "payment-methods").random(orders.frame.height)
    market = orders.frame["market"].to_numpy()
    drawn = np.zeros(len(uniform), dtype=np.int64)
    for number, code in enumerate(trade.codes):
        here = market == number
        drawn[here] = categorical(uniform[here], [shares[code].get(name, 0.0) for name in names])
    return pl.Series(names, dtype=pl.Enum(names)).gather(pl.Series(drawn[order.to_numpy()]))


def _identified(plan: "Plan") -> pl.DataFrame:
    number = (pl.int_range(1, pl.len() + 1)).cast(pl.String).str.zfill(8)
    return plan.payments.frame.with_columns(payment_id="Y" + number)


def payments_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the payments that land on a day.

    Columns: payment_id, order_id, kind, amount, currency, status (succeeded, failed), paid_ts (of the attempt), due_ts,
    method.
    """
    payments = _identified(plan).filter(pl.col("day") == day)
    header = plan.orders.frame.select("order_id", "currency")[payments["order"]]
    return payments.select(
        "payment_id",
        header["order_id"],
        pl.col("kind").cast(pl.String),
        money(pl.col("amount_cents")).alias("amount"),
        header["currency"].cast(pl.String),
        pl.col("status").cast(pl.String),
        timestamp(pl.col("ts")).alias("paid_ts"),
        timestamp(pl.col("due_ts")).alias("due_ts"),
        pl.col("method").cast(pl.String),
    ).sort("payment_id")


def truth_payments(plan: "Plan") -> pl.DataFrame:
    """Return the payments that are planted out of order: payment_id, order_id, disorder, day of landing."""
    planted = _identified(plan).filter(pl.col("disorder").is_not_null())
    return planted.select(
        "payment_id",
        plan.orders.frame["order_id"].gather(planted["order"].cast(pl.UInt32)),
        pl.col("disorder").cast(pl.String),
        "day",
    )
