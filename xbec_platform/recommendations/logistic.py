"""Ridge logistic regression on dense features; what the features mean is decided elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

NEWTON_STEPS = 50
TOLERANCE = 1e-12


def _penalised_loss(
    design: NDArray[np.float64],
    label: NDArray[np.float64],
    weights: NDArray[np.float64],
    penalty: NDArray[np.float64],
) -> float:
    score = design @ weights
    return float(np.logaddexp(0, score).sum() - label @ score + 0.5 * penalty @ weights**2)


def fit_logistic(
    design: NDArray[np.float64], label: NDArray[np.float64], penalty: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Minimise the penalised log loss by Newton steps, halved until the loss falls.

    Args:
        design: rows x features; the caller adds the constant.
        label: 0 or 1 per row.
        penalty: L2 penalty per feature, above 0 so that separable labels have a minimum.

    Returns:
        One weight per feature.
    """
    weights = np.zeros(design.shape[1])
    loss = _penalised_loss(design, label, weights, penalty)
    for _ in range(NEWTON_STEPS):
        chance = expit(design @ weights)
        slope = design.T @ (chance - label) + penalty * weights
        curve = design.T @ (design * (chance * (1 - chance))[:, None]) + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while (
            new_loss := _penalised_loss(design, label, weights - size * step, penalty)
        ) > loss and size > TOLERANCE:
            size /= 2
        if new_loss > loss:
            break
        gain = loss - new_loss
        weights, loss = weights - size * step, new_loss
        if gain <= TOLERANCE * loss:
            break
    return weights
