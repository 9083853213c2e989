"""`xbec automation`: one switch, kept in the home's file, that a person's own choice in the UI overrides."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from xbec_platform.cli import app
from xbec_platform.settings import Settings


def test_on_off_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything off on a fresh home, everything on after one line."""
    monkeypatch.setenv("XBEC_HOME", str(tmp_path))
    runner = CliRunner()

    def states(*arguments: str) -> set[str]:
        found = runner.invoke(app, ["automation", *arguments])
        assert found.exit_code == 0, found.output
        rows = [line.split("│") for line in found.output.splitlines() if line.startswith("│ ")]
        return {cells[3].strip() for cells in rows if cells[1].strip()}

    assert states() == {"off"}
    assert states("on") == {"on"}
    assert Settings.from_env({"XBEC_HOME": str(tmp_path)}).automation
    assert states("status") == {"on"}
    assert states("off") == {"off"}
