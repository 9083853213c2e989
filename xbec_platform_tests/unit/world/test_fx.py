"""Exchange rates: the real ones, none on weekends, the last one after the history ends."""

from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest

from xbec_platform.world.fx import build_rates, fx_rates_rows, published_on, reference_rates
from xbec_platform.world.spec import WorldSpec

SPEC = WorldSpec(seed=1)


def test_a_known_rate():
    """The rate of 11.11 as the ECB published it, turned round."""
    row = published_on([date(2025, 11, 11)]).filter(pl.col("currency") == "USD")
    # 1 / 1.1575
    assert str(row["rate_to_base"][0]) == "0.86393089"
    assert row["source"][0] == "ECB"


def test_history_equals_the_reference_file(shared_data):
    """The stored file is an extract, nothing is changed."""
    source = pl.read_parquet(shared_data / "reference" / "ecb_fx_long.parquet")
    joined = reference_rates().join(source, on=["date", "currency"])
    assert joined.height == reference_rates().height
    assert ((joined["units_per_eur"] - joined["rate"]).abs() < 1e-9).all()


def test_no_rates_on_weekends():
    """As in reality; who needs one takes the last."""
    plan = SimpleNamespace(spec=SPEC)
    for day in range(1, 29):
        weekend = SPEC.day(day).weekday() >= 5
        assert (fx_rates_rows(plan, day).height == 0) == weekend


def test_the_first_file_brings_the_week_before():
    """An order of a first day on a weekend has a rate."""
    rows = fx_rates_rows(SimpleNamespace(spec=SPEC), 0)
    assert rows["rate_date"].min() < SPEC.first_day
    assert rows["rate_date"].max() <= SPEC.first_day


def test_a_day_without_rate_has_the_last_one():
    """2025-11-15 and 16 are a weekend."""
    rates = build_rates(SPEC).of("CNY")
    friday = (date(2025, 11, 14) - SPEC.first_day).days
    assert rates[friday] == rates[friday + 1] == rates[friday + 2]
    assert rates[friday] != rates[friday + 3]


def test_after_the_history_the_last_rate_is_repeated_and_says_so():
    """A world of next year must not invent rates silently."""
    last = reference_rates()["date"].max()
    rows = published_on([date(2027, 3, 1), date(2027, 3, 6)])
    assert set(rows["rate_date"]) == {date(2027, 3, 1)}
    assert set(rows["source"]) == {f"ECB rate of {last}, repeated"}


def test_an_unknown_currency_is_refused():
    """Better than a rate of 1."""
    with pytest.raises(ValueError, match="no exchange rate of XYZ"):
        build_rates(SPEC).of("XYZ")
