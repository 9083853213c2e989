"""The target-group finder: a product or attributes in, ranked groups out, offline, from data inside the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from xbec_platform.publish.formats import count, money, text
from xbec_platform.publish.page_names import TARGETS
from xbec_platform.publish.page_parts import Cell, Table, cells, columns, words
from xbec_platform.publish.pages import customer_page
from xbec_platform.publish.scripts import embedded, script, script_policy

SCRIPT = "target_groups.js"
# Bounds the page: with 25 groups some 2 MB at most.
MOST_PRODUCTS, MOST_VALUES, SHOWN = 300, 400, 20
HEADS = (
    ("Rank", True), ("Group", False), ("Index (90 % interval)", True), ("Stands out", False), ("People", True),
    ("Reach, 90 days", True), ("Buyers expected, 28 days", True), ("Margin expected", True), ("Evidence", False),
)  # fmt: skip
GROUP = ("group_type", "group_key")
VALUE = ("attribute", "attribute_value")


@dataclass(frozen=True, kw_only=True)
class TargetsInput:
    """What the page knows; both tables as of the day.

    Attributes:
        shop: Name shown to people.
        as_of: The day.
        currency: Of margins.
        products: `ml.product_target_groups` with `title`.
        attributes: `ml.attribute_target_groups`.
    """

    shop: str
    as_of: date
    currency: str
    products: pl.DataFrame
    attributes: pl.DataFrame


def render_targets(data: TargetsInput) -> str:
    """Render the page; its script reads the data inside it and asks nobody. Equal input gives equal bytes."""
    groups = _groups(data)
    products, n_products = _products(data.products, groups)
    attributes, n_values = _attributes(data.attributes, groups)
    body = {
        "currency": data.currency,
        "groups": [[words(kind), key, people, reach] for kind, key, people, reach in groups.rows()],
        "products": products,
        "attributes": attributes,
    }
    nothing = "No target groups yet: the job decisions has not run, or no group has enough people."
    left_out = [
        f"{count(total - shown)} {what}"
        for what, shown, total in (
            ("products with fewer buyers", len(products), n_products),
            ("attribute values with fewer buyers", len(attributes), n_values),
        )
        if total > shown
    ]
    return customer_page(
        "target_groups.html.j2",
        TARGETS,
        shop=data.shop,
        as_of=data.as_of,
        facts={"Products": count(len(products)), "Attribute values": count(len(attributes))},
        empty="" if products or attributes else nothing,
        heads=HEADS,
        data=embedded(body),
        script=script(SCRIPT),
        policy=script_policy(SCRIPT),
        standing_out=_standing_out(data.attributes),
        bound=f"Not on this page: {' and '.join(left_out)}." if left_out else "",
    )


def _groups(data: TargetsInput) -> pl.DataFrame:
    """All groups, sorted as ties are broken, numbered by row: type, key, people, reach."""
    parts = [
        frame.select(*GROUP, "n_group", "reach_90d")
        for frame in (data.products, data.attributes)
        if frame.width
    ]
    if not parts:
        return pl.DataFrame(
            schema={
                "group_type": pl.String,
                "group_key": pl.String,
                "n_group": pl.Int64,
                "reach_90d": pl.Int64,
            }
        )
    return pl.concat(parts).group_by(GROUP).agg(pl.col("n_group", "reach_90d").max()).sort(GROUP)


def _numbered(frame: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    return frame.join(groups.select(GROUP).with_row_index("group"), on=GROUP, how="left")


def _products(frame: pl.DataFrame, groups: pl.DataFrame) -> tuple[list[Any], int]:
    """The products with most buyers, by title: id, title, and of each group what the script shows."""
    if frame.is_empty():
        return [], 0
    best = (
        frame.group_by("item_id")
        .agg(pl.col("title").first(), buyers=pl.col("n_all_buyers").max())
        .sort(["buyers", "item_id"], descending=[True, False])
    )
    rows = _numbered(frame, groups).sort("item_id", "rank").partition_by("item_id", as_dict=True)
    listed = [
        [
            item,
            text(title),
            [
                [
                    row["group"], _short(row["index"]), _short(row["index_lo"]), _short(row["index_hi"]),
                    _short(row["expected_buyers"]), _cents(row["expected_margin_base"]), row["is_significant"],
                    row["n_buyers"], row["why"],
                ]
                for row in rows[(item,)].iter_rows(named=True)
            ],
        ]
        for item, title in best.head(MOST_PRODUCTS).sort("title", "item_id").select("item_id", "title").rows()
    ]  # fmt: skip
    return listed, best.height


def _attributes(frame: pl.DataFrame, groups: pl.DataFrame) -> tuple[list[Any], int]:
    """The attribute values with most buyers, by name: with margin, and of each group index and weight.

    The weight of an attribute value among others is that of `customers.target_groups.combined`.
    """
    if frame.is_empty():
        return [], 0
    weighed = _numbered(frame, groups).with_columns(
        weight=pl.col("index").log().var(ddof=0).over("group_type", *VALUE) + 1e-6
    )
    best = (
        frame.group_by(VALUE)
        .agg(buyers=pl.col("n_all_buyers").max(), margin=pl.col("margin_base").first())
        .sort(["buyers", *VALUE], descending=[True, False, False])
    )
    rows = weighed.sort("group").partition_by(VALUE, as_dict=True)
    listed = [
        [
            name,
            value,
            None if margin is None else _short(margin),
            [
                [
                    row["group"], _short(row["index"]), _short(row["index_lo"]), _short(row["index_hi"]),
                    row["is_significant"], _short(row["weight"]), _short(row["overall_rate"]),
                ]
                for row in rows[(name, value)].iter_rows(named=True)
            ],
        ]
        for name, value, margin in best.head(MOST_VALUES).sort(VALUE).select(*VALUE, "margin").rows()
    ]  # fmt: skip
    return listed, best.height


def _short(value: float) -> float:
    """Five significant digits: more than anybody reads, and half the page."""
    return float(f"{value:.5g}")


def _cents(value: object) -> float | None:
    return None if value is None else round(float(str(value)), 2)


def _standing_out(attributes: pl.DataFrame) -> Table:
    rows: Sequence[tuple[Cell, ...]] = ()
    if attributes.height:
        best = attributes.filter("is_significant").sort(
            ["index", *GROUP, *VALUE], descending=[True, False, False, False, False]
        )
        rows = [
            cells(
                f"{words(row['group_type'])}: {text(row['group_key'])}",
                f"{text(row['attribute'])}={text(row['attribute_value'])}",
                money(row["index"]),
                f"{money(row['index_lo'])} to {money(row['index_hi'])}",
                count(row["n_buyers"]),
                count(row["n_group"]),
                count(row["reach_90d"]),
            )
            for row in best.head(SHOWN).iter_rows(named=True)
        ]
    heads = (
        *columns("Group", "Attribute", numeric_from=2),
        *columns("Index", "90 % interval", "Buyers", "People", "Reach, 90 days", numeric_from=0),
    )
    return Table(caption="Groups and attributes by index", columns=heads, rows=tuple(rows))
