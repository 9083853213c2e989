"""Shops and models the customer tests share; fitted once per session."""

import polars as pl
import pytest

from xbec_platform.customers.cluster_model import ClusterModel
from xbec_platform.customers.clusters import fit
from xbec_platform_tests.unit.customers.shops import QUICK, planted_shop


@pytest.fixture(scope="session")
def shop() -> pl.DataFrame:
    """300 customers in five planted groups."""
    return planted_shop()[0]


@pytest.fixture(scope="session")
def model(shop: pl.DataFrame) -> ClusterModel:
    """Its clusters."""
    return fit(shop, QUICK)
