"""Checks of preferences: keys, consent, rates that are rates."""

from xbec_platform import asset_keys
from xbec_platform.checks.table_checks import TableCheck, unique_key

PREFERENCE_CHECKS = (
    unique_key(asset_keys.ATTRIBUTE_PREFERENCE, "as_of_date", "customer_id", "attribute", "attribute_value"),
    unique_key(asset_keys.ATTRIBUTE_BASE_RATES, "as_of_date", "market", "attribute", "attribute_value"),
    unique_key(asset_keys.CTR_PRIORS, "as_of_date", "market"),
    TableCheck(
        asset_keys.ATTRIBUTE_PREFERENCE,
        "profiled_with_consent",
        "Nobody is profiled who does not consent to it on the day.",
        """SELECT DISTINCT p.as_of_date, p.customer_id FROM ml.user_attribute_preference AS p
        WHERE NOT EXISTS (
            SELECT 1 FROM (
                SELECT v.consent_profiling FROM staging.stg_customer_versions AS v
                WHERE v.customer_id = p.customer_id AND v.updated_ts < p.as_of_date + 1
                ORDER BY v.updated_ts DESC LIMIT 1
            ) WHERE consent_profiling
        ) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.ATTRIBUTE_PREFERENCE,
        "scores_are_numbers",
        "Every preference and share is a finite number, a share and a confidence lie between 0 and 1.",
        """SELECT as_of_date, attribute, attribute_value, preference FROM ml.user_attribute_preference
        WHERE NOT coalesce(isfinite(preference), false) OR interest_share NOT BETWEEN 0 AND 1
            OR confidence NOT BETWEEN 0 AND 1 ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.ATTRIBUTE_BASE_RATES,
        "rates_sum_to_one",
        "The base rates of an attribute's values add up to 1 in every market.",
        """SELECT as_of_date, market, attribute, sum(base_rate) FROM ml.attribute_base_rates
        GROUP BY ALL HAVING abs(sum(base_rate) - 1) > 1e-9 ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.CTR_PRIORS,
        "more_shown_than_clicked",
        "A prior has clicks, and fewer of them than impressions.",
        """SELECT as_of_date, market, prior_clicks, prior_impressions FROM ml.ctr_priors
        WHERE NOT (prior_clicks > 0 AND prior_clicks < prior_impressions) ORDER BY ALL""",
    ),
)
