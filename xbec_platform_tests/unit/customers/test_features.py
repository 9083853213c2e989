"""Standardised habits: the scale, what is dropped, and what is refused."""

from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from xbec_platform.customers.features import (
    FeatureSpec,
    customers_in_order,
    fit_features,
    standardise,
)


def test_scale_by_hand() -> None:
    """Two equal halves at 0 and 30 days: log1p(0) = 0 and log1p(1) = ln 2, so mean ln 2 / 2 and deviation too."""
    frame = pl.DataFrame({"recency_days": [0] * 50 + [30] * 50})
    (feature,), dropped = fit_features(frame, [FeatureSpec(column="recency_days", unit=30.0)], 0.4)
    assert dropped == ()
    assert (feature.lower, feature.upper) == pytest.approx((0.0, np.log(2)))
    assert (feature.center, feature.scale) == pytest.approx((np.log(2) / 2, np.log(2) / 2))
    assert standardise(frame, [feature])[[0, -1], 0] == pytest.approx([-1.0, 1.0])


def test_later_values_beyond_the_bounds_are_winsorised() -> None:
    """A customer of a later day outside the learned range counts as its edge, not as an outlier."""
    frame = pl.DataFrame({"n": [0.0] * 50 + [1.0] * 50})
    (feature,), _ = fit_features(frame, [FeatureSpec(column="n", log=False)], 0.4)
    later = pl.DataFrame({"n": [-5.0, 0.5, 99.0]})
    assert standardise(later, [feature])[:, 0] == pytest.approx([-1.0, 0.0, 1.0])


def test_raw_undoes_standardise() -> None:
    """Earlier centroids are carried into a new scale through raw values."""
    frame = pl.DataFrame({"net_base": [1.0, 20.0, 300.0, 4000.0] * 10})
    (feature,), _ = fit_features(frame, [FeatureSpec(column="net_base", unit=None)], 0.4)
    assert feature.unit == pytest.approx(16.0)  # a tenth of the median of 1, 20, 300, 4000
    z = standardise(pl.DataFrame({"net_base": [250.0]}), [feature])[0, 0]
    assert feature.raw(float(z)) == pytest.approx(250.0)


@pytest.mark.parametrize(
    ("n_missing", "is_dropped"),
    [(40, False), (41, True)],
)
def test_missing_share_decides(n_missing: int, is_dropped: bool) -> None:
    """Up to 40 % missing is kept, more is dropped and says how much was missing."""
    values = [None] * n_missing + [float(i) for i in range(100 - n_missing)]
    fitted, dropped = fit_features(pl.DataFrame({"x": values}), [FeatureSpec(column="x")], 0.4)
    assert (len(dropped) == 1, len(fitted) == 0) == (is_dropped, is_dropped)
    assert all(d.reason == "41.0% of values missing, at most 40% allowed" for d in dropped)


def test_missing_infinite_and_nan_count_as_the_average_customer() -> None:
    """A gap must neither move a customer nor break the fit."""
    frame = pl.DataFrame({"x": [None, float("nan"), float("inf"), *(float(i % 5) for i in range(30))]})
    fitted, _ = fit_features(frame, [FeatureSpec(column="x", log=False)], 0.4)
    assert standardise(frame, fitted)[:3, 0].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("values", "unit", "reason"),
    [
        ([7.0] * 200, 1.0, "no spread between the 1 % and the 99 % quantile"),
        (
            [7.0] * 199 + [9.0],
            1.0,
            "no spread between the 1 % and the 99 % quantile",
        ),  # one customer is noise
        ([0.0, -3.0] * 100, None, "no value above 0"),
    ],
)
def test_useless_features_are_listed_with_the_reason(
    values: list[float], unit: float | None, reason: str
) -> None:
    """A constant would divide by zero; the user must see why a habit is not used."""
    _, dropped = fit_features(pl.DataFrame({"x": values}), [FeatureSpec(column="x", unit=unit)], 0.4)
    assert [(d.column, d.reason) for d in dropped] == [("x", reason)]


def test_rare_repeat_buyers_still_vary() -> None:
    """Where 90 % have one order the quartiles are equal; the feature must not be lost."""
    fitted, dropped = fit_features(
        pl.DataFrame({"n_orders": [1] * 90 + [2] * 10}), [FeatureSpec(column="n_orders")], 0.4
    )
    assert len(fitted) == 1
    assert not dropped


def test_decimals_are_read_as_numbers() -> None:
    """Money arrives as decimals."""
    money = pl.DataFrame({"x": pl.Series([Decimal("1.5"), Decimal("2.5")] * 5, dtype=pl.Decimal(18, 4))})
    plain = pl.DataFrame({"x": [1.5, 2.5] * 5})
    specs = [FeatureSpec(column="x")]
    assert fit_features(money, specs, 0.4) == fit_features(plain, specs, 0.4)


@pytest.mark.parametrize(
    ("ids", "message"),
    [(["a", None], "1 rows have no customer_id"), (["a", "a"], "a customer has several rows")],
)
def test_not_one_row_per_customer(ids: list[str | None], message: str) -> None:
    """Two days in one frame would count customers twice."""
    with pytest.raises(ValueError, match=message):
        customers_in_order(pl.DataFrame({"customer_id": ids}, schema={"customer_id": pl.String}))


def test_absent_column_is_named() -> None:
    """A renamed mart column must say which one is missing."""
    with pytest.raises(ValueError, match="no column 'visits'"):
        fit_features(pl.DataFrame({"x": [1.0]}), [FeatureSpec(column="visits")], 0.4)


def test_unit_must_divide() -> None:
    """A unit of 0 would make every value infinite."""
    with pytest.raises(ValueError, match="unit is 0"):
        FeatureSpec(column="x", unit=0)
