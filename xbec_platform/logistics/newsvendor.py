"""Pieces to send before it is known who pays: distribution of the demand, and what each further piece brings.

Demand of a product at a centre is a sum of independent orders of which each is paid with its own probability:
Poisson-binomial (Wang 1993), here with several pieces to an order. One piece too few costs the underage, one too many
the overage; the best quantity is the quantile at underage / (underage + overage) (Arrow, Harris & Marschak 1951).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_DIRECT = 4096
"""Convolutions of longer arrays go through Fourier space; its error is below 1e-12."""


def demand_distribution(probability: ArrayLike, qty: ArrayLike | None = None) -> Floats:
    """Probability of each number of pieces.

    Args:
        probability: That an order is paid, in [0, 1], shape (K,).
        qty: Pieces of each order, at least 1; None = 1.

    Returns:
        Probabilities of 0, 1, ... all pieces, shape (sum of qty + 1,); they sum to 1.
    """
    chance = np.asarray(probability, dtype=np.float64)
    pieces = np.ones(len(chance), dtype=np.int64) if qty is None else np.asarray(qty, dtype=np.int64)
    if not ((chance >= 0) & (chance <= 1)).all():
        raise ValueError("a probability lies outside [0, 1]")
    if (pieces < 1).any():
        raise ValueError("an order has less than one piece")
    parts = []
    for p, n in zip(chance, pieces, strict=True):
        part = np.zeros(n + 1)
        part[0], part[n] = 1 - p, p
        parts.append(part)
    while len(parts) > 1:
        # Neighbours pairwise: equal lengths meet, which is what makes long sums cheap.
        parts = [
            _convolve(*parts[at : at + 2]) if at + 1 < len(parts) else parts[at]
            for at in range(0, len(parts), 2)
        ]
    return parts[0] if parts else np.ones(1)


def _convolve(a: Floats, b: Floats) -> Floats:
    if min(len(a), len(b)) < _DIRECT:
        return np.convolve(a, b)
    from scipy.signal import fftconvolve

    return np.asarray(np.clip(fftconvolve(a, b), 0.0, 1.0))


def critical_ratio(underage: ArrayLike, overage: ArrayLike) -> Floats:
    """Service level worth having: 0 where a piece never pays, 1 where one too many costs nothing."""
    under = np.maximum(np.asarray(underage, dtype=np.float64), 0.0)
    over = np.maximum(np.asarray(overage, dtype=np.float64), 0.0)
    total = under + over
    return np.asarray(np.divide(under, total, out=np.zeros_like(total), where=total > 0))


def newsvendor_quantity(pmf: Floats, ratio: float) -> int:
    """The smallest quantity that covers demand with at least probability `ratio`; 0 where a piece never pays."""
    if ratio <= 0:
        return 0
    return min(int(np.searchsorted(np.cumsum(pmf), ratio - 1e-12)), len(pmf) - 1)


def marginal_costs(pmf: Floats, *, unused: float, saving: float) -> Floats:
    """What the k-th piece at the centre costs, k = 1..n, without bringing it there; never falls with k.

    The k-th piece is used when demand reaches k: it then saves, otherwise it is left over.

    Args:
        pmf: As `demand_distribution` returns it.
        unused: Cost of a piece left over.
        saving: What a used piece saves against shipping it after the balance is paid.
    """
    reached = _tail(pmf)[1:]
    return unused * (1 - reached) - saving * reached


def expected_used(pmf: Floats, quantity: int) -> float:
    """Expected pieces used of `quantity`: the smaller of quantity and demand."""
    return float(_tail(pmf)[1 : quantity + 1].sum())


def _tail(pmf: Floats) -> Floats:
    """Probability that demand is at least 0, 1, 2, ..."""
    return np.asarray(np.minimum(np.cumsum(pmf[::-1])[::-1], 1.0))
