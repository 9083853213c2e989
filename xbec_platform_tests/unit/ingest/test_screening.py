"""Screening: typed rows, all reasons of rejected ones, duplicates counted; the account always balances."""

import json
import re
from datetime import date

import polars as pl
import pytest

from xbec_platform.ingest.contracts import Contract, parse_columns
from xbec_platform.ingest.formats.records import ROW, FileRejectedError, Records
from xbec_platform.ingest.screening import DUPLICATES, screen

DAY = date(2026, 1, 10)
CONTRACT = Contract(
    source="things",
    description="",
    domain="test",
    owner="team:test",
    grain="",
    key=("id",),
    event_time="ts",
    columns=parse_columns(
        {
            "id": {"type": "text", "nullable": False},
            "qty": {"type": "integer", "nullable": False, "above": 0},
            "kind": {"type": "text", "allowed": ["a", "b"]},
            "ts": {"type": "timestamp"},
        },
        "test",
    ),
)


def records(*rows: dict[str, str | None], broken: tuple[tuple[int, str, str], ...] = ()) -> Records:
    names = sorted({name for row in rows for name in row})
    frame = pl.DataFrame(
        {name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names}
    ).with_row_index(ROW, 1)
    return Records(frame.cast({ROW: pl.Int64}), broken, "test")


def reasons(*rows: dict[str, str | None]) -> list[list[str]]:
    return screen(records(*rows), CONTRACT, drop_date=DAY).rejected["reasons"].to_list()


def test_good_rows_are_typed() -> None:
    """Accepted rows have exactly the contract's columns and types."""
    result = screen(records({"id": "1", "qty": "2"}), CONTRACT, drop_date=DAY)
    assert result.accepted.select(*CONTRACT.columns).schema == pl.Schema(CONTRACT.schema)
    assert result.rejected.is_empty()


def test_all_reasons_are_given_with_the_raw_record() -> None:
    """A person mends a row once, not once per reason."""
    result = screen(records({"id": None, "qty": "x", "kind": "c"}), CONTRACT, drop_date=DAY)
    assert result.rejected["reasons"].to_list() == [
        ["qty: is no integer", "id: is missing", "kind: is none of a, b"]
    ]
    assert json.loads(result.rejected["raw_json"][0]) == {"id": None, "qty": "x", "kind": "c"}


def test_a_date_of_two_readings_is_told_with_both() -> None:
    """Whoever sees the reason knows what to declare; other text is just no timestamp."""
    (either, neither) = reasons(
        {"id": "1", "qty": "1", "ts": "01/02/2026 10:00"}, {"id": "2", "qty": "1", "ts": "31/02/2026 25:99"}
    )
    assert re.search("two ways, 1 February or 2 January: .* '%d/%m/%Y' or '%m/%d/%Y'", *either)
    assert neither == ["ts: is no timestamp"]


def test_exact_duplicates_are_counted_on_the_row_that_stays() -> None:
    """Three equal records are one row that knows of two more."""
    row = {"id": "1", "qty": "2"}
    result = screen(records(row, {"id": "2", "qty": "2"}, row, row), CONTRACT, drop_date=DAY)
    assert result.accepted.select("id", ROW, DUPLICATES).rows() == [("1", 1, 2), ("2", 2, 0)]


def test_conflicting_key_rejects_every_row_that_shares_it() -> None:
    """Two truths for one key: choosing one would be a guess."""
    found = reasons({"id": "1", "qty": "2"}, {"id": "1", "qty": "3"}, {"id": "2", "qty": "1"})
    assert found == [["key id: repeated with other content"]] * 2


def test_event_after_the_drop_day_is_a_clock_fault() -> None:
    """Ten minutes past midnight are allowed for drifting clocks, an hour is not."""
    late_enough = {"id": "1", "qty": "1", "ts": "2026-01-11 00:09"}
    assert reasons(late_enough) == []
    assert reasons({"id": "1", "qty": "1", "ts": "2026-01-11 01:00"}) == [["ts: lies after the drop day"]]


def test_unknown_columns_are_kept() -> None:
    """A source that grows a column loses nothing."""
    result = screen(records({"id": "1", "qty": "1", "new": "x"}), CONTRACT, drop_date=DAY)
    assert json.loads(result.accepted["_extra"][0]) == {"new": "x"}


def test_missing_required_column_rejects_the_file() -> None:
    """Without a required column no row can be right."""
    with pytest.raises(FileRejectedError, match="required columns are missing: qty; found are id"):
        screen(records({"id": "1"}), CONTRACT, drop_date=DAY)


def test_broken_records_reach_the_quarantine() -> None:
    """A record that could not be cut into cells is kept as text."""
    result = screen(
        records({"id": "1", "qty": "1"}, broken=((2, "x,y,z", "cells"),)), CONTRACT, drop_date=DAY
    )
    assert result.rejected.rows() == [(0, 2, ["cells"], "x,y,z")]
