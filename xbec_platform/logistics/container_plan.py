"""The plan of a day with loaded containers by its own names: lines, reasons, containers, totals. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import polars as pl

from xbec_platform.logistics.assignment import AssignmentResult
from xbec_platform.logistics.assignment_inputs import AssignmentInputs, AssignmentParams
from xbec_platform.logistics.assignment_schema import CONTAINER_SCHEMA, MONEY, Reason, conform
from xbec_platform.logistics.assignment_tables import with_further_cost
from xbec_platform.logistics.container_audit import container_faults
from xbec_platform.logistics.containers import FIT, MARK, LoadedDay, base_lane, volume_m3, whole_rate

_KEY = ["order_id", "line_no"]


def unloaded(result: AssignmentResult, loaded: LoadedDay) -> AssignmentResult:
    """The plan of a loaded day by the names of lines, countries and lanes, with its containers; audited again.

    Raises:
        RuntimeError: The plan breaks a rule of containers, or costs less than is possible.
    """
    if loaded.bound is None:
        return result
    own = [_own(table, loaded.parts) for table in (result.assignments, result.unserved)]
    served = own[0].with_columns(is_split=pl.col("warehouse_id").n_unique().over(_KEY) > 1)
    served = served.sort(*_KEY, "warehouse_id", "lane_id")
    containers = _containers(served, loaded.given, loaded.params)
    plan = replace(
        result,
        assignments=served,
        unserved=_left(own[1], loaded.params.no_way_base),
        containers=containers,
        summary=_summary(result.summary, served, containers, loaded),
    )
    faults = container_faults(loaded.given, loaded.params, plan.assignments, containers, plan.summary)
    if faults:
        raise RuntimeError(f"the containers break {len(faults)} rules, first: {faults[0]}")
    return plan


def _own(table: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    names = [name for name in ("ship_country", "lane_id") if name in table.columns]
    return (
        table.join(
            parts.rename({"line_no": "own"}),
            left_on=_KEY,
            right_on=["order_id", "part"],
            how="left",
            maintain_order="left",
        )
        .with_columns(pl.coalesce("own", "line_no").alias("line_no"))
        .with_columns(pl.col(name).str.split(MARK).list.first() for name in names)
        .select(table.columns)
    )


def _left(left: pl.DataFrame, beyond: float) -> pl.DataFrame:
    """Unserved lines, once each; where only a container was left to go by, they say so."""
    cost = pl.col("detail").str.extract(r"^cheapest way ([\d.]+) a piece").cast(pl.Float64)
    only = (pl.col("reason") == Reason.COST_ABOVE_PENALTY) & (cost >= beyond).fill_null(False)
    told = pl.lit(
        "only containers go there in time: those that leave are full, and one more would cost more than it saves"
    )
    return (
        left.with_columns(
            reason=pl.when(only).then(pl.lit(str(Reason.CONTAINER_NOT_WORTH_IT))).otherwise("reason"),
            detail=pl.when(only).then(told).otherwise("detail"),
        )
        .group_by(_KEY, maintain_order=True)
        .agg(
            pl.col("product_id", "ship_country").first(),
            pl.col("qty", "penalty_base").sum(),
            pl.col("reason", "detail").first(),
        )
        .select(left.columns)
        .sort(_KEY)
    )


def _containers(served: pl.DataFrame, day: AssignmentInputs, params: AssignmentParams) -> pl.DataFrame:
    """CONTAINER_SCHEMA, sorted by lane."""
    lanes = day.lanes.filter(pl.col("container_rate").is_not_null())
    goods = day.products.select(
        "product_id",
        weight_kg=pl.when(pl.col("weight_kg") > 0).then("weight_kg").otherwise(params.default_weight_kg),
        volume_cm3=pl.col("length_cm") * pl.col("width_cm") * pl.col("height_cm"),
    )
    rows = (
        served.select("lane_id", "product_id", "qty")
        .join(lanes, on="lane_id", maintain_order="left")
        .join(goods, on="product_id", how="left", maintain_order="left")
        .with_columns(pl.col("weight_kg").fill_null(params.default_weight_kg))
        .with_columns(
            assumed=~(pl.col("volume_cm3") > 0).fill_null(False), base=base_lane(), rate=whole_rate()
        )
        .sort("base", "product_id", "qty")
    )
    totals = rows.group_by("base", maintain_order=True).agg(
        pl.col("container_max_kg", "container_max_m3", "rate").first(),
        warehouse_id=pl.col("origin_node").first(),
        ship_country=pl.col("dest_node").str.extract(r"^([^|@#]*)").first(),
        pieces=pl.col("qty").sum(),
        kg=(pl.col("weight_kg") * pl.col("qty")).sum().round(6),
        m3=(volume_m3() * pl.col("qty")).sum().round(9),
        size_assumed_pieces=pl.col("qty").filter("assumed").sum(),
    )
    most = pl.max_horizontal(
        pl.col("kg") / pl.col("container_max_kg"), pl.col("m3") / pl.col("container_max_m3")
    )
    return (
        totals.with_columns(containers=(most - FIT).ceil().clip(lower_bound=1).cast(pl.Int64))
        .with_columns(
            lane_id="base",
            rate_base=pl.col("rate").round(4).cast(MONEY),
            weight_fill=(pl.col("kg") / (pl.col("container_max_kg") * pl.col("containers"))).round(6),
            volume_fill=(pl.col("m3") / (pl.col("container_max_m3") * pl.col("containers"))).round(6),
        )
        .with_columns(cost_base=(pl.col("rate_base") * pl.col("containers")).cast(MONEY))
        .pipe(conform, CONTAINER_SCHEMA)
        .sort("lane_id")
    )


def _summary(
    summary: pl.DataFrame, served: pl.DataFrame, containers: pl.DataFrame, loaded: LoadedDay
) -> pl.DataFrame:
    paid = sum(containers["cost_base"], Decimal(0))
    split = served.filter(pl.col("is_split")).select(_KEY).unique().height
    objective = (pl.col("objective_base") + pl.lit(paid, dtype=MONEY)).cast(pl.Float64)
    return with_further_cost(summary, paid).with_columns(
        container_base=pl.lit(paid, dtype=MONEY),
        containers=pl.lit(int(containers["containers"].sum()), dtype=pl.Int64),
        n_lines=pl.lit(loaded.given.lines.height, dtype=pl.Int64),
        n_split_lines=pl.lit(split, dtype=pl.Int64),
        bound_base=pl.min_horizontal(pl.lit(loaded.bound), objective).round(4).cast(MONEY),
    )


def container_text(containers: pl.DataFrame, lanes: Sequence[str] | None = None) -> str:
    """Containers of a day in words, a line each.

    Args:
        containers: CONTAINER_SCHEMA.
        lanes: Only of these; None: all.
    """
    shown = containers if lanes is None else containers.filter(pl.col("lane_id").is_in(list(lanes)))
    return "\n".join(
        f"{row['lane_id']}: {row['containers']} containers from {row['warehouse_id']} to {row['ship_country']}, "
        f"{row['rate_base']} each, {row['pieces']} pieces, {row['weight_fill']:.0%} of the payload, "
        f"{row['volume_fill']:.0%} of the room"
        for row in shown.sort("lane_id").iter_rows(named=True)
    )
