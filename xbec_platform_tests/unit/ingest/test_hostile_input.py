"""Hostile names, links and values are just text, and no file is taken twice or from outside the landing folder."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.ingest.intake import run_intake
from xbec_platform.ingest.landing import discover
from xbec_platform.publish.csv_text import to_csv
from xbec_platform.warehouse.database import Warehouse

HEADER = "rate_date,currency,rate_to_base,source\n"
SQL = "x'); DROP TABLE raw.fx_rates; --"
HTML = "<script>alert(1)</script>"
NAMES = [
    "it's; DROP TABLE raw.fx_rates; --.csv",
    "<img src=x onerror=alert(1)>.csv",
    "{{ 7*7 }} $(touch pwned) `id`.csv",
    "-rf.csv",
    "line\nbreak.csv",
    "名前 é.csv",
    "a*?[b].csv",
]


def land(landing: Path, name: str, content: str) -> Path:
    path = landing / "fx_rates" / "dt=2026-01-02" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def row(currency: str, source: str) -> str:
    return f'2026-01-01,{currency},1.5,"{source}"\n'


@pytest.mark.parametrize("name", NAMES)
def test_hostile_file_names_are_only_names(tmp_path: Path, name: str) -> None:
    """A name reaches SQL, glob patterns, messages and the manifest; it must do nothing there."""
    land(tmp_path / "landing", name, HEADER + row("USD", "ecb"))
    warehouse = Warehouse(tmp_path / "w.duckdb")
    report = run_intake(warehouse, tmp_path / "landing")
    assert report.rejected == []
    with warehouse.connect("test") as connection:
        paths = connection.execute("SELECT path FROM ops.file_manifest").fetchall()
        assert connection.execute("SELECT count(*) FROM raw.fx_rates").fetchall() == [(1,)]
    assert paths == [(f"fx_rates/dt=2026-01-02/{name}",)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["landing", "w.duckdb", "w.duckdb.queue"]


@pytest.mark.parametrize("value", [SQL, HTML, "=HYPERLINK(0)", "../../etc/passwd", "\u202etxt.exe", "%s{0}"])
def test_hostile_values_arrive_unchanged(tmp_path: Path, value: str) -> None:
    """Loaded or quarantined, a value is what the file said, no more and no less."""
    land(tmp_path / "landing", "a.csv", HEADER + row("USD", value) + f'2026-01-01,"{value}",1.5,bank\n')
    warehouse = Warehouse(tmp_path / "w.duckdb")
    run_intake(warehouse, tmp_path / "landing")
    with warehouse.connect("test") as connection:
        assert connection.execute("SELECT source FROM raw.fx_rates").fetchall() == [(value,)]
        raw = connection.execute("SELECT raw_json::JSON->>'currency' FROM quarantine.records").fetchall()
    assert raw == [(value,)]


def test_links_out_of_the_landing_folder_are_refused_by_name(tmp_path: Path) -> None:
    """A link to a file, a day or a feed could publish any file of the machine through the quarantine."""
    outside = tmp_path / "outside"
    day = outside / "dt=2026-01-02"
    day.mkdir(parents=True)
    (day / "private.csv").write_text(HEADER + row("USD", "private"))
    landing = tmp_path / "landing"
    land(landing, "good.csv", HEADER + row("EUR", "ecb"))
    (landing / "fx_rates" / "dt=2026-01-02" / "link.csv").symlink_to(day / "private.csv")
    (landing / "fx_rates" / "dt=2026-01-03").symlink_to(day)
    (landing / "orders").symlink_to(outside)
    found = discover(landing)
    assert [file.path for file in found.files] == ["fx_rates/dt=2026-01-02/good.csv"]
    assert [path for path, _ in found.misplaced] == [
        "fx_rates/dt=2026-01-02/link.csv",
        "fx_rates/dt=2026-01-03",
        "orders",
    ]


def test_only_complete_regular_files_are_taken(tmp_path: Path) -> None:
    """Files under way, markers and pipes: reading a pipe would hang the intake for ever."""
    for name in (".hidden.csv", "_SUCCESS", "a.csv.part", "a.csv.tmp", "a.csv.done"):
        land(tmp_path, name, HEADER)
    os.mkfifo(tmp_path / "fx_rates" / "dt=2026-01-02" / "pipe.csv")
    found = discover(tmp_path)
    assert found.files == ()
    assert [path for path, _ in found.misplaced] == ["fx_rates/dt=2026-01-02/pipe.csv"]


def test_day_folders_that_only_look_like_days_are_misplaced(tmp_path: Path) -> None:
    """`dt=2026-02-30` and names with dots lead nowhere."""
    for name in ("dt=2026-02-30", "dt=..", "dt=2026-01-02 ", "2026-01-02"):
        (tmp_path / "fx_rates" / name).mkdir(parents=True)
        (tmp_path / "fx_rates" / name / "a.csv").write_text(HEADER)
    found = discover(tmp_path, start=date(2020, 1, 1))
    assert found.files == ()
    assert len(found.misplaced) == 4


def test_metadata_of_the_ui_shows_html_as_text() -> None:
    """Dagster renders Markdown: reasons and paths come from files."""
    frame = pl.DataFrame({"path": [f"{HTML}|x\ny"], "error": ["<b>"]})
    for value in (markdown_table(frame), bars({HTML: 1.0}, unit="rows")):
        text = str(value.value)
        assert "<script" not in text
        assert "<b>" not in text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_exports_neutralise_formulas(start: str) -> None:
    """Whoever opens an export in a spreadsheet runs nothing that a customer wrote."""
    content, neutralised = to_csv(pl.DataFrame({"note": [f"{start}cmd|' /C calc'!A0"], "n": [-1]}))
    assert neutralised == 1
    assert content.decode().split("\n", maxsplit=1)[1].lstrip('"').startswith(f"'{start}")
    assert content.decode().rstrip().endswith(",-1")


CHILD = """
import sys
from pathlib import Path
from xbec_platform.ingest.intake import run_intake
from xbec_platform.warehouse.database import Warehouse
home = Path(sys.argv[1])
run_intake(Warehouse(home / "w.duckdb"), home / "landing")
"""


def test_processes_at_once_take_each_file_once(tmp_path: Path) -> None:
    """Two sensors and a person at the command line: real processes, one account per file, no row twice."""
    for number in range(30):
        rows = "".join(row("USD", f"s{number}-{n}").replace("-01-01", f"-01-{n:02d}") for n in range(1, 3))
        land(tmp_path / "landing", f"f{number:02d}.csv", HEADER + rows)
    children = [
        subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], cwd=Path(__file__).parents[3])
        for _ in range(3)
    ]
    assert [child.wait(timeout=300) for child in children] == [0, 0, 0]
    with Warehouse(tmp_path / "w.duckdb").connect("test") as connection:
        loaded = connection.execute("SELECT count(*), count(DISTINCT source) FROM raw.fx_rates").fetchall()
        files = connection.execute("SELECT count(*), count(DISTINCT path) FROM ops.file_manifest").fetchall()
    assert loaded == [(60, 60)]
    assert files == [(30, 30)]
