"""Tests on one column that SQL cannot express; rules name them. Which rows they apply to is said by the rules."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

MAX_SIDE_CM = 400.0
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _on_each_value(test: Callable[[str], bool]) -> Callable[[pl.Expr], pl.Expr]:
    """Run a test once per distinct text: files repeat their tariffs and box sizes."""

    def over(series: pl.Series) -> pl.Series:
        verdicts = {text: test(text) for text in series.drop_nulls().unique().to_list()}
        if not verdicts:
            return series.is_not_null()
        return series.replace_strict(verdicts, default=None, return_dtype=pl.Boolean)

    return lambda column: column.map_batches(over, return_dtype=pl.Boolean)


def brackets_broken(text: str) -> bool:
    """Whether weight brackets overlap, leave a gap, or are no brackets at all.

    Each bracket is `{"min_kg", "max_kg", "rate_per_kg"}`; only the last may be open (`max_kg` null).
    """
    try:
        steps = json.loads(text)
    except json.JSONDecodeError:
        return True
    if not isinstance(steps, list) or not steps or not all(map(_is_bracket, steps)):
        return True
    ordered = sorted(steps, key=lambda step: step["min_kg"])
    follows = itertools.pairwise(ordered)
    if any(before["max_kg"] != after["min_kg"] for before, after in follows):
        return True
    return any(step["max_kg"] is not None and step["max_kg"] <= step["min_kg"] for step in ordered)


def _is_bracket(step: Any) -> bool:
    if not isinstance(step, dict) or not {"min_kg", "max_kg", "rate_per_kg"} <= set(step):
        return False
    bounds = [step["min_kg"], step["rate_per_kg"], *([] if step["max_kg"] is None else [step["max_kg"]])]
    return all(
        isinstance(bound, int | float) and not isinstance(bound, bool) and bound >= 0 for bound in bounds
    )


def side_too_long(text: str) -> bool:
    """Whether a box written as length x width x height (cm) has a side above 400 cm."""
    return any(float(side) > MAX_SIDE_CM for side in _NUMBER.findall(text))


PREDICATES: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "brackets_broken": _on_each_value(brackets_broken),
    "side_too_long": _on_each_value(side_too_long),
}
