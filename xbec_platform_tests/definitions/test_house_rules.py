"""Rules of the house that a reader relies on: who imports whom, who opens a database, who reads the environment."""

import ast
import re
from pathlib import Path

import pytest

from xbec_platform.as_of_sql import latest

PACKAGE = Path(__file__).parents[2] / "xbec_platform"
PURE = ("customers", "logistics", "recommendations")
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Modules a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def area(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize(
    "path", [p for p in FILES if area(p) in PURE], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_pure_packages_know_neither_dagster_nor_databases_nor_each_other(path: Path) -> None:
    """Models are functions of frames: they can be tested, timed and reused without the platform."""
    for name in imports(path):
        assert name.split(".")[0] not in {"dagster", "duckdb", "os"}, name
        if name.startswith("xbec_platform."):
            assert name.split(".")[1] == area(path), name


def test_nothing_but_the_entry_point_imports_assets() -> None:
    """Assets are wrappers; whoever imports them has logic in the wrong place."""
    allowed = {"definitions.py", "cli.py", "run_report.py"}
    for path in FILES:
        if area(path) in {"assets", "checks"} or path.name in allowed:
            continue
        assert not any(name.startswith("xbec_platform.assets") for name in imports(path)), path


def test_only_settings_reads_the_environment() -> None:
    """One place to look for what a variable does. Others may set variables for the programs they start."""
    for path in FILES:
        text = path.read_text()
        if path.name != "settings.py":
            assert "os.getenv" not in text, path
            assert "environ.get(" not in text, path


def test_only_the_warehouse_opens_the_live_file() -> None:
    """Every opening passes the fair wait; the snapshot is read by its check and by the service."""
    allowed = {"warehouse/database.py", "checks/published.py", "service/snapshot.py"}
    for path in FILES:
        if "duckdb.connect(" in path.read_text():
            assert str(path.relative_to(PACKAGE)) in allowed, path


@pytest.mark.parametrize("folder", ["assets", "automation", "checks"])
def test_no_postponed_annotations_where_dagster_reads_them(folder: str) -> None:
    """`from __future__ import annotations` breaks context and Config parameters (dagster #28342)."""
    for path in (PACKAGE / folder).glob("*.py"):
        assert "from __future__ import annotations" not in path.read_text(), path


def test_only_the_world_knows_its_truth() -> None:
    """A model that could read the answers would prove nothing: outside the generator nobody names them."""
    for path in FILES:
        if area(path) != "world":
            text = path.read_text()
            assert "truth_" not in text, path
            assert '/ "truth"' not in text or path.name == "run_report.py", path
            imported = {name for name in imports(path) if name.startswith("xbec_platform.world")}
            assert not imported or path.name in {"cli.py", "main_job.py", "run_report.py"}, path


def test_one_rule_says_which_of_two_versions_counts() -> None:
    """Models and decisions would differ where a version came twice: `latest` says what the macro says."""
    macro = (PACKAGE.parent / "dbt" / "macros" / "staging.sql").read_text()
    assert "_drop_date desc, _file_id desc, _row_no desc" in macro
    assert latest("a", "b").endswith("b DESC, _drop_date DESC, _file_id DESC, _row_no DESC) = 1")
    for path in FILES:
        assert path.name == "as_of_sql.py" or "_drop_date desc" not in path.read_text().lower(), path


def test_no_highspy() -> None:
    """It cannot be loaded in one process with OR-Tools 9.15 (or-tools #5246): in no lock file and no extra."""
    for name in ("requirements.lock", "pyproject.toml"):
        wanted = (PACKAGE.parent / name).read_text()
        assert not re.search(r"^\W*highspy", wanted, re.MULTILINE), name


def test_files_are_short() -> None:
    """One idea each: 350 lines are the limit."""
    long = {
        str(path.relative_to(PACKAGE)): n for path in FILES if (n := len(path.read_text().splitlines())) > 350
    }
    assert long == {}
