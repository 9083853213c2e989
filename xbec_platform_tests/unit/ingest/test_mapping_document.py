"""Mistakes in a mapping are named with file, key and what is allowed; a user's mapping needs no Python."""

from pathlib import Path

import pytest

from xbec_platform.ingest.contracts import ContractError
from xbec_platform.ingest.mapping_document import load_mapping
from xbec_platform.ingest.mappings import mappings
from xbec_platform_tests.unit.ingest.mapping_cases import HEAD, write_mapping

FILE = (
    "file: {key: [id], event_time: at, columns: {id: {type: text}, at: {type: timestamp}, j: {type: json}}}\n"
)
GOOD = FILE + "routes: [{to: fx_rates}]\ntables: {fx_rates: {currency: id}}\n"


def test_every_mapping_of_the_platform_loads() -> None:
    """Names of tables, columns and expressions are checked when a mapping is loaded."""
    assert {"ga4", "ga4_flat", "ga4_flat_items", "scms", "online_retail", "amazon_orders"} <= set(mappings())
    assert {"shopify_orders", "shopify_customers", "shopify_products"} <= set(mappings())


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("routes:", "rutes:", r"mine.yml: unknown keys \['rutes'\]; known are .*routes"),
        ("{to: fx_rates}", "{to: fx}", r"routes lead to undescribed tables \['fx'\]"),
        ("{to: fx_rates}", "{to: fx_rates, when: a = 1}", "last route must take every remaining record"),
        ("{currency: id}", "{curency: id}", r"fx_rates has no columns \['curency'\]; it has .*currency"),
        (
            "{currency: id}",
            "{currency: idd}",
            "fx_rates: currency: column in 'idd' is 'idd'; allowed are .*id",
        ),
        ("{currency: id}", "{currency: 'id +'}", "fx_rates: currency: 'id .' is no SQL expression"),
        ("fx_rates: {", "fx_rats: {", "no contract for table fx_rats; known are .*fx_rates"),
        ("key: [id]", "key: [idd]", "file: key or event_time is 'idd'; allowed are at, id, j"),
        (
            "id: {type: text}",
            "id: {type: text, absnt: x}",
            r"column id has unknown options \['absnt'\]; known are",
        ),
        ("id: {type: text}", "id: {type: text, format: '%d'}", "only a date or timestamp can have a format"),
        (
            "{type: timestamp}",
            "{type: timestamp, format: epoc}",
            "format 'epoc' is neither a strptime pattern",
        ),
        ("id: {type: text}", "id: {type: text, hash: name}", "hash is 'name', allowed are email, phone"),
        ("id: {type: text}", "id: {type: text, of: j}", "`of` needs exactly one of key and field"),
        ("id: {type: text}", "id: {type: text, of: k, key: a}", "`of` names no column of the file: k"),
        ("id: {type: text}", "id: {type: text, absent: {pattern: '('}}", "pattern '.' cannot be used"),
        ("EUR", "EURO", "base_currency is 'EURO'; allowed are ISO 4217"),
        ("routes:", "time_zone: Berlin\nroutes:", "time_zone 'Berlin' is no IANA zone"),
        (
            "routes:",
            "read: {delimeter: ';'}\nroutes:",
            r"read: unknown keys \['delimeter'\]; known are .*delimiter",
        ),
        (
            "routes:",
            "lookups: {a: {file: no.csv, column: id, key: k, value: v}}\nroutes:",
            "no table 'no.csv'",
        ),
        (
            "routes:",
            "fill_down: {within: [id], columns: [x]}\nroutes:",
            "fill_down: column is 'x'; allowed are",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, cause: str) -> None:
    """Whoever writes a mapping sees only this message."""
    text = HEAD + GOOD
    assert old in text
    path = tmp_path / "mine.yml"
    path.write_text(text)
    load_mapping(path)
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ContractError, match=cause):
        load_mapping(path)


def test_mapping_of_a_user_is_found_and_noticed_when_edited(tmp_path: Path) -> None:
    """A running platform must not go on with the mapping of yesterday."""
    write_mapping(tmp_path, GOOD)
    assert mappings(tmp_path)["mine"].description == "d"
    (tmp_path / "mine.yml").write_text((HEAD + GOOD).replace("description: d", "description: new one"))
    assert mappings(tmp_path)["mine"].description == "new one"
    assert "online_retail" in mappings(tmp_path)
    assert mappings(tmp_path / "absent") == mappings()


@pytest.mark.parametrize("taken", ["online_retail", "orders"])
def test_name_of_a_user_mapping_must_be_free(tmp_path: Path, taken: str) -> None:
    """Two meanings of one landing folder would load files by chance."""
    write_mapping(tmp_path, GOOD, name=taken)
    with pytest.raises(ContractError, match=f"has a source named {taken} already"):
        mappings(tmp_path)


def test_text_of_a_mapping_holds_its_tables_of_codes_and_no_place(tmp_path: Path) -> None:
    """Verdicts depend on both; the hash over them must be equal on every machine."""
    codes = "lookups: {cur: {file: codes.csv, column: id, key: k, value: v}}\n"
    for folder in ("a", "b"):
        write_mapping(tmp_path / folder, GOOD + codes)
        (tmp_path / folder / "codes.csv").write_text("k,v\nx,EUR\n")
    one, two = (load_mapping(tmp_path / folder / "mine.yml") for folder in ("a", "b"))
    assert "x,EUR" in one.text
    assert repr(one) == repr(two)
    assert str(tmp_path) not in repr(one)
