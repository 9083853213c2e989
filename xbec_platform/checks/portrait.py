"""Checks of portraits: keys, consent, privacy, evidence."""

from xbec_platform import asset_keys
from xbec_platform.checks.table_checks import TableCheck, unique_key

_TAGS = asset_keys.PORTRAIT_TAGS

PORTRAIT_CHECKS = (
    unique_key(asset_keys.PERSON_DATABASE, "as_of_date", "person_id"),
    TableCheck(
        asset_keys.PERSON_DATABASE,
        "orders_are_conserved",
        "Persons have the orders of their accounts together.",
        """SELECT as_of_date, p.n_orders, u.n_orders FROM (
            SELECT as_of_date, sum(n_orders) AS n_orders FROM ml.person_database
            WHERE as_of_date BETWEEN $first AND $last GROUP BY ALL
        ) AS p JOIN (
            SELECT as_of_date, sum(n_orders) AS n_orders FROM marts.mart_user_database
            WHERE as_of_date BETWEEN $first AND $last AND customer_id NOT LIKE 'erased:%' GROUP BY ALL
        ) AS u USING (as_of_date)
        WHERE p.n_orders <> u.n_orders ORDER BY ALL""",
    ),
    unique_key(_TAGS, "as_of_date", "subject_type", "subject_id", "tag", "position"),
    TableCheck(
        _TAGS,
        "consent_is_respected",
        "Persons with a portrait consented to profiling on its day by every account, and nobody was erased.",
        """WITH accounts AS (
            SELECT DISTINCT p.as_of_date, p.subject_id, coalesce(i.source_id, p.subject_id) AS customer_id
            FROM ml.portrait_tags AS p LEFT JOIN ml.identity_map AS i
                ON i.as_of_date = p.as_of_date AND i.kind = 'customer' AND i.person_id = p.subject_id
            WHERE p.subject_type = 'person'
        )
        SELECT DISTINCT a.as_of_date, a.subject_id FROM accounts AS a
        ASOF LEFT JOIN (
            SELECT customer_id, updated_ts, consent_profiling FROM staging.stg_customer_versions
        ) AS v ON v.customer_id = a.customer_id AND v.updated_ts < a.as_of_date + INTERVAL 1 DAY
        WHERE v.consent_profiling IS NOT TRUE ORDER BY ALL""",
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
