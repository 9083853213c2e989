"""What is put into an order: lines, products and pieces. Prices and the orders themselves do not belong here."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.catalogue import ANY_SEGMENT, Catalogue, choose_products
from xbec_platform.world.people import People
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.streams import stream

IntArray = npt.NDArray[np.int64]

GUEST = -1
CHUNK = 200_000


def by_segment(
    people: People, customer: IntArray, of_segment: Mapping[str, float], of_guest: float
) -> npt.NDArray[np.float64]:
    """Return a value for each buyer: that of the segment, or that of guests."""
    values = np.array([*(of_segment[name] for name in people.segments), of_guest], dtype=np.float64)
    return np.asarray(values[segments(people, customer)])


def segments(people: People, customer: IntArray) -> IntArray:
    """Return the segment of each buyer, ANY_SEGMENT of guests."""
    segment = people.frame["segment"].to_numpy().astype(np.int64)
    return np.where(customer == GUEST, ANY_SEGMENT, segment[customer])


def draw_baskets(
    spec: WorldSpec, people: People, catalogue: Catalogue, customer: IntArray, day: IntArray
) -> pl.DataFrame:
    """Return the lines of orders.

    Lines and pieces are rounded log-normal numbers, at least 1 (orders.yml); a product appears once in an order.

    Args:
        spec: Seed.
        people: Tastes and segments.
        catalogue: Products.
        customer: Customer of each order, GUEST for none.
        day: Day number of each order.

    Returns:
        order (row of the arguments), line_no from 1, product (index), qty; sorted by order and line_no.
    """
    rule = parameters("orders")
    rng = stream(spec.seed, "baskets")
    median = by_segment(people, customer, rule["lines"]["median"], rule["lines"]["median_guest"])
    lines = _rounded(rng, median, rule["lines"])
    order = np.repeat(np.arange(len(customer)), lines)
    product = _products(rng, people, catalogue, customer[order], day[order])
    product = _with_companions(rng, catalogue, order, product, day[order])
    # One line per product: the first one stays.
    _, kept = np.unique(order * len(catalogue.companion) + product, return_index=True)
    kept.sort()
    order, product = order[kept], product[kept]
    quantity = catalogue.frame["quantity"].to_numpy()[product]
    first = np.searchsorted(order, order, side="left")
    return pl.DataFrame(
        {
            "order": pl.Series(order, dtype=pl.Int32),
            "line_no": pl.Series(np.arange(len(order)) - first + 1, dtype=pl.Int16),
            "product": pl.Series(product, dtype=pl.Int16),
            "qty": pl.Series(_rounded(rng, quantity, rule["pieces"]), dtype=pl.Int16),
        }
    )


def _with_companions(
    rng: np.random.Generator, catalogue: Catalogue, order: IntArray, product: IntArray, day: IntArray
) -> IntArray:
    """Return products of which some are replaced by the companion of the line before in the same order."""
    share = parameters("orders")["companion_share"]
    follows = np.zeros(len(order), dtype=bool)
    follows[1:] = (order[1:] == order[:-1]) & (rng.random(max(len(order) - 1, 0)) < share)
    companion = catalogue.companion[np.concatenate([product[:1], product[:-1]])]
    return np.where(follows & catalogue.on_sale(companion, day), companion, product)


def _rounded(
    rng: np.random.Generator, median: npt.NDArray[np.float64], rule: Mapping[str, float]
) -> IntArray:
    drawn = np.rint(median * np.exp(rule["sigma"] * rng.standard_normal(len(median))))
    return np.clip(drawn, 1, rule["most"]).astype(np.int64)


def _products(
    rng: np.random.Generator, people: People, catalogue: Catalogue, customer: IntArray, day: IntArray
) -> IntArray:
    """Return a product for each line; guests have the average taste."""
    average = np.round(people.taste.mean(axis=0, dtype=np.float64), 4).astype(np.float32)
    segment = segments(people, customer)
    chosen = np.empty(len(customer), dtype=np.int64)
    for first in range(0, len(customer), CHUNK):
        part = slice(first, first + CHUNK)
        guest = customer[part, None] == GUEST
        taste = np.where(guest, average, people.taste[customer[part]])
        chosen[part] = choose_products(rng, catalogue, taste, segment[part], day[part])
    return chosen
