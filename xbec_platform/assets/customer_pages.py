"""The pages about customers: what they show, read as of a day, and the files. The pages themselves are in `publish`."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from xbec_platform.assets.model_tables import read_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.publish.page_names import PORTRAIT, SEGMENTS, TARGETS
from xbec_platform.settings import Settings
from xbec_platform.whole_files import replace_text

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.publish.portraits_page import ShownPortrait

_MOVED_DAYS, _FUNNEL_DAYS = 28, 60
# Persons on the page of portraits: of each segment those of whom most is known.
_PERSONS_PER_SEGMENT, _PERSONS = 2, 20


def _groups(profile: str) -> str:
    return f"""
        SELECT name, evidence, distinguishing, n_customers, net_base
        FROM {profile} WHERE as_of_date = $day AND cluster_key <> 'all' ORDER BY cluster_key
    """


_SEGMENT_QUERIES = {
    "segments": f"""
        WITH moves AS (
            SELECT * FROM marts.mart_segment_moves WHERE as_of_date <= $day AND as_of_date > $day - {_MOVED_DAYS}
        ), sizes AS (
            SELECT segment, count(*) AS n_customers, sum(monetary_base) AS net_base
            FROM marts.mart_rfm WHERE as_of_date = $day GROUP BY ALL
        )
        SELECT s.segment, n.meaning, n.sort_order, s.n_customers, s.net_base,
            coalesce((SELECT sum(m.n_customers) FROM moves AS m WHERE m.to_segment = s.segment), 0)::BIGINT AS n_came,
            coalesce((SELECT sum(m.n_customers) FROM moves AS m WHERE m.from_segment = s.segment), 0)::BIGINT AS n_went
        FROM sizes AS s LEFT JOIN seeds.segment_names AS n USING (segment) ORDER BY s.segment
    """,
    "clusters": _groups("ml.cluster_profile"),
    "interests": _groups("ml.interest_profile"),
    "moves": f"""
        SELECT from_segment, to_segment, sum(n_customers)::BIGINT AS n_customers,
            sum(net_base_change) AS net_base_change
        FROM marts.mart_segment_moves WHERE as_of_date <= $day AND as_of_date > $day - {_MOVED_DAYS}
        GROUP BY ALL ORDER BY ALL
    """,
    # Percentiles of several days come from the attempts: those of days do not add up.
    "funnel": f"""
        SELECT stage_no, min(stage_name) AS stage_name,
            count(*) FILTER (outcome IN ('passed', 'abandoned', 'open')) AS n_entered,
            count(*) FILTER (outcome = 'passed') AS n_passed, count(*) FILTER (outcome = 'abandoned') AS n_abandoned,
            count(*) FILTER (outcome = 'open') AS n_open, count(*) FILTER (outcome = 'skipped') AS n_skipped,
            count(*) FILTER (is_duplicate AND outcome IN ('passed', 'abandoned', 'open')) AS n_duplicates,
            count(*) FILTER (is_out_of_order) AS n_out_of_order,
            quantile_cont(step_s, 0.5) AS step_p50_s, quantile_cont(step_s, 0.9) AS step_p90_s
        FROM intermediate.int_registration_stages WHERE reg_date <= $day AND reg_date > $day - {_FUNNEL_DAYS}
        GROUP BY stage_no ORDER BY stage_no
    """,
    "funnel_parts": f"""
        WITH parts AS (
            UNPIVOT (
                SELECT market, channel, device, stage_no, stage_name, n_attempts, n_passed
                FROM marts.mart_registration_funnel WHERE reg_date <= $day AND reg_date > $day - {_FUNNEL_DAYS}
            ) ON market, channel, device INTO NAME part VALUE name
        )
        SELECT part, name, stage_no, stage_name, sum(n_attempts)::BIGINT AS n_attempts,
            sum(n_passed)::BIGINT AS n_passed
        FROM parts GROUP BY ALL ORDER BY ALL
    """,
}

_PORTRAIT_QUERIES = {
    "tags": f"""
        WITH tags AS (SELECT * EXCLUDE (as_of_date) FROM ml.portrait_tags WHERE as_of_date = $day),
        persons AS (
            SELECT subject_id, count(*) AS n, max(value) FILTER (tag = 'rfm_segment') AS segment
            FROM tags WHERE subject_type = 'person' GROUP BY subject_id
        ), chosen AS (
            SELECT subject_id FROM (
                SELECT subject_id, n, row_number() OVER (PARTITION BY segment ORDER BY n DESC, subject_id) AS place
                FROM persons WHERE segment IS NOT NULL
            ) WHERE place <= {_PERSONS_PER_SEGMENT} ORDER BY place, n DESC, subject_id LIMIT {_PERSONS}
        )
        SELECT * FROM tags WHERE subject_type <> 'person' OR subject_id IN (FROM chosen) ORDER BY ALL
    """
}

_TARGET_QUERIES = {
    "products": """
        SELECT t.* EXCLUDE (as_of_date), coalesce(p.title, t.item_id) AS title FROM ml.product_target_groups AS t
        LEFT JOIN marts.dim_product AS p ON p.product_id = t.item_id
        WHERE t.as_of_date = $day ORDER BY t.item_id, t.rank
    """,
    "attributes": """
        SELECT * EXCLUDE (as_of_date) FROM ml.attribute_target_groups WHERE as_of_date = $day
        ORDER BY group_type, group_key, attribute, attribute_value
    """,
}


def write_customer_pages(settings: Settings, warehouse: WarehouseResource, day: date) -> dict[str, int]:
    """Write the pages of a day; returns their length in bytes by file."""
    frames = read_as_of(
        warehouse.file,
        {**_SEGMENT_QUERIES, **_PORTRAIT_QUERIES, **_TARGET_QUERIES},
        day,
        purpose="customer pages: read",
    )
    pages = _rendered(settings, frames, day)
    for name, html in pages.items():
        replace_text(settings.reports / name, html)
    return {name: len(html.encode()) for name, html in pages.items()}


def _rendered(settings: Settings, frames: "Mapping[str, pl.DataFrame]", day: date) -> dict[str, str]:
    from xbec_platform.publish.portraits_page import render_portraits
    from xbec_platform.publish.segments_page import SegmentsInput, render_segments
    from xbec_platform.publish.targets_page import TargetsInput, render_targets

    common: dict[str, Any] = {"shop": settings.shop, "as_of": day}
    priced: dict[str, Any] = {**common, "currency": settings.base_currency}
    of_segments: dict[str, Any] = {name: frames[name] for name in _SEGMENT_QUERIES}
    of_targets: dict[str, Any] = {name: frames[name] for name in _TARGET_QUERIES}
    return {
        SEGMENTS: render_segments(SegmentsInput(**priced, **of_segments)),
        PORTRAIT: render_portraits(_shown(frames["tags"], day), **common),
        TARGETS: render_targets(TargetsInput(**priced, **of_targets)),
    }


def _shown(tags: "pl.DataFrame", day: date) -> "list[ShownPortrait]":
    """Portraits of tags, in the page's words."""
    from xbec_platform.customers.portrait_document import portraits
    from xbec_platform.customers.portrait_tags import PERSON, SECTIONS, TAGS
    from xbec_platform.publish.portraits_page import MOST_PORTRAITS, ShownPortrait

    return [
        ShownPortrait(
            kind=one.kind,
            name=one.subject,
            sections=[(SECTIONS[name], tags) for name, tags in one.sections().items()],
            omitted=[TAGS[tag].label for tag in one.omitted],
        )
        # Should there be too many, a person gives way to a group.
        for one in sorted(portraits(tags, day), key=lambda one: one.kind == PERSON)[:MOST_PORTRAITS]
    ]
