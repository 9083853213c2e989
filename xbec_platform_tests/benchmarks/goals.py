"""Whether a measured row reaches its goal. Nothing is measured here.

A goal is text with clauses such as `>= 10x` (of the ratio), `<= 4` (of ours), `ours >= .35, ratio >= 1.15`; other text
is for people. The ratio is peer / ours where more is better, and ours / peer where the goal is `<=`.
"""

import re
from collections.abc import Mapping

_CLAUSE = re.compile(r"(?:(ours|ratio)\s*)?(<=|>=)\s*(\d[\d,]*(?:\.\d+)?|\.\d+)(x?)")

MET, MISSED, NOT_MEASURED, REPORTED = "met", "MISSED", "not measured", ""


def verdict(row: Mapping[str, object]) -> str:
    """What became of the goal of a row of name, ours, peer, ratio, unit, goal: one of the words above."""
    found = []
    for side, relation, number, times in _CLAUSE.findall(str(row.get("goal") or "")):
        value = row.get("ratio" if times or side == "ratio" else "ours")
        if not isinstance(value, int | float):
            found.append(NOT_MEASURED)
            continue
        goal = float(number.replace(",", ""))
        found.append(MET if (value <= goal if relation == "<=" else value >= goal) else MISSED)
    if not found:
        return REPORTED
    return next(word for word in (MISSED, NOT_MEASURED, MET) if word in found)
