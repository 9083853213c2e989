"""Steps of a mapping that SQL cannot say, each with answers worked out by hand."""

import hashlib
import json
from datetime import datetime
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from xbec_platform.ingest.formats.records import ROW
from xbec_platform.ingest.mapping_steps import DELIVERED, _picked, _picked_value, delivered_at
from xbec_platform.ingest.mappings import mappings
from xbec_platform_tests.unit.ingest.mapping_cases import mapped

EVENTS = """
file:
  key: [id]
  event_time: at
  columns:
    id: {type: text, nullable: false}
    at: {type: timestamp, nullable: false%s}
    extras: {type: json}
    who: {type: text%s}
    ms: {type: integer, of: extras, key: ms}
routes: [{to: events}]
tables:
  events: {event_id: id, ts: at, event_type: "'view'", anonymous_id: who, engagement_time_ms: ms}
"""


def quoted(entries: object) -> str:
    return '"' + json.dumps(entries).replace('"', '""') + '"'


def test_values_are_picked_out_of_key_value_lists_and_screened(tmp_path: Path) -> None:
    """A wrong value rejects its record like any other cell; a missing key is null."""
    entries = [
        [{"key": "ms", "value": {"int_value": 12}}],
        [{"key": "other", "value": {"string_value": "x"}}],
        [{"key": "ms", "value": {"string_value": "soon"}}],
        [{"key": "ms", "value": {"double_value": 7.0}}, {"key": "ms", "value": {"int_value": 9}}],
    ]
    rows = "".join(f"e{n},2026-03-01,{quoted(one)},\n" for n, one in enumerate(entries))
    done = mapped(tmp_path, EVENTS % ("", ""), "id,at,extras,who\n" + rows)
    assert done.tables["events"]["engagement_time_ms"].to_list() == [12, None, 7]
    assert done.quarantined["reasons"].to_list() == [["ms: is no integer"]]


def test_absent_texts_become_null_and_stay_on_record(tmp_path: Path) -> None:
    """Nothing is lost: what stood there is in _extra. A text nobody declared is a fault."""
    body = EVENTS % (", absent: [soon, {pattern: 'in \\d+ days'}]", "")
    body = body.replace("at: {type: timestamp, nullable: false,", "at: {type: timestamp,").replace(
        "ts: at", "ts: 'coalesce(at, cast(_drop_date as timestamp))'"
    )
    done = mapped(tmp_path, body, "id,at,extras,who\na,soon,,\nb,in 3 days,,\nc,in 3 weeks,,\n")
    extras = [json.loads(one)["at (as delivered)"] for one in done.tables["events"]["_extra"]]
    assert extras == ["soon", "in 3 days"]
    assert done.quarantined["reasons"].to_list() == [["at: is no timestamp"]]


def test_epochs_and_patterns_become_utc(tmp_path: Path) -> None:
    """1 604 610 224.470219 s after 1970 is 2020-11-05 21:03:44.470219; an absurd number is no time."""
    epoch = mapped(
        tmp_path,
        EVENTS % (", format: epoch_us", ""),
        "id,at,extras,who\na,1604610224470219,,\nb,9999999999999999999,,\n",
    )
    assert epoch.tables["events"]["ts"].to_list() == [datetime(2020, 11, 5, 21, 3, 44, 470219)]
    assert epoch.quarantined["reasons"].to_list() == [["at: is no timestamp"]]
    pattern = ", format: ['%d-%b-%y', '%Y-%m-%d %H:%M:%S %z']"
    texts = mapped(
        tmp_path, EVENTS % (pattern, ""), "id,at,extras,who\na,5-Jan-08,,\nb,2026-03-01 23:30:00 -0500,,\n"
    )
    assert texts.tables["events"]["ts"].to_list() == [datetime(2008, 1, 5), datetime(2026, 3, 2, 4, 30)]


def test_hashed_columns_leave_no_plain_value(tmp_path: Path) -> None:
    """The hash is that of the trimmed address in small letters, as other sources hash it."""
    done = mapped(
        tmp_path,
        EVENTS % ("", ", hash: email"),
        "id,at,extras,who\na,2026-03-01,, Ada@Example.com \nb,2026-03-01,,\n",
    )
    ada = hashlib.sha256(b"ada@example.com").hexdigest()
    assert done.tables["events"]["anonymous_id"].to_list() == [ada, None]


def test_values_fill_down_within_neighbours_only(tmp_path: Path) -> None:
    """Order fields stand on the first of an order's rows; the next order must not inherit them."""
    body = """
file:
  key: [name, line_no]
  columns: {name: {type: text}, paid: {type: text}, sku: {type: text}}
fill_down: {within: [name], columns: [paid]}
ordinals: {line_no: [name]}
routes: [{to: order_lines}]
tables:
  order_lines: {order_id: name, line_no: line_no, product_id: sku, qty: "1", unit_price: "1", currency: paid}
"""
    done = mapped(tmp_path, body, "name,paid,sku\n1,EUR,a\n1,,b\n2,,c\n3,USD,d\n3,,e\n")
    lines = done.tables["order_lines"]
    assert lines.select("order_id", "line_no", "product_id", "currency").rows() == [
        ("1", 1, "a", "EUR"),
        ("1", 2, "b", "EUR"),
        ("3", 1, "d", "USD"),
        ("3", 2, "e", "USD"),
    ]
    assert done.quarantined["reasons"].to_list() == [["currency: is missing"]]


def test_history_is_cut_by_times_as_the_mapping_reads_them() -> None:
    """Epochs, offsets and values that stand on the first row only: a cut by the bare text would find no day."""
    ga4 = pl.DataFrame({ROW: [1, 2], "event_timestamp": [1604610224470219, None]})
    moment = datetime(2020, 11, 5, 21, 3, 44, 470219)
    assert delivered_at(ga4, mappings()["ga4"]).rows() == [(moment, moment), (None, None)]


def test_a_thing_is_delivered_whole_when_the_last_it_tells_of_has_happened() -> None:
    """An order that left two days later lands then, with all of its lines; one that only was placed, on its day."""
    orders = pl.DataFrame(
        {
            ROW: [1, 2, 3, 4],
            "Name": ["#1", "#1", "#2", "#3"],
            "Created at": ["2026-03-01 23:30:00 -0500", None, "2026-03-02 10:00:00 +0100", "someday"],
            "Fulfilled at": ["2026-03-03 09:00:00 -0500", None, None, None],
        }
    )
    placed, shipped = datetime(2026, 3, 2, 4, 30), datetime(2026, 3, 3, 14)
    assert delivered_at(orders, mappings()["shopify_orders"]).rows() == [
        (placed, shipped),
        (placed, shipped),
        (datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 9)),
        (None, None),
    ]
    report = pl.DataFrame(
        {
            ROW: [1, 2],
            "amazon-order-id": ["A", "A"],
            "purchase-date": ["2026-03-01T10:00:00Z"] * 2,
            "last-updated-date": ["2026-03-01T11:00:00Z", "2026-03-04T11:00:00Z"],
        }
    )
    assert (
        delivered_at(report, mappings()["amazon_orders"])[DELIVERED].to_list()
        == [datetime(2026, 3, 4, 11)] * 2
    )


VALUES = st.dictionaries(
    st.sampled_from(["string_value", "int_value", "double_value"]),
    st.none() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    max_size=3,
)
LISTS = st.lists(
    st.fixed_dictionaries({"key": st.sampled_from(["a", "b", "c"]), "value": VALUES}), max_size=4
)


@settings(deadline=None)
@given(st.lists(st.none() | LISTS.map(json.dumps), min_size=1, max_size=5))
def test_fast_and_careful_reading_pick_the_same(texts: list[str | None]) -> None:
    """One odd record switches a file to the careful way; its neighbours must not change by that."""
    picked = _picked(pl.Series("p", texts, dtype=pl.String), {"a": "x", "b": "y"})
    assert picked["x"].to_list() == [_picked_value(text, "a") for text in texts]
    assert picked["y"].to_list() == [_picked_value(text, "b") for text in texts]
