"""The steps and blocks of behaviour.yml as arrays, for gathers. Drawing them does not belong here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from xbec_platform.world.spec import parameters

IntArray = npt.NDArray[np.int64]

# Placement of a step: none, or the one of its block.
NO_PLACEMENT, BLOCK_PLACEMENT = -1, -2
NO_QUERY, MAIN_QUERY, TYPO_QUERY, ZERO_QUERY = range(4)
QUERY_KINDS = {"main": MAIN_QUERY, "typo": TYPO_QUERY, "zero": ZERO_QUERY}
# Draws per lookup table: a probability is exact to 1/4096.
TABLE_SIZE = 4096


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Arrays with one entry per kind of event.

    Attributes:
        event_type: Index into `event_types`.
        page_type: Index into `page_types`.
        placement: Index into `placements`, NO_PLACEMENT or BLOCK_PLACEMENT.
        query: One of the query kinds.
        has_product, has_category, has_price: Whether the event names them.
        in_list: The event is a click at a position of a list.
        is_page: Time is spent there.
        is_instant: It happens in the same second as the next one.
    """

    event_type: IntArray
    page_type: IntArray
    placement: IntArray
    query: IntArray
    has_product: npt.NDArray[np.bool_]
    has_category: npt.NDArray[np.bool_]
    has_price: npt.NDArray[np.bool_]
    in_list: npt.NDArray[np.bool_]
    is_page: npt.NDArray[np.bool_]
    is_instant: npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Arrays with one entry per block, and the steps of all blocks one after the other.

    Attributes:
        names: Index of a block by its name.
        steps: Kinds of events of all blocks.
        first: Place of a block's first step in `steps`.
        length: Number of its steps.
        shows: Recommendation slot on its page as index into `placements`, NO_PLACEMENT without one.
        landing, browse: Lookup tables of blocks: as first one of a session, as later one.
    """

    names: Mapping[str, int]
    steps: IntArray
    first: IntArray
    length: IntArray
    shows: IntArray
    landing: IntArray
    browse: IntArray


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What events are made of."""

    event_types: tuple[str, ...]
    page_types: tuple[str, ...]
    placements: tuple[str, ...]
    slots: tuple[str, ...]
    steps: Steps
    blocks: Blocks


def lookup_table(weights: Sequence[float] | npt.NDArray[np.float64], size: int = TABLE_SIZE) -> IntArray:
    """Return indices such that a uniform choice of an entry has the given weights, rounded to the table's size."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    at = (np.arange(size) + 0.5) / size * edges[-1]
    return np.asarray(np.minimum(np.searchsorted(edges, at, side="right"), len(edges) - 1))


def quantile_table(quantiles: Mapping[float, float], size: int = TABLE_SIZE) -> npt.NDArray[np.float64]:
    """Return values such that a uniform choice of an entry has these quantiles, log-linear in between."""
    at = (np.arange(size) + 0.5) / size
    levels = sorted(quantiles)
    return np.asarray(np.exp(np.interp(at, levels, np.log([quantiles[level] for level in levels]))))


def examination(positions: int) -> npt.NDArray[np.float64]:
    """Return the chance that a visitor looks at position 1, 2, ...: 1 / rank^eta (Joachims et al. 2017)."""
    eta = parameters("behaviour")["position_bias"]["eta"]
    return np.asarray(np.round(np.arange(1, positions + 1, dtype=np.float64) ** -eta, 9))


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary of behaviour.yml."""
    rule = parameters("behaviour")
    slots = tuple(block["shows"] for block in rule["blocks"].values() if "shows" in block)
    lists = dict.fromkeys(step["placement"] for step in rule["steps"].values() if step.get("list"))
    campaigns = (f"K{number:03d}" for number in range(1, len(rule["campaigns"]) + 1))
    placements = (*lists, *slots, *campaigns)
    return Vocabulary(
        event_types=tuple(rule["event_types"]),
        page_types=tuple(rule["page_types"]),
        placements=placements,
        slots=slots,
        steps=_steps(rule, placements),
        blocks=_blocks(rule, placements),
    )


def _steps(rule: Mapping[str, Any], placements: Sequence[str]) -> Steps:
    steps = list(rule["steps"].values())
    known = {name: number for number, name in enumerate(placements)}

    def place(step: Mapping[str, Any]) -> int:
        return known.get(step["placement"], BLOCK_PLACEMENT) if "placement" in step else NO_PLACEMENT

    def flags(name: str) -> npt.NDArray[np.bool_]:
        return np.array([step.get(name, False) for step in steps], dtype=bool)

    return Steps(
        event_type=np.array([rule["event_types"].index(step["type"]) for step in steps]),
        page_type=np.array([rule["page_types"].index(step["page"]) for step in steps]),
        placement=np.array([place(step) for step in steps]),
        query=np.array([QUERY_KINDS.get(step.get("query"), NO_QUERY) for step in steps]),
        has_product=flags("product"),
        # Who names a product names its category.
        has_category=flags("category") | flags("product"),
        has_price=flags("price"),
        in_list=flags("list"),
        is_page=flags("dwell"),
        is_instant=flags("instant"),
    )


def _blocks(rule: Mapping[str, Any], placements: Sequence[str]) -> Blocks:
    names = {name: number for number, name in enumerate(rule["blocks"])}
    blocks = list(rule["blocks"].values())
    steps = list(rule["steps"])
    length = np.array([len(block["steps"]) for block in blocks])
    return Blocks(
        names=names,
        steps=np.array([steps.index(step) for block in blocks for step in block["steps"]]),
        first=np.cumsum(length) - length,
        length=length,
        shows=np.array(
            [placements.index(block["shows"]) if "shows" in block else NO_PLACEMENT for block in blocks]
        ),
        landing=lookup_table([block.get("landing", 0.0) for block in blocks]),
        browse=lookup_table([block.get("browse", 0.0) for block in blocks]),
    )
