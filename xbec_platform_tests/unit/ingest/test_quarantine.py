"""The quarantine for people: what is listed and shown, hostile values as text; replay gives what a fresh home has."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xbec_platform.commands.quarantine import app
from xbec_platform.ingest import rules as rules_module
from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.intake import run_intake
from xbec_platform.ingest.quarantine import (
    NotQuarantinedError,
    concerned_columns,
    find_record,
    reason_counts,
    rule_id,
    visible,
)
from xbec_platform.ingest.replay import Replayed, files_to_replay, replay
from xbec_platform.ingest.rules import rules_hash
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.warehouse.fingerprint import fingerprints

HEADER = "order_id,line_no,product_id,qty,unit_price,currency\n"
PATH = "order_lines/dt=2026-01-02/a.csv"
STRICT = """
source: order_lines
owner: team:test
rules:
  - {id: too_dear, severity: reject, when: unit_price > 100, message: 'unit_price: is above 100', reason: A test}
"""
HOSTILE = "[red]\x1b[2J\u202e<b>"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with rules of its own and two files: a cheap line, a dear one, and one with two faults."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "order_lines.yml").write_text(STRICT)
    monkeypatch.setattr(rules_module, "FOLDER", folder)
    monkeypatch.setenv("XBEC_HOME", str(tmp_path))
    rules_module.load_folder.cache_clear()
    land(tmp_path, PATH, f"O1,1,P,1,10,EUR\nO1,2,P,1,200,EUR\n{HOSTILE},3,,0,10,EUR\n")
    land(tmp_path, "order_lines/dt=2026-01-03/b.csv", "O2,1,P,1,50,EUR\n")
    run_intake(warehouse(tmp_path), tmp_path / "landing")
    yield tmp_path
    rules_module.load_folder.cache_clear()


def land(home: Path, path: str, rows: str) -> None:
    target = home / "landing" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(HEADER + rows)


def set_limit(home: Path, limit: int) -> None:
    (home / "rules" / "order_lines.yml").write_text(STRICT.replace("> 100", f"> {limit}"))
    rules_module.load_folder.cache_clear()


def warehouse(home: Path) -> Warehouse:
    from xbec_platform.settings import Settings

    return Warehouse(Settings(home=home).warehouse)


def replayed(
    home: Path, *, dry_run: bool = False, everything: bool = False, block_rows: int = 100
) -> list[Replayed]:
    with warehouse(home).connect("test") as connection:
        hashes = {"order_lines": rules_hash("order_lines")}
        files = files_to_replay(connection, everything=everything, hashes=hashes)
    return list(replay(warehouse(home), home / "landing", files, dry_run=dry_run, block_rows=block_rows))


def tables(home: Path) -> dict[str, tuple[int, str]]:
    with warehouse(home).connect("test") as connection:
        return fingerprints(connection)


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    return done.exit_code, done.output


def test_counts_name_reason_and_first_place(home: Path) -> None:
    """A record with two reasons counts under both; most frequent first, equals by name."""
    with warehouse(home).connect("test") as connection:
        counts = reason_counts(connection)
        assert counts.select("reason", "records", "path", "row_no").rows() == [
            ("product_id: is missing", 1, PATH, 3),
            ("qty: is not above 0", 1, PATH, 3),
            ("unit_price: is above 100 [too_dear]", 1, PATH, 2),
        ]
        assert reason_counts(connection, reason="QTY").height == 1
        assert reason_counts(connection, day=date(2026, 1, 3)).is_empty()
        assert reason_counts(connection, feed="orders").is_empty()
        assert reason_counts(connection, limit=2).height == 2


def test_a_record_is_shown_with_what_was_promised(home: Path) -> None:
    """The columns its reasons speak of, and no other."""
    with warehouse(home).connect("test") as connection:
        record = find_record(connection, PATH, 3)
        dear = find_record(connection, PATH, 2)
        with pytest.raises(NotQuarantinedError, match=r"record 1 of .* its records there start with 2, 3"):
            find_record(connection, PATH, 1)
        with pytest.raises(NotQuarantinedError, match="quarantine list"):
            find_record(connection, "nowhere", 1)
    contract = contracts()["order_lines"]
    assert record.raw["order_id"] == HOSTILE
    assert [column.name for column in concerned_columns(record, contract)] == ["product_id", "qty"]
    assert [column.name for column in concerned_columns(dear, contract)] == ["unit_price"]
    assert rule_id(dear.reasons[0]) == "too_dear"
    assert rule_id("text: says [too_dear") is None


@pytest.mark.usefixtures("home")
def test_commands_show_hostile_values_as_text() -> None:
    """No escape sequence or direction sign reaches the terminal, no markup is obeyed."""
    code, text = run("show", f"{PATH}:3")
    assert code == 0, text
    assert r"[red]\x1b[2J\u202e<b>" in text
    assert not re.search("[\x1b\u202e]", text)
    assert "qty: is not above 0" in text
    assert "integer, required, > 0, in pieces" in text
    code, text = run("list")
    assert code == 0
    assert "Quarantine: 2 records" in text
    assert run("show", PATH)[0] == 2
    assert run("show", PATH, "1")[0] == 3


@pytest.mark.parametrize("block_rows", [1, 100])
def test_dry_run_tells_and_changes_nothing(home: Path, block_rows: int) -> None:
    """The accounts before and after, and equal tables; so for a file that is larger than memory."""
    before = tables(home)
    set_limit(home, 300)
    (a, b) = replayed(home, dry_run=True, block_rows=block_rows)
    assert a.after is not None
    assert (a.before.rows_loaded, a.before.rows_quarantined) == (1, 2)
    assert (a.after.rows_loaded, a.after.rows_quarantined) == (2, 1)
    assert b.before == b.after
    assert tables(home) == before


@pytest.mark.parametrize("block_rows", [1, 100])
@pytest.mark.parametrize("limit", [300, 20, 100])
def test_replay_gives_what_a_fresh_home_has(
    home: Path, tmp_path_factory: pytest.TempPathFactory, limit: int, block_rows: int
) -> None:
    """Looser, stricter and equal rules; a stricter one takes a row out of a file that had no fault."""
    set_limit(home, limit)
    done = replayed(home, block_rows=block_rows)
    assert [one.file.path for one in done] == (
        [PATH] if limit == 100 else [PATH, "order_lines/dt=2026-01-03/b.csv"]
    )
    assert all(one.problem is None for one in done)
    fresh = tmp_path_factory.mktemp("fresh")
    (home / "landing").rename(fresh / "landing")
    run_intake(warehouse(fresh), fresh / "landing")
    assert tables(home) == tables(fresh)


def test_a_file_that_is_gone_or_changed_is_left_alone(home: Path) -> None:
    """Its rows stay: half a replay would lose them."""
    before = tables(home)
    (home / "landing" / PATH).unlink()
    land(home, "order_lines/dt=2026-01-03/b.csv", "O2,1,P,1,51,EUR\n")
    gone, changed = replayed(home, everything=True)
    assert gone.after is None
    assert "is gone from the landing folder" in (gone.problem or "")
    assert "run the intake" in (changed.problem or "")
    assert tables(home) == before
    assert run("replay", "--all")[0] == 1


def test_replay_command_prints_before_and_after(home: Path) -> None:
    """Only the file asked for."""
    set_limit(home, 300)
    code, text = run("replay", "--file", PATH)
    assert code == 0, text
    assert "1 -> 2" in text
    assert "2 -> 1" in text
    assert "b.csv" not in text
    assert run("replay", "--source", "orders")[0] == 3


def test_another_reading_takes_loaded_files_again(home: Path) -> None:
    """1.500 was read as one and a half; who declares the comma later gets what a fresh home has."""
    land(home, "order_lines/dt=2026-01-04/c.csv", "O3,1,P,1,1.500,EUR\n")
    run_intake(warehouse(home), home / "landing")
    assert "c.csv" not in run("replay", "--dry-run")[1]
    (home / "reading.yml").write_text("order_lines: {decimal: ',', thousands: .}")
    code, text = run("replay", "--source", "order_lines")
    assert code == 0, text
    with warehouse(home).connect("test") as connection:
        assert reason_counts(connection, day=date(2026, 1, 4))["reason"].to_list() == [
            "unit_price: is above 100 [too_dear]"
        ]


def test_visible_keeps_letters_of_all_scripts() -> None:
    """Only what cannot be seen, or moves what is seen, is spelled out."""
    assert visible("Größe 箱 \u202e\n\x00") == "Größe 箱 \\u202e\\n\\x00"
