"""Structured logs of runs, one JSON object a line: in `logs/runs-<day>.jsonl` of the home, on a terminal if wanted.

Nothing is sent anywhere. Dagster hands every event of every run to the first handler (`python_logs` in dagster.yaml),
whoever started it. A range of days reports each asset once per day; here it is one line per asset and step, with its
first and last day.
"""

import json
import logging
import os
import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TextIO

# Files of older days are removed when a run of a new day writes its first line.
KEPT = timedelta(days=30)
# Runs were once called pipelines, and in Dagster's events they still are.
_SHOWN = {
    "PIPELINE_START": "RUN_START",
    "PIPELINE_SUCCESS": "RUN_SUCCESS",
    "PIPELINE_FAILURE": "RUN_FAILURE",
    "PIPELINE_CANCELED": "RUN_CANCELED",
    "STEP_START": "STEP_START",
    "STEP_SUCCESS": "STEP_SUCCESS",
    "STEP_FAILURE": "STEP_FAILURE",
}
_ENDS = frozenset({"STEP_SUCCESS", "STEP_FAILURE"})
_TEXT_LENGTH = 2000


@dataclass
class _Built:
    """An asset within a running step: its days and what its last materialisation said."""

    partitions: set[str]
    rows: int | None = None
    size_bytes: int | None = None


class JsonLinesHandler(logging.Handler):
    """Appends lines; several processes may share a file, as each line is one write."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = Path(folder)
        self._built: dict[tuple[str, str], dict[str, _Built]] = {}
        self._cpu: dict[tuple[str, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write what a record says, or remember it until its step ends."""
        try:
            meta: Mapping[str, Any] = getattr(record, "dagster_meta", {})
            event = meta.get("dagster_event") or getattr(record, "dagster_event", None)
            name = event.event_type_value if event is not None else "LOG"
            kind = _SHOWN.get(name, name)
            step = (
                str(meta.get("run_id")),
                str(meta.get("step_key") or (event.step_key if event else "") or ""),
            )
            if kind == "ASSET_MATERIALIZATION":
                self._remember(step, event)
            if kind == "STEP_START":
                self._cpu[step] = _cpu_s()
            if name in _SHOWN or (kind == "LOG" and record.levelno >= logging.INFO):
                self._write(record.created, self._line(record, meta, kind, step, event))
            if kind in _ENDS:
                for asset, built in sorted(self._built.pop(step, {}).items()):
                    self._write(
                        record.created, _common(record, meta, "ASSET_BUILT", step) | _asset(asset, built)
                    )
        except OSError:
            self.handleError(record)

    def _remember(self, step: tuple[str, str], event: Any) -> None:
        said = event.step_materialization_data.materialization
        name = "/".join(said.asset_key.path)
        built = self._built.setdefault(step, {}).setdefault(name, _Built(set()))
        if said.partition is not None:
            built.partitions.add(said.partition)
        rows, size = (said.metadata.get(label) for label in ("dagster/row_count", "bytes"))
        built.rows = rows.value if rows is not None else built.rows
        built.size_bytes = size.value if size is not None else built.size_bytes

    def _line(
        self, record: logging.LogRecord, meta: Mapping[str, Any], kind: str, step: tuple[str, str], event: Any
    ) -> dict[str, Any]:
        line = _common(record, meta, kind, step)
        if kind in _ENDS and step in self._cpu:
            line["cpu_s"] = round(_cpu_s() - self._cpu.pop(step), 3)
        if kind == "STEP_SUCCESS":
            line["duration_s"] = round(event.step_success_data.duration_ms / 1000, 3)
        if kind in {"LOG", "STEP_FAILURE", "RUN_FAILURE"}:
            text = str(
                meta.get("orig_message")
                or (event.message if event is not None else "")
                or record.getMessage()
            )
            line["message"] = text[:_TEXT_LENGTH]
        return line

    def _write(self, created: float, line: Mapping[str, Any]) -> None:
        path = self._folder / f"runs-{datetime.fromtimestamp(created, UTC):%Y-%m-%d}.jsonl"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            _remove_old(self._folder, datetime.fromtimestamp(created, UTC) - KEPT)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(_text(line))


class JsonTerminalHandler(JsonLinesHandler):
    """The same lines on standard error."""

    def __init__(self) -> None:
        super().__init__("")
        self._terminal = terminal()

    def _write(self, created: float, line: Mapping[str, Any]) -> None:  # noqa: ARG002 - the parent's
        self._terminal.write(_text(line))
        self._terminal.flush()


def terminal() -> TextIO:
    """Standard error as a process was given it, for loggers to keep from before the first step.

    While steps run Dagster redirects standard error into a file and shows that with `tail`, which on a busy machine it
    ends before the last lines are out.
    """
    return _given_stderr() if sys.stderr is sys.__stderr__ else sys.stderr


@cache
def _given_stderr() -> TextIO:
    return os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")


def _text(line: Mapping[str, Any]) -> str:
    """A line; what is not known is left out."""
    return (
        json.dumps({name: value for name, value in line.items() if value not in (None, "")}, default=str)
        + "\n"
    )


def _common(
    record: logging.LogRecord, meta: Mapping[str, Any], kind: str, step: tuple[str, str]
) -> dict[str, Any]:
    """What every line holds: when, which run, which of its days, which step."""
    tags = meta.get("job_tags") or {}
    day = tags.get("dagster/partition")
    return {
        "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "event": kind,
        "run_id": step[0],
        "job": meta.get("job_name"),
        "first_day": tags.get("dagster/asset_partition_range_start") or day,
        "last_day": tags.get("dagster/asset_partition_range_end") or day,
        "step": step[1],
    }


def _asset(name: str, built: _Built) -> dict[str, Any]:
    return {
        "asset": name,
        "partitions": len(built.partitions) or None,
        "first_partition": min(built.partitions, default=None),
        "last_partition": max(built.partitions, default=None),
        "rows": built.rows,
        "bytes": built.size_bytes,
    }


def _cpu_s() -> float:
    """CPU seconds of this process and of the programs it started and saw end (dbt)."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def _remove_old(folder: Path, before: datetime) -> None:
    for path in folder.glob("runs-*.jsonl"):
        if path.name < f"runs-{before:%Y-%m-%d}.jsonl":
            path.unlink(missing_ok=True)
