"""Products of the generated shop, their prices by day and their feed; who buys them does not belong here."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import money
from xbec_platform.demo.world import Period, log_normal, shop_world

NEVER = 10**6
PRICE_CHANGES_PER_DAY = 2
COLOURS = ("black", "blue", "green", "red", "white")


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Products by index; arrays have one entry per product unless said.

    Attributes:
        frame: product_id and what never changes, in the columns of the contract.
        category: Index into the categories of `shop.yml`.
        price_cents: List price, days x products.
        cost_cents: Unit cost.
        launch: Day number of the first sale day, 0 when sold before the period.
        retire: Day number from which it is not sold.
        companion: Product of the same category that is bought along.
        replenish_days: Usual days between two purchases; 0 when it is no consumable.
    """

    frame: pl.DataFrame
    category: npt.NDArray[np.int64]
    price_cents: npt.NDArray[np.int64]
    cost_cents: npt.NDArray[np.int64]
    launch: npt.NDArray[np.int64]
    retire: npt.NDArray[np.int64]
    companion: npt.NDArray[np.int64]
    replenish_days: npt.NDArray[np.int64]

    def on_sale(self, day: int) -> npt.NDArray[np.bool_]:
        """Return which products can be bought on a day."""
        return (self.launch <= day) & (day < self.retire)


def generate_catalogue(period: Period, rng: np.random.Generator) -> Catalogue:
    """Return the products of all categories and the course of their prices."""
    categories = shop_world()["categories"]
    per_category = shop_world()["products_per_category"]
    size = per_category * len(categories)
    launch, retire = _life(period, rng, size)
    base_cents, cost_cents, frames = [], [], []
    for number, (name, rule) in enumerate(categories.items()):
        price = np.round(log_normal(rng, rule["price_eur"], per_category) * 100).astype(np.int64)
        base_cents.append(price)
        cost_cents.append(np.round(price * rule["cost_share"]).astype(np.int64))
        frames.append(_products(name, rule, number * per_category, rng))
    frame = pl.concat(frames).with_columns(
        launch_date=pl.Series(_launch_date(period, int(day), rng) for day in launch)
    )
    offset = np.arange(size) // per_category * per_category
    partner = offset + (np.arange(size) - offset + 1 + rng.integers(0, per_category - 1, size)) % per_category
    replenish = [rule.get("replenish_days", 0) for rule in categories.values()]
    return Catalogue(
        frame=frame,
        category=np.arange(size) // per_category,
        price_cents=_prices(period, np.concatenate(base_cents), rng),
        cost_cents=np.concatenate(cost_cents),
        launch=launch,
        retire=retire,
        companion=partner,
        replenish_days=np.repeat(replenish, per_category),
    )


def _life(
    period: Period, rng: np.random.Generator, size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    chosen = rng.permutation(size)
    newcomers, leavers = chosen[: size // 20], chosen[size // 20 : size // 12]
    launch = np.zeros(size, dtype=np.int64)
    retire = np.full(size, NEVER, dtype=np.int64)
    launch[newcomers] = rng.integers(1, max(period.days // 2, 2), len(newcomers))
    retire[leavers] = rng.integers(period.days // 2, period.days, len(leavers))
    return launch, retire


def _launch_date(period: Period, launch: int, rng: np.random.Generator) -> date:
    return period.day(launch) if launch else period.first_day - timedelta(days=int(rng.integers(30, 900)))


def _prices(
    period: Period, base_cents: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    prices = np.empty((period.days, len(base_cents)), dtype=np.int64)
    current = base_cents.copy()
    for day in range(period.days):
        if day:
            changed = rng.choice(len(current), PRICE_CHANGES_PER_DAY, replace=False)
            current[changed] = np.round(current[changed] * rng.uniform(0.9, 1.12, PRICE_CHANGES_PER_DAY))
        prices[day] = current
    return prices


def _products(name: str, rule: dict[str, Any], offset: int, rng: np.random.Generator) -> pl.DataFrame:
    world = shop_world()
    size = world["products_per_category"]
    titles = [f"{adjective} {noun}" for noun in rule["nouns"] for adjective in world["adjectives"]][:size]
    shortest, longest_of_all = rule["side_cm"]
    longest = rng.uniform(shortest, longest_of_all, size)
    colours = rng.choice(COLOURS, size)
    numbers = range(offset + 1, offset + size + 1)
    return pl.DataFrame(
        {
            "product_id": [f"P{number:04d}" for number in numbers],
            "sku": [f"{name[:3].upper()}-{number:04d}" for number in numbers],
            "title": titles,
            "brand": rng.choice(world["brands"], size),
            "category_path": rule["path"],
            "attributes": [json.dumps({"colour": str(colour)}) for colour in colours],
            "gtin": [_gtin(f"200{number:09d}") for number in numbers],
            "hs_code": rule["hs_code"],
            "origin_country": rng.choice(rule["origins"], size),
            "currency": world["base_currency"],
            "weight_kg": np.round(log_normal(rng, rule["weight_kg"], size), 3),
            "length_cm": np.round(longest, 1),
            "width_cm": np.round(longest * rng.uniform(0.4, 0.9, size), 1),
            "height_cm": np.round(longest * rng.uniform(0.15, 0.5, size), 1),
            **{flag: rule.get(flag, False) for flag in ("has_battery", "is_liquid", "is_hazard", "is_food")},
            "un_number": pl.Series([rule.get("un_number")] * size, dtype=pl.String),
            "shelf_life_days": pl.Series([rule.get("shelf_life_days")] * size, dtype=pl.Int64),
        }
    )


def _gtin(first_twelve: str) -> str:
    """Return a GTIN-13: twelve digits and their check digit; 200-299 is the range for use inside a shop."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first_twelve))
    return f"{first_twelve}{-total % 10}"


def product_feed(catalogue: Catalogue, period: Period) -> dict[int, pl.DataFrame]:
    """Return the product files by day: everything on the first day, then what is new or changed."""
    feed = {}
    for day in range(period.days):
        if day == 0:
            moved = catalogue.launch == 0
        else:
            repriced = catalogue.price_cents[day] != catalogue.price_cents[day - 1]
            moved = (catalogue.launch == day) | (catalogue.retire == day)
            moved |= repriced & catalogue.on_sale(day)
        index = np.flatnonzero(moved)
        price = pl.Series(catalogue.price_cents[day][index])
        cost = pl.Series(catalogue.cost_cents[index])
        retired = pl.Series(catalogue.retire[index] <= day)
        feed[day] = catalogue.frame[index].select(
            "product_id",
            pl.lit(period.midnight(day)).dt.cast_time_unit("us").alias("valid_from"),
            *("sku", "title", "brand", "category_path", "attributes", "gtin", "hs_code", "origin_country"),
            money(pl.lit(cost)).alias("unit_cost"),
            money(pl.lit(price)).alias("list_price"),
            *("currency", "weight_kg", "length_cm", "width_cm", "height_cm"),
            *("has_battery", "is_liquid", "is_hazard", "is_food", "un_number", "shelf_life_days"),
            pl.when(pl.lit(retired)).then(pl.lit("retired")).otherwise(pl.lit("active")).alias("status"),
            "launch_date",
        )
    return feed
