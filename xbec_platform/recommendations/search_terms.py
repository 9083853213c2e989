"""What people search for and find, by term; addresses and numbers in queries are masked before anything is kept."""

from __future__ import annotations

import polars as pl

from xbec_platform.recommendations.search_text import search_term

FEWEST_SESSIONS = 5
RARE = "(rare)"
COUNTS = (
    "n_searches",
    "n_sessions",
    "n_zero_results",
    "n_clicked",
    "n_clicks",
    "n_carts",
    "n_purchases",
    "n_refined",
)
TERM_SCHEMA = {
    "market": pl.String,
    "term": pl.String,
    **dict.fromkeys(COUNTS, pl.Int64),
    "zero_result_rate": pl.Float64,
    "click_rate": pl.Float64,
    "mean_position": pl.Float64,
    "cart_rate": pl.Float64,
    "purchase_rate": pl.Float64,
    "refined_rate": pl.Float64,
    "top_product_id": pl.String,
}


def search_terms(searches: pl.DataFrame, clicks: pl.DataFrame) -> pl.DataFrame:
    """Sum searches by market and term.

    Terms of fewer than `FEWEST_SESSIONS` visits are counted together as '(rare)': one visitor's words are nobody's
    business and no demand.

    Args:
        searches: market (null = not known), query, `COUNTS`, sum_position (of n_clicks clicks).
        clicks: market, query, product_id, n: clicks on products of a query's results.

    Returns:
        `TERM_SCHEMA`: rates are shares of searches (of those with a result for click_rate); top_product_id is the
        one clicked most, ties by id. Sorted by market, falling searches, term.
    """
    keys = ["market", "term"]
    summed = _named(searches).group_by(keys).agg(pl.col(*COUNTS, "sum_position").sum())
    is_rare = pl.col("n_sessions") < FEWEST_SESSIONS
    names = summed.select(*keys, shown=pl.when(is_rare).then(pl.lit(RARE)).otherwise("term"))
    terms = (
        summed.join(names, on=keys)
        .group_by("market", term=pl.col("shown"))
        .agg(pl.col(*COUNTS, "sum_position").sum())
    )
    best = (
        _named(clicks)
        .join(names, on=keys)
        .filter(pl.col("shown") != RARE)
        .group_by(*keys, "product_id")
        .agg(pl.col("n").sum())
        .sort(*keys, "n", "product_id", descending=[False, False, True, False])
        .group_by(keys, maintain_order=True)
        .agg(top_product_id=pl.col("product_id").first())
    )

    def rate(part: str, whole: pl.Expr) -> pl.Expr:
        return pl.when(whole > 0).then(pl.col(part) / whole)

    searched = pl.col("n_searches")
    return (
        terms.join(best, on=keys, how="left")
        .with_columns(
            zero_result_rate=rate("n_zero_results", searched),
            click_rate=rate("n_clicked", searched - pl.col("n_zero_results")),
            mean_position=rate("sum_position", pl.col("n_clicks")),
            cart_rate=rate("n_carts", searched),
            purchase_rate=rate("n_purchases", searched),
            refined_rate=rate("n_refined", searched),
        )
        .select(pl.col(name).cast(kind) for name, kind in TERM_SCHEMA.items())
        .sort("market", "n_searches", "term", descending=[False, True, False])
    )


def _named(table: pl.DataFrame) -> pl.DataFrame:
    """Replace queries by their terms; an unknown market is a name of its own."""
    queries = table["query"].unique()
    terms = pl.Series([search_term(query) or "(no word)" for query in queries], dtype=pl.String)
    return table.with_columns(
        pl.col("market").fill_null("?"),
        term=pl.col("query").replace_strict(queries, terms, return_dtype=pl.String),
    ).drop("query")
