"""Payments: they add up to the order, and what is out of order is on record."""

import polars as pl

from xbec_platform.world.payments import payments_rows, truth_payments
from xbec_platform_tests.unit.world.trade_plan import everything, trade_plan

INCOMING = ["deposit", "balance", "full"]


def test_paid_orders_are_paid_exactly():
    """Deposit and balance, or one payment in full, equal the order's total."""
    plan = trade_plan()
    paid = plan.payments.frame.filter(
        pl.col("status") == "succeeded", pl.col("kind").cast(pl.String).is_in(INCOMING)
    )
    sums = paid.group_by("order").agg(pl.col("amount_cents").sum())
    orders = plan.orders.frame.with_row_index("order").with_columns(
        total=pl.Series(plan.orders.total_cents())
    )
    joined = orders.with_columns(pl.col("order").cast(pl.Int32)).join(sums, on="order", how="left")
    settled = joined.filter(pl.col("paid_ts").is_not_null())
    assert (settled["amount_cents"] == settled["total"]).all()
    open_ones = joined.filter(pl.col("paid_ts").is_null(), ~pl.col("is_presale"))
    assert open_ones["amount_cents"].is_null().all()


def test_a_presale_is_paid_in_two_parts():
    """Deposit first, the balance only where it is paid, each with its due date."""
    plan = trade_plan()
    deposits = plan.payments.frame.filter(pl.col("kind") == "deposit")
    balances = plan.payments.frame.filter(pl.col("kind") == "balance")
    assert deposits.height == plan.presales.deposits.height
    assert balances.height == plan.presales.deposits["is_paid"].sum()
    assert deposits["due_ts"].null_count() == balances["due_ts"].null_count() == 0
    assert (deposits["ts"] <= deposits["due_ts"]).all()


def test_only_recorded_balances_come_before_their_deposit():
    """The planted ones, and all of them."""
    plan = trade_plan(scale=12)
    rows = everything(plan, payments_rows)
    deposits = rows.filter(pl.col("kind") == "deposit").select("order_id", deposit_ts="paid_ts")
    both = rows.filter(pl.col("kind") == "balance").join(deposits, on="order_id")
    wrong = both.filter(pl.col("paid_ts") < pl.col("deposit_ts"))
    recorded = truth_payments(plan).filter(pl.col("disorder") == "before_deposit")
    landed = recorded.filter(pl.col("day") < plan.spec.days)
    assert wrong.height > 0
    assert set(wrong["payment_id"]) == set(landed["payment_id"])


def test_late_payments_are_recorded():
    """A payment lands on its day, but for the recorded ones."""
    plan = trade_plan()
    frame = plan.payments.frame
    late = frame["day"] != ((frame["ts"] - plan.spec.epoch) // 86_400)
    assert late.sum() > 0
    assert frame.filter(late)["disorder"].null_count() == 0


def test_refunds_follow_cancellations_and_returns():
    """A cancelled order that was paid comes back in full, and never more than was paid."""
    plan = trade_plan()
    refunds = plan.payments.frame.filter(pl.col("kind") == "refund")
    sums = refunds.group_by("order").agg(pl.col("amount_cents").sum()).sort("order")
    total = pl.Series(plan.orders.total_cents()).gather(sums["order"])
    assert (sums["amount_cents"] <= total).all()
    undone = plan.orders.frame.with_row_index("order").filter(
        pl.col("cancelled_ts").is_not_null(), pl.col("paid_ts").is_not_null()
    )
    assert set(undone["order"]) <= set(refunds["order"])


def test_some_payments_fail():
    """Failed attempts do not count, but they are there."""
    rows = everything(trade_plan(), payments_rows)
    failed = rows.filter(pl.col("status") == "failed")
    assert 0.005 < failed.height / rows.height < 0.08
    assert set(rows["kind"]) == {"deposit", "balance", "full", "refund", "chargeback"}
