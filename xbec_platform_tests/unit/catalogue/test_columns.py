"""The catalogue as a frame: every live column once, nothing that is not there, lists for erasure and checks."""

from datetime import datetime

import polars as pl

from xbec_platform.catalogue.columns import (
    SCHEMA,
    catalogue,
    misdeclared,
    schema_changes,
    unclassified,
)
from xbec_platform.catalogue.facts import ColumnFacts, TableFacts
from xbec_platform_tests.unit.catalogue.small_warehouse import facts, live, personal_columns


def test_one_row_per_live_column_with_all_that_is_known() -> None:
    """The database decides what exists, the authors what it means."""
    columns = live(
        marts__mart_people="customer_id VARCHAR, segment VARCHAR, n_orders BIGINT", zoo__cages="bars BIGINT"
    )
    rows = catalogue(columns, facts(), {})
    assert dict(rows.schema) == SCHEMA
    assert rows.select("table_name", "column_name", "position").rows() == [
        ("marts.mart_people", "customer_id", 1),
        ("marts.mart_people", "segment", 2),
        ("marts.mart_people", "n_orders", 3),
        ("zoo.cages", "bars", 1),
    ]
    first = rows.row(1, named=True)
    assert first | {"description": None} == {
        "table_name": "marts.mart_people",
        "layer": "marts",
        "column_name": "segment",
        "position": 2,
        "data_type": "VARCHAR",
        "unit": "words",
        "domain": "customer",
        "pii_class": "none",
        "pii_source": "declared",
        "grain": "one row per thing",
        "table_key": "thing_id, day",
        "description": None,
        "owner": "team:customer-data",
        "is_view": False,
    }
    assert rows.row(3, named=True)["grain"] is None


def test_order_of_the_input_does_not_matter() -> None:
    """Equal databases, equal catalogues."""
    columns = live(b__t="x VARCHAR, y VARCHAR", a__v_t="customer_id VARCHAR")
    assert catalogue(columns, facts(), {}).equals(catalogue(columns.reverse(), facts(), {}))


def test_personal_and_unclassified_columns() -> None:
    """Erasure gets every personal column, views included; the check gets what nobody classified."""
    columns = live(
        staging__v_people="customer_id VARCHAR, nickname VARCHAR",
        raw__people="customer_id VARCHAR, email_hash VARCHAR, region VARCHAR, language VARCHAR",
    )
    rows = catalogue(columns, facts(), {})
    assert personal_columns(rows) == [
        ("raw.people", "customer_id", "identifier"),
        ("raw.people", "email_hash", "contact"),
        ("raw.people", "region", "quasi"),
        ("staging.v_people", "customer_id", "identifier"),
    ]
    assert unclassified(rows) == [("staging.v_people", "nickname")]


def test_declarations_that_do_not_hold_are_listed() -> None:
    """A column that went and one that changed its type; tables that are not there yet are no fault."""
    said = TableFacts(
        name="ml.t",
        columns={
            "gone": ColumnFacts(data_type="bigint"),
            "grown": ColumnFacts(data_type="integer"),
            "same": ColumnFacts(data_type="varchar"),
            "untyped": ColumnFacts(),
        },
    )
    absent = TableFacts(name="ml.later", columns={"x": ColumnFacts(data_type="bigint")})
    columns = live(ml__t="grown BIGINT, same VARCHAR, untyped DOUBLE, extra DATE")
    assert misdeclared(columns, {t.name: t for t in (said, absent)}) == [
        ("ml.t", "gone", "is not there"),
        ("ml.t", "grown", "is bigint"),
    ]


def test_changes_between_two_catalogues() -> None:
    """A new type, a column that came, one that went; a table that is new as a whole is no change."""

    def columns(*names: str) -> pl.DataFrame:
        parts = [name.split() for name in names]
        return pl.DataFrame(parts, schema=["table_name", "column_name", "data_type"], orient="row")

    before = columns("t same INT", "t typed INT", "t gone DATE")
    after = columns("t same INT", "t typed TEXT", "t came DATE", "fresh a INT")
    found = schema_changes(before, after, now=datetime(2026, 1, 1))
    assert found.drop("seen_ts").rows() == [
        ("t", "came", None, "DATE"), ("t", "gone", "DATE", None), ("t", "typed", "INT", "TEXT"),
    ]  # fmt: skip
