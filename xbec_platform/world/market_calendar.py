"""Holidays, sales days and customs closures of the generated world, and their feed. What they do is in trade."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.demo.market_days import CALENDAR_SCHEMA, holidays, yearly_promotions
from xbec_platform.world.spec import parameters

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

KEY = ["calendar_date", "market", "kind", "name"]


def sales_days(*, markets: Iterable[str], first_day: date, last_day: date) -> pl.DataFrame:
    """Return 11.11, Black Friday and the like in the columns of the calendar, both days included."""
    return yearly_promotions(markets=markets, first_day=first_day, last_day=last_day)


def market_holidays(*, markets: Iterable[str], first_day: date, last_day: date) -> pl.DataFrame:
    """Return public holidays, those of `market_days` and of `trade.yml`, in the columns of the calendar."""
    rules, wanted = parameters("trade"), sorted(set(markets))
    rows: list[tuple[object, ...]] = []
    for market in wanted:
        for month_day, name in rules["holidays_fixed"].get(market, []):
            rows += [(day, market, "holiday", name, None) for day in _yearly(month_day, first_day, last_day)]
        for day, name in rules["holidays_dated"].get(market, []):
            if first_day <= day <= last_day:
                rows.append((day, market, "holiday", name, None))
    own = pl.DataFrame(rows, schema=CALENDAR_SCHEMA, orient="row")
    return pl.concat([holidays(markets=wanted, first_day=first_day, last_day=last_day), own]).sort(KEY)


def customs_closures(*, markets: Iterable[str], first_day: date, last_day: date) -> pl.DataFrame:
    """Return the days on which customs do not clear parcels, in the columns of the calendar."""
    rows = [
        (day, market, "customs_closed", "Customs closed", None)
        for market in sorted(set(markets))
        for month_day in parameters("trade")["customs_closed"].get(market, [])
        for day in _yearly(month_day, first_day, last_day)
    ]
    return pl.DataFrame(rows, schema=CALENDAR_SCHEMA, orient="row").sort(KEY)


def _yearly(month_day: str, first_day: date, last_day: date) -> list[date]:
    month, day = (int(part) for part in month_day.split("-"))
    days = (date(year, month, day) for year in range(first_day.year, last_day.year + 1))
    return [found for found in days if first_day <= found <= last_day]


def calendar_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the calendar, announced ahead on the first day: holidays, promotions, customs closures."""
    if day != 0:
        return pl.DataFrame(schema=CALENDAR_SCHEMA)
    spec, codes = plan.spec, plan.trade.codes
    ahead = spec.last_day + timedelta(days=parameters("trade")["calendar_days_ahead"])
    first = spec.first_day
    columns = ("name", "uplift_group", "market", "first_day", "last_day")
    promoted = [
        (first + timedelta(days=number), codes[market], "promotion", name, group)
        for name, group, market, opens, closes in plan.trade.promotions.select(columns).iter_rows()
        for number in range(opens, closes + 1)
    ]
    return (
        pl.concat(
            [
                market_holidays(markets=codes, first_day=first, last_day=ahead),
                sales_days(markets=codes, first_day=first, last_day=ahead),
                customs_closures(markets=codes, first_day=first, last_day=ahead),
                pl.DataFrame(promoted, schema=CALENDAR_SCHEMA, orient="row"),
            ]
        )
        .unique(subset=KEY, keep="first", maintain_order=True)
        .sort(KEY)
    )
