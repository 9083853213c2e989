"""Small tables with known answers for the recommendation tests."""

from datetime import date, timedelta

import polars as pl

from xbec_platform.recommendations.eligibility import everything_eligible
from xbec_platform.recommendations.interactions import History, build_history

TODAY = date(2024, 6, 30)
SCHEMA = {
    "customer_id": pl.String,
    "product_id": pl.String,
    "order_id": pl.String,
    "order_date": pl.Date,
    "qty": pl.Int64,
    "market": pl.String,
}
NO_IDS = pl.Series([], dtype=pl.String)


def lines(*rows: tuple[str, str, int], market: str = "GB") -> pl.DataFrame:
    """Build order lines from (customer, product, age in days); one order per customer and day."""
    records = [
        (customer, product, f"{customer}-{age}", TODAY - timedelta(days=age), 1, market)
        for customer, product, age in rows
    ]
    return pl.DataFrame(records, schema=SCHEMA, orient="row")


def history_of(*rows: tuple[str, str, int]) -> History:
    """Build the history of `lines(*rows)` as of today."""
    return build_history(lines(*rows), as_of=TODAY, customer_ids=NO_IDS, product_ids=NO_IDS)


def shoppers(*customer_ids: str, market: str = "GB") -> pl.DataFrame:
    """Build customers of one market."""
    return pl.DataFrame({"customer_id": customer_ids}).with_columns(market=pl.lit(market))


def shelf(*product_ids: str, markets: tuple[str, ...] = ("GB",)) -> pl.DataFrame:
    """Build a catalogue in which everything may be shown."""
    return everything_eligible(pl.Series(product_ids, dtype=pl.String), list(markets))


def checkerboard(n_customers: int, n_products: int, *, age: int = 1) -> pl.DataFrame:
    """Even customers buy even products, odd ones odd products, all but the product with their own number."""
    rows = [
        (f"c{customer:03}", f"p{product:03}", age)
        for customer in range(n_customers)
        for product in range(n_products)
        if customer % 2 == product % 2 and customer % n_products != product
    ]
    return lines(*rows)
