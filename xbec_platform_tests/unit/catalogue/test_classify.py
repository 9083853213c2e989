"""Classes of columns: nearest voice first, never weaker by accident, gaps shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbec_platform.catalogue.classify import Classifier
from xbec_platform.catalogue.facts import STRENGTH, ColumnFacts, TableFacts
from xbec_platform.catalogue.names import direct_class, is_text, quasi_class, unit_of
from xbec_platform_tests.unit.catalogue.small_warehouse import facts


def classes(
    table: str, *columns: str, more: tuple[TableFacts, ...] = ()
) -> dict[str, tuple[str | None, str | None]]:
    """(class, source) of text columns."""
    verdicts = Classifier(facts(*more), {"feed": ColumnFacts(pii="none")}).table(
        table, dict.fromkeys(columns, "VARCHAR")
    )
    return {name: (verdict.pii, verdict.source) for name, verdict in verdicts.items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("customer_id", "identifier"),
        ("matched_customer_id", "identifier"),
        ("person_key", "identifier"),
        ("session_id", "identifier"),
        ("user_pseudo_id", "identifier"),
        ("email", "contact"),
        ("billing_email_hash", "contact"),
        ("first_name", "contact"),
        ("shipping_address_line1", "contact"),
        ("product_id", None),
        ("order_id", None),
        ("name", None),
        ("customer_identity_share", None),
        ("emails_sent", None),
    ],
)
def test_names_that_identify_by_themselves(name: str, expected: str | None) -> None:
    """Variants by prefix are caught, lookalikes are not."""
    assert direct_class(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ship_postal", "quasi"), ("lat", "quasi"), ("birth_year", "quasi"), ("city", "quasi"),
     ("platform", None), ("flat", None), ("capacity", None), ("page", None)],
)  # fmt: skip
def test_names_that_identify_together(name: str, expected: str | None) -> None:
    """`flat` ends like `lat` and `page` like `age`: whole words only."""
    assert quasi_class(name) == expected


@pytest.mark.parametrize(
    ("name", "data_type", "expected"),
    [
        ("weight_kg", "DOUBLE", "kg"),
        ("rate_per_kg", "DECIMAL(18,4)", "currency per kg"),
        ("net_base_365d", "DECIMAL(18,4)", "base currency"),
        ("dwell_s", "DOUBLE", "s"),
        ("n_orders_90d", "BIGINT", "count"),
        ("n_items", "BIGINT", "pieces"),
        ("n_order_days", "BIGINT", "days"),
        ("order_ts", "TIMESTAMP", None),
        ("weight_kg", "VARCHAR", None),
        ("score", "DOUBLE", None),
    ],
)
def test_units_of_numbers(name: str, data_type: str, expected: str | None) -> None:
    """A text called weight_kg is not measured in kg; money per kg is not kg."""
    assert unit_of(name, data_type) == expected


@pytest.mark.parametrize(
    "data_type", ["VARCHAR", "VARCHAR[]", "JSON", "STRUCT(a VARCHAR)", "text", "country", None]
)
def test_what_may_hold_words(data_type: str | None) -> None:
    """Lists, records and unknown types may hold a name."""
    assert is_text(data_type)


@pytest.mark.parametrize("data_type", ["BIGINT", "UTINYINT", "DECIMAL(18,4)", "TIMESTAMP WITH TIME ZONE", "DATE",
                                       "BOOLEAN", "integer", "decimal(18,4)", "timestamp"])  # fmt: skip
def test_what_holds_no_words(data_type: str) -> None:
    """Numbers, flags and times of the database and of contracts."""
    assert not is_text(data_type)


def test_the_contract_decides_on_raw_tables() -> None:
    """`language` is none because its contract says so, although a person speaks it."""
    found = classes("raw.people", "customer_id", "email_hash", "region", "language")
    assert found == {
        "customer_id": ("identifier", "declared"),
        "email_hash": ("contact", "declared"),
        "region": ("quasi", "declared"),
        "language": ("none", "declared"),
    }


def test_models_inherit_from_the_raw_tables_they_are_made_from() -> None:
    """Not from others: the place of a depot is no secret, and a table without persons has no quasi column."""
    found = classes("staging.stg_people", "customer_id", "region", "language", "feed", "nickname")
    assert found == {
        "customer_id": ("identifier", "name"),
        "region": ("quasi", "inherited"),
        "language": ("none", "inherited"),
        "feed": ("none", "same name"),
        "nickname": (None, None),
    }
    assert classes("staging.stg_depots", "lat", "city", "remark") == {
        "lat": ("none", "inherited"),
        "city": ("none", "no person"),
        "remark": ("none", "no person"),
    }


def test_a_harmless_place_is_none_no_more_beside_a_person() -> None:
    """mart_people joins depots: its `lat` may be where somebody lives, whatever the depots' contract says."""
    assert classes("marts.mart_people", "customer_id", "lat")["lat"] == ("quasi", "name")
    assert classes("marts.mart_people", "lat")["lat"] == ("none", "inherited")


def test_a_class_declared_in_a_mart_holds_in_related_models_only() -> None:
    """`segment` of mart_people is known upstream, and says nothing of a table made from something else."""
    stranger = TableFacts(name="ml.other", sources=None)
    assert classes("staging.stg_people", "customer_id", "segment")["segment"] == ("none", "same name")
    assert classes("ml.other", "customer_id", "segment", more=(stranger,))["segment"] == (None, None)


def test_numbers_nobody_named_are_none_and_text_is_asked_about() -> None:
    """Counting something does not identify; a text may say anything."""
    verdicts = Classifier(facts(), {}).table(
        "ml.unknown",
        {"customer_id": "VARCHAR", "n_orders": "BIGINT", "birth_year": "BIGINT", "note": "VARCHAR"},
    )
    found = {name: verdict.pii for name, verdict in verdicts.items()}
    assert found == {"customer_id": "identifier", "n_orders": "none", "birth_year": "quasi", "note": None}


def test_unit_and_description_follow_the_source_into_staging_only() -> None:
    """Further on a column of the same name may be an average: its words would be wrong, its unit is not."""
    classifier = Classifier(facts(), {})
    staging = classifier.table("staging.stg_people", {"customer_id": "VARCHAR", "height": "DOUBLE"})
    mart = classifier.table("marts.mart_people", {"customer_id": "VARCHAR", "height": "DOUBLE"})
    assert (staging["height"].unit, mart["height"].unit) == ("cm", "cm")
    assert (staging["customer_id"].description, mart["customer_id"].description) == ("Id of the shop", None)


@given(
    st.lists(
        st.sampled_from(["customer_id", "region", "language", "email_hash", "lat", "city", "x", "feed"]),
        unique=True,
        min_size=1,
    )
)
def test_no_column_is_weaker_than_its_source(columns: list[str]) -> None:
    """Whatever columns a model picks, a personal one of its sources never becomes harmless by a rule."""
    strength = {"customer_id": "identifier", "region": "quasi", "email_hash": "contact"}
    for table in ("staging.stg_people", "marts.mart_people"):
        for name, (pii, _) in classes(table, *columns).items():
            if name in strength:
                assert STRENGTH[pii or "none"] >= STRENGTH[strength[name]], (table, name)
