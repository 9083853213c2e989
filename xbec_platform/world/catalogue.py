"""Products of the generated world, their life, prices and how they are chosen. The feed is in products."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world import product_attributes as attribute
from xbec_platform.world.draws import between
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.streams import log_normal, stream

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

NEVER = 10**6
ANY_SEGMENT = -1
# Rows of one pass of `choose_products`, so that the memory of a large draw stays bounded.
CHUNK = 200_000
# Rounds of drawing again what is not on sale; the few left take the best seller of the category.
ROUNDS = 40


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Products by index (row number), those of a category side by side.

    Attributes:
        categories: Names in the order of `products.yml`.
        frame: product_id, sku, title, brand, category (i16), category_path, attributes (JSON), gtin and hs_code
            (null for some), origin_country, unit_cost_cents and list_price_cents (EUR, first day), weight_kg,
            length_cm, width_cm, height_cm, has_battery, is_liquid, is_hazard, is_food, un_number,
            shelf_life_days, launch_day (negative: before the period), retire_day (null: never), quality and
            popularity (f32, truth), kind (noun of the title), duty_pct, return_share, quantity.
        segment_weight: float32 [segments x products], match of segment and product (truth), mean 1 by category.
        price_cents: List price in EUR, int64 [days x products].
        companion: Product bought along with it more often than by chance (truth).
        edges: Cumulative choice within categories, see `choose_products`; the last row is for any segment.
    """

    categories: tuple[str, ...]
    frame: pl.DataFrame
    segment_weight: npt.NDArray[np.float32]
    price_cents: IntArray
    companion: IntArray
    edges: FloatArray

    @property
    def launch_day(self) -> IntArray:
        """First day of sale by product."""
        return self.frame["launch_day"].to_numpy().astype(np.int64)

    @property
    def retire_day(self) -> IntArray:
        """First day without sale by product, NEVER when none."""
        return self.frame["retire_day"].fill_null(NEVER).to_numpy().astype(np.int64)

    def on_sale(self, product: npt.ArrayLike, day: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return whether products can be bought on days (both broadcast)."""
        index = np.asarray(product)
        return np.asarray((self.launch_day[index] <= day) & (np.asarray(day) < self.retire_day[index]))

    def list_price_cents(self, product: npt.ArrayLike, day: npt.ArrayLike) -> IntArray:
        """Return list prices in EUR cents; days outside of the period have those of its first or last one."""
        known = np.clip(np.asarray(day, dtype=np.int64), 0, len(self.price_cents) - 1)
        return np.asarray(self.price_cents[known, np.asarray(product)])


def build_catalogue(spec: WorldSpec) -> Catalogue:
    """Return the catalogue; it does not grow with the scale."""
    rules = parameters("products")
    categories, per_category = tuple(rules["categories"]), rules["products_per_category"]
    parts, attributes = [], []
    for number, name in enumerate(categories):
        part, drawn = _category(spec, number, name)
        parts.append(part)
        attributes += drawn
    frame = pl.concat(parts).with_columns(**_life(spec, len(categories) * per_category))
    category = frame["category"].to_numpy().astype(np.int64)
    popularity = _popularity(spec, len(categories), per_category)
    weight = attribute.segment_weights(attributes, category)
    return Catalogue(
        categories=categories,
        frame=frame.with_columns(popularity=pl.Series(popularity, dtype=pl.Float32)),
        segment_weight=weight,
        price_cents=_prices(spec, frame["list_price_cents"].to_numpy()),
        companion=_companions(spec, category, frame),
        edges=_edges(popularity, weight, category),
    )


def _category(spec: WorldSpec, number: int, name: str) -> tuple[pl.DataFrame, list[attribute.Attributes]]:
    rules = parameters("products")
    rule, size = rules["categories"][name], rules["products_per_category"]
    rng = stream(spec.seed, "catalogue", number)
    kinds = rule["kinds"]
    kind = np.sort(np.arange(size) % len(kinds))
    prices, goods = [], []
    for place, terms in enumerate(kinds):
        count = int((kind == place).sum())
        prices.append(np.round(log_normal(rng, terms["price_eur"], count) * 100).astype(np.int64))
        goods.append(_goods(rng, terms, rule, count))
    tiers = [tier for price in prices for tier in attribute.price_tiers(price)]
    attributes = attribute.draw_attributes(rng, rule, tiers)
    list_price = np.concatenate(prices)
    noise = 1 + rules["cost_noise"] * np.clip(rng.standard_normal(size), -3, 3)
    first = number * size + 1
    frame = pl.concat(goods).with_columns(
        product_id=pl.Series([f"P{product:04d}" for product in range(first, first + size)]),
        sku=pl.Series([f"{name[:3].upper()}-{product:04d}" for product in range(first, first + size)]),
        brand=pl.Series(rng.choice(rules["brands"], size).tolist()),
        category=pl.lit(number, dtype=pl.Int16),
        category_path=pl.lit(rule["path"]) + "/" + pl.col("kind").str.to_lowercase(),
        attributes=pl.Series([attribute.as_json(of) for of in attributes]),
        gtin=pl.Series(_gtins(rng, first, size), dtype=pl.String),
        origin_country=pl.Series(rng.choice(rule.get("origins", rules["origins_default"]), size).tolist()),
        unit_cost_cents=pl.Series(
            np.maximum(np.round(list_price * rule["cost_share"] * noise), 1).astype(np.int64)
        ),
        list_price_cents=pl.Series(list_price),
        quality=pl.Series(np.round(rng.beta(5, 2.2, size), 4), dtype=pl.Float32),
        **{term: pl.lit(float(rule[term])) for term in ("duty_pct", "return_share", "quantity")},
    )
    # A model number at the end keeps titles of one brand, style and kind apart.
    styles = pl.Series([of["style"].capitalize() for of in attributes])
    title = pl.format("{} {} {} {}", "brand", styles, "kind", pl.int_range(first, first + size) % 90 + 10)
    return frame.with_columns(title=title), attributes


def _goods(rng: np.random.Generator, terms: dict[str, Any], rule: dict[str, Any], size: int) -> pl.DataFrame:
    """Return what one kind of products has in common and its weights and sides."""
    rules = parameters("products")
    weight = np.maximum(np.round(log_normal(rng, terms["weight_kg"], size), 3), 0.01)
    middle = between(rng, rules["shape"]["middle"], size)
    short = middle * between(rng, rules["shape"]["short"], size)
    volume_cm3 = weight / terms["density"] * 1e6
    longest = np.minimum(np.cbrt(volume_cm3 / (middle * short)), rules["longest_side_cm"])
    flags = ("has_battery", "is_liquid", "is_hazard", "is_food")
    known = rng.random(size) >= rules["hs_missing_share"]
    shelf_life = terms.get("shelf_life_days", rule.get("shelf_life_days"))
    return pl.DataFrame(
        {
            "kind": [terms["noun"]] * size,
            "hs_code": pl.Series([terms["hs"] if has else None for has in known], dtype=pl.String),
            "weight_kg": weight,
            "length_cm": np.maximum(np.round(longest, 1), 1.0),
            "width_cm": np.maximum(np.round(longest * middle, 1), 0.5),
            "height_cm": np.maximum(np.round(longest * short, 1), 0.3),
            **{flag: [bool(terms.get(flag, rule.get(flag, False)))] * size for flag in flags},
            "un_number": pl.Series([terms.get("un_number")] * size, dtype=pl.String),
            "shelf_life_days": pl.Series([shelf_life] * size, dtype=pl.Int64),
        }
    )


def _gtins(rng: np.random.Generator, first: int, size: int) -> list[str | None]:
    rules = parameters("products")
    known = rng.random(size) >= rules["gtin_missing_share"]
    numbers = rng.permutation(10_000)[:size]
    return [
        gtin_13(f"{rules['restricted_gtin_prefix']}{first + place:05d}{number:05d}") if has else None
        for place, (number, has) in enumerate(zip(numbers, known, strict=True))
    ]


def gtin_13(first_twelve: str) -> str:
    """Return a GTIN-13: twelve digits and their check digit (GS1 General Specifications, modulo 10)."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first_twelve))
    return f"{first_twelve}{-total % 10}"


def _life(spec: WorldSpec, size: int) -> dict[str, pl.Series]:
    rules = parameters("products")
    rng = stream(spec.seed, "product-life")
    chosen = rng.permutation(size)
    newcomers = chosen[: round(size * rules["launch_share"])]
    leavers = chosen[len(newcomers) : len(newcomers) + round(size * rules["retire_share"])]
    launch = -rng.integers(1, 900, size)
    launch[newcomers] = rng.integers(1, max(spec.days // 2, 2), len(newcomers))
    retire = np.full(size, NEVER)
    retire[leavers] = rng.integers(spec.days // 2, spec.days, len(leavers))
    ends = pl.Series([None if day == NEVER else int(day) for day in retire], dtype=pl.Int32)
    return {"launch_day": pl.Series(launch, dtype=pl.Int32), "retire_day": ends}


def _popularity(spec: WorldSpec, categories: int, per_category: int) -> FloatArray:
    """Return the share of each product in its category: Zipf by a random rank, times a log-normal."""
    rules = parameters("products")
    rng = stream(spec.seed, "popularity")
    rank = np.arange(1, per_category + 1) ** -float(rules["zipf"])
    share = np.array([rng.permutation(rank) for _ in range(categories)])
    share *= np.exp(rng.normal(0.0, rules["popularity_sigma"], share.shape))
    return np.asarray(np.round(share / share.sum(axis=1, keepdims=True), 6).reshape(-1))


def _prices(spec: WorldSpec, first_cents: IntArray) -> IntArray:
    """Return list prices by day: a few products a day move by up to a tenth."""
    rules = parameters("products")
    rng = stream(spec.seed, "prices")
    prices = np.empty((spec.days, len(first_cents)), dtype=np.int64)
    prices[0] = first_cents
    for day in range(1, spec.days):
        changed = rng.choice(len(first_cents), rules["price_changes_per_day"], replace=False)
        prices[day] = prices[day - 1]
        step = between(rng, rules["price_step"], len(changed))
        prices[day, changed] = np.maximum(np.round(prices[day, changed] * step), 50).astype(np.int64)
    return prices


def _companions(spec: WorldSpec, category: IntArray, frame: pl.DataFrame) -> IntArray:
    """Return a lasting product of the same category or of the one that goes with it, each with even chance."""
    rules = parameters("products")["categories"]
    names = list(rules)
    partner = np.array([names.index(rules[name]["companion"]) for name in names])
    rng = stream(spec.seed, "companions")
    lasting = ((frame["launch_day"] < 0) & frame["retire_day"].is_null()).to_numpy()
    wanted = np.where(rng.random(len(category)) < 0.5, category, partner[category])
    companion = np.empty(len(category), dtype=np.int64)
    for product, number in enumerate(wanted):
        choice = np.flatnonzero(lasting & (category == number))
        choice = choice[choice != product]
        companion[product] = choice[int(rng.random() * len(choice))]
    return companion


def _edges(popularity: FloatArray, weight: npt.NDArray[np.float32], category: IntArray) -> FloatArray:
    """Return category index plus cumulative share within it, rising along a row; [segments + 1 x products]."""
    edges = np.empty((len(weight) + 1, len(category)))
    for row, factor in enumerate([*weight.astype(np.float64), np.ones(len(category))]):
        share = popularity * factor
        for number in range(int(category.max()) + 1):
            here = category == number
            summed = np.cumsum(share[here])
            edges[row, here] = number + summed / summed[-1]
    return edges


def choose_products(
    rng: np.random.Generator,
    catalogue: Catalogue,
    taste_rows: npt.NDArray[np.float32],
    segment: npt.ArrayLike,
    day: npt.ArrayLike,
) -> IntArray:
    """Return one product per chooser: a category by taste, in it a product on sale by popularity and segment.

    Args:
        rng: Stream of the caller.
        catalogue: Products.
        taste_rows: Weight of each category, float32 [choosers x categories]; rows need not add up to 1.
        segment: Index of the segment by chooser or for all; ANY_SEGMENT for none, as with a guest.
        day: Day number by chooser or for all.
    """
    size = len(taste_rows)
    segments = np.broadcast_to(np.asarray(segment, dtype=np.int64), size)
    days = np.broadcast_to(np.asarray(day, dtype=np.int64), size)
    chosen = np.empty(size, dtype=np.int64)
    for first in range(0, size, CHUNK):
        part = slice(first, first + CHUNK)
        edges = np.cumsum(taste_rows[part], axis=1, dtype=np.float64)
        point = rng.random(len(edges)) * edges[:, -1]
        category = np.minimum((edges <= point[:, None]).sum(axis=1), edges.shape[1] - 1)
        chosen[part] = _within(rng, catalogue, category, segments[part], days[part])
    return chosen


def _within(
    rng: np.random.Generator, catalogue: Catalogue, category: IntArray, segment: IntArray, day: IntArray
) -> IntArray:
    """Return a product of each category, drawn again until it is on sale on the day."""
    rows, products = catalogue.edges.shape
    span = len(catalogue.categories)
    # One rising line of all rows: a draw is one binary search whatever the segment.
    line = (catalogue.edges + span * np.arange(rows)[:, None]).reshape(-1)
    start = category + span * np.where(segment == ANY_SEGMENT, rows - 1, segment)
    chosen = np.full(len(category), -1)
    missing = np.arange(len(category))
    for _ in range(ROUNDS):
        # Below 1 by more than rounding can take away.
        point = start[missing] + rng.random(len(missing)) * (1 - 1e-9)
        chosen[missing] = np.searchsorted(line, point, side="right") % products
        missing = missing[~catalogue.on_sale(chosen[missing], day[missing])]
        if not len(missing):
            break
    chosen[missing] = _best_lasting(catalogue)[category[missing]]
    return chosen


def _best_lasting(catalogue: Catalogue) -> IntArray:
    """Return the most popular product of each category that is on sale all the time."""
    lasting = (catalogue.launch_day < 0) & (catalogue.retire_day == NEVER)
    popular = catalogue.frame["popularity"].to_numpy() * lasting
    category = catalogue.frame["category"].to_numpy()
    return np.array([int(np.argmax(popular * (category == n))) for n in range(len(catalogue.categories))])
