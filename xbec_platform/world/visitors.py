"""People without an account: their identifier, device and market follow from a number, so nothing must be stored."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.identity import hex_text
from xbec_platform.world.spec import parameters
from xbec_platform.world.streams import stream

IntArray = npt.NDArray[np.int64]

# Days before the period on which a returning visitor may have come first; keeps day numbers positive.
DAY_OFFSET = 1000
# Constants of splitmix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators").
GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
MIX_ONE = np.uint64(0xBF58476D1CE4E5B9)
MIX_TWO = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True, kw_only=True)
class Visitors:
    """Unknown visitors; arrays with one entry each.

    Attributes:
        key: 64 random bits of the visitor, from which all else follows.
        market: Index of the market.
        segment: Index of the latent segment (truth).
        device: Index into `visitor_devices` of behaviour.yml.
    """

    key: npt.NDArray[np.uint64]
    market: IntArray
    segment: IntArray
    device: IntArray

    def anonymous_id(self) -> pl.Series:
        """Return the identifiers as hexadecimal text."""
        return hex_text(np.ascontiguousarray(self.key.astype(">u8")).view(np.uint8).reshape(-1, 8))


def visitors(seed: int, day: IntArray, number: IntArray, market_shares: npt.NDArray[np.float64]) -> Visitors:
    """Return the visitors who first came on a day with a number within the day."""
    salt = np.uint64(stream(seed, "visitors").integers(2**63))
    place = ((day + DAY_OFFSET).astype(np.uint64) << np.uint64(40)) + number.astype(np.uint64)
    key = _mixed(place * GOLDEN_GAMMA ^ salt)
    rule = parameters("people")["segments"]
    shares = [segment["share"] for segment in rule.values()]
    devices = list(parameters("behaviour")["visitor_devices"].values())
    return Visitors(
        key=key,
        market=_chosen(key, 0, market_shares),
        segment=_chosen(key, 16, np.array(shares)),
        device=_chosen(key, 32, np.array(devices)),
    )


def _mixed(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * MIX_ONE
    value = (value ^ (value >> np.uint64(27))) * MIX_TWO
    return np.asarray(value ^ (value >> np.uint64(31)))


def _chosen(key: npt.NDArray[np.uint64], shift: int, weights: npt.NDArray[np.float64]) -> IntArray:
    """Return a choice from 16 bits of the key."""
    uniform = ((key >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.float64) / 2**16
    edges = np.cumsum(weights)
    return np.minimum(np.searchsorted(edges / edges[-1], uniform, side="right"), len(edges) - 1)
