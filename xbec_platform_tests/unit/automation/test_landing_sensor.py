"""The landing sensor: quiet files only, corrected files again, lost cursor harmless, bounded per tick."""

import json
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from xbec_platform.automation.landing_sensor import MAX_DAYS_PER_TICK, build_landing_sensor
from xbec_platform.settings import Settings

FROM, TO = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def settings(tmp_path: Path, days: int = 31) -> Settings:
    first = date(2026, 1, 1)
    return Settings(home=tmp_path, start_date=first, end_date=first + timedelta(days=days))


def land(home: Path, day: str, content: str = "x") -> Path:
    path = home / "landing" / "orders" / f"dt={day}" / "a.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def tick(sensor: dg.SensorDefinition, cursor: str | None) -> tuple[list[str], list[str], str]:
    """Windows (first and last day) and run keys asked for, and the cursor after the tick."""
    context = dg.build_sensor_context(cursor=cursor)
    result = sensor(context)
    requests = result.run_requests or [] if isinstance(result, dg.SensorResult) else []
    windows = [f"{r.tags[FROM]}..{r.tags[TO]}" for r in requests]
    return windows, [str(r.run_key) for r in requests], str(context.cursor)


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
    assert third == ["2026-01-05..2026-01-05"]
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
    assert days == ["2026-01-05..2026-01-05"]
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
    """A tick has a time limit, the newest day is what people wait for, and neighbours share the start of a run."""
    sensor = build_landing_sensor(settings(tmp_path, days=40))
    for number in (*range(20), *range(22, 40)):
        land(tmp_path, (date(2026, 1, 1) + timedelta(days=number)).isoformat())
    _, _, cursor = tick(sensor, None)
    days, _, cursor = tick(sensor, cursor)
    assert MAX_DAYS_PER_TICK == 30
    assert days == ["2026-01-23..2026-02-09", "2026-01-09..2026-01-20"]
    days, _, cursor = tick(sensor, cursor)
    assert days == ["2026-01-01..2026-01-08"]
    assert tick(sensor, cursor)[0] == []


def test_day_outside_the_home_is_named_and_not_asked_for(tmp_path: Path) -> None:
    """A request for a partition that does not exist would fail the tick."""
    sensor = build_landing_sensor(settings(tmp_path))
    land(tmp_path, "2030-01-01")
    _, _, cursor = tick(sensor, None)
    result = sensor(dg.build_sensor_context(cursor=cursor))
    assert isinstance(result, dg.SkipReason)
    assert "2030-01-01" in str(result.skip_message)
    assert json.loads(cursor)["seen"]
