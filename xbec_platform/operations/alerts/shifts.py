"""Whether a share (clicks per showing, purchases per session) has shifted. Pure; the days are chosen elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# A week against the four before it: both hold whole weeks, so that weekdays weigh the same.
RECENT_DAYS, BASE_DAYS = 7, 28
# 1.25 times as high or as low is worth a look, 1.1 is well again.
RAISE_AT, CLEAR_AT = math.log(1.25), math.log(1.1)
# One false alarm in 16,000 looks; below the lower bound there is no sign of a shift at all.
SURE_Z, DOUBTFUL_Z = 4.0, 2.0


@dataclass(frozen=True)
class Shift:
    """How a share moved.

    Attributes:
        base: Share of the base days.
        recent: Share of the recent days.
        z: Difference in standard errors.
        size: |log(recent / base)| as far as it is proven: 0 where chance explains it, at most `CLEAR_AT` where it
            might.
    """

    base: float
    recent: float
    z: float
    size: float


def share_shift(days: Sequence[tuple[int, int]]) -> Shift | None:
    """Compare the last week with the four weeks before it.

    Two-proportion z test; its variance is multiplied by the Pearson dispersion of the base days (at least 1), as days
    differ more than chance alone makes them differ (McCullagh & Nelder 1989, section 4.5).

    Args:
        days: (trials, hits) by day, oldest first, without gaps.

    Returns:
        None for fewer than 35 days, or without a hit or a miss in either part.
    """
    if len(days) < RECENT_DAYS + BASE_DAYS:
        return None
    base, recent = days[-RECENT_DAYS - BASE_DAYS : -RECENT_DAYS], days[-RECENT_DAYS:]
    n0, x0 = sum(n for n, _ in base), sum(x for _, x in base)
    n1, x1 = sum(n for n, _ in recent), sum(x for _, x in recent)
    if not (0 < x0 < n0 and 0 < x1 < n1):
        return None
    p0, p1 = x0 / n0, x1 / n1
    busy = [(n, x) for n, x in base if n]
    chi_squared = sum((x - n * p0) ** 2 / (n * p0 * (1 - p0)) for n, x in busy)
    dispersion = max(chi_squared / max(len(busy) - 1, 1), 1.0)
    pooled = (x0 + x1) / (n0 + n1)
    z = (p1 - p0) / math.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1) * dispersion)
    seen = abs(math.log(p1 / p0))
    size = seen if abs(z) >= SURE_Z else min(seen, CLEAR_AT) if abs(z) >= DOUBTFUL_Z else 0.0
    return Shift(p0, p1, z, size)
