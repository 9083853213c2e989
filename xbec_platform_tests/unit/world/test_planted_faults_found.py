"""Planted faults of a world are found for the right reason, and nothing else is: precision and recall 1."""

import json

import polars as pl
import pytest

from xbec_platform.ingest.accounting import ROW, Account, accounts
from xbec_platform.ingest.landing import discover
from xbec_platform.world.generate import generate_world
from xbec_platform.world.spec import WorldSpec

# What a person must be told of each kind; the reasons are compared whole.
REASON = {
    ("orders", "bad_type"): ["order_ts: is no timestamp"],
    ("orders", "missing_key"): ["order_id: is missing"],
    ("orders", "unknown_country"): ["ship_country: is no country"],
    ("orders", "not_allowed"): ["status: is none of placed, paid, shipped, delivered, cancelled"],
    ("order_lines", "bad_type"): ["qty: is no integer"],
    ("order_lines", "negative_qty"): ["qty: is not above 0"],
    ("order_lines", "zero_qty"): ["qty: is not above 0"],
    ("order_lines", "missing_key"): ["product_id: is missing"],
    ("order_lines", "unknown_currency"): ["currency: is no currency"],
    ("order_lines", "conflicting_key"): ["key order_id, line_no: repeated with other content"],
    ("customers", "unknown_country"): ["country: is no country"],
    ("customers", "bad_type"): ["birth_year: is no integer"],
    ("fx_rates", "not_positive"): ["rate_to_base: is not above 0"],
    ("lanes", "not_allowed"): [
        "mode: is none of express, air, air_charter, sea, rail, truck, ground, last_mile"
    ],
    ("payments", "not_positive"): ["amount: is not above 0"],
    ("shipments", "unit_slip"): ["weight_kg: is above 1000"],
    ("products", "unit_slip"): ["weight_kg: is above 1000"],
    ("reviews", "out_of_range"): ["rating: is above 5"],
    ("events", "clock_skew"): ["ts: lies after the drop day"],
    ("competitor_observations", "not_positive"): ["price: is not above 0"],
}


@pytest.fixture(scope="module")
def planted_world(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, dict[str, Account]]:
    """What was planted, as the world recorded it, and the account of every file."""
    out = tmp_path_factory.mktemp("planted")
    generate_world(out, WorldSpec(seed=5, days=24, customers=150))
    landing = out / "landing"
    found = {}
    for account in accounts(discover(landing).files, landing):
        assert isinstance(account, Account), account
        found[account.file.path] = account
    return pl.read_parquet(out / "truth" / "faults.parquet"), found


def planted(faults: pl.DataFrame, *expect: str) -> list[dict[str, object]]:
    return faults.filter(pl.col("expect").is_in(expect)).to_dicts()


def test_every_bad_record_is_quarantined_for_its_reason_and_no_other(
    planted_world: tuple[pl.DataFrame, dict[str, Account]],
) -> None:
    """Found and planted are equal as multisets of (file, reasons): one of each too many or too few would show."""
    faults, found = planted_world
    expected = []
    for fault in planted(faults, "quarantined"):
        reasons = REASON.get((str(fault["source"]), str(fault["kind"])))
        if fault["kind"] == "broken_json_line":
            continue
        assert reasons is not None, f"a new kind of fault: say what must be found for {fault}"
        expected += [(fault["file"], tuple(reasons))] * int(str(fault["rows"]))
    broken = {
        str(fault["file"]) for fault in planted(faults, "quarantined") if fault["kind"] == "broken_json_line"
    }
    got = [
        (path, tuple(reasons))
        for path, account in found.items()
        if path not in broken
        for reasons in account.quarantined["reasons"].to_list()
    ]
    assert sorted(got) == sorted(expected)
    assert len(expected) > 15
    for path in broken:
        ((reason,),) = found[path].quarantined["reasons"].to_list()
        assert reason.startswith("line 1: not JSON"), reason


def test_the_quarantined_record_is_the_planted_one(
    planted_world: tuple[pl.DataFrame, dict[str, Account]],
) -> None:
    """Its raw content holds the key under which it was planted: not a neighbour with the same fault."""
    faults, found = planted_world
    for fault in planted(faults, "quarantined"):
        if fault["kind"] in {"broken_json_line", "conflicting_key"}:
            continue
        pairs = [part.split("=", 1) for part in str(fault["key"]).split(", ")]
        # A missing key names nothing; times are written by the source's own clock, with its offset.
        named = {k: v for k, v in pairs if v != "None" and not k.endswith("ts") and k != "valid_from"}
        raws = [json.loads(raw) for raw in found[str(fault["file"])].quarantined["raw_json"]]
        assert any(all(raw[name] == value for name, value in named.items()) for raw in raws), fault


def test_exact_duplicates_and_rejected_files_are_those_planted(
    planted_world: tuple[pl.DataFrame, dict[str, Account]],
) -> None:
    """Counted by file: duplicates are no faults, a rejected file names its own cause."""
    faults, found = planted_world
    expected: dict[str, int] = {}
    for fault in planted(faults, "duplicate"):
        file = str(fault["file"])
        expected[file] = expected.get(file, 0) + int(str(fault["rows"]))
    assert {path: one.rows_duplicate for path, one in found.items() if one.rows_duplicate} == expected
    causes = {str(fault["file"]): fault["kind"] for fault in planted(faults, "file_rejected")}
    refused = {path: one.error for path, one in found.items() if one.error}
    assert set(refused) == set(causes)
    for path, kind in causes.items():
        told = refused[path] or ""
        assert {"truncated_gzip": "gzip", "missing_column": "currency"}[str(kind)] in told, told


def test_orphans_late_and_corrected_rows_are_loaded(
    planted_world: tuple[pl.DataFrame, dict[str, Account]],
) -> None:
    """Nothing is wrong with these records themselves: they are in, and the models make of them what is due."""
    faults, found = planted_world
    lines = pl.concat(
        one.tables["order_lines"].select("order_id", ROW)
        for one in found.values()
        if one.file.feed == "order_lines" and "order_lines" in one.tables
    )
    orders = pl.concat(
        one.tables["orders"].select("order_id")
        for one in found.values()
        if one.file.feed == "orders" and "orders" in one.tables
    )
    waiting = lines.join(orders.unique(), on="order_id", how="anti")
    assert waiting["order_id"].to_list() == ["O900009"]
    for fault in planted(faults, "late", "corrected", "kept"):
        account = found[str(fault["file"])]
        assert account.error is None
        assert account.rows_loaded >= int(str(fault["rows"])) or fault["rows"] == 0, fault


def test_repairs_and_warnings_are_what_the_world_means(
    planted_world: tuple[pl.DataFrame, dict[str, Account]],
) -> None:
    """The world writes tabs left open for hours; nothing else in it needs mending, and nothing deserves a warning."""
    _, found = planted_world
    repaired = pl.concat(one.repaired for one in found.values())
    assert set(repaired["rule_id"]) == {"event_dwell_above_half_hour"}
    assert repaired["before"].cast(pl.Float64).min() > 1800.0
    assert set(repaired["after"].cast(pl.Float64)) == {1800.0}
    warned = pl.concat(one.warned for one in found.values())
    assert set(warned["rule_id"]) == set()
