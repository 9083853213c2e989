"""Checks of recommendations: keys, full lists, nothing forbidden shown, the gate, sound affinities."""

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.as_of_sql import latest
from xbec_platform.checks.table_checks import TableCheck, unique_key

LIST_LENGTH = 20


def _list_length(key: dg.AssetKey) -> TableCheck:
    """Every customer has exactly N rows, or all eligible products where there are fewer than N of them."""
    return TableCheck(
        key,
        "full_lists",
        f"Every customer has {LIST_LENGTH} items, ranks without gaps.",
        f"""SELECT as_of_date, customer_id, count(*), max(rank) FROM {asset_keys.table(key)}
        GROUP BY ALL HAVING count(*) <> {LIST_LENGTH} OR max(rank) <> {LIST_LENGTH} ORDER BY ALL""",
        blocking=False,
    )


RECOMMENDATION_CHECKS = (
    unique_key(asset_keys.RECS_DISCOVER, "as_of_date", "customer_id", "rank"),
    unique_key(asset_keys.RECS_REPLENISH, "as_of_date", "customer_id", "rank"),
    unique_key(asset_keys.RECS_EVALUATION, "as_of_date", "product", "model", "part", "k"),
    _list_length(asset_keys.RECS_DISCOVER),
    _list_length(asset_keys.RECS_REPLENISH),
    TableCheck(
        asset_keys.RECS_DISCOVER,
        "nothing_bought_before",
        "No customer who agreed to be profiled is shown a product that customer has bought.",
        # As the day knew it: who agrees later was nobody's profile then, and what comes late moves later days only.
        f"""WITH shown AS (
            SELECT DISTINCT d.as_of_date, d.customer_id, d.product_id FROM ml.recs_discover AS d
            JOIN marts.fct_order_line AS l ON l.customer_id = d.customer_id AND l.product_id = d.product_id
                AND l.order_date <= d.as_of_date AND l.order_date > d.as_of_date - 400 AND l.is_product AND l.qty > 0
            WHERE d.as_of_date >= $first AND d.as_of_date <= $last
        ), agreed AS (
            SELECT shown.*, c.consent_profiling FROM shown
            JOIN raw.customers AS c ON c.customer_id = shown.customer_id AND c.updated_ts < shown.as_of_date + 1
            {latest("shown.as_of_date, shown.customer_id, shown.product_id", "c.updated_ts")}
        )
        SELECT as_of_date, customer_id, product_id FROM agreed WHERE consent_profiling ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.RECS_DISCOVER,
        "reasons_given",
        "Every row names the bought product that speaks for it, unless the customer has no history.",
        """SELECT as_of_date, customer_id, rank FROM ml.recs_discover
        WHERE reason_product_id IS NULL AND reason_kind <> 'market_popularity' ORDER BY ALL""",
    ),
    unique_key(asset_keys.RECS_GATE, "as_of_date"),
    unique_key(asset_keys.RECS_ABLATION, "as_of_date", "left_out"),
    TableCheck(
        asset_keys.RECS_GATE,
        "beats_popularity",
        "On the last 28 days discover is at least 1.1 times as good (nDCG@10) as the best popularity.",
        "SELECT as_of_date, reason FROM ml.recs_gate WHERE status = 'failed' ORDER BY ALL",
        blocking=False,
    ),
    TableCheck(
        asset_keys.RECS_ABLATION,
        "complete_model_first",
        "Each day compares the complete model with one without each signal and one without all.",
        """SELECT as_of_date, count(*) FROM ml.recs_ablation GROUP BY ALL
        HAVING count(*) <> 6 OR count(*) FILTER (left_out = 'none' AND ndcg_loss = 0) <> 1 ORDER BY ALL""",
    ),
    unique_key(asset_keys.PRODUCT_AFFINITY, "as_of_date", "basket_kind", "market", "product_a", "product_b"),
    unique_key(
        asset_keys.PRODUCT_TRIPLES,
        "as_of_date",
        "basket_kind",
        "market",
        "product_a",
        "product_b",
        "product_c",
    ),
    unique_key(asset_keys.PRODUCT_BUNDLES, "as_of_date", "market", "product_a", "product_b"),
    TableCheck(
        asset_keys.PRODUCT_BUNDLES,
        "no_bundle_passes_a_limit",
        "What is offered as a bundle saves freight and passes no import limit.",
        """SELECT as_of_date, market, product_a, product_b FROM ml.product_bundles
        WHERE is_bundle AND (crosses_threshold IS NOT NULL OR NOT coalesce(parcel_saving_base > 0, false))
        ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.PRODUCT_AFFINITY,
        "counts_are_sound",
        "No pair is in more baskets than either product, lifts lie in their intervals, every pair is significant.",
        """SELECT as_of_date, basket_kind, market, product_a, product_b FROM ml.product_affinity
        WHERE n_both > least(n_a, n_b) OR greatest(n_a, n_b) > n_baskets OR product_a >= product_b
            OR NOT (lift_low <= lift AND lift <= lift_high) OR q_value > 0.05 ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.PRODUCT_TRIPLES,
        "counts_are_sound",
        "No triple is in more baskets than its pair or its third product, and every one is significant.",
        """SELECT as_of_date, basket_kind, market, product_a, product_b, product_c FROM ml.product_triples
        WHERE n_all > least(n_ab, n_c) OR greatest(n_ab, n_c) > n_baskets OR q_value > 0.05 ORDER BY ALL""",
    ),
    unique_key(asset_keys.PRODUCT_OFFERS, "as_of_date", "product_id", "market"),
    unique_key(asset_keys.CATALOG_FACETS, "as_of_date", "market", "attribute", "attribute_value"),
    unique_key(asset_keys.SEARCH_DOCUMENTS, "as_of_date", "product_id"),
    unique_key(asset_keys.SEARCH_TERMS, "as_of_date", "market", "term"),
    unique_key(asset_keys.RECS_SIMILAR, "as_of_date", "product_id", "rank"),
    unique_key(asset_keys.RECS_SESSIONS, "as_of_date", "model"),
    TableCheck(
        asset_keys.CATALOG_FACETS,
        "facets_add_up",
        "The price bands of a market hold every eligible product with a price exactly once.",
        """WITH banded AS (
            SELECT as_of_date, market, sum(n_products) AS n FROM ml.catalog_facets
            WHERE attribute = 'price_band' GROUP BY ALL
        ), offered AS (
            SELECT as_of_date, market, count(*) AS n FROM ml.product_offers
            WHERE is_eligible AND landed_price_base IS NOT NULL GROUP BY ALL
        )
        SELECT as_of_date, market, b.n, o.n FROM banded AS b FULL JOIN offered AS o USING (as_of_date, market)
        WHERE b.n IS DISTINCT FROM o.n ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.SEARCH_TERMS,
        "no_address_kept",
        "No term holds an e-mail address or seven digits in a row.",
        """SELECT as_of_date, market FROM ml.search_terms
        WHERE term LIKE '%@%' OR regexp_matches(term, '[0-9]{7}') ORDER BY ALL""",
    ),
)
