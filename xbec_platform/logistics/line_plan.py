"""From flows of classes back to order lines. Belongs here: who gets which piece. Not here: how many, at what cost."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xbec_platform.logistics.flow import Ints

UNSERVED = -1
"""Arc of a piece that stays unserved."""

SEGMENT_SCHEMA = pl.Schema({"line": pl.Int64(), "arc": pl.Int64(), "qty": pl.Int64()})


def split_flows(
    line_class: Ints, line_qty: Ints, arc_class: Ints, arc_flow: Ints, class_unserved: Ints
) -> pl.DataFrame:
    """Give every line its pieces of the class's flows, longest lines first into the largest flows.

    Within a class all plans cost the same. Lines in falling quantity (then in the order given) are laid
    beside flows in falling size, what is unserved being one of them, and both are cut where either ends:
    lines of one piece, most of all lines, are at the end where the small flows are, so few lines are cut.

    Args:
        line_class: Class of each line, lines in key order.
        line_qty: Pieces of each line.
        arc_class: Class of each arc.
        arc_flow: Pieces over each arc.
        class_unserved: Pieces left over in each class.

    Returns:
        SEGMENT_SCHEMA: rows of lines and arcs (UNSERVED = left over) and pieces, sorted by line, then arc.

    Raises:
        ValueError: Flows and lines of a class do not add up.
    """
    lines = np.lexsort((-line_qty, line_class))
    classes = np.arange(len(class_unserved), dtype=np.int64)
    used = np.flatnonzero(arc_flow > 0)
    left = np.flatnonzero(class_unserved > 0)
    bin_class = np.concatenate([arc_class[used], classes[left]])
    bin_arc = np.concatenate([used, np.full(len(left), UNSERVED, dtype=np.int64)])
    bin_qty = np.concatenate([arc_flow[used], class_unserved[left]])
    bins = np.lexsort((bin_arc, -bin_qty, bin_class))
    _check_totals(line_class, line_qty, bin_class, bin_qty, len(classes))
    line_end, bin_end = np.cumsum(line_qty[lines]), np.cumsum(bin_qty[bins])
    cuts = np.union1d(line_end, bin_end)
    starts = np.concatenate([np.zeros(min(1, len(cuts)), dtype=np.int64), cuts[:-1]])
    return pl.DataFrame(
        {
            "line": lines[np.searchsorted(line_end, starts, side="right")],
            "arc": bin_arc[bins][np.searchsorted(bin_end, starts, side="right")],
            "qty": cuts - starts,
        },
        schema=SEGMENT_SCHEMA,
    ).sort("line", "arc")


def _check_totals(line_class: Ints, line_qty: Ints, bin_class: Ints, bin_qty: Ints, n_classes: int) -> None:
    ordered: NDArray[np.int64] = np.zeros(n_classes, dtype=np.int64)
    placed: NDArray[np.int64] = np.zeros(n_classes, dtype=np.int64)
    np.add.at(ordered, line_class, line_qty)
    np.add.at(placed, bin_class, bin_qty)
    wrong = np.flatnonzero(ordered != placed)
    if len(wrong):
        raise ValueError(
            f"class {wrong[0]}: {ordered[wrong[0]]} pieces ordered, {placed[wrong[0]]} in the flow"
        )
