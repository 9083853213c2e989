"""What the inventory policy is given and the tables it returns (feature F30). No arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from xbec_platform.logistics.assignment_schema import MONEY

PAIR = ("warehouse_id", "product_id")

POLICY_SCHEMA = pl.Schema(
    {
        "warehouse_id": pl.String(),
        "product_id": pl.String(),
        "status": pl.String(),
        "reason": pl.String(),
        "demand_basis": pl.String(),
        "days_in_stock": pl.Int64(),
        "mean_pieces_day": pl.Float64(),
        "sd_pieces_day": pl.Float64(),
        "lead_basis": pl.String(),
        "lead_mean_days": pl.Float64(),
        "lead_sd_days": pl.Float64(),
        "review_days": pl.Float64(),
        "service_level": pl.Float64(),
        "method": pl.String(),
        "period_demand_pieces": pl.Float64(),
        "order_up_to_pieces": pl.Int64(),
        "on_hand": pl.Int64(),
        "reserved": pl.Int64(),
        "inbound": pl.Int64(),
        "known_demand_pieces": pl.Int64(),
        "position_pieces": pl.Int64(),
        "shortage_pieces": pl.Int64(),
        "surplus_pieces": pl.Int64(),
        "cover_days": pl.Float64(),
        "import_status": pl.String(),
        "supply_cost_base": MONEY,
        "stock_value_base": MONEY,
    }
)
"""Grain: warehouse x product. position = on hand - reserved + inbound - known demand (deposits); shortage and surplus
are what it lacks or has beyond order_up_to. status: ok, or data_missing with the reason and no shortage. import_status:
none where no import is due on the way to the shelf; no_rule: supply_cost_base lacks it."""

AGEING_SCHEMA = pl.Schema(
    {
        "warehouse_id": pl.String(),
        "product_id": pl.String(),
        "age_bucket": pl.String(),
        "age_days": pl.Float64(),
        "pieces": pl.Int64(),
        "volume_m3": pl.Float64(),
        "volume_assumed": pl.Boolean(),
        "rate_m3_day_base": pl.Float64(),
        "storage_day_base": MONEY,
        "days_to_next_tier": pl.Float64(),
        "days_to_sale": pl.Float64(),
        "storage_to_sale_base": MONEY,
    }
)
"""Grain: warehouse x product x age bucket with pieces. days_to_sale: until the last piece of the bucket leaves, oldest
first, at the rate of sale; null: not within the horizon, and the storage is that of the horizon."""

ACTION_SCHEMA = pl.Schema(
    {
        "warehouse_id": pl.String(),
        "product_id": pl.String(),
        "action": pl.String(),
        "target_warehouse_id": pl.String(),
        "pieces": pl.Int64(),
        "cost_base": MONEY,
        "benefit_base": MONEY,
        "reason": pl.String(),
    }
)
"""Grain: warehouse x product x action x target. action: restock, re_export (to the target, in place of a restock),
liquidate or let_run_out. cost: money spent on it; benefit: against doing nothing."""


@dataclass(frozen=True, kw_only=True)
class InventoryInputs:
    """The frames of a day; money in one base currency, row order without meaning.

    Attributes:
        stock: warehouse_id, product_id, on_hand, reserved, inbound, the age columns of the contract.
        demand: warehouse_id, product_id, day (day in stock, from 0), pieces, pre-sales left out.
        history: warehouse_id, product_id, days_in_stock, demand_basis (shipped; shared by stock where a shop states no
            shipments).
        lead_times: warehouse_id, lead_mean_days, lead_sd_days: from an order to its stated arrival.
        known: product_id, pieces: bought with a deposit, not yet handed over.
        products: product_id, unit_cost, list_price, weight_kg, length_cm, width_cm, height_cm, has_battery, is_hazard,
            origin_country, optional goods_group (`transfers.restricted_groups`; null: its kind alone).
        warehouses: warehouse_id, type, country, cost_pick, cost_pack.
        tiers: warehouse_type ('any': those without tiers of their own), from_age_days, rate_base (per m3 and day);
            empty: storage has no price, and its columns are null.
        transfers: origin_node, zone (both warehouses), goods, cost_per_kg_base; may be empty.
        import_costs: product_id, country, import_cost_base (of one piece imported in bulk), status; may be
            empty.
    """

    stock: pl.DataFrame
    demand: pl.DataFrame
    history: pl.DataFrame
    lead_times: pl.DataFrame
    known: pl.DataFrame
    products: pl.DataFrame
    warehouses: pl.DataFrame
    tiers: pl.DataFrame
    transfers: pl.DataFrame
    import_costs: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class InventoryParams:
    """Choices of a run.

    Attributes:
        review_days: Days between two orders.
        lead_mean_days: Lead time of a warehouse whose orders state none.
        lead_sd_days: Its deviation.
        service_level: Share of periods without a shortage of articles without prices.
        least_service: Bounds of the newsvendor's share.
        most_service: See least_service.
        capital_rate_year: Cost of money bound in stock.
        salvage_share: What is left of the list price when goods are sold off; an assumption of the shop.
        horizon_days: How far ahead keeping is compared with selling off.
        least_periods: Periods of history from which a level is simulated; below, demand is taken as normal.
        volume_m3: Of an article without measures.
        weight_kg: Of an article without one.
        n_samples: Simulated periods.
        seed: Of the simulation.
    """

    review_days: float = 7.0
    lead_mean_days: float = 14.0
    lead_sd_days: float = 4.0
    service_level: float = 0.95
    least_service: float = 0.5
    most_service: float = 0.99
    capital_rate_year: float = 0.12
    salvage_share: float = 0.35
    horizon_days: float = 365.0
    least_periods: float = 3.0
    volume_m3: float = 0.003
    weight_kg: float = 0.5
    n_samples: int = 500
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if min(self.review_days, self.lead_mean_days, self.horizon_days, self.volume_m3, self.weight_kg) <= 0:
            raise ValueError("days, volume and weight must be above 0")
        if not 0 < self.least_service <= self.service_level <= self.most_service < 1:
            raise ValueError("service levels must lie between 0 and 1, least <= usual <= most")
        if min(self.lead_sd_days, self.capital_rate_year, self.salvage_share) < 0 or self.n_samples < 1:
            raise ValueError("rates and deviations must not be negative, samples at least 1")


@dataclass(frozen=True, kw_only=True)
class InventoryTables:
    """POLICY_SCHEMA, AGEING_SCHEMA and ACTION_SCHEMA, each sorted by its key."""

    policy: pl.DataFrame
    ageing: pl.DataFrame
    actions: pl.DataFrame
