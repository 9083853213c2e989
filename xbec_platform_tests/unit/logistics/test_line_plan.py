"""From class flows back to lines."""

import numpy as np
import pytest

from xbec_platform.logistics.line_plan import UNSERVED, split_flows


def ints(*values: int) -> np.ndarray:
    """A small integer array."""
    return np.array(values, dtype=np.int64)


def test_longest_lines_take_the_largest_flows() -> None:
    """Lines of 1, 4, 1 and flows of 2 and 4: the line of 4 fills the flow of 4, nobody is cut."""
    segments = split_flows(ints(0, 0, 0), ints(1, 4, 1), ints(0, 0), ints(2, 4), ints(0))
    assert segments.rows() == [(0, 0, 1), (1, 1, 4), (2, 0, 1)]


def test_a_line_is_cut_where_the_flow_ends() -> None:
    """One line of five over flows of three and one, one piece left over: three rows, unserved last in line."""
    segments = split_flows(ints(0), ints(5), ints(0, 0), ints(1, 3), ints(1))
    assert segments.rows() == [(0, UNSERVED, 1), (0, 0, 1), (0, 1, 3)]


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        (3, [(0, UNSERVED, 1), (1, 0, 3), (2, UNSERVED, 1)]),
        (2, [(0, 0, 1), (1, UNSERVED, 3), (2, 0, 1)]),
    ],
)
def test_lines_are_served_or_left_over_whole(served: int, expected: list[tuple[int, int, int]]) -> None:
    """Lines of 1, 3 and 1: three pieces are the long line, two are the two short ones; nobody gets a part."""
    segments = split_flows(ints(0, 0, 0), ints(1, 3, 1), ints(0), ints(served), ints(5 - served))
    assert segments.rows() == expected


def test_classes_do_not_mix() -> None:
    """Equal totals in two classes, lines interleaved: each line gets an arc of its own class."""
    segments = split_flows(ints(1, 0, 1), ints(1, 2, 1), ints(0, 1), ints(2, 2), ints(0, 0))
    assert segments.rows() == [(0, 1, 1), (1, 0, 2), (2, 1, 1)]


def test_no_lines_no_segments() -> None:
    """The empty day."""
    assert split_flows(ints(), ints(), ints(), ints(), ints()).is_empty()


def test_flows_that_do_not_add_up_are_refused() -> None:
    """A piece lost on the way must not be lost silently."""
    with pytest.raises(ValueError, match="3 pieces ordered, 2 in the flow"):
        split_flows(ints(0), ints(3), ints(0), ints(2), ints(0))
