"""The generated shop as landing files; what its parts do is in the modules beside."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from xbec_platform.demo.catalogue import Catalogue, generate_catalogue, product_feed
from xbec_platform.demo.faults import Correction, FaultyFiles, Feed, PlantedFault, plant_faults
from xbec_platform.demo.feeds import line_feed, order_feed, rate_feed, return_feed
from xbec_platform.demo.files import encode, replace_file
from xbec_platform.demo.fulfilment import daily_capacity, expected_pieces, fulfil, shop_centres
from xbec_platform.demo.market_days import CALENDAR_SCHEMA, holidays, yearly_promotions
from xbec_platform.demo.network import build_lanes, build_warehouses, sample_centres
from xbec_platform.demo.orders import generate_sales
from xbec_platform.demo.people import customer_feed, generate_people
from xbec_platform.demo.world import Period, currency_rates, random_stream, shop_world

LEAST_DAYS = 20
LEAST_CUSTOMERS = 100
# Holidays and the well-known promotions are announced ahead.
CALENDAR_DAYS_AHEAD = 120
SURCHARGE_RISE_PCT = 2.5

# As different sources deliver them: suffix of the files, and the key that a planted row is recorded with.
SOURCES: dict[str, tuple[str, list[str]]] = {
    "customers": ("csv", ["customer_id", "updated_ts"]),
    "products": ("parquet", ["product_id", "valid_from"]),
    "orders": ("csv", ["order_id", "updated_ts"]),
    "order_lines": ("csv.gz", ["order_id", "line_no"]),
    "returns": ("jsonl", ["return_id"]),
    "warehouses": ("csv", ["warehouse_id", "valid_from"]),
    "lanes": ("csv", ["lane_id", "valid_from"]),
    "inventory_snapshots": ("parquet", ["warehouse_id", "product_id", "snapshot_date"]),
    "fx_rates": ("csv", ["rate_date", "currency"]),
    "calendar": ("csv", ["calendar_date", "market", "kind", "name"]),
}


@dataclass(frozen=True, kw_only=True)
class ShopSummary:
    """What was written, what is wrong with it, and what is true.

    Attributes:
        seed: Seed of the shop.
        first_day: First day of the period.
        last_day: Last day of the period.
        files: Number of files.
        bytes: Their size.
        clean_rows: Rows by source without the planted ones: what is left when every fault is rejected and
            the correction is delivered.
        faults: Every planted fault.
        correction: For `faults.plant_correction`.
        segments: customer_id and latent segment of every customer.
        companions: product_id and companion_id, products of one basket more often than by chance.
    """

    seed: int
    first_day: date
    last_day: date
    files: int
    bytes: int
    clean_rows: dict[str, int]
    faults: tuple[PlantedFault, ...]
    correction: Correction
    segments: pl.DataFrame
    companions: pl.DataFrame


def generate_shop(
    *, out: Path, seed: int, last_day: date, days: int = 60, customers: int = 600
) -> ShopSummary:
    """Write the landing files of a small cross-border shop, faults included; equal arguments, equal bytes.

    Args:
        out: Landing folder; files go to `<out>/<source>/dt=YYYY-MM-DD/`.
        seed: Decides everything that is drawn; not negative.
        last_day: Last day of sales; only the calendar looks further.
        days: Length of the period.
        customers: Registered customers at its end; guests come on top.

    Raises:
        ValueError: The period or the number of customers is too small for the faults to be placed.
    """
    if days < LEAST_DAYS or customers < LEAST_CUSTOMERS:
        raise ValueError(
            f"a shop needs {LEAST_DAYS} days and {LEAST_CUSTOMERS} customers or more, "
            f"got {days} and {customers}"
        )
    world = _World(seed, Period(last_day=last_day, days=days), customers)
    feeds = world.feeds()
    clean_rows = {source: sum(frame.height for frame in feeds[source].values()) for source in SOURCES}
    suffixes = {source: suffix for source, (suffix, _) in SOURCES.items()}
    files = FaultyFiles(feeds=feeds, suffixes=suffixes, period=world.period)
    correction = plant_faults(files, {source: key for source, (_, key) in SOURCES.items()})
    contents = _write(out, files)
    return ShopSummary(
        seed=seed,
        first_day=world.period.first_day,
        last_day=last_day,
        files=len(contents),
        bytes=sum(map(len, contents.values())),
        clean_rows=clean_rows,
        faults=tuple(files.faults),
        correction=correction,
        segments=world.people.frame.select("customer_id", "segment"),
        companions=_companions(world.catalogue),
    )


class _World:
    """The parts of the shop, generated in the order in which they depend on each other."""

    def __init__(self, seed: int, period: Period, customers: int) -> None:
        self.seed, self.period = seed, period
        self.rates = currency_rates(period, random_stream(seed, "currencies"))
        self.catalogue = generate_catalogue(period, random_stream(seed, "catalogue"))
        self.people = generate_people(period, customers, random_stream(seed, "people"))
        self.sales = generate_sales(
            period=period,
            catalogue=self.catalogue,
            people=self.people,
            rates=self.rates,
            rng=random_stream(seed, "orders"),
        )
        self.centres = shop_centres(sample_centres())

    def feeds(self) -> dict[str, Feed]:
        """Return the frames by source and day number, still without faults."""
        changes, returns = (random_stream(self.seed, part) for part in ("changes", "returns"))
        stream = random_stream(self.seed, "fulfilment")
        people, catalogue, sales, period = self.people, self.catalogue, self.sales, self.period
        fate = fulfil(period=period, sales=sales, catalogue=catalogue, centres=self.centres, rng=stream)
        return {
            "customers": customer_feed(people, period, changes),
            "products": product_feed(catalogue, period),
            "orders": order_feed(sales, fate, people, period, stream),
            "order_lines": line_feed(sales, catalogue, period),
            "returns": return_feed(sales, fate, catalogue, people, period, returns),
            "warehouses": {0: self._warehouses()},
            "lanes": self._lanes(),
            "inventory_snapshots": fate.snapshots,
            "fx_rates": rate_feed(self.rates, period),
            "calendar": {0: _calendar(period)},
        }

    def _warehouses(self) -> pl.DataFrame:
        products = self.catalogue.category.size
        expected = expected_pieces(self.sales, self.centres, products, self.period.days)
        return build_warehouses(
            centres=self.centres,
            capacity=daily_capacity(expected, self.centres),
            valid_from=self.period.first_day,
            currency=shop_world()["base_currency"],
        )

    def _lanes(self) -> Feed:
        """Return the lanes; half-way the express carrier raises its surcharge (a second version)."""
        lanes = build_lanes(
            centres=self.centres,
            destinations=sorted(shop_world()["markets"]),
            valid_from=self.period.first_day,
            currency=shop_world()["base_currency"],
        )
        # Some carriers do not tell the length of their route.
        untold = pl.int_range(pl.len()) % 7 == 3
        lanes = lanes.with_columns(pl.when(~untold).then("distance_km").alias("distance_km"))
        half = self.period.days // 2
        raised = lanes.filter(pl.col("mode") == "express").with_columns(
            pl.lit(self.period.midnight(half)).dt.cast_time_unit("us").alias("valid_from"),
            pl.col("surcharge_pct") + SURCHARGE_RISE_PCT,
        )
        return {0: lanes, half: raised}


def _calendar(period: Period) -> pl.DataFrame:
    markets = sorted(shop_world()["markets"])
    ahead = period.last_day + timedelta(days=CALENDAR_DAYS_AHEAD)
    own = [
        (period.day(day), market, "promotion", sale.name, "own_sale")
        for sale in period.own_sales()
        for day in range(sale.first, sale.last + 1)
        for market in markets
    ]
    return pl.concat(
        [
            holidays(markets=markets, first_day=period.first_day, last_day=ahead),
            yearly_promotions(markets=markets, first_day=period.first_day, last_day=ahead),
            pl.DataFrame(own, schema=CALENDAR_SCHEMA, orient="row"),
        ]
    ).sort("calendar_date", "market", "kind", "name")


def _write(out: Path, files: FaultyFiles) -> dict[str, bytes]:
    """Write all files and return them by path; JSON lines cannot say "no rows", so such a day has no file."""
    contents = dict(files.extra)
    for source, feed in files.feeds.items():
        for day, frame in feed.items():
            if frame.height or files.suffixes[source] != "jsonl":
                contents[files.file(source, day)] = encode(frame, files.suffixes[source])
    for path, content in contents.items():
        replace_file(out / path, content)
    return contents


def _companions(catalogue: Catalogue) -> pl.DataFrame:
    ids = catalogue.frame["product_id"]
    return pl.DataFrame({"product_id": ids, "companion_id": ids.gather(catalogue.companion)})
