"""Random streams by name: no order of calls, process or day moves another draw. What is drawn does not belong here."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def stream(seed: int, part: str, *numbers: int) -> np.random.Generator:
    """Return the generator of one part of the world, say of the sessions of a day.

    Philox (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") with a key hashed from the
    arguments: streams of different arguments are independent, and equal on every machine.

    Args:
        seed: Seed of the world, not negative.
        part: Name of the part.
        numbers: What distinguishes streams of the part, such as the day.

    Raises:
        ValueError: The seed is negative.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    text = "\n".join([str(seed), part, *map(str, numbers)])
    key = np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], dtype="<u8")
    return np.random.Generator(np.random.Philox(key=key))


def categorical(
    uniform: npt.NDArray[np.float64], weights: Sequence[float] | npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Return indices drawn with the given weights, one for each uniform number in [0, 1)."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn = np.searchsorted(edges / edges[-1], uniform, side="right")
    return np.minimum(drawn, len(edges) - 1)


def log_normal(rng: np.random.Generator, low_high: Sequence[float], size: int) -> npt.NDArray[np.float64]:
    """Return log-normal values whose 5th and 95th percentiles are given."""
    low, high = np.log(np.asarray(low_high, dtype=np.float64))
    # 1.645: 95th percentile of the standard normal.
    return np.asarray(np.exp(rng.normal((low + high) / 2, (high - low) / (2 * 1.645), size)))
