"""Where customers belong: the nearest centroid, or the likeliest group where groups have shapes of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbec_platform.customers.cluster_model import ClusterModel
from xbec_platform.customers.stability import distance_matrix, nearest

Floats = NDArray[np.float64]


def place(model: ClusterModel, points: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return for each point the index of its group (ties: the first) and the distance to its centroid.

    Args:
        model: any fitted model.
        points: z-scores in the scale of the model.
    """
    if not model.has_shapes:
        return nearest(points, model.centroids())
    best = np.argmax(_log_densities(model, points), axis=1).astype(np.int64)
    return best, np.sqrt(np.square(points - model.centroids()[best]).sum(axis=1))


def margin(model: ClusterModel, points: Floats) -> Floats:
    """Return how clear each point's group is, 0 (a tie) to 1 (there is no other).

    The share by which the nearest centroid is nearer than the second one; where groups have shapes, the share by which
    the second group is less likely.
    """
    if model.has_shapes:
        logs = np.sort(_log_densities(model, points), axis=1)
        return 1 - np.exp(logs[:, -2] - logs[:, -1]) if logs.shape[1] > 1 else np.ones(len(points))
    distances = np.sort(distance_matrix(points, model.centroids()), axis=1)
    second = distances[:, 1] if distances.shape[1] > 1 else np.full(len(distances), np.inf)
    return np.asarray(1 - distances[:, 0] / np.maximum(second, np.finfo(float).tiny), dtype=np.float64)


def _log_densities(model: ClusterModel, points: Floats) -> Floats:
    """Logarithms of weight times normal density up to a constant, points x groups."""
    columns = []
    for group in model.groups:
        size = len(group.centroid)
        lower = np.linalg.cholesky(np.array(group.covariance).reshape(size, size))
        z = np.linalg.solve(lower, (points - np.array(group.centroid)).T)
        columns.append(
            np.log(group.weight) - np.log(np.diag(lower)).sum() - np.square(z).sum(axis=0) / 2,
        )
    return np.column_stack(columns)
