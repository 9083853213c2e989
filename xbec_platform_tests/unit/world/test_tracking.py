"""Scans follow the way of the parcel, with the faults real carriers make, whatever day is asked for first."""

import numpy as np
import polars as pl
import pytest

from xbec_platform.world.fulfilment import truth_fulfilment
from xbec_platform.world.scan_times import STAGE, STAGES, hashed_uniform
from xbec_platform.world.tracking import TRACKING_SCHEMA, carrier_stage_map, tracking_events_rows
from xbec_platform_tests.unit.world.logistics_fakes import FakePlan, fake_plan


@pytest.fixture(scope="module")
def plan() -> FakePlan:
    return fake_plan()


@pytest.fixture(scope="module")
def scans(plan: FakePlan) -> pl.DataFrame:
    """All scans of the period with the drop day and the stage."""
    days = [tracking_events_rows(plan, day).with_columns(day=pl.lit(day)) for day in range(plan.spec.days)]
    return pl.concat(days).join(
        carrier_stage_map().select("carrier", "code", "stage", "stage_no"), on=["carrier", "code"], how="left"
    )


def test_offsets_follow_summer_time(scans: pl.DataFrame) -> None:
    """Sydney is at +11:00 all the period; Berlin leaves +02:00 on 2025-10-26, scans of day 11."""
    sydney = scans.filter(pl.col("location") == "Sydney").drop_nulls("tz_offset")
    assert set(sydney["tz_offset"]) == {"+11:00"}
    berlin = scans.filter(pl.col("location") == "Berlin").drop_nulls("tz_offset")
    change = pl.lit("2025-10-26T01:00:00Z").str.to_datetime(time_zone="UTC")
    assert set(berlin.filter(pl.col("ts") < change)["tz_offset"]) == {"+02:00"}
    assert set(berlin.filter(pl.col("ts") >= change)["tz_offset"]) == {"+01:00"}


def test_columns(plan: FakePlan) -> None:
    """The table of the data model, in its order."""
    assert tracking_events_rows(plan, 12).columns == [
        *("carrier", "tracking_no", "order_id", "parcel_id", "code", "description", "ts", "tz_offset"),
        *("location", "weight_kg"),
    ]
    assert dict(tracking_events_rows(plan, 12).schema) == TRACKING_SCHEMA


def test_days_do_not_depend_on_each_other(plan: FakePlan) -> None:
    """Asked again after other days, a day gives the same rows."""
    first = tracking_events_rows(plan, 33)
    tracking_events_rows(plan, 5)
    assert tracking_events_rows(plan, 33).equals(first)


def test_stages_follow_the_canonical_order(scans: pl.DataFrame) -> None:
    """Of true clocks and first scans nearly all pairs are in order; a few clocks run wrong."""
    first = (
        scans.filter(pl.col("stage_no") <= STAGE["delivered"] + 1)
        .group_by("parcel_id", "stage_no")
        .agg(pl.col("ts").min())
        .sort("parcel_id", "stage_no")
        .with_columns(before=pl.col("ts").shift(1).over("parcel_id"))
        .drop_nulls("before")
    )
    assert 0.0005 < (first["ts"] < first["before"]).mean() < 0.02


def test_shares_of_faults(plan: FakePlan, scans: pl.DataFrame) -> None:
    """Missing, repeated, late and unknown scans occur as often as carrier_codes.yml says."""
    assert scans["stage"].is_null().mean() == pytest.approx(0.002, abs=0.001)
    assert scans["tz_offset"].is_null().mean() == pytest.approx(0.01, abs=0.003)
    days = scans.with_columns(made=(pl.col("ts").dt.epoch("s") - plan.spec.epoch) // 86400)
    assert (days["day"] > days["made"]).mean() == pytest.approx(0.03, abs=0.01)
    pairs = scans.drop_nulls("stage").group_by("parcel_id", "stage").len()
    assert (pairs["len"] > 1).mean() == pytest.approx(0.015, abs=0.005)
    picked = scans.filter(pl.col("stage") == "picked")["parcel_id"].n_unique()
    sent = plan.fulfilment.parcels.filter(
        pl.col("shipped_ts") < plan.spec.midnight(plan.spec.days - 4)
    ).height
    assert picked / plan.fulfilment.parcels.height < 0.97
    assert picked / sent > 0.93


def test_fates_show_in_the_scans(plan: FakePlan, scans: pl.DataFrame) -> None:
    """A delivered scan comes for delivered parcels only; returned ones come back; stuck ones fall silent."""
    fates = truth_fulfilment(plan).select("parcel_id", "fate")
    ends = scans.join(fates, on="parcel_id").group_by("stage", "fate").len()
    found = {(stage, fate): count for stage, fate, count in ends.iter_rows()}
    assert all(("delivered", fate) not in found for fate in ("stuck", "lost", "returned"))
    assert found["returned", "returned"] > 0
    assert found["lost", "lost"] > 0
    assert ("lost", "stuck") not in found


def test_delivery_is_when_the_truth_says(plan: FakePlan, scans: pl.DataFrame) -> None:
    """The first delivered scan with a true clock is the delivery, to the second."""
    truth = truth_fulfilment(plan).select("parcel_id", "arrival_ts")
    seen = scans.filter(pl.col("stage") == "delivered").join(truth, on="parcel_id")
    assert (seen["ts"].dt.epoch("s") == seen["arrival_ts"]).mean() > 0.97


def test_deliveries_are_in_local_daytime(scans: pl.DataFrame) -> None:
    """Nobody delivers at night; wrong clocks aside."""
    offset = pl.col("tz_offset").str.slice(0, 3).cast(pl.Int64)
    seen = scans.filter(pl.col("stage") == "delivered").drop_nulls("tz_offset")
    hour = seen.select((pl.col("ts") + pl.duration(hours=offset)).dt.hour()).to_series()
    assert hour.is_between(8, 21).mean() > 0.98


def test_weights_are_measured_anew(plan: FakePlan, scans: pl.DataFrame) -> None:
    """A scale is 1.2 % off; four in a thousand are grossly wrong."""
    declared = plan.fulfilment.parcels.select("parcel_id", declared=pl.col("weight_kg").cast(pl.Float64))
    ratio = (
        scans.drop_nulls("weight_kg")
        .join(declared, on="parcel_id")
        .select(pl.col("weight_kg") / pl.col("declared"))
    )
    values = ratio.to_series().to_numpy()
    assert np.median(values) == pytest.approx(1.0, abs=0.002)
    assert (abs(values - 1) > 0.3).mean() == pytest.approx(0.004, abs=0.003)
    assert np.std(values[abs(values - 1) < 0.1]) == pytest.approx(0.012, abs=0.003)


def test_customs_only_where_a_border_is_crossed(plan: FakePlan, scans: pl.DataFrame) -> None:
    """Goods within a customs union are not declared."""
    inland = plan.fulfilment.parcels.filter(pl.col("customs_mode") == "domestic")
    stages = set(scans.join(inland, on="parcel_id", how="semi").drop_nulls("stage")["stage"])
    assert not stages & {"export_declared", "import_declared", "import_cleared"}


def test_carrier_codes_are_unique_and_complete() -> None:
    """A code means one stage; every carrier can write the end of a way."""
    codes = carrier_stage_map()
    assert codes.select("carrier", "code").is_unique().all()
    for carrier in sorted(set(codes["carrier"]) - {"WMS"}):
        own = set(codes.filter(pl.col("carrier") == carrier)["stage"])
        assert own == set(STAGES) - {"picked", "packed"}


def test_hashed_uniform_is_uniform_and_independent() -> None:
    """Mean 1/2, variance 1/12, no correlation between stages."""
    number = np.arange(50_000)
    one, two = hashed_uniform(5, number, 1), hashed_uniform(5, number, 2)
    assert one.mean() == pytest.approx(0.5, abs=0.01)
    assert one.var() == pytest.approx(1 / 12, abs=0.002)
    assert np.corrcoef(one, two)[0, 1] == pytest.approx(0.0, abs=0.02)
    assert (hashed_uniform(5, number[100:200], 1) == one[100:200]).all()
