"""What a person at a terminal sees of a running job: one line per step as it starts, reports and ends."""

import logging
import time

import dagster as dg

from xbec_platform.run_log import JsonTerminalHandler, terminal

_SHOWN_EVENTS = {"STEP_START": "…", "STEP_SUCCESS": "✓", "STEP_FAILURE": "✗"}
# Step progress repeats at most this often.
_REPEAT_S = 2.0


class ProgressHandler(logging.Handler):
    """Writes step events and the assets' own messages, with the seconds since the start."""

    def __init__(self) -> None:
        super().__init__()
        self._terminal = terminal()
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
                self._write(f"{mark} {event.step_key}{failure(event)}")
            return
        now = time.monotonic()
        if record.levelno >= logging.WARNING or now - self._last > _REPEAT_S:
            self._last = now
            text = str(getattr(record, "dagster_meta", {}).get("orig_message", record.getMessage()))
            self._write(f"  {text}")

    def _write(self, text: str) -> None:
        self._terminal.write(f"{time.monotonic() - self._began:6.1f} s  {text}\n")
        self._terminal.flush()


def failure(event: dg.DagsterEvent) -> str:
    """Why a step failed, to be put behind its name; empty for other events."""
    if event.event_type != dg.DagsterEventType.STEP_FAILURE:
        return ""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return f": {data.user_failure_data.description}"
    cause = data.error.cause or data.error if data.error else None
    return f": {cause.message.strip()}" if cause else ""


def terminal_logger(name: str, handler: logging.Handler, log_format: str) -> logging.Logger:
    """A logger for a run that writes to the terminal: with a handler for people, or as JSON.

    Args:
        name: Of the logger.
        handler: Used when the format is text.
        log_format: text or json.
    """
    logger = logging.getLogger(name)
    logger.handlers = [handler if log_format == "text" else JsonTerminalHandler()]
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    return logger


def run_loggers(log_format: str) -> dict[str, dg.LoggerDefinition]:
    """Dagster's loggers of a home: that of runs nobody watches, and the one for terminals."""

    @dg.logger(config_schema=None, description="One line per step, for terminals.")
    def progress(_: dg.InitLoggerContext) -> logging.Logger:
        return terminal_logger("xbec.progress", ProgressHandler(), log_format)

    @dg.logger(config_schema=None, description="One JSON object per event, for programs.")
    def console(_: dg.InitLoggerContext) -> logging.Logger:
        return terminal_logger("xbec.console", JsonTerminalHandler(), log_format)

    return {"console": dg.colored_console_logger if log_format == "text" else console, "progress": progress}
