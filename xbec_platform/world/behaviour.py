"""What must be known across days to draw visits: who visits how often, what they like, what was ordered when."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import money
from xbec_platform.demo.market_days import yearly_promotions
from xbec_platform.world.campaigns import Campaigns
from xbec_platform.world.people import People, segment_tastes
from xbec_platform.world.queries import Queries, build_queries
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.streams import stream
from xbec_platform.world.vocabulary import TABLE_SIZE, examination, lookup_table

if TYPE_CHECKING:
    from xbec_platform.world.catalogue import Catalogue
    from xbec_platform.world.orders import Orders
    from xbec_platform.world.plan import Plan

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

# Entries of the lookup table of one segment and category; about 40 products share them.
PRODUCT_TABLE_SIZE = 1024
# Days whose tables are kept: the parts of a day ask for the same.
KEPT_DAYS = 4


@dataclass(frozen=True, kw_only=True)
class OrderVisits:
    """Orders as visits see them; arrays by order in the order of time unless said.

    Attributes:
        customer: Index, -1 for a guest.
        market: Index.
        ts: Seconds since 1970.
        first_of_day: Row of the first order of each day, days + 1 entries.
        first_line: Place of each order's first line in `product`, orders + 1 entries.
        product: Products of the lines.
    """

    customer: IntArray
    market: IntArray
    ts: IntArray
    first_of_day: IntArray
    first_line: IntArray
    product: IntArray


# Equal to itself only, so that what is drawn from it can be cached.
@dataclass(frozen=True, kw_only=True, eq=False)
class Behaviour:
    """The plan of visits.

    Attributes:
        spec: Seed and period.
        people: Customers.
        campaigns: Campaigns and whom they contact.
        orders: Orders that visits lead to.
        queries: Texts of searches.
        visit_weight: Propensity of each customer to visit (truth).
        sessions_of_day: Visits of each day that do not lead to an order.
        relevance: Chance to click on an examined product, float32 [segments x products] (truth).
        examination: Chance to look at a position of a recommendation slot (truth).
        popularity: Weight of products in each segment, within a category, [segments x products] (truth).
        category: Category of each product.
        lives: launch and retire day of each product, [products x 2].
        price_cents: List price in EUR cents, [days x products].
        product_ids, category_paths: Texts of products; a null follows the last one.
    """

    spec: WorldSpec
    people: People
    campaigns: Campaigns
    orders: OrderVisits
    queries: Queries
    visit_weight: npt.NDArray[np.float32]
    sessions_of_day: IntArray
    relevance: npt.NDArray[np.float32]
    examination: FloatArray
    popularity: FloatArray
    category: IntArray
    lives: IntArray
    product_ids: pl.Series
    price_cents: IntArray
    category_paths: pl.Series


@dataclass(frozen=True, kw_only=True)
class Tastes:
    """Lookup tables and prices of one day.

    Attributes:
        prices: List prices in EUR of all products; a null follows the last one.
        category: Categories that a segment looks at, [segments x TABLE_SIZE].
        product: Products on sale that it looks at, [segments x categories x PRODUCT_TABLE_SIZE].
    """

    prices: pl.Series
    category: IntArray
    product: npt.NDArray[np.int32]


def build_behaviour(
    spec: WorldSpec, people: People, catalogue: "Catalogue", orders: "Orders", campaigns: Campaigns
) -> Behaviour:
    """Return the plan of all visits."""
    rule = parameters("behaviour")
    frame = catalogue.frame
    category = frame["category"].to_numpy().astype(np.int64)
    popularity = frame["popularity"].to_numpy().astype(np.float64) * catalogue.segment_weight
    lives = np.column_stack([frame["launch_day"].to_numpy(), frame["retire_day"].fill_null(10**6).to_numpy()])
    return Behaviour(
        spec=spec,
        people=people,
        campaigns=campaigns,
        orders=_order_visits(spec, orders),
        queries=build_queries(frame),
        visit_weight=stream(spec.seed, "visit weight")
        .gamma(rule["visit_shape"], size=spec.people)
        .astype(np.float32),
        sessions_of_day=_sessions_of_day(spec, people),
        relevance=_relevance(people, catalogue, category),
        examination=examination(rule["position_bias"]["slot_positions"]),
        popularity=popularity,
        category=category,
        lives=lives.astype(np.int64),
        price_cents=catalogue.price_cents,
        product_ids=_with_null(frame["product_id"]),
        category_paths=_with_null(_as_enum(frame["category_path"])),
    )


def _with_null(series: pl.Series) -> pl.Series:
    return series.extend_constant(None, 1).rechunk()


def _as_enum(texts: pl.Series) -> pl.Series:
    return texts.cast(pl.Enum(texts.unique(maintain_order=True)))


def _order_visits(spec: WorldSpec, orders: "Orders") -> OrderVisits:
    tracked = parameters("behaviour")["tracked_channels"]
    chosen = orders.frame.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    if tracked:
        chosen = chosen.filter(pl.col("channel").is_in(tracked))
    chosen = chosen.sort("order_ts", "row")
    lines = orders.lines.select(pl.col("order").cast(pl.Int64), "line_no", "product").sort("order", "line_no")
    of_order = lines["order"].to_numpy()
    row = chosen["row"].to_numpy()
    first, last = (np.searchsorted(of_order, row, side=side) for side in ("left", "right"))  # type: ignore[call-overload]
    count = last - first
    start = np.concatenate([[0], np.cumsum(count)])
    place = np.arange(start[-1]) + np.repeat(first - start[:-1], count)
    return OrderVisits(
        customer=chosen["customer"].to_numpy().astype(np.int64),
        market=chosen["market"].to_numpy().astype(np.int64),
        ts=chosen["order_ts"].to_numpy(),
        first_of_day=np.searchsorted(
            chosen["order_ts"].to_numpy(), [spec.midnight(day) for day in range(spec.days + 1)]
        ),
        first_line=start,
        product=lines["product"].to_numpy().astype(np.int64)[place],
    )


def _sessions_of_day(spec: WorldSpec, people: People) -> IntArray:
    """Return the number of visits of each day: by weekday, more on sales days, a little noise."""
    rule, trade = parameters("behaviour"), parameters("trade")
    markets = trade["markets"]
    share = np.array([markets[name]["share"] for name in people.markets])
    uplift = np.ones((spec.days, len(share)))
    calendar = yearly_promotions(markets=people.markets, first_day=spec.first_day, last_day=spec.last_day)
    for date, name, market in calendar.select("calendar_date", "name", "market").sort(pl.all()).iter_rows():
        if name in trade["promotions"]:
            factor = trade["promotions"][name]["uplift"][market] ** rule["promotion_power"]
            uplift[(date - spec.first_day).days, people.markets.index(market)] *= factor
    weekday = np.array([rule["weekdays"][spec.day(day).weekday()] for day in range(spec.days)])
    noise = 1 + rule["day_noise"] * stream(spec.seed, "visits of days").standard_normal(spec.days)
    mean = rule["sessions_per_customer_day"] * spec.people
    return np.asarray(np.round(mean * (uplift @ share / share.sum()) * weekday * noise), dtype=np.int64)


def _relevance(people: People, catalogue: "Catalogue", category: IntArray) -> npt.NDArray[np.float32]:
    """Return the chance of a click on an examined product: by taste of the segment and match of attributes."""
    rule = parameters("behaviour")["relevance"]
    taste = segment_tastes(people.categories)
    taste = taste / taste.mean(axis=1, keepdims=True)
    match = catalogue.segment_weight / catalogue.segment_weight.mean(axis=1, keepdims=True)
    chance = rule["base"] * taste[:, category] ** rule["taste_power"] * match ** rule["match_power"]
    return np.asarray(np.round(np.clip(chance, rule["least"], rule["most"]), 5), dtype=np.float32)


@lru_cache(maxsize=KEPT_DAYS)
def tastes_of_day(behaviour: Behaviour, day: int) -> Tastes:
    """Return the lookup tables of what each segment looks at among the products on sale on a day."""
    on_sale = (behaviour.lives[:, 0] <= day) & (day < behaviour.lives[:, 1])
    categories = behaviour.people.categories
    segments = len(behaviour.people.segments)
    product = np.zeros((segments, len(categories), PRODUCT_TABLE_SIZE), dtype=np.int32)
    for number in range(len(categories)):
        offered = np.flatnonzero((behaviour.category == number) & on_sale)
        if len(offered) == 0:
            continue
        for segment in range(segments):
            weights = behaviour.popularity[segment, offered]
            product[segment, number] = offered[lookup_table(weights, PRODUCT_TABLE_SIZE)]
    category = np.array([lookup_table(weights, TABLE_SIZE) for weights in segment_tastes(categories)])
    prices = pl.select(money(pl.lit(pl.Series(behaviour.price_cents[day])))).to_series()
    return Tastes(prices=_with_null(prices), category=category, product=product)


def truth_relevance(plan: "Plan") -> pl.DataFrame:
    """Return the true chance of a click on an examined product: segment, product_id, relevance."""
    behaviour = plan.behaviour
    segments, products = behaviour.relevance.shape
    return pl.DataFrame(
        {
            "segment": pl.Series(behaviour.people.segments).gather(np.repeat(np.arange(segments), products)),
            "product_id": behaviour.product_ids.gather(np.tile(np.arange(products), segments)),
            "relevance": behaviour.relevance.ravel(),
        }
    )
