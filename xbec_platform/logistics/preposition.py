"""Goods on their way before the balance is paid (feature F22): which centre, how many pieces. The one entry point.

Every order is planned for one centre; orders of a product at a centre share its pieces. Given these homes the
quantities are optimal (`preposition_flow`). Homes are searched: each zone's most profitable centre and each zone's
nearest one are tried, then orders move where room, stock or pooling make another centre cheaper. Because "always
to the nearest" and "never" lie among what is searched, the plan is never worse than either.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from xbec_platform.logistics.preposition_audit import preposition_faults
from xbec_platform.logistics.preposition_homes import best_homes, nearest_cost
from xbec_platform.logistics.preposition_model import build_model
from xbec_platform.logistics.preposition_schema import PLAN_SCHEMA, PrepositionInputs
from xbec_platform.logistics.preposition_tables import home_table, plan_table


@dataclass(frozen=True, kw_only=True)
class PrepositionResult:
    """The plan of a day.

    Attributes:
        plan: PLAN_SCHEMA, one row per pre-sale and centre.
        homes: HOME_SCHEMA, one row per order given.
        cost: Expected cost of the plan against sending nothing, base currency; never above 0.
        nearest_cost: The same of sending every piece to the nearest centre as long as there is room and stock.
    """

    plan: pl.DataFrame
    homes: pl.DataFrame
    cost: float
    nearest_cost: float


def preposition(inputs: PrepositionInputs) -> PrepositionResult:
    """Decide how many pieces of each product go to each centre before anybody has paid the balance.

    Args:
        inputs: Deposits with their probabilities, what sending would cost and save, room and stock.

    Returns:
        The plan, audited; equal for equal input in any row order.

    Raises:
        ValueError: The frames are malformed.
        RuntimeError: The plan failed its audit; nothing is returned rather than a wrong plan.
    """
    model = build_model(inputs)
    if not len(model.qty):
        homes = home_table(model, None)
        return PrepositionResult(
            plan=pl.DataFrame(schema=PLAN_SCHEMA), homes=homes, cost=0.0, nearest_cost=0.0
        )
    choice = best_homes(model)
    result = PrepositionResult(
        plan=plan_table(model, choice),
        homes=home_table(model, choice),
        cost=choice.cost,
        nearest_cost=nearest_cost(model),
    )
    faults = preposition_faults(inputs, result.plan, result.homes, result.cost)
    if faults:
        raise RuntimeError(f"the pre-positioning plan breaks {len(faults)} rules, first: {faults[0]}")
    if result.cost > min(result.nearest_cost, 0.0) + 1e-6:
        raise RuntimeError("the pre-positioning plan is worse than a shop rule")
    return result
