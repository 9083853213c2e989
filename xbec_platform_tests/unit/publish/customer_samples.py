"""Pages about customers of a small made-up shop, with whatever its names say."""

from datetime import date
from decimal import Decimal

import polars as pl

from xbec_platform.publish.portraits_page import ShownPortrait, render_portraits
from xbec_platform.publish.segments_page import SegmentsInput, render_segments
from xbec_platform.publish.targets_page import TargetsInput, render_targets

AS_OF = date(2026, 3, 31)
SHOP = "Alder & Sons"
GROUPS = ["name", "evidence", "distinguishing", "n_customers", "net_base"]


def segments_input(name: str = "Loyal") -> SegmentsInput:
    """Two segments, one of them too small to show; a funnel of two stages."""
    return SegmentsInput(
        shop=SHOP,
        as_of=AS_OF,
        currency="EUR",
        segments=pl.DataFrame(
            [(name, "Among the best", 2, 60, Decimal(900), 5, 7), ("New", "Just came", 4, 20, Decimal(300), 2, 0)],
            schema=["segment", "meaning", "sort_order", "n_customers", "net_base", "n_came", "n_went"],
            orient="row",
        ),
        clusters=pl.DataFrame(
            [(name, "median customer: 3 orders", "n_orders +1.2", 80, Decimal(1200))], schema=GROUPS, orient="row"
        ),
        interests=pl.DataFrame(
            [(name, "baby", "baby +2", 45, Decimal(30)), ("Pets", "pet", "pet +2", 15, Decimal(10))],
            schema=GROUPS,
            orient="row",
        ),
        moves=pl.DataFrame(
            [(name, "New", 3, Decimal(-12)), ("New", name, 8, Decimal(40))],
            schema=["from_segment", "to_segment", "n_customers", "net_base_change"],
            orient="row",
        ),
        funnel=pl.DataFrame(
            [
                (1, "Form opened", 200, 150, 40, 10, 0, 4, 0, None, None),
                (2, name, 150, 90, 50, 10, 0, 4, 2, 90.0, 7200.0),
            ],
            schema=[
                "stage_no", "stage_name", "n_entered", "n_passed", "n_abandoned", "n_open", "n_skipped", "n_duplicates",
                "n_out_of_order", "step_p50_s", "step_p90_s",
            ],
            orient="row",
        ),
        funnel_parts=pl.DataFrame(
            [
                ("market", "DE", 1, "Form opened", 100, 75),
                ("market", "DE", 2, name, 100, 40),
                ("market", "FR", 1, "Form opened", 29, 29),
            ],
            schema=["part", "name", "stage_no", "stage_name", "n_attempts", "n_passed"],
            orient="row",
        ),
    )  # fmt: skip


def portrait(kind: str, name: str, likes: str, *, omitted: tuple[str, ...] = ()) -> ShownPortrait:
    """A portrait with one tag."""
    tag = {"label": "Likes", "value": likes, "evidence_n": 9, "evidence_of": "events", "confidence": 0.625}
    return ShownPortrait(kind=kind, name=name, sections=[("Likes", [tag])], omitted=omitted)


def targets_input(title: str = "Baby bottle") -> TargetsInput:
    """Two groups, one product, and three attribute values whose indices can be combined by hand."""
    groups = (("country", "DE", 100, 50), ("life_stage", title, 40, 30))
    values = (
        ("age", "newborn", 1.0, 3.0, 0.1, 4.0),
        ("category", title, 0.5, 2.0, 0.2, 2.0),
        ("colour", "red", 1.0, 1.0, 0.3, None),
    )
    attributes = [
        {
            "group_type": kind, "group_key": key, "attribute": attribute, "attribute_value": value,
            "n_group": size, "n_buyers": 5, "n_people": 140, "n_all_buyers": 20, "index": (first, second)[place],
            "index_lo": (first, second)[place] / 2, "index_hi": (first, second)[place] * 2, "p_value": 0.01,
            "is_significant": (first, second)[place] > 1, "reach_90d": reach, "overall_rate": overall,
            "margin_base": margin,
        }
        for place, (kind, key, size, reach) in enumerate(groups)
        for attribute, value, first, second, overall, margin in values
    ]  # fmt: skip
    products = [
        {
            "item_id": "P1", "title": title, "rank": rank, "group_type": kind, "group_key": key, "n_group": size,
            "n_buyers": 4, "n_people": 140, "n_all_buyers": 20, "index": index, "index_lo": index / 2,
            "index_hi": index * 2, "p_value": 0.01, "is_significant": index > 1, "reach_90d": reach,
            "expected_buyers": 3.25, "expected_margin_base": Decimal("6.5"), "why": f"category {title} (2.0)",
        }
        for rank, index, (kind, key, size, reach) in ((1, 2.5, groups[1]), (2, 0.75, groups[0]))
    ]  # fmt: skip
    return TargetsInput(
        shop=SHOP,
        as_of=AS_OF,
        currency="EUR",
        products=pl.DataFrame(products),
        attributes=pl.DataFrame(attributes),
    )


def pages(name: str) -> dict[str, str]:
    """All three pages with a name wherever names stand."""
    portraits = [
        portrait("segment", "Loyal", name),
        portrait("market", name, "colour=red"),
        portrait("person", name, name),
    ]
    return {
        "segments": render_segments(segments_input(name)),
        "portraits": render_portraits(portraits, shop=name, as_of=AS_OF),
        "targets": render_targets(targets_input(name)),
    }
