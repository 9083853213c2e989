"""Landing files of a SAMPLE logistics network for a shop without one; the solver does not belong here.

Places are real, everything else is made up from `network_data/network.yml` and flagged `is_sample`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from xbec_platform.demo.files import encode, landing_path, replace_file
from xbec_platform.demo.market_days import holidays
from xbec_platform.demo.network import (
    build_lanes,
    build_warehouses,
    distances_km,
    network_parameters,
    sample_centres,
)
from xbec_platform.demo.sample_stock import Demand, StockPolicy, simulate_snapshots

SALES_COLUMNS = ("order_date", "product_id", "ship_country", "qty")


@dataclass(frozen=True, kw_only=True)
class SampleNetworkSummary:
    """What was written: the main centre, files, bytes and rows by source."""

    main_warehouse_id: str
    files: int
    bytes: int
    rows: dict[str, int]


def write_sample_network(
    *, out: Path, sales: pl.DataFrame, first_day: date, last_day: date, currency: str, seed: int
) -> SampleNetworkSummary:
    """Write warehouses, lanes, calendar and inventory_snapshots of a sample network as landing files.

    Nothing written for a day depends on a later sale, so plans of past days stay honest:
    - snapshots (first day, Sundays, last day) know sales before their day, the opening one the opening day;
    - the main centre is the one nearest to the country that bought most pieces on the opening day;
    - capacities are sized from the opening day, and once more (a second version) from the first 28 days;
    - lanes go to all countries of `sales`; a lane without orders changes nothing.
    The calendar holds fixed-date public holidays of the markets known to `network_data/calendar.yml`.

    Args:
        out: Landing folder.
        sales: Columns order_date, product_id, ship_country (null: unknown) and qty (> 0).
        first_day: First day of the shop; must have sales.
        last_day: Last day; later sales are ignored.
        currency: Currency of costs and rates.
        seed: Decides how far buyers misjudge each product.

    Raises:
        ValueError: A column is missing, a value cannot be used, or the first day has no sales.
    """
    _check_sales(sales, first_day, last_day)
    rows: dict[str, int] = {}
    size = 0
    network = _Network(sales, first_day, last_day)
    feeds = list(network.feeds(currency, seed))
    for source, day, suffix, frame in feeds:
        content = encode(frame, suffix)
        replace_file(out / landing_path(source, day, f"{source}.{suffix}"), content)
        rows[source] = rows.get(source, 0) + frame.height
        size += len(content)
    return SampleNetworkSummary(
        main_warehouse_id=network.demand.warehouse_ids[network.main], files=len(feeds), bytes=size, rows=rows
    )


class _Network:
    """The sample centres with the demand they see."""

    def __init__(self, sales: pl.DataFrame, first_day: date, last_day: date) -> None:
        self.first_day, self.last_day = first_day, last_day
        self.centres = sample_centres()
        known = sales.filter(pl.col("order_date").is_between(first_day, last_day))
        self.countries = sorted(known["ship_country"].drop_nulls().unique())
        distance = distances_km(self.centres, self.countries)
        nearest = dict(zip(self.countries, distance.argmin(axis=0).tolist(), strict=True))
        self.main = _main_centre(known, first_day, nearest)
        self.demand = _demand(known, self.centres, nearest, self.main, first_day)

    def feeds(self, currency: str, seed: int) -> Iterator[tuple[str, date, str, pl.DataFrame]]:
        """Yield source, day, suffix and content of every file."""
        for day, capacity in _capacities(self.demand, self.first_day, self.last_day).items():
            version = build_warehouses(
                centres=self.centres, capacity=capacity, valid_from=day, currency=currency
            )
            yield "warehouses", day, "csv", version
        lanes = build_lanes(
            centres=self.centres, destinations=self.countries, valid_from=self.first_day, currency=currency
        )
        yield "lanes", self.first_day, "csv", lanes
        days = holidays(markets=self.countries, first_day=self.first_day, last_day=self.last_day)
        yield "calendar", self.first_day, "csv", days
        stock = network_parameters()["stock"]
        snapshots = simulate_snapshots(
            demand=self.demand,
            main=self.main,
            first_day=self.first_day,
            last_day=self.last_day,
            policy=StockPolicy(**{**stock, "judgement": tuple(stock["judgement"])}),
            seed=seed,
        )
        for day, snapshot in snapshots:
            yield "inventory_snapshots", day, "parquet", snapshot


def _check_sales(sales: pl.DataFrame, first_day: date, last_day: date) -> None:
    missing = [name for name in SALES_COLUMNS if name not in sales.columns]
    if missing:
        raise ValueError(f"sales need the columns {', '.join(SALES_COLUMNS)}: {', '.join(missing)} missing")
    if last_day < first_day:
        raise ValueError(f"last_day {last_day} lies before first_day {first_day}")
    if sales.select("order_date", "product_id", "qty").null_count().sum_horizontal().item():
        raise ValueError("sales must have order_date, product_id and qty in every row")
    if (sales["qty"] <= 0).any():
        raise ValueError("sales must have qty > 0: leave returns and cancellations out")
    if sales.filter(pl.col("order_date") == first_day).is_empty():
        raise ValueError(f"no sales on {first_day}: start the sample network on a day with sales")


def _main_centre(known: pl.DataFrame, first_day: date, nearest: dict[str, int]) -> int:
    opening = (
        known.filter(pl.col("order_date") == first_day, pl.col("ship_country").is_not_null())
        .group_by("ship_country")
        .agg(pl.col("qty").sum())
        .sort("qty", "ship_country", descending=[True, False])
    )
    return 0 if opening.is_empty() else nearest[opening["ship_country"][0]]


def _demand(
    known: pl.DataFrame, centres: pl.DataFrame, nearest: dict[str, int], main: int, first_day: date
) -> Demand:
    products = sorted(known["product_id"].unique())
    index = pl.DataFrame({"product_id": products, "product": range(len(products))})
    rows = (
        known.join(index, on="product_id")
        .select(
            day=(pl.col("order_date") - first_day).dt.total_days(),
            # Nobody knows where a sale without a country went: the main centre serves it.
            centre=pl.col("ship_country").replace_strict(nearest, default=main, return_dtype=pl.Int64),
            product="product",
            pieces=pl.col("qty").cast(pl.Float64),
        )
        .sort("day", "centre", "product", "pieces")
    )
    return Demand(
        warehouse_ids=tuple(centres["warehouse_id"]),
        product_ids=tuple(products),
        day=rows["day"].to_numpy(),
        centre=rows["centre"].to_numpy(),
        product=rows["product"].to_numpy(),
        pieces=rows["pieces"].to_numpy(),
    )


def _capacities(demand: Demand, first_day: date, last_day: date) -> dict[date, dict[str, int]]:
    """Return pieces per day by centre, for each day on which a version starts."""
    parameters = network_parameters()["capacity"]
    sizings = {first_day: 1}
    enlarged = first_day + timedelta(days=parameters["window_days"])
    if enlarged <= last_day:
        sizings[enlarged] = parameters["window_days"]
    versions = {}
    for day, window_days in sizings.items():
        sold = demand.between(0, window_days).sum(axis=1)
        trading_days = len(np.unique(demand.day[demand.day < window_days]))
        wanted = np.ceil(parameters["headroom"] * sold / trading_days).astype(int)
        sizes = np.maximum(wanted, parameters["minimum_pieces_per_day"])
        versions[day] = dict(zip(demand.warehouse_ids, sizes.tolist(), strict=True))
    return versions
