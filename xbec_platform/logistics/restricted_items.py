"""Goods that may not go everywhere, or not by every lane: the day as it is allowed. No costs, no solver.

Lines of a product that is restricted in a country go to a destination of their own, which only the lanes lead to that
may carry it. So every part of the assignment, its reasons and its audit hold without knowing a rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from xbec_platform.logistics.assignment import AssignmentResult
from xbec_platform.logistics.assignment_inputs import AssignmentInputs
from xbec_platform.logistics.assignment_schema import Reason
from xbec_platform.logistics.customs_territory import EU

MARK = "|"
"""Parts a country or lane from the number of its restrictions; no country or lane id of ours holds it."""

_NO_WAY = (Reason.NO_ADDRESS_OR_RATE, Reason.NO_MODE_HAZARD, Reason.NO_MODE_MEETS_PROMISE)
_KEY = ["product_id", "ship_country"]


@dataclass(frozen=True, kw_only=True)
class AllowedDay:
    """A day without forbidden ways, and which restrictions each destination of its own stands for.

    Attributes:
        inputs: The day.
        groups: destination, restriction_ids, reasons: in words, of each destination.
    """

    inputs: AssignmentInputs
    groups: pl.DataFrame


def allow(inputs: AssignmentInputs, restricted: pl.DataFrame) -> AllowedDay:
    """Give lines of restricted products destinations that only permitted lanes reach.

    Args:
        inputs: The day; lanes with `carrier`, warehouses with `country`.
        restricted: product_id, restriction_id, market, mode, carrier (null: any), from_outside_eu (the restriction
            holds for goods that come from outside the EU only), reason.

    Returns:
        The day; equal to the one given where nothing is restricted.
    """
    touched = _touched(inputs, restricted)
    groups = _groups(touched)
    if groups.is_empty():
        return AllowedDay(inputs=inputs, groups=groups.select("destination", "restriction_ids", "reasons"))
    places = _members(touched).join(groups, on=["ship_country", "restriction_ids"])
    moved = inputs.lines.join(places.select(*_KEY, "destination"), on=_KEY, how="left", maintain_order="left")
    lines = moved.with_columns(ship_country=pl.coalesce("destination", "ship_country")).drop("destination")
    there = inputs.destinations.join(groups.select("destination", country="ship_country"), on="country")
    return AllowedDay(
        inputs=replace(
            inputs,
            lines=lines,
            lanes=pl.concat([inputs.lanes, _permitted(inputs, groups, touched)]),
            destinations=pl.concat(
                [
                    inputs.destinations,
                    there.with_columns(country="destination").select(inputs.destinations.columns),
                ]
            ),
        ),
        groups=groups.select("destination", "restriction_ids", "reasons"),
    )


def _touched(inputs: AssignmentInputs, restricted: pl.DataFrame) -> pl.DataFrame:
    """Restrictions that hold for some line of the day, by product and country."""
    asked = inputs.lines.select(_KEY).drop_nulls("ship_country").unique()
    return (
        asked.join(restricted, on="product_id")
        .filter(pl.col("market").is_null() | (pl.col("market") == pl.col("ship_country")))
        .sort(*_KEY, "restriction_id")
    )


def _members(touched: pl.DataFrame) -> pl.DataFrame:
    return touched.group_by(_KEY, maintain_order=True).agg(
        restriction_ids=pl.col("restriction_id").unique(maintain_order=True).str.join(", ")
    )


def _groups(touched: pl.DataFrame) -> pl.DataFrame:
    """Each country and set of restrictions once, numbered in their order."""
    words = touched.group_by(_KEY, maintain_order=True).agg(
        restriction_ids=pl.col("restriction_id").unique(maintain_order=True).str.join(", "),
        reasons=pl.col("reason").drop_nulls().unique(maintain_order=True).str.join("; "),
    )
    group = ["ship_country", "restriction_ids"]
    sets = words.group_by(group).agg(pl.col("reasons").min()).sort(group)
    return sets.with_row_index("n").with_columns(
        destination=pl.format("{}{}{}", "ship_country", pl.lit(MARK), "n")
    )


def _permitted(inputs: AssignmentInputs, groups: pl.DataFrame, touched: pl.DataFrame) -> pl.DataFrame:
    """Lanes to each destination of its own: those of the country that none of its restrictions forbids."""
    rules = (
        touched.join(_members(touched), on=_KEY)
        .select("ship_country", "restriction_ids", "mode", "carrier", "from_outside_eu")
        .unique()
        .join(
            groups.select("ship_country", "restriction_ids", "destination"),
            on=["ship_country", "restriction_ids"],
        )
        .rename({"mode": "no_mode", "carrier": "no_carrier"})
    )
    origins = inputs.warehouses.select(origin_node="warehouse_id", is_eu=pl.col("country").is_in(EU))
    pairs = inputs.lanes.join(rules, left_on="dest_node", right_on="ship_country")
    pairs = pairs.join(origins, on="origin_node", how="left")
    hit = (
        (pl.col("no_mode").is_null() | (pl.col("no_mode") == pl.col("mode")))
        & (pl.col("no_carrier").is_null() | (pl.col("no_carrier") == pl.col("carrier")).fill_null(False))
        & ~(pl.col("from_outside_eu") & pl.col("is_eu").fill_null(False))
    )
    fits = (
        pairs.with_columns(is_forbidden=hit)
        .with_columns(is_forbidden=pl.col("is_forbidden").any().over("lane_id", "destination"))
        .filter(~pl.col("is_forbidden"))
        .unique(["lane_id", "destination"], keep="first", maintain_order=True)
    )
    return fits.with_columns(
        lane_id=pl.format(
            "{}{}{}", "lane_id", pl.lit(MARK), pl.col("destination").str.split(MARK).list.last()
        ),
        dest_node="destination",
    ).select(inputs.lanes.columns)


def named(result: AssignmentResult, groups: pl.DataFrame) -> AssignmentResult:
    """The plan of an allowed day with countries and lanes by their own names and restrictions among its reasons."""
    return replace(
        result,
        assignments=name_back(result.assignments),
        unserved=restricted_reasons(result.unserved, groups),
    )


def name_back(table: pl.DataFrame) -> pl.DataFrame:
    """Countries and lanes of a plan's table by their own names again."""
    names = [name for name in ("ship_country", "lane_id") if name in table.columns]
    return table.with_columns(pl.col(name).str.split(MARK).list.first() for name in names)


def restricted_reasons(unserved: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Unserved lines whose way a restriction has closed say so; countries by their own names again.

    Args:
        unserved: UNSERVED_SCHEMA as the plan of the allowed day states it.
        groups: Of the allowed day.
    """
    known = unserved.join(
        groups, left_on="ship_country", right_on="destination", how="left", maintain_order="left"
    )
    closed = pl.col("restriction_ids").is_not_null() & pl.col("reason").is_in(
        [str(reason) for reason in _NO_WAY]
    )
    # Evidence names the destination of its own: it is the country to people.
    detail = pl.col("detail").str.replace_all(r"\b([A-Z]{2})\|\d+", "${1}")
    told = pl.format("{}: {} ({})", "restriction_ids", pl.col("reasons"), detail)
    return name_back(
        known.with_columns(
            reason=pl.when(closed).then(pl.lit(str(Reason.RESTRICTED_ITEM))).otherwise("reason"),
            detail=pl.when(closed).then(told).otherwise(detail),
        ).select(unserved.columns)
    )
