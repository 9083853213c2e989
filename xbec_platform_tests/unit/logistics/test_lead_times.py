"""Lead times: nothing of tomorrow, levels that stand in, promises that fell due, coverage on the history of SCMS."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from xbec_platform.logistics.lead_time_tables import faulty_parcels, lead_time_table, ontime_table
from xbec_platform.logistics.lead_times import LeadTimeParams, lead_times
from xbec_platform.logistics.parcel_lanes import parcel_lanes

START = datetime(2026, 1, 1)
TIMES = {name: pl.Datetime("us") for name in ("start_ts", "delivered_ts", "closed_ts", "promised_ts")}


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def parcels(*rows: tuple[str, float, float | None]) -> pl.DataFrame:
    """Parcels of (lane, start day, delivery day); the mode is the end of the lane's name, the promise 3 days."""
    return pl.DataFrame(
        [
            {
                "parcel_id": f"p{number:03d}",
                "lane": lane,
                "mode": lane.rsplit(":", maxsplit=1)[-1],
                "start_ts": day(start),
                "delivered_ts": None if end is None else day(end),
                "closed_ts": None,
                "promised_ts": day(start + 3),
            }
            for number, (lane, start, end) in enumerate(rows)
        ],
        schema={"parcel_id": pl.String, "lane": pl.String, "mode": pl.String, **TIMES},
    )


def test_tomorrow_is_not_known() -> None:
    """What is delivered or shipped from the moment on changes nothing."""
    known = parcels(("A:DE:air", 0, 4), ("A:DE:air", 1, None), ("A:DE:sea", 1, None))
    later = parcels(("A:DE:air", 0, 4), ("A:DE:air", 1, 10), ("A:DE:sea", 1, 30), ("B:DE:air", 10, 11))
    of_known, of_later = (
        lead_time_table(frame, lead_times(frame, as_of=day(10)), measure="m", as_of=day(10))
        for frame in (known, later)
    )
    assert of_known.equals(of_later)


def test_rows_fall_back_to_mode_and_everything() -> None:
    """A lane nobody has used takes its mode's time, an unknown mode that of everything."""
    frame = parcels(
        *[("A:DE:air", n, n + 2) for n in range(30)], *[("A:DE:sea", n, n + 9) for n in range(30)]
    )
    times = lead_times(frame, as_of=day(60))
    asked = pl.DataFrame({"lane": ["A:DE:air", "X:DE:sea", "X:DE:rail"], "mode": ["air", "sea", "rail"]})
    assert [times.lanes[row] for row in times.rows(asked)] == ["A:DE:air", "*:sea", "*"]
    table = lead_time_table(frame, times, measure="ship_to_door", as_of=day(60))
    counts = dict(table.select("lane", "n_parcels").iter_rows())
    assert counts == {"*": 60, "*:air": 30, "*:sea": 30, "A:DE:air": 30, "A:DE:sea": 30}
    assert dict(table.select("lane", "p50_days").iter_rows())["A:DE:sea"] == 9.0


def test_order_of_rows_does_not_show() -> None:
    """Equal tables from shuffled parcels."""
    rng = np.random.default_rng(1)
    frame = parcels(
        *[(f"A:DE:{m}", float(n), n + float(rng.exponential(5))) for n in range(99) for m in ("air", "sea")]
    )
    tables = [
        lead_time_table(one, lead_times(one, as_of=day(100)), measure="m", as_of=day(100))
        for one in (frame, frame.sample(fraction=1, shuffle=True, seed=2))
    ]
    assert tables[0].equals(tables[1])


def test_promises_that_fell_due() -> None:
    """In time, late, open past the promise; one not yet due and one without a promise are not counted."""
    frame = parcels(("A:DE:air", 0, 2), ("A:DE:air", 1, 6), ("A:DE:air", 2, None), ("A:DE:air", 8, None))
    frame = pl.concat([frame, frame[:1].with_columns(promised_ts=pl.lit(None, TIMES["promised_ts"]))])
    row = ontime_table(frame, as_of=day(10)).filter(pl.col("level") == "all").row(0, named=True)
    assert (row["n_due"], row["n_on_time"], row["n_late"], row["n_open_past_promise"]) == (3, 1, 2, 1)
    assert row["mean_late_days"] == pytest.approx((2 + 5) / 2)
    # Wilson 1927 for 1 of 3.
    assert (row["on_time_low"], row["on_time_high"]) == pytest.approx((0.0615, 0.7923), abs=1e-4)


def test_impossible_times_are_named() -> None:
    """They are rows with a reason, and no lead time is made from them."""
    frame = parcels(("A:DE:air", 3, 2), ("A:DE:air", 0, 2))
    assert faulty_parcels(frame).rows() == [("p000", "delivered before it started: a clock is wrong")]
    with pytest.raises(ValueError, match="durations"):
        lead_times(frame, as_of=day(10))


def test_no_parcels_no_rows() -> None:
    """The first day of a shop."""
    empty = parcels()
    assert lead_time_table(empty, lead_times(empty, as_of=START), measure="m", as_of=START).is_empty()
    assert ontime_table(empty, as_of=START).is_empty()


@pytest.mark.parametrize("bad", [{"level": 1.0}, {"window_days": 0}, {"lane_prior": -1.0}])
def test_settings_that_cannot_work(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"level|window|prior"):
        LeadTimeParams(**bad)  # type: ignore[arg-type]


def test_lane_of_a_parcel() -> None:
    """The main leg gives the mode, the last lane the country; unknown lanes stay, under their own name."""
    shipments = pl.DataFrame(
        {"warehouse_id": ["W", "W", None], "lane_ids": ['["t","a","l"]', '["nope"]', "[]"], "n": [1, 2, 3]}
    )
    lanes = pl.DataFrame(
        {"lane_id": ["t", "a", "l"], "dest_node": ["HUB", "ST", "US"], "mode": ["truck", "air", "last_mile"]}
    )
    found = parcel_lanes(shipments, lanes)
    assert found["lane"].to_list() == ["W:US:air", "W:?:unknown", "?:?:unknown"]
    assert found["n"].to_list() == [1, 2, 3]


def test_coverage_on_the_freight_history(shared_data: Path) -> None:
    """SCMS, walk-forward by month: the P90 covers .90 +- .03, and loses less than one from delivered shipments only."""
    history = scms(shared_data)
    found = [
        predicted(history, month, censor=censor) for censor in (True, False) for month in months(history)
    ]
    ours, delivered_only = pl.concat(found[: len(found) // 2]), pl.concat(found[len(found) // 2 :])
    assert 0.87 <= covered(ours) <= 0.93
    assert pinball(ours) < pinball(delivered_only)
    assert covered(delivered_only) < 0.85


def scms(shared_data: Path) -> pl.DataFrame:
    """Lines with a purchase date and a delivery after it."""
    text = (shared_data / "scms" / "scms_delivery_history.tsv").read_text(encoding="latin-1")
    raw = pl.read_csv(text.encode(), separator="\t", infer_schema_length=0)
    dated = raw.select(
        parcel_id="ID",
        lane=pl.concat_str("Country", "Shipment Mode", separator=":"),
        mode="Shipment Mode",
        start_ts=pl.col("PO Sent to Vendor Date").str.to_datetime("%m/%d/%Y", strict=False),
        delivered_ts=pl.col("Delivered to Client Date").str.to_datetime("%d-%b-%y"),
        closed_ts=pl.lit(None, pl.Datetime("us")),
    ).drop_nulls("start_ts")
    return dated.filter(pl.col("delivered_ts") >= pl.col("start_ts"))


def months(history: pl.DataFrame) -> list[datetime]:
    """First of every month before which at least 50 deliveries are known."""
    firsts = history["start_ts"].dt.truncate("1mo").unique().sort()
    return [first for first in firsts if (history["delivered_ts"] < first).sum() >= 50]


def predicted(history: pl.DataFrame, month: datetime, *, censor: bool) -> pl.DataFrame:
    """P90 of the month's purchases as known at its beginning: upper_days, actual_days."""
    asked = history.filter(pl.col("start_ts").dt.truncate("1mo") == month)
    if censor:
        times = lead_times(history, as_of=month)
        upper = times.upper_days()
    else:
        times = lead_times(history.filter(pl.col("delivered_ts") < month), as_of=month)
        upper = times.curves.quantiles(0.9)
    taken = (pl.col("delivered_ts") - pl.col("start_ts")).dt.total_days()
    return asked.select(upper_days=pl.Series(upper[times.rows(asked)]), actual_days=taken)


def covered(frame: pl.DataFrame) -> float:
    return float((frame["actual_days"] <= frame["upper_days"]).mean())  # type: ignore[arg-type]


def pinball(frame: pl.DataFrame) -> float:
    """Quantile loss at .9 (Koenker & Bassett 1978)."""
    error = frame["actual_days"] - frame["upper_days"]
    return float(pl.select(pl.max_horizontal(0.9 * error, -0.1 * error).mean()).item())
