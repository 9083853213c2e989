"""Item to item: next items of a visit, what is similar, and the evaluation in time."""

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from xbec_platform.recommendations.ease import EaseParams
from xbec_platform.recommendations.sessions import (
    SIMILAR_SCHEMA,
    SessionParams,
    evaluate_sessions,
    fit_sessions,
    similar_items,
)

TODAY = date(2026, 3, 1)
SMALL = SessionParams(
    ease=EaseParams(half_life_days=60, max_history=50, ridge=1, min_customers=1), n_similar=3
)


def visits(*sequences: str, age: int = 1, prefix: str = "s") -> pl.DataFrame:
    """One visit per text, one item per letter."""
    start = datetime.combine(TODAY, datetime.min.time()) - timedelta(days=age)
    rows = [
        (f"{prefix}{n}", item, start + timedelta(minutes=place))
        for n, sequence in enumerate(sequences)
        for place, item in enumerate(sequence)
    ]
    return pl.DataFrame(rows, schema=["session_id", "item_id", "seen_ts"], orient="row")


TASTES = visits(*["ABC", "ACB", "BAC"] * 5, *["XYZ", "ZXY"] * 5)


def test_the_next_item_is_of_the_same_kind() -> None:
    """After A come B and C, never X; what was seen is left out, strangers say nothing."""
    model = fit_sessions(TASTES, as_of=TODAY, params=SMALL)
    assert {item for item, _ in model.next_items(["A"], 2)} == {"B", "C"}
    assert [item for item, _ in model.next_items(["A", "B"], 1)] == ["C"]
    assert model.next_items(["?"], 3) == model.next_items([], 3) == []


def test_the_latest_item_counts_most() -> None:
    """A visit that turned from A to X is answered with what goes with X."""
    model = fit_sessions(TASTES, as_of=TODAY, params=SessionParams(ease=SMALL.ease, step_decay=0.5))
    assert model.next_items(["A", "X"], 1)[0][0] in {"Y", "Z"}
    assert model.next_items(["X", "A"], 1)[0][0] in {"B", "C"}


def test_order_of_rows_and_later_visits_do_not_matter() -> None:
    """The model of a day is the same whatever came after it and however the rows lie."""
    later = visits("AX", "AX", "AX", age=-1, prefix="later")
    one = fit_sessions(TASTES, as_of=TODAY, params=SMALL)
    other = fit_sessions(
        pl.concat([later, TASTES]).sample(fraction=1, shuffle=True, seed=1), as_of=TODAY, params=SMALL
    )
    assert (one.model.weights == other.model.weights).all()


def test_similar_items_and_new_ones() -> None:
    """Seen together first; N was never looked at and has B's colour; Q is not for sale and not shown."""
    attributes = pl.DataFrame(
        [("A", "red"), ("B", "blue"), ("C", "red"), ("N", "blue"), ("X", "red"), ("Y", "green")],
        schema=["item_id", "attribute_value"],
        orient="row",
    ).with_columns(attribute=pl.lit("colour"))
    sessions = pl.concat([TASTES, visits(*["AQ"] * 5, prefix="q")])
    table = similar_items(fit_sessions(sessions, as_of=TODAY, params=SMALL), attributes)
    assert table.schema == pl.Schema(SIMILAR_SCHEMA)
    new = table.filter(pl.col("product_id") == "N").select("rank", "similar_id", "reason_kind").rows()
    assert new == [(1, "B", "same_attributes")]
    of_a = table.filter(pl.col("product_id") == "A").select("similar_id", "reason_kind").rows()
    assert set(of_a[:2]) == {("B", "looked_at_together"), ("C", "looked_at_together")}
    assert "Q" not in table["similar_id"].to_list()
    assert table.filter(pl.col("product_id") == pl.col("similar_id")).is_empty()


def test_evaluation_by_hand() -> None:
    """Two visits of the last day, A B and X Q: B is found, Q is unknown and missed."""
    sessions = pl.concat([TASTES, visits("AB", "XQ", "Z", age=0, prefix="test")])
    table = evaluate_sessions(sessions, test_start=TODAY, test_end=TODAY, params=SMALL)
    row = table.filter(pl.col("model") == "ease").row(0, named=True)
    assert (row["n_sessions"], row["n_predictions"], row["hit_rate_10"]) == (2, 2, 0.5)


def test_a_real_shop_beats_popularity(shared_data: Path) -> None:
    """Google's store, lists of view_item events, one day after 25: .79 against .15; at least four times as good."""
    folder = shared_data / "ga4"
    sessions = duckdb.sql(
        f"""SELECT user_pseudo_id || '.' || ga_session_id AS session_id, item_name AS item_id,
            make_timestamp(event_timestamp + pos) AS seen_ts
        FROM '{folder}/event_items.parquet' AS i JOIN (
            SELECT event_id, ga_session_id FROM '{folder}/events.parquet') AS e USING (event_id)
        WHERE i.event_name = 'view_item' AND item_name NOT IN ('(not set)', '<Other>')
            AND (event_date < DATE '2020-12-13' OR hash(user_pseudo_id) % 10 = 0)"""
    ).pl()
    day = date(2020, 12, 13)
    table = evaluate_sessions(sessions, test_start=day, test_end=day)
    hit_rate = dict(table.select("model", "hit_rate_10").iter_rows())
    assert hit_rate["ease"] >= 0.74
    assert hit_rate["ease"] >= 4 * hit_rate["popularity"]


@pytest.mark.parametrize("wrong", [{"step_decay": 0.0}, {"step_decay": 1.1}, {"n_similar": 0}])
def test_settings_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    """A step takes something off and never adds; a list has a place."""
    with pytest.raises(ValueError, match="step_decay|n_similar"):
        SessionParams(**wrong)  # type: ignore[arg-type]
