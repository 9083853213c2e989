"""An operator's decision on groups: from the command through the landing folder to what the assets read, and back."""

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xbec_platform.assets.cluster_models import decisions_on
from xbec_platform.cli import app
from xbec_platform.ingest.intake import run_intake
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

DAY = date(2026, 1, 12)


def test_a_decision_is_landed_taken_in_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later of two decisions for one day counts; withdrawn, the earlier one counts again."""
    settings = Settings(home=tmp_path, start_date=date(2026, 1, 1), end_date=date(2026, 2, 1))
    settings.save()
    monkeypatch.setenv("XBEC_HOME", str(tmp_path))
    warehouse = Warehouse.of(settings)
    assert decisions_on(warehouse, "habits") == []

    def xbec(*arguments: str) -> str:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        run_intake(warehouse, settings.landing)
        return result.output

    def held() -> list[tuple[date, str, int | None, str]]:
        return [(one.valid_from, one.method, one.k, one.reason) for one in decisions_on(warehouse, "habits")]

    decided = ("--from", DAY.isoformat(), "--why")
    xbec("promote", "k-means", "--k", "4", *decided, "four, as campaigns have")
    assert held() == [(DAY, "k-means", 4, "four, as campaigns have")]
    said = xbec("promote", "automatic", *decided, "a mistake")
    assert held() == [(DAY, "automatic", None, "a mistake")]
    assert "dt=2026-01-31" in said  # the home ends before today
    xbec("withdraw", said.split(" says it", maxsplit=1)[0])
    assert held() == [(DAY, "k-means", 4, "four, as campaigns have")]
    xbec("promote", "gaussian_mixture", "--groups", "interests", *decided, "shapes")
    assert [one.method for one in decisions_on(warehouse, "interests")] == ["gaussian_mixture"]
    assert len(held()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("k-means", "--why", "x"), "give k"), (("hdbscan", "--why", " "), "give a reason")],
)
def test_a_decision_that_cannot_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    """Before anything is landed."""
    monkeypatch.setenv("XBEC_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["promote", *arguments, "--from", DAY.isoformat()])
    assert (result.exit_code, words in result.output) == (2, True)
    assert not (tmp_path / "landing").exists()
