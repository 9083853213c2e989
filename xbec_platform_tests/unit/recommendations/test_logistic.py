"""The logistic solver against a general optimiser."""

import numpy as np
from scipy.optimize import minimize

from xbec_platform.recommendations.logistic import fit_logistic


def test_logistic_solver_finds_the_minimum():
    """A general optimiser must not find a better point, nor another one."""
    rng = np.random.default_rng(3)
    design = np.column_stack([np.ones(400), rng.normal(size=(400, 3)) * 3])
    label = (rng.random(400) < 1 / (1 + np.exp(-design @ [0.5, 2, -1, 0]))).astype(float)
    penalty = np.array([1e-6, 1, 1, 1])

    def loss(weights):
        score = design @ weights
        return np.logaddexp(0, score).sum() - label @ score + 0.5 * penalty @ weights**2

    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(fit_logistic(design, label, penalty), best.x, atol=1e-4)


def test_separable_labels_have_finite_weights():
    """Without the penalty the weight would run away; with 1 the slope 2 w = sum of (1 - p) is solved near .8."""
    design = np.array([[-1.0], [1.0]])
    weight = fit_logistic(design, np.array([0.0, 1.0]), np.array([1.0]))[0]
    np.testing.assert_allclose(weight, 2 / (1 + np.exp(weight)), rtol=1e-6)
