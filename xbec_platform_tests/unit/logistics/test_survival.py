"""Kaplan-Meier curves of many groups: worked examples, agreement with a plain loop, bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbec_platform.logistics.shrinkage import shrunk_curves
from xbec_platform.logistics.survival import kaplan_meier, quantiles


def test_worked_example() -> None:
    """Times 1, 2+, 3, 3, 5+ (+: still waiting): S(1) = 4/5, S(3) = 4/5 x 1/3; the median is 3, P90 is not reached."""
    curves = kaplan_meier(
        np.array([3.0, 1.0, 2.0, 5.0, 3.0]),
        np.array([True, True, False, False, True]),
        np.zeros(5, np.int64),
        2,
    )
    assert curves.time.tolist() == [1.0, 3.0]
    assert curves.survival == pytest.approx([4 / 5, 4 / 15])
    assert curves.n.tolist() == [5, 0]
    assert curves.n_events.tolist() == [3, 0]
    assert quantiles(curves, 0.5).tolist()[0] == 3.0
    assert np.isnan(quantiles(curves, 0.9)).all()


def plain(duration: list[float], observed: list[bool]) -> list[tuple[float, float]]:
    """The textbook's loop over one group."""
    steps, share = [], 1.0
    for time in sorted({t for t, seen in zip(duration, observed, strict=True) if seen}):
        at_risk = sum(t >= time for t in duration)
        events = sum(t == time and seen for t, seen in zip(duration, observed, strict=True))
        share *= 1 - events / at_risk
        steps.append((time, share))
    return steps


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
def test_groups_equal_the_plain_loop(rows: list[tuple[int, int, bool]]) -> None:
    """No group hears of another; ties of events and censored times are read the usual way."""
    group, duration, observed = (np.array(column) for column in zip(*rows, strict=True))
    curves = kaplan_meier(duration.astype(float), observed, group, 3)
    for number in range(3):
        part = slice(curves.start[number], curves.start[number + 1])
        mine = [(float(t), bool(seen)) for g, t, seen in rows if g == number]
        expected = plain([t for t, _ in mine], [seen for _, seen in mine])
        assert curves.time[part].tolist() == [time for time, _ in expected]
        assert curves.survival[part] == pytest.approx([share for _, share in expected], abs=1e-12)


@pytest.mark.parametrize("duration", [[-1.0], [float("nan")], [float("inf")]])
def test_impossible_durations_are_refused(duration: list[float]) -> None:
    """A clock that runs backwards is named by the caller, not averaged away."""
    values, seen, zero = np.array(duration), np.array([True]), np.zeros(1, np.int64)
    with pytest.raises(ValueError, match="durations"):
        kaplan_meier(values, seen, zero, 1)
    with pytest.raises(ValueError, match="durations"):
        shrunk_curves(values, seen, [zero], [], [1.0])


def test_uncensored_groups_lean_with_weights_n_and_n0() -> None:
    """Lane of 1 and 1 days, everything 1, 1, 3, 3; n0 = 2: S(1) = (2 x 0 + 2 x 1/2) / 4 = 1/4."""
    curves = shrunk_curves(
        np.array([1.0, 1.0, 3.0, 3.0]),
        np.ones(4, np.bool_),
        levels=[np.array([0, 0, 1, 1])],
        parents=[],
        priors=[2.0],
    )
    assert curves.survival == pytest.approx(np.array([[0.25, 0.0], [0.75, 0.0]]))
    assert curves.weight.tolist() == [0.5, 0.5]
    assert curves.quantiles(0.5).tolist() == [1.0, 3.0]


def test_parcels_under_way_hold_their_lane_back() -> None:
    """Nine of ten of a lane still wait after 8 days: its P90 is no longer that of the quick lanes above it."""
    quick, slow = np.full(90, 2.0), np.array([9.0, *[8.0] * 9])
    duration, observed = np.concatenate([quick, slow]), np.arange(100) < 91
    lane = np.array([0] * 90 + [1] * 10)
    curves = shrunk_curves(duration, observed, levels=[lane], parents=[], priors=[5.0])
    assert curves.quantiles(0.9).tolist() == [2.0, 9.0]


def test_what_has_waited_long_waits_longer() -> None:
    """Times 1, 2, 3, 4: the median from the start is 2, of those still waiting at 2 it is 3, after 4 it is now."""
    curves = shrunk_curves(
        np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4, np.bool_), [np.zeros(4, np.int64)], [], [0.0]
    )
    group, elapsed = np.zeros(3, np.int64), np.array([0.0, 2.0, 9.0])
    assert curves.remaining(group, elapsed, 0.5).tolist() == [2.0, 3.0, 9.0]


def test_no_event_gives_no_quantile() -> None:
    """A day on which nothing has ever arrived ends without an error."""
    curves = shrunk_curves(np.array([1.0]), np.array([False]), [np.zeros(1, np.int64)], [], [1.0])
    assert np.isnan(curves.quantiles(0.9)).all()
