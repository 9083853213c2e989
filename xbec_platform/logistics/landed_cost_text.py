"""A landed cost in words for people who ask about one order. Nothing is computed here."""

from __future__ import annotations

import polars as pl


def explain_landed_cost(costs: pl.DataFrame, trace: pl.DataFrame, order_id: str) -> str | None:
    """The steps of one order with rule, base, rate and amount, and the sum; None for an unknown order.

    Args:
        costs: Columns of `LANDED_COST_SCHEMA`.
        trace: Columns of `TRACE_SCHEMA`.
        order_id: Whose.
    """
    found = costs.filter(pl.col("order_id") == order_id)
    if found.is_empty():
        return None
    cost = found.row(0, named=True)
    lines = [f"order {order_id} to {cost['market']}: {cost['status']}" + _because(cost["reason"])]
    for step in trace.filter(pl.col("order_id") == order_id).sort("step_no").iter_rows(named=True):
        where = f" line {step['line_no']}" if step["line_no"] is not None else ""
        sums = [
            f"{step['base']:.2f}" if step["base"] is not None else "",
            f"x {step['rate_pct'].normalize():f} %" if step["rate_pct"] is not None else "",
            f"= {step['amount']:.2f}" if step["amount"] is not None else "",
        ]
        rule = f" [{step['rule_id']}]" if step["rule_id"] else ""
        text = " ".join(filter(None, sums))
        lines.append(
            f"{step['step_no']:>3}. {step['step']}{where}: {text}{' ' if text else ''}({step['note']}){rule}"
        )
    if cost["import_cost"] is not None:
        lines.append(
            f"duty {cost['duty']:.2f} + consumption tax {cost['consumption_tax']:.2f} + VAT {cost['vat']:.2f} + "
            f"fees {cost['fees']:.2f} = {cost['import_cost']:.2f} {cost['currency']}; "
            f"with goods {cost['goods']:.2f} and freight {cost['shipping']:.2f}: "
            f"{cost['landed_cost']:.2f} {cost['currency']}"
        )
    lines.append("Computed from the rules in tariff_rules; not legal advice.")
    return "\n".join(lines)


def _because(reason: str | None) -> str:
    return f" ({reason})" if reason else ""
