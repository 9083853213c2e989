"""Checks of customer clusters and of groups by interest: keys, completeness, consent, stability and drift."""

from xbec_platform import asset_keys
from xbec_platform.checks.table_checks import TableCheck, unique_key

MAX_PSI = 0.25
MIN_ARI = 0.8
MIN_SHARE = 0.03


def _groups_hold(prefix: str) -> TableCheck:
    """Warn where a model of groups needs a look; the groups in force stay."""
    return TableCheck(
        {"cluster": asset_keys.CLUSTER_MODEL, "interest": asset_keys.INTEREST_MODEL}[prefix],
        "groups_are_stable",
        f"The number of groups holds under resampling, none has shrunk below {MIN_SHARE:.0%}, the weekly refit agrees "
        f"with the search (ARI from {MIN_ARI}), and no feature has drifted (PSI up to {MAX_PSI}).",
        f"""SELECT as_of_date, 'status' AS what, reason FROM ml.{prefix}_model WHERE status <> 'stable' UNION ALL
        SELECT as_of_date, 'refit', reason FROM ml.{prefix}_model WHERE ari_to_previous < {MIN_ARI} UNION ALL
        SELECT as_of_date, cluster_key, share::VARCHAR FROM ml.{prefix}_profile WHERE share < {MIN_SHARE} UNION ALL
        SELECT as_of_date, feature, psi::VARCHAR FROM ml.{prefix}_drift WHERE psi > {MAX_PSI} ORDER BY ALL""",
        blocking=False,
    )


CUSTOMER_CHECKS = (
    unique_key(asset_keys.CLUSTER_MODEL, "as_of_date"),
    unique_key(asset_keys.CUSTOMER_CLUSTERS, "as_of_date", "customer_id"),
    unique_key(asset_keys.CLUSTER_PROFILE, "as_of_date", "cluster_key"),
    unique_key(asset_keys.CLUSTER_STABILITY, "as_of_date", "k"),
    unique_key(asset_keys.CLUSTER_CHALLENGERS, "as_of_date", "method"),
    TableCheck(
        asset_keys.CUSTOMER_CLUSTERS,
        "every_customer_has_a_group",
        "The customers of the day are exactly those of the user database.",
        """SELECT as_of_date, customer_id FROM (
            SELECT as_of_date, customer_id FROM marts.mart_user_database
            WHERE as_of_date IN (SELECT as_of_date FROM ml.customer_clusters) AND as_of_date BETWEEN $first AND $last
        ) AS u FULL JOIN (
            FROM ml.customer_clusters WHERE as_of_date BETWEEN $first AND $last
        ) AS c USING (as_of_date, customer_id)
        WHERE u.customer_id IS NULL OR c.customer_id IS NULL ORDER BY ALL""",
    ),
    _groups_hold("cluster"),
)

INTEREST_CHECKS = (
    unique_key(asset_keys.INTEREST_MODEL, "as_of_date"),
    unique_key(asset_keys.CUSTOMER_INTERESTS, "as_of_date", "customer_id"),
    unique_key(asset_keys.INTEREST_PROFILE, "as_of_date", "cluster_key"),
    unique_key(asset_keys.INTEREST_STABILITY, "as_of_date", "k"),
    unique_key(asset_keys.INTEREST_CHALLENGERS, "as_of_date", "method"),
    TableCheck(
        asset_keys.CUSTOMER_INTERESTS,
        "known_groups",
        "Every group of a customer is one of the day's model.",
        """SELECT as_of_date, customer_id, cluster_key FROM ml.customer_interests
        ANTI JOIN ml.interest_groups USING (as_of_date, cluster_key) ORDER BY ALL""",
    ),
    _groups_hold("interest"),
)
