"""Rules as data: repairs on record, rejects with all reasons, warnings counted; a rule that cannot work is refused."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xbec_platform.ingest.contracts import ContractError, contracts
from xbec_platform.ingest.formats.records import ROW, FileRejectedError, Records, as_text
from xbec_platform.ingest.predicates import brackets_broken, side_too_long
from xbec_platform.ingest.rules import FOLDER, Rule, load_folder, load_rules, rules, rules_hash
from xbec_platform.ingest.screening import Screened, bundle, drop_exact_duplicates, screen_unique

DAY = date(2026, 1, 10)


def screened(source: str, *rows: dict[str, str | None], own: list[Rule] | None = None) -> Screened:
    """The verdict on text rows of a source; columns a row does not name are missing."""
    names = sorted({name for row in rows for name in row})
    frame = pl.DataFrame(
        {name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names}
    )
    records = Records(frame.with_row_index(ROW, 1).cast({ROW: pl.Int64}), (), "test")
    unique = drop_exact_duplicates(bundle([(records, DAY)]))
    return screen_unique(unique, contracts()[source], rules=own)


def customer(**cells: str | None) -> dict[str, str | None]:
    return {"customer_id": "C1", "updated_ts": "2026-01-01T00:00:00Z", **cells}


LANE: dict[str, str | None] = {
    "lane_id": "L1",
    "valid_from": "2026-01-01",
    "origin_node": "W1",
    "dest_node": "DE",
    "mode": "air",
    "carrier": "K",
    "rate_per_kg": "1",
    "min_charge": "1",
    "currency": "EUR",
    "transit_p50_days": "3",
    "allows_battery": "true",
    "allows_liquid": "true",
    "allows_hazard": "true",
    "is_sample": "true",
}
TARIFF: dict[str, str | None] = {
    "market": "DE",
    "regime": "ioss",
    "kind": "relief",
    "item_scope": "all",
    "threshold_low": "0",
    "currency": "EUR",
    "source": "test",
    "verified_on": "2026-01-01",
}


@pytest.mark.parametrize(
    ("lat", "lon", "kept"),
    [
        ("90", "-180", True),
        ("90.1", "0", False),
        ("10", "-180.5", False),
        ("0", "0", False),
        ("0", "5", True),
        (None, "181", False),
    ],
)
def test_impossible_places_become_missing_with_before_and_after(
    lat: str | None, lon: str, *, kept: bool
) -> None:
    """The customer stays, the place goes; what stood there is on record, cell by cell."""
    result = screened("customers", customer(lat=lat, lon=lon))
    assert result.rejected.is_empty()
    (row,) = result.accepted.select("lat", "lon").rows()
    before = [None if value is None else float(value) for value in (lat, lon)]
    assert list(row) == (before if kept else [None, None])
    log = (
        []
        if kept
        else [(name, value) for name, value in zip(("lat", "lon"), before, strict=True) if value is not None]
    )
    assert [
        (column, float(text)) for column, text in result.repaired.select("column", "before").rows()
    ] == log
    assert set(result.repaired["after"]) <= {None}


def test_an_unreadable_value_is_no_business_of_a_rule_on_values() -> None:
    """`abc` as latitude is rejected: mending it would be a guess."""
    result = screened("customers", customer(lat="abc", lon="5"))
    assert result.rejected["reasons"].to_list() == [["lat: is no double"]]


def test_a_rule_on_the_text_mends_what_no_type_reads_and_quarantine_keeps_the_original() -> None:
    """An explicit rule knows that this source writes `1,5 kg`; the raw record of a bad row still says so."""
    rule = Rule(
        id="tracking_weight_in_words",
        source="tracking_events",
        severity="repair",
        reads="text",
        when="weight_kg like '%,% kg'",
        set={"weight_kg": "replace(replace(weight_kg, ' kg', ''), ',', '.')"},
        message="weight in words",
        owner="team:test",
        reason="test",
    )
    scan: dict[str, str | None] = {"carrier": "K", "tracking_no": "1", "code": "OK", "ts": "2026-01-01"}
    good, bad = {**scan, "weight_kg": "1,5 kg"}, {**scan, "tracking_no": None, "weight_kg": "2,5 kg"}
    result = screened("tracking_events", good, bad, own=[rule])
    assert result.accepted["weight_kg"].to_list() == [1.5]
    # Of the rejected row nothing came into a table, hence nothing was repaired there.
    assert result.repaired.rows() == [(0, 1, "tracking_weight_in_words", "weight_kg", "1,5 kg", "1.5")]
    assert result.rejected["raw_json"].str.json_path_match("$.weight_kg").to_list() == ["2,5 kg"]
    assert result.rejected["reasons"].to_list() == [["tracking_no: is missing"]]


def test_caps_and_floors() -> None:
    """Half an hour at most on a page, nothing less than nothing on a shelf; limits themselves are no repair."""
    event = {"event_id": "1", "ts": "2026-01-01", "event_type": "view"}
    events = screened("events", {**event, "dwell_s": "1800.5"}, {**event, "event_id": "2", "dwell_s": "1800"})
    assert events.accepted["dwell_s"].to_list() == [1800.0, 1800.0]
    assert events.repaired.select("before", "after").rows() == [("1800.5", "1800.0")]
    stock = {"warehouse_id": "W", "product_id": "P", "snapshot_date": "2026-01-01", "is_sample": "true"}
    result = screened("inventory_snapshots", {**stock, "on_hand": "-2", "reserved": "1"})
    assert result.accepted["on_hand"].to_list() == [0]
    # Judged after the repair: one reserved piece, none on the shelf.
    assert result.warned["rule_id"].to_list() == ["stock_reserved_above_on_hand"]


@pytest.mark.parametrize(
    ("code", "kept"), [("123456", True), ("12345", False), ("12345678901", False), ("12a456", False)]
)
def test_malformed_hs_codes_become_missing(code: str, *, kept: bool) -> None:
    """The product can be sold without; duty then uses the rate for unknown goods."""
    result = screened(
        "products", {"product_id": "P", "valid_from": "2026-01-01", "status": "active", "hs_code": code}
    )
    assert result.accepted["hs_code"].to_list() == [code if kept else None]
    assert result.repaired["before"].to_list() == ([] if kept else [code])


def test_implausible_products_are_loaded_with_a_warning() -> None:
    """2 kg in 10 x 10 x 10 cm is dense; in g it would be 2,000 kg: 2,000,000 kg/m3. A side of 4.01 m is rare."""
    base = {"valid_from": "2026-01-01", "status": "active", "width_cm": "10", "height_cm": "10"}
    result = screened(
        "products",
        {**base, "product_id": "plain", "length_cm": "10", "weight_kg": "2"},
        {**base, "product_id": "heavy", "length_cm": "10", "weight_kg": "900"},
        {**base, "product_id": "light", "length_cm": "400", "weight_kg": "0.1"},
        {**base, "product_id": "long", "length_cm": "401", "weight_kg": "2", "list_price": "0"},
    )
    assert result.rejected.is_empty()
    assert result.warned.select(ROW, "rule_id").rows() == [
        (2, "product_density_implausible"),
        (3, "product_density_implausible"),
        (4, "product_for_free"),
        (4, "product_side_above_400_cm"),
    ]


def test_a_free_line_is_a_warning_unless_it_is_a_gift() -> None:
    """A price of 0 without a word is worth a look; a present is not."""
    line = {"order_id": "O", "product_id": "P", "qty": "1", "unit_price": "0", "currency": "EUR"}
    result = screened(
        "order_lines",
        {**line, "line_no": "1", "is_gift": "true"},
        {**line, "line_no": "2", "is_gift": "false"},
        {**line, "line_no": "3", "is_gift": None},
    )
    assert result.warned[ROW].to_list() == [2, 3]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"transit_p90_days": "2.9"}, "transit_p90_days: is below transit_p50_days [lane_p90_below_p50]"),
        (
            {"rate_brackets": '[{"min_kg": 1, "max_kg": 1, "rate_per_kg": 2}]'},
            (
                "rate_brackets: overlap, leave a gap, or are no list of {min_kg, max_kg, rate_per_kg} "
                "[lane_brackets_broken]"
            ),
        ),
    ],
)
def test_rules_that_reject_give_their_reason_and_name(cells: dict[str, str], reason: str) -> None:
    """A person finds the rule by its name."""
    assert screened("lanes", {**LANE, **cells}).rejected["reasons"].to_list() == [[reason]]
    assert screened("lanes", {**LANE, "transit_p90_days": "3"}).rejected.is_empty()


@pytest.mark.parametrize(
    ("brackets", "is_broken"),
    [
        (
            '[{"min_kg": 0, "max_kg": 1, "rate_per_kg": 2}, {"min_kg": 1, "max_kg": null, "rate_per_kg": 1}]',
            False,
        ),
        (
            '[{"min_kg": 1, "max_kg": 2, "rate_per_kg": 1}, {"min_kg": 0, "max_kg": 1, "rate_per_kg": 2}]',
            False,
        ),
        (
            '[{"min_kg": 0, "max_kg": 2, "rate_per_kg": 2}, {"min_kg": 1, "max_kg": 3, "rate_per_kg": 1}]',
            True,
        ),
        (
            '[{"min_kg": 0, "max_kg": null, "rate_per_kg": 2}, {"min_kg": 1, "max_kg": 3, "rate_per_kg": 1}]',
            True,
        ),
        ('[{"min_kg": 1, "max_kg": 1, "rate_per_kg": 2}]', True),
        ('[{"min_kg": 0, "max_kg": 1}]', True),
        ('[{"min_kg": "0", "max_kg": 1, "rate_per_kg": 2}]', True),
        ("[]", True),
        ('{"min_kg": 0}', True),
        ("no json", True),
    ],
)
def test_brackets(brackets: str, *, is_broken: bool) -> None:
    """Every weight has exactly one price, whatever the order of the steps."""
    assert brackets_broken(brackets) is is_broken


def test_sides_of_a_box() -> None:
    """400 cm is the limit and still within it."""
    assert not side_too_long("400x10.5x3")
    assert side_too_long("30.0 x 400.1 x 2")


def test_overlapping_tariff_windows_reject_the_file() -> None:
    """Both end days belong to their windows; another item, kind or step of the scale is another rule."""
    first = {**TARIFF, "rule_id": "1", "valid_from": "2026-01-01", "valid_to": "2026-06-30"}
    after = {**TARIFF, "rule_id": "2", "valid_from": "2026-07-01", "valid_to": None}
    other = {**after, "rule_id": "3", "threshold_low": "150", "valid_from": "2026-01-01"}
    assert screened("tariff_rules", first, after, other).accepted.height == 3
    with pytest.raises(FileRejectedError, match=r"records 1 and 2: two rules .* \[tariff_windows_overlap\]"):
        screened("tariff_rules", first, {**after, "valid_from": "2026-06-30"})
    with pytest.raises(FileRejectedError, match="records 2 and 1"):
        screened("tariff_rules", first, {**after, "valid_from": "2025-01-01"})


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ("severity: drop, when: qty > 1", "severity 'drop' is none of"),
        ("severity: warn, when: quantity > 1", "order_lines has no columns quantity"),
        ("severity: warn, when: 'qty >'", "is no expression"),
        ("severity: warn", "needs exactly one of"),
        ("severity: repair, when: qty > 1", "`set` belongs to severity repair"),
        ("severity: reject, when: qty > 1, set: {qty: '1'}", "`set` belongs to severity repair"),
        ("severity: warn, when: qty > 1, because: x", r"unknown options \['because'\]"),
        ("severity: warn, predicate: magic, 'on': qty", "predicate 'magic' is none of"),
        ("severity: warn, reads: text, when: qty > 1", "only a repair can read the text"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(tmp_path: Path, options: str, cause: str) -> None:
    """When the rules are read, with file and rule, and not on the first bad row."""
    path = tmp_path / "order_lines.yml"
    path.write_text(
        f"source: order_lines\nowner: team:x\nrules:\n  - {{id: broken, message: m, reason: r, {options}}}\n"
    )
    with pytest.raises(ContractError, match=rf"order_lines.yml: .*{cause}"):
        load_rules(path)


def test_two_rules_never_share_a_name(tmp_path: Path) -> None:
    """Logs and reasons carry the name alone."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.yml").write_text(
            "source: order_lines\nowner: team:x\n"
            "rules: [{id: same, severity: warn, when: qty > 1, message: m, reason: r}]\n"
        )
    with pytest.raises(ContractError, match=r"b.yml: rule same is also in a.yml"):
        load_folder(tmp_path)


def test_rules_of_the_platform_say_why() -> None:
    """Each names its owner, a message and where it comes from."""
    for of_source in rules().values():
        for rule in of_source:
            assert rule.source in contracts()
            assert rule.owner.startswith("team:")
            assert rule.message
            assert rule.reason


def test_hash_changes_with_what_decides_and_with_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The manifest tells which files older rules have judged; another source's rule is none of them."""
    before = {feed: rules_hash(feed) for feed in ("orders", "customers")}
    assert rules_hash("shop", "mapping: 1") != rules_hash("shop", "mapping: 2")
    for path in FOLDER.glob("*.yml"):
        (tmp_path / path.name).write_text(path.read_text())
    changed = tmp_path / "customers.yml"
    changed.write_text(changed.read_text().replace("lat < -90", "lat < -89"))
    monkeypatch.setattr("xbec_platform.ingest.rules.FOLDER", tmp_path)
    assert rules_hash("orders") == before["orders"]
    assert rules_hash("customers") != before["customers"]


def test_native_and_text_columns_get_the_same_verdict() -> None:
    """Parquet holds numbers and times already; what a CSV of the same values says must come out, bad rows included."""
    native: dict[str, Any] = {
        "order_id": ["A", "B", "C", None],
        "line_no": pl.Series([1, 2, 3, 4], dtype=pl.UInt8),
        "product_id": ["P"] * 4,
        "qty": [1.0, 2.5, 3.0, 4.0],
        "unit_price": [0.1, 2.55, 1.23456, 3.0],
        "discount": pl.Series(["0.50", "0.25", "0.00", None]).cast(pl.Decimal(10, 2)),
        "currency": ["EUR", "EUR", "USD", "USD"],
        "is_gift": [True, False, None, True],
    }
    frame = pl.DataFrame(native).with_row_index(ROW, 1).cast({ROW: pl.Int64})
    results = []
    for one in (frame, as_text(frame)):
        unique = drop_exact_duplicates(bundle([(Records(one, (), "test"), DAY)]), ("order_id", "line_no"))
        results.append(screen_unique(unique, contracts()["order_lines"]))
    typed, text = results
    assert typed.accepted.equals(text.accepted)
    assert typed.rejected.equals(text.rejected)
    assert typed.rejected["reasons"].to_list() == [
        ["qty: is no integer"],
        ["unit_price: is no decimal(18,4)"],
        ["order_id: is missing"],
    ]
