"""Exports: equal rows give equal bytes, a reader sees a whole export, a failed run changes nothing."""

import hashlib
import json
import multiprocessing
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.publish import exports
from xbec_platform.publish.exports import write_exports

DAY = date(2011, 12, 9)
FOLDER = "as_of=2011-12-09"


def frames(n: int = 3) -> dict[str, pl.DataFrame]:
    """Two tables, one with a text that looks like a formula, one empty."""
    segments = pl.DataFrame(
        {
            "customer_id": [f"{i:05}" for i in range(n)],
            "segment": ["=cmd", *["loyal"] * (n - 1)],
            "net_base": [Decimal(i) / 4 for i in range(n)],
            "tags": [["b", "a"]] * n,
        },
        schema_overrides={"net_base": pl.Decimal(18, 4)},
    )
    return {"segments": segments, "assignment": pl.DataFrame(schema={"order_id": pl.String, "qty": pl.Int64})}


def content(folder: Path) -> dict[str, bytes]:
    """All files of a folder by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_files_and_manifest_say_the_same(tmp_path: Path) -> None:
    """The manifest is the receipt: rows, types and checksums must be those of the files beside it."""
    manifest = write_exports(
        frames=frames(),
        out=tmp_path,
        as_of=DAY,
        schema_versions={"segments": 2},
        notes={"consent": "none needed"},
    )
    files = content(tmp_path / FOLDER)
    written = json.loads(files["manifest.json"])
    assert set(files) == {
        "manifest.json", "segments.csv", "segments.parquet", "assignment.csv", "assignment.parquet",
    }  # fmt: skip
    assert files["manifest.json"].decode() == manifest.to_json()
    assert written["as_of"] == "2011-12-09"
    assert written["notes"] == {"consent": "none needed"}
    assert written["csv"]["formula_neutralisation"]["cell_starts_with"][:4] == ["=", "+", "-", "@"]
    segments = written["tables"]["segments"]
    assert (segments["schema_version"], segments["rows"], segments["neutralised_cells"]) == (2, 3, 1)
    assert segments["columns"][2] == {"name": "net_base", "type": "Decimal(precision=18, scale=4)"}
    for table in written["tables"].values():
        for item in table["files"]:
            assert hashlib.sha256(files[item["file"]]).hexdigest() == item["sha256"]
            assert len(files[item["file"]]) == item["bytes"]


def test_parquet_is_exact_and_csv_is_safe(tmp_path: Path) -> None:
    """Machines read Parquet unchanged, people open the CSV: only there is the text neutralised."""
    write_exports(frames=frames(), out=tmp_path, as_of=DAY)
    parquet = pl.read_parquet(tmp_path / FOLDER / "segments.parquet")
    assert parquet.equals(frames()["segments"])
    assert parquet.schema == frames()["segments"].schema
    csv = (tmp_path / FOLDER / "segments.csv").read_text(encoding="utf-8").splitlines()
    assert csv[0] == "customer_id,segment,net_base,tags"
    assert csv[1] == '00000,\'=cmd,0.0000,"[""b"",""a""]"'
    assert pl.read_parquet(tmp_path / FOLDER / "assignment.parquet").schema == frames()["assignment"].schema


def test_row_order_does_not_matter(tmp_path: Path) -> None:
    """Polars keeps no order; a diff of two exports must show changes of data only."""
    many = frames(500)
    shuffled = {
        name: frame.sample(fraction=1.0, shuffle=True, seed=7) for name, frame in reversed(many.items())
    }
    first = write_exports(frames=many, out=tmp_path / "a", as_of=DAY)
    second = write_exports(frames=shuffled, out=tmp_path / "b", as_of=DAY)
    assert first == second
    assert content(tmp_path / "a" / FOLDER) == content(tmp_path / "b" / FOLDER)


def test_writing_again_replaces_the_day_and_leaves_others(tmp_path: Path) -> None:
    """A table that is gone must not linger in the export of its day; other days are history."""
    write_exports(frames=frames(), out=tmp_path, as_of=DAY)
    write_exports(frames=frames(), out=tmp_path, as_of=date(2011, 12, 8))
    write_exports(frames={"segments": frames(5)["segments"]}, out=tmp_path, as_of=DAY)
    assert set(content(tmp_path / FOLDER)) == {"manifest.json", "segments.csv", "segments.parquet"}
    assert pl.read_parquet(tmp_path / FOLDER / "segments.parquet").height == 5
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "as_of=2011-12-08", FOLDER]


def test_a_run_that_fails_leaves_the_old_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk in the middle of writing must cost nothing of what was there."""
    write_exports(frames=frames(), out=tmp_path, as_of=DAY)
    before = content(tmp_path / FOLDER)

    def full_disk(_: pl.DataFrame) -> tuple[bytes, int]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports, "to_csv", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_exports(frames=frames(9), out=tmp_path, as_of=DAY)
    assert content(tmp_path / FOLDER) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", FOLDER]


@pytest.mark.parametrize("leftover", [".as_of=2011-12-09.new", ".as_of=2011-12-09.old"])
def test_leftovers_of_a_killed_run_are_cleared(tmp_path: Path, leftover: str) -> None:
    """Kill -9 leaves its folders; the next run must neither trip over them nor publish them."""
    (tmp_path / leftover).mkdir()
    (tmp_path / leftover / "segments.csv").write_text("half")
    write_exports(frames=frames(), out=tmp_path, as_of=DAY)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", FOLDER]
    assert (tmp_path / FOLDER / "segments.csv").read_text(encoding="utf-8") != "half"


def test_a_kill_between_the_renames_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old export stepped aside and the new one never came: it is brought back even if the next run fails."""
    write_exports(frames=frames(), out=tmp_path, as_of=DAY)
    before = content(tmp_path / FOLDER)
    (tmp_path / FOLDER).rename(tmp_path / f".{FOLDER}.old")
    monkeypatch.setattr(exports, "to_csv", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_exports(frames=frames(), out=tmp_path, as_of=DAY)
    assert content(tmp_path / FOLDER) == before


def _write_often(out: Path, n: int) -> None:
    for _ in range(15):
        write_exports(frames=frames(n), out=out, as_of=DAY)


def test_two_writers_take_turns(tmp_path: Path) -> None:
    """A scheduled run and a person's run at once: one whole export of either, never a mixture."""
    context = multiprocessing.get_context("spawn")
    other = context.Process(target=_write_often, args=(tmp_path, 2))
    other.start()
    _write_often(tmp_path, 3)
    other.join(60)
    assert other.exitcode == 0
    files = content(tmp_path / FOLDER)
    for table in json.loads(files["manifest.json"])["tables"].values():
        for item in table["files"]:
            assert hashlib.sha256(files[item["file"]]).hexdigest() == item["sha256"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"../x": pl.DataFrame()}, "rename '../x'"),
        ({"=x": pl.DataFrame()}, "rename '=x'"),
        ({"x": pl.DataFrame({"=cmd": [1]})}, "rename '=cmd'"),
        ({"x": pl.DataFrame({"b": [b"1"]})}, "x.b is Binary"),
        ({"x": pl.DataFrame({"h": pl.Series([1], dtype=pl.Int128)})}, "x.h is Int128"),
    ],
)
def test_bad_names_and_types_are_refused(tmp_path: Path, bad: dict[str, pl.DataFrame], message: str) -> None:
    """A name becomes a path and a heading; a type without a text form would fail half-way."""
    with pytest.raises(ValueError, match=message):
        write_exports(frames=bad, out=tmp_path, as_of=DAY)
    assert not list(tmp_path.iterdir())


def test_a_version_of_no_table_is_refused(tmp_path: Path) -> None:
    """A typing error would leave version 1 on a table whose columns changed."""
    with pytest.raises(ValueError, match="schema_versions has segment:"):
        write_exports(frames=frames(), out=tmp_path, as_of=DAY, schema_versions={"segment": 2})


def test_links_lead_to_the_files(tmp_path: Path) -> None:
    """The page lies in reports/, the export in exports/: each link must hit a file."""
    manifest = write_exports(frames=frames(), out=tmp_path / "exports", as_of=DAY)
    (tmp_path / "reports").mkdir()
    hrefs = [href for link in manifest.links() for href in link.hrefs.values()]
    assert len(hrefs) == 5
    assert all((tmp_path / "reports" / href).resolve().is_file() for href in hrefs)
    assert [(link.name, link.rows) for link in manifest.links()] == [
        ("assignment", 0), ("segments", 3), ("manifest", None),
    ]  # fmt: skip
