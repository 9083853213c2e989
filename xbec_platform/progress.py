"""What a person at a terminal sees of a running job: one line per step as it starts, reports and ends."""

import logging
import sys
import time

import dagster as dg

_SHOWN_EVENTS = {"STEP_START": "…", "STEP_SUCCESS": "✓", "STEP_FAILURE": "✗"}
# Step progress repeats at most this often.
_REPEAT_S = 2.0


class ProgressHandler(logging.Handler):
    """Writes step events and the assets' own messages, with the seconds since the start."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._last = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, or nothing when it is of no interest."""
        event = getattr(record, "dagster_event", None) or getattr(record, "dagster_meta", {}).get(
            "dagster_event"
        )
        if event is not None:
            mark = _SHOWN_EVENTS.get(event.event_type_value)
            if mark:
                self._write(f"{mark} {event.step_key}")
            return
        now = time.monotonic()
        if record.levelno >= logging.WARNING or now - self._last > _REPEAT_S:
            self._last = now
            text = str(getattr(record, "dagster_meta", {}).get("orig_message", record.getMessage()))
            self._write(f"  {text}")

    def _write(self, text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - self._began:6.1f} s  {text}\n")
        sys.stderr.flush()


@dg.logger(config_schema=None, description="One line per step, for terminals.")
def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """A Dagster logger that writes to the terminal."""
    logger = logging.getLogger("xbec.progress")
    logger.handlers = [ProgressHandler()]
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    return logger
