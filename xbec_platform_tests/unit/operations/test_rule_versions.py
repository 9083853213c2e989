"""New versions of rules: the days they concern and no others; the first version changes nothing."""

from datetime import date, datetime
from pathlib import Path

from xbec_platform.ingest.store import create_tables
from xbec_platform.operations.rule_versions import (
    RuleRow,
    Stale,
    changes,
    listed_changes,
    seed_rows,
    stale_screenings,
    take_over,
)
from xbec_platform.warehouse.database import Warehouse

JAN = [date(2026, 1, day) for day in range(1, 32)]
BUILT = (JAN[0], date(2026, 2, 1))
NOW = datetime(2026, 2, 1)


def spans(old: list[RuleRow], new: list[RuleRow]) -> list[tuple[date, date, tuple[str, ...]]]:
    return [(one.start, one.end, one.rules) for one in changes("tariffs", old, new, days=BUILT, now=NOW)]


def test_days_of_the_old_and_of_the_new_validity() -> None:
    """A rule moved from the 5th..8th to the 7th..9th: all five days, end excluded; an untouched rule adds none."""
    stays = RuleRow("s", "stays", JAN[0], None)
    old, new = RuleRow("a", "DE-1", JAN[4], JAN[7]), RuleRow("b", "DE-1", JAN[6], JAN[8])
    assert spans([stays, old], [stays, new]) == [(JAN[4], JAN[9], ("DE-1",))]


def test_separate_spans_stay_separate_and_open_ends_reach_what_is_built() -> None:
    """Ten rules far apart must not rebuild what lies between; days before and after the built ones follow anyway."""
    new = [RuleRow("a", "A", date(2025, 1, 1), JAN[1]), RuleRow("b", "B", JAN[29], None)]
    assert spans([], new) == [(JAN[0], JAN[2], ("A",)), (JAN[29], BUILT[1], ("B",))]
    assert spans([], [RuleRow("c", "C", date(2026, 3, 1), None)]) == []
    assert spans([], [RuleRow("d", "D")]) == [(*BUILT, ("D",))]


def test_first_version_is_only_noted_and_the_list_is_kept(tmp_path: Path) -> None:
    """The same version again changes nothing; a lost cursor finds the list."""
    first, second = [RuleRow("a", "A", JAN[2], JAN[2])], [RuleRow("b", "A", JAN[2], JAN[2])]
    with Warehouse(tmp_path / "w.duckdb").transaction("test") as connection:
        assert take_over(connection, {"tariffs": first}, days=BUILT, now=NOW) == []
        (change,) = take_over(connection, {"tariffs": second}, days=BUILT, now=NOW)
        assert take_over(connection, {"tariffs": second}, days=BUILT, now=NOW) == []
        assert listed_changes(connection, NOW) == [change]
        # Back again: another change with another name, so that it is rebuilt too.
        (back,) = take_over(connection, {"tariffs": first}, days=BUILT, now=NOW)
    assert back.change_id != change.change_id


def test_seed_rows(tmp_path: Path) -> None:
    """The order of lines does not matter, a changed cell does; validity where the seed has it."""
    path = tmp_path / "stages.csv"
    path.write_text("stage,valid_from,hours\na,2026-01-03,1\nb,,2\n")
    rows = seed_rows(path)
    assert {(row.name, row.valid_from) for row in rows} == {("a 2026-01-03", JAN[2]), ("b ", None)}
    path.write_text("stage,valid_from,hours\nb,,2\na,2026-01-03,1\n")
    assert seed_rows(path) == rows
    path.write_text("stage,valid_from,hours\nb,,2\na,2026-01-03,9\n")
    assert len(set(seed_rows(path)) & set(rows)) == 1


def test_files_screened_under_other_rules(tmp_path: Path) -> None:
    """Loaded files of feeds that have rules; one that was rejected whole is not judged by them."""
    with Warehouse(tmp_path / "w.duckdb").transaction("test") as connection:
        create_tables(connection)
        rows = [
            ("orders", 1, "loaded", "old"), ("orders", 2, "loaded", None), ("orders", 3, "loaded", "new"),
            ("orders", 9, "rejected", "old"), ("customers", 1, "loaded", "new"), ("gone", 1, "loaded", "old"),
        ]  # fmt: skip
        for number, (feed, day, status, screened_by) in enumerate(rows):
            connection.execute(
                "INSERT INTO ops.file_manifest (file_id, feed, drop_date, path, status, rules_hash) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [number, feed, JAN[day], f"{feed}{day}", status, screened_by],
            )
        found = stale_screenings(connection, ["orders", "customers"], lambda _: "new")
    assert found == [Stale("orders", "new", 2, JAN[1], JAN[2])]
