"""What a person sees of a running backfill: a line per step, and one per day where a step stores day by day."""

import logging
import re
import time
from collections.abc import Callable
from datetime import date, timedelta

import dagster as dg

from xbec_platform.progress import failure, terminal_logger
from xbec_platform.run_log import terminal

LOGGER = "days"
_STEP_EVENTS = {"STEP_START": "…", "STEP_SUCCESS": "✓", "STEP_FAILURE": "✗"}
# `warehouse plan 2026-01-05: 812 rows`: what model assets say when a day is stored.
_DAY_STORED = re.compile(r"^(?P<what>[\w ]+) (?P<day>\d{4}-\d{2}-\d{2}): ")
_REPEAT_S = 2.0


class DayProgress:
    """Turns what a run says into lines.

    Args:
        first: First day of the run.
        last: Last day, included.
        clock: Seconds; for tests.
    """

    def __init__(self, first: date, last: date, clock: Callable[[], float] = time.monotonic) -> None:
        self._first, self._days = first, (last - first).days + 1
        self._last_day = last
        self._clock, self._began, self._spoke = clock, clock(), -_REPEAT_S

    def step(self, event: str, step: str, why: str = "") -> str | None:
        """The line of a step's start, end or failure."""
        mark = _STEP_EVENTS.get(event)
        return self._line(f"{mark} {step}{why}") if mark else None

    def message(self, text: str, *, is_warning: bool) -> str | None:
        """The line of an asset's message: every finished day and every warning, others at most every 2 s."""
        stored = _DAY_STORED.match(text)
        day = date.fromisoformat(stored["day"]) if stored else None
        if stored and day and self._first <= day <= self._last_day:
            number = (day - self._first + timedelta(days=1)).days
            return self._line(f"  day {number} of {self._days}: {day} {stored['what']} stored")
        now = self._clock()
        if is_warning or now - self._spoke >= _REPEAT_S:
            self._spoke = now
            return self._line(f"  {text}")
        return None

    def _line(self, text: str) -> str:
        return f"{self._clock() - self._began:6.1f} s  {text}"


class _Handler(logging.Handler):
    """Writes the lines to standard error."""

    def __init__(self, progress: DayProgress) -> None:
        super().__init__()
        self._progress = progress
        self._terminal = terminal()

    def emit(self, record: logging.LogRecord) -> None:
        facts = getattr(record, "dagster_meta", {})
        event = getattr(record, "dagster_event", None) or facts.get("dagster_event")
        if event is not None:
            line = self._progress.step(event.event_type_value, event.step_key or "", failure(event))
        else:
            text = str(facts.get("orig_message", record.getMessage()))
            line = self._progress.message(text, is_warning=record.levelno >= logging.WARNING)
        if line is not None:
            self._terminal.write(line + "\n")
            self._terminal.flush()


def day_logger(log_format: str) -> dg.LoggerDefinition:
    """Dagster's logger that writes a backfill to the terminal, in text or json."""

    @dg.logger(
        config_schema={"first": str, "last": str},
        description="One line per step and per stored day, for terminals.",
    )
    def days(context: dg.InitLoggerContext) -> logging.Logger:
        first, last = (date.fromisoformat(context.logger_config[name]) for name in ("first", "last"))
        return terminal_logger("xbec.days", _Handler(DayProgress(first, last)), log_format)

    return days
