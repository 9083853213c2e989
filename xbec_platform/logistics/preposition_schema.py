"""Tables of pre-positioning: what is given, what is planned, why a deposit takes no part. No logic beyond that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from xbec_platform.logistics.assignment_schema import MONEY

DEPOSIT_SCHEMA = pl.Schema(
    {
        "order_id": pl.String(),
        "presale_id": pl.String(),
        "product_id": pl.String(),
        "zone": pl.String(),
        "qty": pl.Int64(),
        "probability": pl.Float64(),
    }
)
"""Grain: order of a pre-sale. zone: country of the address; null = not known. probability: that the balance is paid."""

OPTION_SCHEMA = pl.Schema(
    {
        "presale_id": pl.String(),
        "zone": pl.String(),
        "warehouse_id": pl.String(),
        "distance_rank": pl.Int64(),
        "origin_node": pl.String(),
        "route": pl.String(),
        "transfer_p90_days": pl.Float64(),
        "is_last_call": pl.Boolean(),
        "send_cost": pl.Float64(),
        "unused_cost": pl.Float64(),
        "saving": pl.Float64(),
        "hours_saved": pl.Float64(),
    }
)
"""Grain: pre-sale x zone x centre that goods could be sent to. Costs per piece in base currency: send_cost to bring it
there, unused_cost when nobody pays for it, saving when it ships from there and not after the balance from where it
lies; a day less in transit has its value in it. All but
saving and hours_saved belong to the centre, not to the zone. distance_rank: 0 = the nearest centre of the zone."""

PLAN_SCHEMA = pl.Schema(
    {
        "presale_id": pl.String(),
        "product_id": pl.String(),
        "warehouse_id": pl.String(),
        "origin_node": pl.String(),
        "route": pl.String(),
        "transfer_p90_days": pl.Float64(),
        "is_last_call": pl.Boolean(),
        "n_orders": pl.Int64(),
        "deposit_units": pl.Int64(),
        "expected_units": pl.Float64(),
        "critical_ratio": pl.Float64(),
        "newsvendor_units": pl.Int64(),
        "send_units": pl.Int64(),
        "expected_used_units": pl.Float64(),
        "p_some_unused": pl.Float64(),
        "hours_saved": pl.Float64(),
        "send_cost_per_unit_base": MONEY,
        "unused_cost_per_unit_base": MONEY,
        "saving_per_unit_base": MONEY,
        "expected_cost_base": MONEY,
        "at_risk_base": MONEY,
        "status": pl.String(),
    }
)
"""Grain: pre-sale x centre. expected_cost_base: against sending nothing, below 0 = it pays. hours_saved: expected, of
all pieces. at_risk_base: what is lost on the pieces expected to be left over. status: a `Status`."""

HOME_SCHEMA = pl.Schema(
    {
        "order_id": pl.String(),
        "presale_id": pl.String(),
        "product_id": pl.String(),
        "zone": pl.String(),
        "qty": pl.Int64(),
        "probability": pl.Float64(),
        "warehouse_id": pl.String(),
        "reason": pl.String(),
    }
)
"""Grain: order. Every order given: the centre it is planned for, or the one reason why it has none."""

ROOM_SCHEMA = pl.Schema({"warehouse_id": pl.String(), "room_units": pl.Int64()})
STOCK_SCHEMA = pl.Schema({"product_id": pl.String(), "units": pl.Int64()})


class Status(StrEnum):
    """What became of a product at a centre."""

    AS_WISHED = "AS_WISHED"
    DOES_NOT_PAY = "DOES_NOT_PAY"
    ROOM_FULL = "ROOM_FULL"
    STOCK_SHORT = "STOCK_SHORT"


class HomeReason(StrEnum):
    """Why an order is planned for no centre, in order of precedence."""

    NO_ADDRESS = "NO_ADDRESS"
    NO_PROBABILITY = "NO_PROBABILITY"
    BAD_QUANTITY = "BAD_QUANTITY"
    NO_STOCK = "NO_STOCK"
    NO_CENTRE_IN_TIME = "NO_CENTRE_IN_TIME"


@dataclass(frozen=True, kw_only=True)
class PrepositionInputs:
    """The deposits of a day and what could be done; row order without meaning.

    Attributes:
        deposits: DEPOSIT_SCHEMA.
        options: OPTION_SCHEMA.
        rooms: ROOM_SCHEMA; pieces a centre can take and send for pre-sales; a centre not named has no limit.
        stock: STOCK_SCHEMA; pieces that can be sent out in all; a product not named has none.
    """

    deposits: pl.DataFrame
    options: pl.DataFrame
    rooms: pl.DataFrame
    stock: pl.DataFrame
