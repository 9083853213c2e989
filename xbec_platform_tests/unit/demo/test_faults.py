"""Planted faults: each one is there, each one is on record, and nothing else is wrong."""

import gzip
import json
from collections import Counter
from datetime import date

import pytest

from xbec_platform.demo.faults import plant_correction
from xbec_platform.demo.shop import SOURCES


def _faults(landed, *expect):
    return [fault for fault in landed.summary.faults if fault.expect in expect]


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_only_the_recorded_rows_break_the_contract(landed, broken_rows_of, contract_of, source):
    """A fault without a record would look like a bug of intake, a record without a fault like a miss."""
    rules = contract_of(source)
    for file in landed.files(source):
        rows = landed.rows_of(file)
        recorded = sorted(
            fault.key
            for fault in _faults(landed, "quarantined")
            if fault.file == file and fault.kind != "conflicting_key"
        )
        broken = [
            ", ".join(f"{key}={row[key]}" for key in rules["key"]) for row in broken_rows_of(source, rows)
        ]
        assert sorted(broken) == recorded, file
        if rows:
            assert list(rows[0]) == list(rules["columns"]), file


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_rows_are_the_clean_ones_and_the_planted_ones(landed, source):
    """Conservation of the planting: intake tests compare loaded rows with `clean_rows`."""
    planted = [
        fault for fault in _faults(landed, "quarantined", "duplicate", "orphan") if fault.source == source
    ]
    # Readable rows: one surplus line of the wrong file, none of the broken JSON line.
    surplus = {"order_lines": 1, "returns": -1}.get(source, 0)
    assert len(landed.rows(source)) == landed.summary.clean_rows[source] + len(planted) + surplus


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_keys_repeat_only_where_planted(landed, contract_of, source):
    """Exact duplicates and the one conflicting key are the only rows under a key that is taken."""
    key = contract_of(source)["key"]
    rows = landed.rows(source)
    by_key = Counter(tuple(row[name] for name in key) for row in rows if row[key[0]] is not None)
    repeated = sum(count - 1 for count in by_key.values())
    same = len(rows) - len({tuple(row.items()) for row in rows})
    conflicts = [
        f for f in _faults(landed, "quarantined") if f.kind == "conflicting_key" and f.source == source
    ]
    duplicates = [fault for fault in _faults(landed, "duplicate") if fault.source == source]
    assert same == len(duplicates)
    assert repeated == len(duplicates) + len(conflicts)


def test_orphan_has_no_order(landed):
    """The parent must never arrive, or the orphan would rightly be replayed."""
    (orphan,) = _faults(landed, "orphan")
    orders = {row["order_id"] for row in landed.rows("orders")}
    assert orphan.key == "order_id=O900009, line_no=1"
    assert "O900009" not in orders


def test_rejected_files_are_unreadable_or_incomplete(landed):
    """One file that cannot be read and one that lacks a column must be refused as a whole."""
    by_kind = {fault.kind: landed.out / fault.file for fault in _faults(landed, "file_rejected")}
    assert set(by_kind) == {"truncated_gzip", "missing_column"}
    with pytest.raises(EOFError):
        gzip.decompress(by_kind["truncated_gzip"].read_bytes())
    header = by_kind["missing_column"].read_text().splitlines()[0].split(",")
    assert "currency" not in header
    assert "order_id" in header


def test_broken_json_line_stands_alone(landed):
    """Refusing the line and refusing the file must come to the same truth."""
    (fault,) = [fault for fault in landed.summary.faults if fault.kind == "broken_json_line"]
    (line,) = (landed.out / fault.file).read_text().splitlines()
    with pytest.raises(json.JSONDecodeError):
        json.loads(line)


def test_late_files_bring_orders_of_two_days_before(landed):
    """Late orders and their lines arrive together, so only the day is wrong."""
    files = {fault.source: fault for fault in _faults(landed, "late")}
    headers, lines = (landed.rows_of(files[source].file) for source in ("orders", "order_lines"))
    dropped = date.fromisoformat(files["orders"].file.split("dt=")[1][:10])
    assert {(dropped - date.fromisoformat(row["order_ts"][:10])).days for row in headers} == {2}
    assert {row["order_id"] for row in lines} == {row["order_id"] for row in headers}
    assert [files[source].rows for source in ("orders", "order_lines")] == [len(headers), len(lines)]


def test_correction_supersedes_one_file(landed, read_landing, tmp_path):
    """Supersede must remove a row, change a row and keep the others: the corrected file does all three."""
    correction = landed.summary.correction
    copy = tmp_path / correction.file
    copy.parent.mkdir(parents=True)
    copy.write_bytes((landed.out / correction.file).read_bytes())
    wrong = landed.rows_of(correction.file)

    plant_correction(tmp_path, correction)
    right = read_landing(copy)
    once = copy.read_bytes()
    plant_correction(tmp_path, correction)

    def key(row):
        return row["order_id"], int(row["line_no"])

    before, after = ({key(row): row for row in rows} for rows in (wrong, right))
    assert set(before) - set(after) == {correction.surplus_key}
    changed = {name for name, row in after.items() if row != before[name]}
    assert changed == {(correction.order_id, correction.line_no)}
    assert after[correction.order_id, correction.line_no]["qty"] == str(correction.right_qty)
    assert before[correction.order_id, correction.line_no]["qty"] == str(correction.wrong_qty)
    assert copy.read_bytes() == once


def test_default_quota_of_faults(landed):
    """Every kind the intake has a rule for is planted at least once."""
    kinds = {fault.kind for fault in landed.summary.faults}
    assert kinds == {
        "bad_type",
        "broken_json_line",
        "conflicting_key",
        "exact_duplicate",
        "late_file",
        "missing_column",
        "missing_key",
        "negative_qty",
        "not_allowed",
        "not_positive",
        "orphan",
        "truncated_gzip",
        "unknown_country",
        "unknown_currency",
        "wrong_file",
        "zero_qty",
    }
