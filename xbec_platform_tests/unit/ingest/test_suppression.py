"""The suppression list: who is taken out of a file's records, and that the account still balances."""

from pathlib import Path

import polars as pl
import pytest

from xbec_platform.ingest.contracts import Column, Contract, contracts
from xbec_platform.ingest.formats.records import ROW, Records
from xbec_platform.ingest.suppression import (
    ERASED,
    ERASED_RAW,
    Entry,
    Suppression,
    email_hash,
    phone_hash,
    suppress,
)
from xbec_platform.ingest.suppression_file import (
    SuppressionError,
    load_suppression,
    open_suppression,
    save_suppression,
)

EMPTY = Suppression("salt")


def listed(**own: str) -> Suppression:
    """A list of one person's own identifiers by kind."""
    return EMPTY.with_entries(Entry(kind, EMPTY.hash(value), True, "p") for kind, value in own.items())


def records(**columns: list[object]) -> Records:
    frame = pl.DataFrame(columns).with_row_index(ROW, 1).cast({ROW: pl.Int64})
    return Records(frame, (), "csv")


def test_rows_of_a_deleted_source_become_records_without_content() -> None:
    """Rows in = loaded + quarantined + duplicates must still hold, so the record stays as an empty one."""
    read = records(customer_id=["C000001", "C000002"], city=["Lyon", "Oslo"])
    after = suppress(read, contracts()["customers"], listed(customer_id="C000001"))
    assert after.frame.rows() == [(2, "C000002", "Oslo")]
    assert after.broken == ((1, ERASED_RAW, ERASED),)
    assert after.rows_in == read.rows_in


def test_rows_the_law_wants_kept_lose_the_person_and_keep_amounts() -> None:
    """Tax law: the order stays; postal code is a quasi identifier, an unpromised column may say anything."""
    read = records(
        order_id=["O1", "O2"],
        customer_id=["C000001", "C000002"],
        ship_postal=["69001", "0150"],
        goods_total=["12.50", "1.00"],
        buyer_name=["Ann", "Bo"],
    )
    suppression = listed(customer_id="C000001")
    after = suppress(read, contracts()["orders"], suppression)
    assert after.frame.rows() == [
        (1, "O1", suppression.tombstone("C000001"), None, "12.50", None),
        (2, "O2", "C000002", "0150", "1.00", "Bo"),
    ]
    assert after.broken == ()
    assert suppress(after, contracts()["orders"], suppression).frame.equals(after.frame)


def test_review_goes_by_its_order_and_the_order_stays() -> None:
    """A review names nobody but its order; free text is where people write names."""
    suppression = listed(order_id="O1")
    reviews = suppress(
        records(review_id=["V1", "V2"], order_id=["O1", "O2"], text=["by Ann", "fine"]),
        contracts()["reviews"],
        suppression,
    )
    assert reviews.frame["review_id"].to_list() == ["V2"]
    payments = records(payment_id=["P1"], order_id=["O1"])
    assert suppress(payments, contracts()["payments"], suppression).frame.equals(payments.frame)


def test_shared_computer_loses_anonymous_rows_only() -> None:
    """What somebody else did on the household's computer is not the erased person's to delete."""
    suppression = EMPTY.with_entries([Entry("anonymous_id", EMPTY.hash("device-1"), False, "p")])
    read = records(event_id=["a", "b"], anonymous_id=["device-1"] * 2, customer_id=[None, "C000002"])
    assert suppress(read, contracts()["events"], suppression).frame["event_id"].to_list() == ["b"]


@pytest.mark.parametrize(
    ("column", "value", "entry"),
    [
        ("Email", "  Ann@Example.org ", {"email_hash": email_hash("ann@example.org")}),
        ("Phone", "+33 (1) 23-45 67", {"phone_hash": phone_hash("+331234567")}),
        ("Customer ID", "'7788990011", {"customer_id": "7788990011"}),
        ("CustomerID", 17850.0, {"customer_id": "17850"}),
    ],
)
def test_spellings_of_exports_are_recognised(column: str, value: object, entry: dict[str, str]) -> None:
    """Exports write plain addresses, apostrophes for spreadsheets and numbers as floats; tables hold other forms."""
    contract = Contract(
        source="export",
        description="",
        domain="customer",
        owner="team:platform",
        grain="",
        key=("id",),
        columns={
            "id": Column(name="id", type="text"),
            column: Column(name=column, type="text", pii="contact"),
        },
        erase="delete",
    )
    after = suppress(records(id=["1"], **{column: [value]}), contract, listed(**entry))
    assert after.frame.height == 0


def test_number_column_cannot_hold_a_tombstone() -> None:
    """A mapped file with numeric customers: the sale becomes an anonymous one instead of an unreadable record."""
    contract = Contract(
        source="export",
        description="",
        domain="sales",
        owner="team:platform",
        grain="",
        key=("id",),
        columns={
            "id": Column(name="id", type="text"),
            "CustomerID": Column(name="CustomerID", type="integer", pii="identifier"),
        },
    )
    after = suppress(records(id=["1", "2"], CustomerID=[17850, 2]), contract, listed(customer_id="17850"))
    assert after.frame["CustomerID"].to_list() == [None, 2]


def test_broken_record_that_mentions_the_person_loses_its_text() -> None:
    """Nobody knows which of its cells is which, and the quarantine keeps raw text."""
    read = Records(
        pl.DataFrame({ROW: [1]}), ((2, '["C000001","x"]', "line 3"), (3, '["C0000012"]', "line 4")), "csv"
    )
    after = suppress(read, contracts()["customers"], listed(customer_id="C000001"))
    assert after.broken == ((2, ERASED_RAW, ERASED), (3, '["C0000012"]', "line 4"))


def test_list_survives_and_names_nobody(tmp_path: Path) -> None:
    """It lies in the home for ever: hashes only, and without its salt it must not silently let everybody in."""
    empty = open_suppression(tmp_path)
    full = empty.with_entries([Entry("customer_id", empty.hash("C000001"), True, "p")])
    save_suppression(tmp_path, full)
    assert load_suppression(tmp_path) == full == open_suppression(tmp_path)
    assert "C000001" not in (tmp_path / "suppression.csv").read_text()
    (tmp_path / "suppression.salt").unlink()
    with pytest.raises(SuppressionError, match="restore it from a backup"):
        load_suppression(tmp_path)


def test_damaged_list_stops_the_intake(tmp_path: Path) -> None:
    """A list cut off in the middle would bring people back."""
    open_suppression(tmp_path)
    (tmp_path / "suppression.csv").write_text("kind,hash,scope,person\ncustomer_id,ab\n")
    with pytest.raises(SuppressionError, match="line 2"):
        load_suppression(tmp_path)


def test_empty_list_costs_nothing() -> None:
    """Homes where nobody was erased read their files as before: the very same object."""
    read = records(customer_id=["C000001"])
    assert suppress(read, contracts()["customers"], Suppression()) is read
