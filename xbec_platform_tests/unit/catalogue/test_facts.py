"""Facts from descriptions, contracts, dbt and the file of declared tables; who counts when two speak."""

from pathlib import Path

import pytest

from xbec_platform.catalogue.contract_facts import promises
from xbec_platform.catalogue.dbt_facts import node_facts, raw_sources
from xbec_platform.catalogue.declared import declared, load_declared
from xbec_platform.catalogue.facts import ColumnFacts, TableFacts, by_table, grain_and_key
from xbec_platform.ingest.contracts import Column, ContractError
from xbec_platform_tests.unit.catalogue.small_warehouse import CONTRACTS, MANIFEST, facts, node


@pytest.mark.parametrize(
    ("text", "grain", "key"),
    [
        ("Sales. Grain: one row per day. Key: day.", "one row per day", ("day",)),
        (
            "Grain: one row per day\n and shop. Key: day, shop. More.",
            "one row per day and shop",
            ("day", "shop"),
        ),
        ("Scores of 1.5 and more. Grain: row of v1.2 and day. Key: a.", "row of v1.2 and day", ("a",)),
        ("Nothing said", None, ()),
        (None, None, ()),
    ],
)
def test_grain_and_key_are_read_from_the_description(
    text: str | None, grain: str | None, key: tuple[str, ...]
) -> None:
    """One sentence for people and programs: a full stop inside a number or name does not end it."""
    assert grain_and_key(text) == (grain, key)


def test_promises_in_words() -> None:
    """What a reader sees is what the screening tests."""
    column = Column(name="a", type="double", min=0, max=1.5, above=-1, allowed=("x", "y"), pattern="[xy]")
    assert promises(column) == (">= 0", "<= 1.5", "> -1", "one of x, y", "matches [xy]")
    assert promises(Column(name="a", type="text")) == ()


def test_lineage_goes_over_all_steps_to_raw_tables_only() -> None:
    """Two models between mart and sources; a source outside `raw` is none."""
    assert raw_sources(MANIFEST, "model.x.mart_people") == {"people", "depots"}
    assert raw_sources(MANIFEST, "model.x.stg_depots") == {"depots"}


def test_dbt_facts() -> None:
    """Grain, key and owner from the model; the domain of the one source, else that of the owner."""
    mart = node_facts(MANIFEST, "model.x.mart_people", CONTRACTS)
    assert (mart.name, mart.grain, mart.key) == (
        "marts.mart_people",
        "one row per thing",
        ("thing_id", "day"),
    )
    assert (mart.owner, mart.domain) == ("team:customer-data", "customer")
    assert node_facts(MANIFEST, "model.x.stg_depots", CONTRACTS).domain == "logistics"
    assert mart.columns["segment"] == ColumnFacts(data_type="varchar", unit="words", pii="none")
    assert "tests.unique" not in facts()


def test_a_wrong_class_in_dbt_names_model_and_column() -> None:
    """A typing error must not silently unclassify a column."""
    broken = node("m", "marts", [], {"a": {"config": {"meta": {"pii": "identifer"}}}})
    with pytest.raises(ContractError, match="dbt model m, column a: pii 'identifer' is none of"):
        node_facts({"nodes": {"model.x.m": broken}, "sources": {}}, "model.x.m", CONTRACTS)


def test_the_first_reader_counts_and_gaps_are_filled() -> None:
    """Contracts before dbt before the file: nobody overrides what the source of truth said."""
    first = TableFacts(name="a.b", grain="x", columns={"c": ColumnFacts(pii="quasi")})
    second = TableFacts(
        name="a.b", grain="y", owner="team:z", columns={"c": ColumnFacts(pii="none"), "d": ColumnFacts()}
    )
    found = by_table([first], [second])["a.b"]
    assert (found.grain, found.owner, found.columns["c"].pii) == ("x", "team:z", "quasi")
    assert list(found.columns) == ["c", "d"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tabels: {}", "t.yml: unknown sections \\['tabels'\\]; known are names, tables"),
        ("tables: {a.b: {grian: x}}", "t.yml: a.b: unknown options \\['grian'\\]"),
        ("tables: {a.b: {columns: {c: {pi: none}}}}", "t.yml: a.b, column c: unknown options \\['pi'\\]"),
        ("names: {c: {pii: secret}}", "t.yml: names, column c: pii 'secret' is none of"),
    ],
)
def test_mistakes_in_the_file_are_named(tmp_path: Path, text: str, message: str) -> None:
    """File, table, column and what is allowed."""
    path = tmp_path / "t.yml"
    path.write_text(text)
    with pytest.raises(ContractError, match=message):
        load_declared(path)


def test_every_declared_table_is_described() -> None:
    """The platform's own file: each column has a type and words, from the table or from the shared names."""
    known = declared()
    for table in known.tables:
        for name, column in table.columns.items():
            assert column.data_type, f"{table.name}.{name}"
            assert column.description or known.names[name].description, f"{table.name}.{name}"
            assert column.pii or known.names[name].pii, f"{table.name}.{name}"
