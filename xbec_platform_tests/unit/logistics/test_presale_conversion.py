"""Probability that a balance is paid: known truth, no look ahead, honest fallbacks."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from xbec_platform.logistics.presale_conversion import (
    ConversionParams,
    calibration_error,
    fit_conversion,
    remaining_probability,
)
from xbec_platform.logistics.presale_features import DEPOSIT_FACTS, deposit_facts, with_features
from xbec_platform.logistics.presale_scores import score_presales
from xbec_platform_tests.unit.logistics.presale_worlds import deposit_log

DAY = timedelta(days=1)


def test_calibrated_out_of_time_on_the_generated_world() -> None:
    """Each of the last windows is predicted by what had closed before it.

    True probabilities are known too. Against them stands what no deposit tells: how well the few products of a window
    suit their buyers. It moves a whole window (by .01 to .04 of the last four) and evens out over several: .014 here.
    """
    facts, truth = deposit_log(scale=20, days=420)
    windows = sorted(facts["balance_open_ts"].unique())[-2:]
    predicted, true, outcome = [], [], []
    for opened in windows:
        judged = facts.filter(pl.col("balance_open_ts") == opened)
        before = judged["deposit_ts"].min()
        assert isinstance(before, datetime)
        model = fit_conversion(facts.filter(pl.col("deposit_ts") < before), now=before)
        assert model.method == "logistic_beta"
        rows = with_features(facts).filter(pl.col("balance_open_ts") == opened)
        predicted.append(model.predict(rows))
        true.append(
            rows.join(truth, on="order_id", how="left", maintain_order="left")["probability"].to_numpy()
        )
        outcome.append(rows["balance_ts"].is_not_null().to_numpy().astype(float))
    p = np.concatenate(predicted)
    assert calibration_error(p, np.concatenate(outcome)) <= 0.03
    assert calibration_error(p, np.concatenate(true)) <= 0.03
    assert np.corrcoef(p, np.concatenate(true))[0, 1] > 0.55


def test_nothing_after_the_day_is_looked_at() -> None:
    """Scores of a day are equal with and without what came later, and in any order of rows."""
    facts, _ = deposit_log(scale=1, days=160)
    now = facts["balance_open_ts"].min() + DAY  # type: ignore[operator]
    then = facts.filter(pl.col("deposit_ts") < now).with_columns(
        balance_ts=pl.when(pl.col("balance_ts") < now).then("balance_ts")
    )
    full, known = (
        score_presales(facts, now=now),
        score_presales(then.sample(fraction=1, shuffle=True, seed=1), now=now),
    )
    assert full.scores.height > 50
    for name in ("scores", "model", "calibration"):
        assert getattr(full, name).equals(getattr(known, name)), name


def _deposit(number: int, **changes: object) -> dict[str, object]:
    opened = datetime(2025, 11, 11)
    return {
        "order_id": f"O{number:03}",
        "presale_id": "PS1",
        "product_id": "P1",
        "customer_id": f"C{number}",
        "zone": "DE",
        "qty": 1,
        "category": "toys",
        "deposit_ts": datetime(2025, 11, 1),
        "balance_open_ts": opened,
        "balance_close_ts": opened + 2 * DAY,
        "balance_ts": None,
        "cancelled_ts": None,
        "deposit_base": 5,
        "final_price_base": 50,
        "list_price_base": 60,
        "has_coupon": False,
        "prior_orders": 0,
    } | changes


def _facts(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows)).select(pl.col(name).cast(dtype) for name, dtype in DEPOSIT_FACTS.items())


def test_states_by_hand() -> None:
    """In the middle of the window: one has paid, one gave up, one may still pay; another window has not opened."""
    late = datetime(2025, 12, 12)
    facts = _facts(
        _deposit(1, balance_ts=datetime(2025, 11, 11, 6)),
        _deposit(2, cancelled_ts=datetime(2025, 11, 10)),
        _deposit(3),
        _deposit(4, balance_open_ts=late, balance_close_ts=late + DAY),
    )
    result = score_presales(facts, now=datetime(2025, 11, 12))
    states = dict(result.scores.select("order_id", "state").rows())
    chances = dict(result.scores.select("order_id", "p_balance").rows())
    assert states == {"O001": "paid", "O002": "cancelled", "O003": "open", "O004": "waiting"}
    # Half of the window over, nothing known of how long people wait: .75 x .5 / (1 - .75 x .5) = .6.
    assert chances == pytest.approx({"O001": 1, "O002": 0, "O003": 0.6, "O004": 0.75})
    assert result.model["method"][0] == "prior"
    closed = score_presales(facts, now=datetime(2025, 11, 13, 12))
    assert dict(closed.scores.select("order_id", "state").rows())["O003"] == "unpaid"


def test_waiting_time_counts_by_bayes() -> None:
    """Half of all payers pay in the first tenth: then .8 becomes .8 x .5 / (1 - .4)."""
    waits = np.array([0.05, 0.1, 0.5, 0.9])
    left = remaining_probability(np.full(3, 0.8), np.array([0.0, 0.1, 1.0]), waits)
    assert left == pytest.approx([0.8, 2 / 3, 0.0])


def test_features_that_say_nothing_leave_the_share() -> None:
    """200 deposits that are all alike: the share serves, and the method says so."""
    rng = np.random.default_rng(6)
    rows = [
        _deposit(
            n,
            balance_ts=datetime(2025, 11, 11, 3) if rng.random() < 0.7 else None,
            prior_orders=int(rng.integers(9)),
        )
        for n in range(200)
    ]
    model = fit_conversion(_facts(*rows), now=datetime(2025, 12, 1))
    assert model.method == "base_rate"
    assert model.predict(_facts(*rows)) == pytest.approx(np.full(200, (model.share_paid * 200 + 7.5) / 210))


def test_history_counts_from_the_close_of_the_window() -> None:
    """The second deposit is made while the first one's window is open; the third knows both: (1 + 1.5) / (2 + 2)."""
    first = _deposit(1, customer_id="C", balance_ts=datetime(2025, 11, 11, 1))
    during = _deposit(2, customer_id="C", deposit_ts=datetime(2025, 11, 12))
    after = _deposit(3, customer_id="C", deposit_ts=datetime(2025, 11, 14))
    share = with_features(deposit_facts(_facts(first, during, after)))["paid_share_before"].to_list()
    assert share == pytest.approx([0.75, 0.75, 0.625])


@pytest.mark.parametrize(
    ("change", "message"),
    [({"deposit_ts": None}, "deposit_ts: 1 rows are null"), ({"order_id": "O002"}, "O002 comes twice")],
)
def test_malformed_deposits_are_named(change: dict[str, object], message: str) -> None:
    """What is wrong and where."""
    with pytest.raises(ValueError, match=message):
        deposit_facts(_facts(_deposit(1, **change), _deposit(2)))


def test_strange_numbers_are_no_crash() -> None:
    """No price, price 0, a list price below the final one: the deposit is scored all the same."""
    rows = [
        _deposit(1, final_price_base=None),
        _deposit(2, final_price_base=0),
        _deposit(3, list_price_base=1),
    ]
    result = score_presales(_facts(*rows), now=datetime(2025, 11, 5))
    assert result.scores["p_balance"].to_list() == pytest.approx([0.75] * 3)
    assert with_features(_facts(*rows)).select(
        "deposit_share", "discount_depth", "log_price"
    ).null_count().row(0) == (0, 0, 0)


def test_settings_that_cannot_work_are_refused() -> None:
    """A share of 1 is no assumption."""
    with pytest.raises(ValueError, match="prior_share"):
        ConversionParams(prior_share=1.0)
