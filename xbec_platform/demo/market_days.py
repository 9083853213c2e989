"""Days of the calendar feed from fixed yearly rules; what a day does to demand does not belong here."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

import polars as pl
import yaml

CALENDAR_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "calendar_date": pl.Date,
    "market": pl.String,
    "kind": pl.String,
    "name": pl.String,
    "uplift_group": pl.String,
}


@cache
def _rules() -> Mapping[str, Any]:
    source = resources.files("xbec_platform.demo.network_data") / "calendar.yml"
    return dict(yaml.safe_load(source.read_text(encoding="utf-8")))


def holidays(*, markets: Iterable[str], first_day: date, last_day: date) -> pl.DataFrame:
    """Return the fixed-date public holidays of the markets that the rules know, both days included."""
    rows = [
        (day, market, "holiday", name, None)
        for market in sorted(set(markets))
        for month_day, name in _rules()["holidays"].get(market, [])
        for day in _yearly(month_day, first_day, last_day)
    ]
    return pl.DataFrame(rows, schema=CALENDAR_SCHEMA, orient="row").sort(list(CALENDAR_SCHEMA))


def yearly_promotions(*, markets: Iterable[str], first_day: date, last_day: date) -> pl.DataFrame:
    """Return the sales days every shop knows (11.11, Black Friday, ...), for each market."""
    rows = []
    for rule in _rules()["promotions"]:
        if "date" in rule:
            days = _yearly(rule["date"], first_day, last_day)
        else:
            years = range(first_day.year, last_day.year + 1)
            days = [
                day for day in (_nth_weekday(rule, year) for year in years) if first_day <= day <= last_day
            ]
        rows += [
            (day, m, "promotion", rule["name"], rule["uplift_group"]) for day in days for m in set(markets)
        ]
    return pl.DataFrame(rows, schema=CALENDAR_SCHEMA, orient="row").sort(list(CALENDAR_SCHEMA))


def _yearly(month_day: str, first_day: date, last_day: date) -> list[date]:
    month, day = (int(part) for part in month_day.split("-"))
    days = (date(year, month, day) for year in range(first_day.year, last_day.year + 1))
    return [found for found in days if first_day <= found <= last_day]


def _nth_weekday(rule: Mapping[str, Any], year: int) -> date:
    first = date(year, rule["month"], 1)
    to_weekday = (rule["weekday"] - first.isoweekday()) % 7
    return first + timedelta(days=to_weekday + 7 * (rule["nth"] - 1) + rule["offset_days"])
