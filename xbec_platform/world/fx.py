"""Exchange rates of the generated world: the real ECB reference rates. What is sold in which currency is not here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.spec import WorldSpec

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

BASE_CURRENCY = "EUR"
# Sent with the first file, so that orders of the first days have a rate when the period starts on a holiday.
HISTORY_DAYS = 7
SATURDAY = 5
RATE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "rate_date": pl.Date,
    "currency": pl.String,
    "rate_to_base": pl.Decimal(18, 8),
    "source": pl.String,
}


@dataclass(frozen=True, kw_only=True)
class ExchangeRates:
    """EUR per unit of each currency, as known at the end of each day.

    Attributes:
        currencies: Codes, the base currency among them.
        eur_per_unit: float64 [days x currencies], rounded to eight decimals: the rate last published.
    """

    currencies: tuple[str, ...]
    eur_per_unit: npt.NDArray[np.float64]

    def of(self, currency: str) -> npt.NDArray[np.float64]:
        """Return the rates of a currency by day.

        Raises:
            ValueError: The world has no rate of this currency.
        """
        if currency not in self.currencies:
            raise ValueError(f"no exchange rate of {currency}: the world has {', '.join(self.currencies)}")
        return np.asarray(self.eur_per_unit[:, self.currencies.index(currency)])


@cache
def reference_rates() -> pl.DataFrame:
    """Return the ECB euro reference rates: date, currency, units_per_eur (units of the currency)."""
    source = resources.files("xbec_platform.world") / "data" / "ecb_rates.csv"
    schema = {"date": pl.Date, "currency": pl.String, "units_per_eur": pl.Float64}
    return pl.read_csv(source.read_bytes(), schema=schema).sort("date", "currency")


def build_rates(spec: WorldSpec) -> ExchangeRates:
    """Return the rates of the period; every day has the one last published on or before it."""
    published = reference_rates()
    currencies = tuple(published["currency"].unique().sort())
    wide = published.pivot(on="currency", on_columns=currencies, index="date", values="units_per_eur").sort(
        "date"
    )
    dates = wide["date"].to_numpy()
    wanted = np.array([spec.day(day) for day in range(spec.days)], dtype="datetime64[D]")
    row = np.maximum(np.searchsorted(dates, wanted, side="right") - 1, 0)
    euro_per_unit = np.round(1 / wide.select(currencies).to_numpy()[row], 8)
    base = np.ones((spec.days, 1))
    return ExchangeRates(
        currencies=(BASE_CURRENCY, *currencies), eur_per_unit=np.hstack([base, euro_per_unit])
    )


def published_on(days: Sequence[date]) -> pl.DataFrame:
    """Return what the ECB published on the given days, in the columns of the contract; none on its holidays.

    Outside of the stored history a working day repeats the nearest stored rate, and its source says so.
    """
    history = reference_rates()
    first, last = history["date"][0], history["date"][-1]
    frames = [pl.DataFrame(schema=RATE_SCHEMA)]
    for day in days:
        nearest = min(max(day, first), last)
        rates = history.filter(pl.col("date") == nearest)
        repeated = nearest != day
        if not rates.height or (repeated and day.weekday() >= SATURDAY):
            continue
        frames.append(_as_sent(rates, day, f"ECB rate of {nearest}, repeated" if repeated else "ECB"))
    return pl.concat(frames).sort("rate_date", "currency")


def _as_sent(rates: pl.DataFrame, day: date, source: str) -> pl.DataFrame:
    with_base = [(BASE_CURRENCY, 1.0), *rates.select("currency", "units_per_eur").iter_rows()]
    return pl.DataFrame(
        {
            "rate_date": [day] * len(with_base),
            "currency": [currency for currency, _ in with_base],
            "rate_to_base": [f"{1 / units:.8f}" for _, units in with_base],
            "source": [source] * len(with_base),
        }
    ).cast(RATE_SCHEMA)  # type: ignore[arg-type]


def fx_rates_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the rates published on a day; the first file also brings those of the week before."""
    first = day - HISTORY_DAYS if day == 0 else day
    return published_on([plan.spec.first_day + timedelta(days=number) for number in range(first, day + 1)])
