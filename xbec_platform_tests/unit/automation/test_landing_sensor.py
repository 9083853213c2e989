"""The landing sensor: quiet files only, corrected files again, lost cursor harmless, bounded per tick."""

import json
from datetime import date
from pathlib import Path

import dagster as dg

from xbec_platform.automation.landing_sensor import MAX_DAYS_PER_TICK, build_landing_sensor
from xbec_platform.settings import Settings


def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, start_date=date(2026, 1, 1), end_date=date(2026, 2, 1))


def land(home: Path, day: str, content: str = "x") -> Path:
    path = home / "landing" / "orders" / f"dt={day}" / "a.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def tick(sensor: dg.SensorDefinition, cursor: str | None) -> tuple[list[str], list[str], str]:
    """Partitions and run keys asked for, and the cursor after the tick."""
    context = dg.build_sensor_context(cursor=cursor)
    result = sensor(context)
    requests = result.run_requests or [] if isinstance(result, dg.SensorResult) else []
    return [str(r.partition_key) for r in requests], [str(r.run_key) for r in requests], str(context.cursor)


def test_a_file_must_be_quiet_for_two_ticks(tmp_path: Path) -> None:
    """A file that is still growing must not be read."""
    sensor = build_landing_sensor(settings(tmp_path))
    land(tmp_path, "2026-01-05")
    first, _, cursor = tick(sensor, None)
    assert first == []
    land(tmp_path, "2026-01-05", "still growing")
    second, _, cursor = tick(sensor, cursor)
    assert second == []
    third, _, cursor = tick(sensor, cursor)
    assert third == ["2026-01-05"]
    assert tick(sensor, cursor)[0] == []


def test_corrected_file_is_asked_for_again_with_a_new_key(tmp_path: Path) -> None:
    """Dagster never forgets a run key: the key must hold the state of the files."""
    sensor = build_landing_sensor(settings(tmp_path))
    land(tmp_path, "2026-01-05")
    _, _, cursor = tick(sensor, None)
    _, keys, cursor = tick(sensor, cursor)
    land(tmp_path, "2026-01-05", "corrected")
    _, _, cursor = tick(sensor, cursor)
    days, again, _ = tick(sensor, cursor)
    assert days == ["2026-01-05"]
    assert again != keys


def test_lost_cursor_asks_with_the_same_key(tmp_path: Path) -> None:
    """Without its memory the sensor asks again, and Dagster drops the repeat by its key."""
    sensor = build_landing_sensor(settings(tmp_path))
    land(tmp_path, "2026-01-05")
    _, _, cursor = tick(sensor, None)
    _, keys, _ = tick(sensor, cursor)
    _, _, cursor = tick(sensor, None)
    assert tick(sensor, cursor)[1] == keys


def test_a_flood_of_days_comes_in_portions_newest_first(tmp_path: Path) -> None:
    """A tick has a time limit, and the newest day is what people wait for."""
    sensor = build_landing_sensor(settings(tmp_path))
    for day in range(1, 21):
        land(tmp_path, f"2026-01-{day:02d}")
    _, _, cursor = tick(sensor, None)
    days, _, cursor = tick(sensor, cursor)
    assert days == [f"2026-01-{day:02d}" for day in range(20, 20 - MAX_DAYS_PER_TICK, -1)]
    assert tick(sensor, cursor)[0][0] == "2026-01-13"


def test_day_outside_the_home_is_named_and_not_asked_for(tmp_path: Path) -> None:
    """A request for a partition that does not exist would fail the tick."""
    sensor = build_landing_sensor(settings(tmp_path))
    land(tmp_path, "2030-01-01")
    _, _, cursor = tick(sensor, None)
    result = sensor(dg.build_sensor_context(cursor=cursor))
    assert isinstance(result, dg.SkipReason)
    assert "2030-01-01" in str(result.skip_message)
    assert json.loads(cursor)["seen"]
