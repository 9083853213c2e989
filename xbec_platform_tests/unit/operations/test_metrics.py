"""`xbec metrics`: figures that Prometheus' own parser reads, whole files only."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from xbec_platform.cli import app
from xbec_platform.operations.metrics import Figures, metrics_text
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ORDERS = {
    "runs": 2, "failures": 1, "step_s": 1.5, "queue_wait_s": 0.25, "rows": 7, "size_bytes": None,
    "newest_partition": date(1970, 1, 2), "last_built_ts": datetime(1970, 1, 1, 0, 1),
}  # fmt: skip


def read(text: str) -> dict[tuple[str, str], float]:
    """(name, value of the only label) -> number."""
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures_are_told_in_base_units() -> None:
    """Seconds, bytes, seconds since 1970; what is unknown is left out and not told as zero."""
    figures = Figures({"marts/fct_order": ORDERS}, 3, {"drift": 2}, 4096, 1)
    assert read(metrics_text(figures, NOW)) == {
        ("xbec_asset_runs", "marts/fct_order"): 2,
        ("xbec_asset_failures", "marts/fct_order"): 1,
        ("xbec_asset_step_seconds", "marts/fct_order"): 1.5,
        ("xbec_asset_queue_wait_seconds", "marts/fct_order"): 0.25,
        ("xbec_asset_rows", "marts/fct_order"): 7,
        ("xbec_asset_newest_day_timestamp_seconds", "marts/fct_order"): 86_400,
        ("xbec_asset_last_built_timestamp_seconds", "marts/fct_order"): 60,
        ("xbec_alerts_open", "drift"): 2,
        ("xbec_incidents_open", ""): 3,
        ("xbec_warehouse_size_bytes", ""): 4096,
        ("xbec_warehouse_waiting", ""): 1,
        ("xbec_metrics_written_timestamp_seconds", ""): NOW.timestamp(),
    }


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XBEC_HOME", str(tmp_path))
    return Settings(home=tmp_path)


def test_a_file_is_replaced_as_a_whole(home: Settings, tmp_path: Path) -> None:
    """A home that was loaded and never ran health has figures of its file; nothing else is left in the folder."""
    with Warehouse.of(home).transaction("test") as connection:
        connection.execute("CREATE TABLE something (x INTEGER)")
    out = tmp_path / "prom" / "xbec.prom"
    out.parent.mkdir()
    result = CliRunner().invoke(app, ["metrics", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert read(out.read_text())[("xbec_warehouse_size_bytes", "")] == home.warehouse.stat().st_size
    assert list(out.parent.iterdir()) == [out]


def test_a_busy_file_leaves_the_old_figures(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scrape must not wait for a run; the file's own time tells how old it is."""
    monkeypatch.setattr("xbec_platform.operations.read_only.WAIT_S", 0)
    out = tmp_path / "xbec.prom"
    out.write_text("old")
    with Warehouse.of(home).connect("a long run"):
        result = CliRunner().invoke(app, ["metrics", "--out", str(out)])
    assert result.exit_code == 1
    assert "a long run" in result.output
    assert out.read_text() == "old"


def test_nothing_loaded_yet(home: Settings) -> None:
    """A look must not create the warehouse."""
    assert CliRunner().invoke(app, ["metrics"]).exit_code == 3
    assert not home.warehouse.exists()
