"""Order-up-to levels against hand-computed numbers and a plain loop, and the storage that keeping stock costs."""

import numpy as np
import pytest

from xbec_platform.logistics.stock_ageing import (
    KeepingCosts,
    Ladder,
    ages_within,
    best_sell_off,
    keep_value,
)
from xbec_platform.logistics.stock_levels import (
    DailyDemand,
    critical_ratio,
    normal_level,
    period_lengths,
    simulated_level,
)

A = np.array


def demand(*rows: tuple[int, int, float], days: tuple[int, ...]) -> DailyDemand:
    article, day, pieces = (A(list(column)) for column in zip(*rows, strict=True))
    return DailyDemand(article=article, day=day, pieces=pieces.astype(float), n_days=A(days))


def test_moments() -> None:
    """2 + 4 pieces on 2 of 4 days: mean 1.5, squares 20 - 4 x 2.25 = 11, by 3: 11 / 3."""
    mean, sd = demand((0, 0, 2), (0, 3, 4), days=(4, 0)).moments()
    assert mean.tolist() == [1.5, 0.0]
    assert sd == pytest.approx([np.sqrt(11 / 3), 0.0])


def test_normal_level_by_hand() -> None:
    """10 a day, deviation 3, 16 days +- 2: 160 + 1.645 x sqrt(16 x 9 + 100 x 4) = 198.36."""
    level = normal_level(A([10.0]), A([3.0]), A([16.0]), A([2.0]), A([0.95]))
    assert level == pytest.approx([160 + 1.6448536 * np.sqrt(544)])
    assert critical_ratio(A([9.0]), A([1.0])).tolist() == [0.9]


def test_simulated_level_is_the_quantile_of_all_periods() -> None:
    """One piece every fifth day: periods of 5 days hold exactly 1, of 7 days 1 or 2; long ones wrap around."""
    history = demand(*((0, day, 1) for day in range(0, 30, 5)), days=(30,))
    for days, service, expected in ((5, 0.99, 1), (7, 0.5, 1), (7, 0.99, 2), (65, 0.99, 13)):
        found = simulated_level(
            history, A([0]), np.full(2000, days), A([service]), rng=np.random.default_rng(1)
        )
        assert found.tolist() == [expected], (days, service)


def test_simulated_level_against_a_plain_loop() -> None:
    """Same luck, article by article and period by period; articles that are not asked for stay out."""
    rng = np.random.default_rng(3)
    days = rng.integers(20, 60, 12)
    rows = [(a, d, float(rng.poisson(2))) for a in range(12) for d in range(days[a]) if rng.random() < 0.5]
    history, chosen = demand(*rows, days=tuple(days)), A([1, 4, 5, 11])
    lengths = period_lengths(7, 6.0, 3.0, n_samples=200, rng=np.random.default_rng(4))
    service = A([0.5, 0.9, 0.95, 0.99])
    found = simulated_level(history, chosen, lengths, service, rng=np.random.default_rng(5))
    luck = np.random.default_rng(5).random(200)
    for at, article in enumerate(chosen.tolist()):
        series = np.zeros(days[article])
        for a, d, pieces in rows:
            if a == article:
                series[d] += pieces
        starts = np.floor(luck * days[article]).astype(int)
        sums = sorted(
            sum(series[(s + k) % len(series)] for k in range(n)) for s, n in zip(starts, lengths, strict=True)
        )
        assert found[at] == sums[int(np.ceil(service[at] * 200)) - 1]


def test_level_keeps_its_service_on_new_days() -> None:
    """Poisson demand: the level of 180 days leaves at most 3 points more shortages than asked for on fresh periods."""
    rng = np.random.default_rng(6)
    past = rng.poisson(1.5, (40, 180))
    article, day = np.nonzero(past)
    history = DailyDemand(
        article=article, day=day, pieces=past[article, day].astype(float), n_days=np.full(40, 180)
    )
    lengths = period_lengths(7, 7.0, 0.0, n_samples=500, rng=rng)
    level = simulated_level(history, np.arange(40), lengths, np.full(40, 0.95), rng=rng)
    fresh = rng.poisson(1.5 * 14, (40, 2000))
    assert (fresh <= level[:, None]).mean() >= 0.92


LADDER = Ladder(A([0.0, 31.0, 361.0]), A([0.0, 1.0, 5.0]))


def test_ladder_by_hand() -> None:
    """Free for 31 days, 1 a day until 361, then 5: 10 days from day 355 cost 6 + 20."""
    assert LADDER.cost_until(A([31.0, 41.0, 365.0])).tolist() == [0.0, 10.0, 350.0]
    assert LADDER.cost_until(A([365.0]))[0] - LADDER.cost_until(A([355.0]))[0] == 26.0
    assert LADDER.rate_at(A([30.0, 31.0, 400.0])).tolist() == [0.0, 1.0, 5.0]
    assert LADDER.days_to_next(A([30.0, 31.0, 400.0])).tolist() == [1.0, 330.0, np.inf]


@pytest.mark.parametrize(
    ("start", "rate"),
    [([1.0], [1.0]), ([0.0, 30.0, 30.0], [1.0, 1.0, 2.0]), ([0.0], [-1.0]), ([], [])],
    ids=["no beginning", "two rates for an age", "negative", "empty"],
)
def test_faulty_ladders_are_refused(start: list[float], rate: list[float]) -> None:
    with pytest.raises(ValueError, match="ladder"):
        Ladder(A(start), A(rate))


def test_ages_never_exceed_what_is_there() -> None:
    """5 + 4 stated where 7 are left: the oldest have gone; 3 stated of 5: two of unknown age; below 0 is nothing."""
    by_age = A([[5, 0, 0, 0, 0, 4], [3, 0, 0, 0, 0, np.nan], [2, 0, 0, 0, 0, 0]], dtype=float)
    ages, unknown = ages_within(A([7.0, 5.0, -1.0]), by_age)
    assert ages[:, [0, 5]].tolist() == [[5, 2], [3, 0], [0, 0]]
    assert unknown.tolist() == [0, 2, 0]


def one(price: float, mean: float) -> KeepingCosts:
    return KeepingCosts(
        price=A([price]), salvage=A([price * 0.25]), capital_day=A([0.01]), m3=A([0.1]), mean_day=A([mean])
    )


def test_value_of_keeping_by_hand() -> None:
    """10 pieces of 1-30 days, one sold a day: sold on day 5 on average, free of storage: 10 x (20 - 5 x 0.01)."""
    young = A([[10.0, 0, 0, 0, 0, 0]])
    value = keep_value(young, one(20, 1.0), LADDER, horizon_days=365, sold_off=A([0.0]))
    assert value == pytest.approx([10 * (20 - 0.05)])
    # Half of them given away: the rest is sold on day 2.5.
    half = keep_value(young, one(20, 1.0), LADDER, horizon_days=365, sold_off=A([5.0]))
    assert half == pytest.approx([5 * (20 - 0.025)])


def test_what_never_sells_is_sold_off_and_what_sells_is_kept() -> None:
    """Nothing sold in a year at the dearest tier: 5 x 365 x 0.1 m3 = 182 a piece against 5 now."""
    old = A([[0.0, 0, 0, 0, 0, 10.0]])
    gone, worth = best_sell_off(old, one(20, 0.0), LADDER, most=A([10.0]), horizon_days=365)
    assert (gone.tolist(), worth.tolist()) == ([10.0], [50.0])
    kept, _ = best_sell_off(old, one(20, 5.0), LADDER, most=A([10.0]), horizon_days=365)
    assert kept.tolist() == [0.0]
    none, _ = best_sell_off(old, one(20, 0.0), LADDER, most=A([0.0]), horizon_days=365)
    assert none.tolist() == [0.0]
