"""Lines of a running backfill: a line for every stored day, none lost to the brake on chatter."""

from datetime import date

from xbec_platform.operations.day_progress import DayProgress


class Clock:
    """Seconds that pass when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now


def test_every_stored_day_has_its_line_however_fast() -> None:
    """Ten days a second are ten lines: whoever stops the run must know which were stored."""
    progress = DayProgress(date(2026, 1, 1), date(2026, 1, 31), Clock())
    lines = [
        progress.message(f"warehouse plan 2026-01-{day:02d}: 7 rows", is_warning=False) for day in (1, 2, 31)
    ]
    assert lines == [
        "   0.0 s    day 1 of 31: 2026-01-01 warehouse plan stored",
        "   0.0 s    day 2 of 31: 2026-01-02 warehouse plan stored",
        "   0.0 s    day 31 of 31: 2026-01-31 warehouse plan stored",
    ]


def test_chatter_is_slowed_down_and_warnings_are_not() -> None:
    """An intake of 5,000 files would fill the screen; a file that is not read must not be hidden by that."""
    clock = Clock()
    progress = DayProgress(date(2026, 1, 1), date(2026, 1, 1), clock)
    assert progress.message("intake: 1 of 5 files", is_warning=False) == "   0.0 s    intake: 1 of 5 files"
    assert progress.message("intake: 2 of 5 files", is_warning=False) is None
    assert progress.message("not read: a link", is_warning=True) == "   0.0 s    not read: a link"
    clock.now += 2.0
    assert progress.message("intake: 3 of 5 files", is_warning=False) == "   2.0 s    intake: 3 of 5 files"


def test_steps_begin_and_end() -> None:
    """Other events of Dagster are of no interest."""
    progress = DayProgress(date(2026, 1, 1), date(2026, 1, 1), Clock())
    assert progress.step("STEP_START", "intake") == "   0.0 s  … intake"
    assert progress.step("STEP_FAILURE", "intake") == "   0.0 s  ✗ intake"
    assert progress.step("ASSET_MATERIALIZATION", "intake") is None
