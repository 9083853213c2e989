"""Checks of portraits: keys, consent, privacy, evidence."""

from xbec_platform import asset_keys
from xbec_platform.checks.table_checks import TableCheck, unique_key

_TAGS = asset_keys.PORTRAIT_TAGS

PORTRAIT_CHECKS = (
    unique_key(_TAGS, "as_of_date", "subject_type", "subject_id", "tag", "position"),
    TableCheck(
        _TAGS,
        "consent_is_respected",
        "Persons with a portrait consented to profiling on its day, and nobody was erased.",
        """SELECT DISTINCT p.as_of_date, p.subject_id FROM ml.portrait_tags AS p
        ASOF LEFT JOIN (
            SELECT customer_id, updated_ts, consent_profiling FROM staging.stg_customer_versions
        ) AS v ON v.customer_id = p.subject_id AND v.updated_ts < p.as_of_date + INTERVAL 1 DAY
        WHERE p.subject_type = 'person' AND v.consent_profiling IS NOT TRUE ORDER BY ALL""",
    ),
    TableCheck(
        _TAGS,
        "no_small_group",
        "Segments, groups and markets with a portrait have 30 people or more.",
        """SELECT as_of_date, subject_type, subject_id FROM ml.portrait_tags WHERE subject_type <> 'person'
        GROUP BY ALL HAVING coalesce(max(number) FILTER (tag = 'n_people'), 0) < 30 ORDER BY ALL""",
    ),
    TableCheck(
        _TAGS,
        "every_tag_has_evidence",
        "Every tag has a value, rests on one observation or more, and is from 0 to 1 sure.",
        """SELECT as_of_date, subject_id, tag FROM ml.portrait_tags
        WHERE value IS NULL OR coalesce(evidence_n, 0) < 1 OR NOT coalesce(confidence BETWEEN 0 AND 1, false)
        ORDER BY ALL""",
    ),
)
