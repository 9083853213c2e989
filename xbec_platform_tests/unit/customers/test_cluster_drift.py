"""Population stability index per feature."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from xbec_platform.customers.cluster_drift import DRIFT_SCHEMA, drift
from xbec_platform.customers.cluster_model import ClusterModel, FeatureBins
from xbec_platform.customers.clusters import fit
from xbec_platform_tests.unit.customers.shops import QUICK


def test_same_customers_have_no_drift(model: ClusterModel, shop: pl.DataFrame) -> None:
    """On the day of the search the shares are those stored, in any row order."""
    result = drift(model, shop.reverse())
    assert result.schema == DRIFT_SCHEMA
    assert result.rows() == [("n_orders", 0.0, 300), ("net_base", 0.0, 300), ("recency_days", 0.0, 300)]


def test_psi_by_hand(model: ClusterModel) -> None:
    """Halves become 80 % and 20 %: .3 ln(.8/.5) - .3 ln(.2/.5) = .3 ln 4."""
    feature = replace(model.features[0], log=False, unit=1.0, lower=-9.0, upper=9.0, center=0.0, scale=1.0)
    bins = FeatureBins(column="recency_days", uppers=(0.0,), shares=(0.5, 0.5))
    one = replace(model, features=(feature,), bins=(bins,))
    frame = pl.DataFrame({"recency_days": [-1.0] * 6 + [0.0] * 2 + [1.0] * 2})  # an edge belongs below
    assert drift(one, frame)["psi"].item() == pytest.approx(0.3 * np.log(4), abs=1e-6)


def test_an_emptied_bin_is_large_and_finite(model: ClusterModel, shop: pl.DataFrame) -> None:
    """Nobody ordered for two years: drift far beyond .25, but a number."""
    gone = drift(model, shop.with_columns(recency_days=pl.lit(730)))
    psi = dict(gone.select("feature", "psi").iter_rows())
    assert 0.25 < psi["recency_days"] < 100
    assert psi["n_orders"] == 0.0


def test_nothing_to_compare(model: ClusterModel, shop: pl.DataFrame) -> None:
    """No customers, or one group without bins: no rows, fixed schema."""
    for result in (drift(model, shop.head(0)), drift(fit(shop.head(3), QUICK), shop)):
        assert result.schema == DRIFT_SCHEMA
        assert result.height == 0
