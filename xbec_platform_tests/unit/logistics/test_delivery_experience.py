"""Effect of delay and service index: worked examples, confounding that is taken out, sign and scale."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from xbec_platform.logistics.delay_effect import DelayEffectParams, delay_effects
from xbec_platform.logistics.lane_service import lane_indicators
from xbec_platform.logistics.service_index import INDICATORS, service_index

START = datetime(2026, 1, 1)
NOW = START + timedelta(days=200)
NO_PURCHASES = pl.DataFrame(schema={"customer_id": pl.String, "order_ts": pl.Datetime("us")})


def orders(late: list[bool], market: list[str]) -> pl.DataFrame:
    """Orders promised on day 10, delivered a day before or after."""
    n = len(late)
    promised = START + timedelta(days=10)
    return pl.DataFrame(
        {
            "order_id": [f"o{number:05d}" for number in range(n)],
            "customer_id": [f"c{number:05d}" for number in range(n)],
            "market": market,
            "category": ["toys"] * n,
            "value_base": [10.0] * n,
            "promised_ts": [promised] * n,
            "delivered_ts": [promised + timedelta(days=1 if is_late else -1) for is_late in late],
        },
        schema_overrides={"promised_ts": pl.Datetime("us"), "delivered_ts": pl.Datetime("us")},
    )


def ratings(values: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {"order_id": [f"o{number:05d}" for number in range(len(values))], "rating": values},
        schema={"order_id": pl.String, "rating": pl.Float64},
    )


def effect(table: pl.DataFrame, outcome: str, method: str) -> dict[str, object]:
    return table.filter(pl.col("outcome") == outcome, pl.col("method") == method).row(0, named=True)


def test_strata_by_hand() -> None:
    """DE: late 3, on time 4 (1 + 3); US: late 1, on time 5 (3 + 1): (4 x -1 + 4 x -4) / 8 = -2.5; FR has one arm."""
    late = [True, False, False, False, True, True, True, False, False]
    market = ["DE"] * 4 + ["US"] * 4 + ["FR"]
    stars = [3.0, 4, 4, 4, 1, 1, 1, 5, 2]
    table = delay_effects(
        orders(late, market), NO_PURCHASES, ratings(stars), as_of=NOW, params=DelayEffectParams(min_per_arm=1)
    )
    found = effect(table, "rating", "stratified")
    assert found["effect"] == pytest.approx(-2.5)
    assert (found["n_cells"], found["n_not_comparable"]) == (2, 1)
    assert effect(table, "rating", "naive")["effect"] == pytest.approx(6 / 4 - 19 / 5)
    assert "not causal beyond these" in str(found["caveat"])


def test_confounding_is_taken_out() -> None:
    """A remote market is late and hard to please; delay itself costs half a star, plain means say a whole one."""
    rng = np.random.default_rng(7)
    remote = rng.random(4000) < 0.5
    late = rng.random(4000) < np.where(remote, 0.8, 0.2)
    stars = 4.5 - 1.0 * remote - 0.5 * late + rng.normal(0, 0.3, 4000)
    table = delay_effects(
        orders(late.tolist(), np.where(remote, "AU", "DE").tolist()),
        NO_PURCHASES,
        ratings(stars.tolist()),
        as_of=NOW,
    )
    assert effect(table, "rating", "naive")["effect"] < -1.0  # type: ignore[operator]
    for method in ("stratified", "ipw"):
        found = effect(table, "rating", method)
        assert found["effect"] == pytest.approx(-0.5, abs=0.04)
        assert found["effect_low"] < -0.5 < found["effect_high"]  # type: ignore[operator]


def test_repurchase_counts_from_the_promise() -> None:
    """Within 30 days after it; an order before the promise, or 31 days after it, is none."""
    late = [number % 2 == 0 for number in range(80)]
    frame = orders(late, ["DE"] * 80)
    bought = pl.DataFrame(
        {
            "customer_id": ["c00000", "c00002", "c00004", "c00006"],
            "order_ts": [START + timedelta(days=day) for day in (9, 11, 40, 41)],
        },
        schema_overrides={"order_ts": pl.Datetime("us")},
    )
    found = effect(delay_effects(frame, bought, ratings([]), as_of=NOW), "repurchase_30d", "naive")
    assert (found["mean_late"], found["mean_on_time"]) == (pytest.approx(2 / 40), 0.0)


def test_horizons_that_are_not_over_give_no_numbers() -> None:
    """45 days after the promise nobody knows who buys again within 90."""
    frame = orders([number % 2 == 0 for number in range(80)], ["DE"] * 80)
    table = delay_effects(frame, NO_PURCHASES, ratings([]), as_of=START + timedelta(days=55))
    assert effect(table, "repurchase_30d", "ipw")["status"] == "ok"
    found = effect(table, "repurchase_90d", "ipw")
    assert (found["status"], found["effect"]) == ("too_few", None)


def lanes(n: int, seed: int = 3) -> pl.DataFrame:
    """Lanes whose indicators follow one hidden quality."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=n)
    sign = {"on_time_rate": 1, "rating": 1}
    values = {name: sign.get(name, -1) * quality + rng.normal(0, 0.4, n) for name in INDICATORS}
    return pl.DataFrame(
        {"lane": [f"L{number:02d}" for number in range(n)], "n_parcels": [50] * n, **values}
    ).with_columns(quality=pl.Series(quality))


def test_index_finds_the_hidden_quality() -> None:
    """More is better, mean 100, deviation 15, and every indicator loads the way it should."""
    frame = lanes(40)
    result = service_index(frame.drop("quality"))
    index = result.lanes["service_index"].to_numpy()
    assert np.corrcoef(index, frame["quality"].to_numpy())[0, 1] > 0.95
    assert (index.mean(), index.std()) == pytest.approx((100.0, 15.0), abs=1e-4)
    loadings = dict(result.loadings.select("indicator", "loading").iter_rows())
    assert loadings["on_time_rate"] > 0.8
    assert loadings["late_days"] < -0.8


def test_index_does_not_depend_on_the_order_of_rows() -> None:
    frame = lanes(30).drop("quality")
    shuffled = frame.sample(fraction=1, shuffle=True, seed=1)
    assert service_index(frame).lanes.equals(service_index(shuffled).lanes)


def test_small_lanes_and_constant_indicators() -> None:
    """A lane with few parcels is listed without an index; an indicator that never varies is not used."""
    frame = lanes(12).drop("quality").with_columns(
        n_parcels=pl.when(pl.col("lane") == "L03").then(5).otherwise(50), lost_rate=pl.lit(0.0)
    )  # fmt: skip
    result = service_index(frame)
    assert result.lanes.filter(pl.col("lane") == "L03")["status"].to_list() == ["too_few_parcels"]
    assert result.lanes["service_index"].null_count() == 1
    assert result.loadings.filter(~pl.col("is_used"))["indicator"].to_list() == ["lost_rate"]
    assert set(service_index(lanes(5).drop("quality")).lanes["status"]) == {"too_few_lanes"}


def test_indicators_of_a_lane() -> None:
    """One parcel in time, one a day late after a failed attempt, one still open 2 days past its promise."""
    day = [START + timedelta(days=number) for number in range(8)]
    parcels = pl.DataFrame(
        {
            "parcel_id": ["a", "b", "c"],
            "order_id": ["oa", "ob", "oc"],
            "lane": ["L"] * 3,
            "mode": ["air"] * 3,
            "start_ts": [day[0]] * 3,
            "promised_ts": [day[3], day[3], day[4]],
            "delivered_ts": [day[2], day[4], None],
            "closed_ts": [None] * 3,
        },
        schema_overrides={"closed_ts": pl.Datetime("us"), "delivered_ts": pl.Datetime("us")},
    )
    stages = pl.DataFrame({"parcel_id": ["b"], "stage": ["failed"], "stage_ts": [day[3]]})
    stars = pl.DataFrame({"order_id": ["oa", "ob"], "rating": [5.0, 2.0]})
    row = lane_indicators(parcels, stages, stars, as_of=day[6]).row(0, named=True)
    assert row == {
        "lane": "L",
        "n_parcels": 3,
        "on_time_rate": pytest.approx(1 / 3),
        "late_days": pytest.approx(1.0),
        "days_over_usual": pytest.approx(0.0),
        "failed_rate": pytest.approx(1 / 3),
        "lost_rate": 0.0,
        "rating": 3.5,
    }
