"""Draws from a range given as data. Streams and weighted draws are in streams."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from xbec_platform.world.spec import SECONDS_PER_DAY


def between(rng: np.random.Generator, low_high: Sequence[float], size: int) -> npt.NDArray[np.float64]:
    """Return uniform values between the two numbers of a range."""
    low, high = low_high
    return np.asarray(rng.uniform(low, high, size))


def seconds_between(rng: np.random.Generator, days: Sequence[float], size: int) -> npt.NDArray[np.int64]:
    """Return whole seconds, uniform between the two numbers of a range of days."""
    return np.asarray(np.round(between(rng, days, size) * SECONDS_PER_DAY), dtype=np.int64)
