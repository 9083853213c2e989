"""A model as tables and back."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from xbec_platform.assets.cluster_models import remembered_search
from xbec_platform.customers import clusters
from xbec_platform.customers.cluster_model import ClusterModel, ClusterParams
from xbec_platform.customers.cluster_refit import refit
from xbec_platform.customers.cluster_storage import MODEL_SCHEMAS, model_from_frames, model_to_frames
from xbec_platform.customers.clusters import assign, fit
from xbec_platform.customers.features import DroppedFeature
from xbec_platform.warehouse.database import Warehouse
from xbec_platform_tests.unit.customers.shops import QUICK


@pytest.fixture
def models(model: ClusterModel, shop: pl.DataFrame) -> dict[str, ClusterModel]:
    """Every kind of model."""
    return {
        "search": model,
        "refit": refit(shop, model, QUICK),
        "kept": refit(shop.head(0), model, QUICK),
        "single": fit(shop.head(5), QUICK),
        "dropped": replace(model, dropped=(DroppedFeature(column="visits", reason="empty"),)),
    }


def test_round_trip_is_exact(models: dict[str, ClusterModel]) -> None:
    """Nothing is lost or rounded, whatever the row order and whatever columns the caller adds."""
    for one in models.values():
        frames = model_to_frames(one)
        assert {name: frame.schema for name, frame in frames.items()} == dict(MODEL_SCHEMAS)
        stored = {
            name: frame.reverse().with_columns(as_of_date=pl.lit("2026-01-05"))
            for name, frame in frames.items()
        }
        assert model_from_frames(stored) == one


def test_round_trip_through_duckdb(models: dict[str, ClusterModel], shop: pl.DataFrame) -> None:
    """The tables live in DuckDB: the same model, and the same customers in the same groups."""
    connection = duckdb.connect(":memory:")
    for one in models.values():
        back = {}
        for name, frame in model_to_frames(one).items():
            connection.register("arriving", frame)
            connection.sql(f"create or replace table {name} as select * from arriving")
            back[name] = connection.sql(f"select * from {name}").pl()
        assert model_from_frames(back) == one
        assert assign(model_from_frames(back), shop).equals(assign(one, shop))
    connection.close()


def test_two_models_in_one_table_are_refused(model: ClusterModel) -> None:
    """The caller forgot to filter by day."""
    frames = model_to_frames(model)
    double = {name: pl.concat([frame, frame]) for name, frame in frames.items()}
    with pytest.raises(ValueError, match="2 rows: give the frames of one model"):
        model_from_frames(double)


def test_missing_frame_is_named(model: ClusterModel) -> None:
    """Half a model must not be used."""
    frames = model_to_frames(model)
    del frames["cluster_bins"]
    with pytest.raises(ValueError, match="frames missing: cluster_bins"):
        model_from_frames(frames)


def test_the_same_search_is_made_once(
    model: ClusterModel, shop: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered is what was found, to the bit; another customer, setting or day is another search."""
    searched = []

    def search(people: pl.DataFrame, params: ClusterParams) -> ClusterModel:
        searched.append(params)
        return replace(model, n_customers=people.height)

    monkeypatch.setattr(clusters, "fit", search)
    memory = remembered_search(Warehouse(tmp_path / "w.duckdb"), "cluster")
    day, other = date(2026, 1, 5), date(2026, 1, 12)
    first = memory(day, shop, QUICK)
    assert first == replace(model, n_customers=shop.height)
    assert memory(day, shop.reverse().with_columns(nobody_compares=pl.lit(1)), QUICK) == first
    assert len(searched) == 1
    assert memory(day, shop.tail(-1), QUICK).n_customers == shop.height - 1
    memory(day, shop.tail(-1), replace(QUICK, min_customers=60))
    memory(other, shop, QUICK)
    assert len(searched) == 4
    # What was found for other customers last is gone, what was found for other days is not.
    assert memory(other, shop, QUICK) == first
    assert len(searched) == 4
