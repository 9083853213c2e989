"""Markets, promotions and the terms of sale of the generated world. Products and orders do not belong here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.fx import ExchangeRates, build_rates
from xbec_platform.world.market_calendar import market_holidays, sales_days
from xbec_platform.world.spec import WorldSpec, parameters

PROMOTION_SCHEMA = {
    "name": pl.String,
    "uplift_group": pl.String,
    "market": pl.Int8,
    "first_day": pl.Int32,
    "last_day": pl.Int32,
    "uplift": pl.Float64,
    "discount_pct": pl.Int64,
}


@dataclass(frozen=True, kw_only=True)
class Trade:
    """Where and on which terms the shop sells; a market is its index in `trade.yml`.

    Attributes:
        markets: Terms of each market by country code.
        rates: Exchange rates of the period.
        eur_per_unit: float64 [days x markets], EUR per unit of the currency of the market.
        promotions: name, uplift_group, market (index), first_day, last_day (both included; the last may lie
            after the period), uplift (factor on the demand), discount_pct; one row per promotion and market.
        uplift: float64 [days x markets], factor on the demand: promotions, holidays, day of the week.
        discount_pct: int64 [days x markets], the deepest of the promotions of the day, 0 without one.
    """

    markets: Mapping[str, Mapping[str, Any]]
    rates: ExchangeRates
    eur_per_unit: npt.NDArray[np.float64]
    promotions: pl.DataFrame
    uplift: npt.NDArray[np.float64]
    discount_pct: npt.NDArray[np.int64]

    @property
    def codes(self) -> tuple[str, ...]:
        """Country codes of the markets, in order."""
        return tuple(self.markets)

    @property
    def currencies(self) -> tuple[str, ...]:
        """Currency of each market, in order."""
        return tuple(terms["currency"] for terms in self.markets.values())

    def term(self, *path: str) -> npt.NDArray[np.float64]:
        """Return one number of the terms for each market, such as `term("tax", "pct")`."""
        values = []
        for terms in self.markets.values():
            value: Any = terms
            for name in path:
                value = value[name]
            values.append(float(value))
        return np.array(values)


def build_trade(spec: WorldSpec) -> Trade:
    """Return the markets with exchange rates, promotions and demand factors of the period; nothing is drawn."""
    rules = parameters("trade")
    markets: Mapping[str, Mapping[str, Any]] = rules["markets"]
    rates = build_rates(spec)
    promotions = pl.DataFrame(
        [*_yearly(spec, list(markets)), *_own(spec, list(markets))], schema=PROMOTION_SCHEMA, orient="row"
    ).sort("first_day", "name", "market")
    uplift, discount_pct = _by_day(spec, promotions, list(markets))
    return Trade(
        markets=markets,
        rates=rates,
        eur_per_unit=np.column_stack([rates.of(terms["currency"]) for terms in markets.values()]),
        promotions=promotions,
        uplift=uplift,
        discount_pct=discount_pct,
    )


def _yearly(spec: WorldSpec, markets: list[str]) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    # A promotion that begins just before the period or just after it may reach into it.
    margin = timedelta(days=7)
    known = sales_days(markets=markets, first_day=spec.first_day - margin, last_day=spec.last_day + margin)
    for day, market, name, group in known.select(
        "calendar_date", "market", "name", "uplift_group"
    ).iter_rows():
        terms = parameters("trade")["promotions"][name]
        number = (day - spec.first_day).days
        first, last = number - terms["days_before"], number + terms["days_after"]
        if last >= 0 and first < spec.days:
            uplift = float(terms["uplift"][market])
            row = (name, group, markets.index(market), max(first, 0), last, uplift, terms["discount_pct"])
            found.append(row)
    return found


def _own(spec: WorldSpec, markets: list[str]) -> list[tuple[object, ...]]:
    group = parameters("trade")["uplift_group_own"]
    found: list[tuple[object, ...]] = []
    for sale in parameters("trade")["own_sales"]:
        first = int(sale["from_share"] * spec.days)
        terms = (first, first + sale["days"] - 1, float(sale["uplift"]), sale["discount_pct"])
        found += [(sale["name"], group, market, *terms) for market in range(len(markets))]
    return found


def _by_day(
    spec: WorldSpec, promotions: pl.DataFrame, markets: list[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return demand factor and discount, days x markets; of several promotions the strongest counts."""
    uplift = np.ones((spec.days, len(markets)))
    discount = np.zeros((spec.days, len(markets)), dtype=np.int64)
    columns = ("market", "first_day", "last_day", "uplift", "discount_pct")
    for market, first, last, factor, percent in promotions.select(columns).iter_rows():
        touched = slice(first, last + 1)
        uplift[touched, market] = np.maximum(uplift[touched, market], factor)
        discount[touched, market] = np.maximum(discount[touched, market], percent)
    rules = parameters("trade")
    feasts = market_holidays(markets=markets, first_day=spec.first_day, last_day=spec.last_day)
    for day, market in feasts.select("calendar_date", "market").unique().iter_rows():
        uplift[(day - spec.first_day).days, markets.index(market)] *= rules["holiday_uplift"]
    weekday = [spec.day(day).weekday() for day in range(spec.days)]
    return uplift * np.array(rules["weekday_uplift"])[weekday, None], discount


def promotion_days(spec: WorldSpec, trade: Trade, name: str) -> list[int]:
    """Return the day numbers of a yearly sales day within the period, one per year."""
    known = sales_days(markets=trade.codes[:1], first_day=spec.first_day, last_day=spec.last_day)
    days = known.filter(pl.col("name") == name)["calendar_date"].to_list()
    return [(day - spec.first_day).days for day in days]
