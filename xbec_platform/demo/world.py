"""The generated shop's parameters, period and random streams; what is generated does not belong here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from xbec_platform.demo.market_days import yearly_promotions

SECONDS_PER_DAY = 86_400
# One stream per part: a change in one part leaves the others as they were.
STREAMS = ("currencies", "catalogue", "people", "changes", "orders", "fulfilment", "returns")


@cache
def shop_world() -> Mapping[str, Any]:
    """Return the parameters of the generated shop (`shop.yml`)."""
    source = resources.files("xbec_platform.demo") / "shop.yml"
    return dict(yaml.safe_load(source.read_text(encoding="utf-8")))


def random_stream(seed: int, part: str) -> np.random.Generator:
    """Return the generator of one part of the shop.

    Raises:
        ValueError: The seed is negative or the part has no stream.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    return np.random.default_rng([seed, STREAMS.index(part)])


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """One of the shop's own sales; days are numbers within the period, the last one included."""

    name: str
    first: int
    last: int
    uplift: float
    discount_pct: int


@dataclass(frozen=True, kw_only=True)
class Period:
    """The days that are generated, numbered from 0."""

    last_day: date
    days: int

    @property
    def first_day(self) -> date:
        """Day number 0."""
        return self.day(0)

    def day(self, number: int) -> date:
        """Return the date of a day number."""
        return self.last_day - timedelta(days=self.days - 1 - number)

    def midnight(self, number: int) -> datetime:
        """Return the start of a day in UTC."""
        return datetime.combine(self.day(number), time(), tzinfo=UTC)

    @property
    def epoch(self) -> int:
        """Seconds since 1970 at the start of day 0."""
        return int(self.midnight(0).timestamp())

    def own_sales(self) -> list[Promotion]:
        """Return the sales that the shop holds by itself."""
        found = []
        for rule in shop_world()["promotions"]:
            first = int(rule["from_share"] * self.days)
            last = min(first + rule["days"], self.days) - 1
            terms = {name: rule[name] for name in ("name", "uplift", "discount_pct")}
            found.append(Promotion(first=first, last=last, **terms))
        return found

    def promotions(self) -> list[Promotion]:
        """Return the yearly sales days, in which the shop takes part, and its own sales."""
        yearly = yearly_promotions(markets=["*"], first_day=self.first_day, last_day=self.last_day)
        terms = shop_world()["yearly_promotions"]
        found = []
        for day, name in yearly.select("calendar_date", "name").iter_rows():
            number = (day - self.first_day).days
            found.append(Promotion(name=name, first=number, last=number, **terms))
        return found + self.own_sales()


def currency_rates(period: Period, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float64]]:
    """Return the rate to the base currency by currency, one per day: a random walk of the logarithm."""
    rates = {}
    for currency, rule in shop_world()["currencies"].items():
        steps = (
            rng.normal(0.0, rule["daily_vol"], period.days) if rule["daily_vol"] else np.zeros(period.days)
        )
        steps[0] = 0.0
        rates[currency] = np.round(rule["start"] * np.exp(np.cumsum(steps)), 6)
    return rates


def log_normal(rng: np.random.Generator, low_high: tuple[float, float], size: int) -> npt.NDArray[np.float64]:
    """Return log-normal values with the given 5th and 95th percentiles."""
    low, high = np.log(low_high)
    # 1.645: 95th percentile of the standard normal.
    return np.exp(rng.normal((low + high) / 2, (high - low) / (2 * 1.645), size))
