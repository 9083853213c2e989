"""A world as files: the days of a plan, each made for itself, in any number of processes."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import polars as pl

from xbec_platform.demo.files import encode, landing_path, replace_file
from xbec_platform.world.arrivals import parts_of_day
from xbec_platform.world.events import event_chunk
from xbec_platform.world.faults import Correction, DayFiles, PlantedFault, fault_days, plant_faults
from xbec_platform.world.feeds import Feed, daily_files, feeds, with_offsets
from xbec_platform.world.plan import Plan, build_plan
from xbec_platform.world.spec import WorldSpec, parameters


@dataclass(frozen=True, kw_only=True)
class DayReport:
    """What was written for one day.

    Attributes:
        files: Number of files.
        bytes: Their size.
        rows: Rows by source without the planted ones.
        faults: Planted faults.
        correction: On the day of the wrong file.
    """

    files: int
    bytes: int
    rows: dict[str, int]
    faults: tuple[PlantedFault, ...]
    correction: Correction | None


@dataclass(frozen=True, kw_only=True)
class WorldSummary:
    """What was written, and what is wrong with it.

    Attributes:
        spec: The world's arguments.
        files: Number of landing files.
        bytes: Their size.
        clean_rows: Rows by source without the planted ones: what is left when every fault is rejected and
            the correction is delivered.
        faults: Every planted fault.
        correction: For `faults.plant_correction`.
    """

    spec: WorldSpec
    files: int
    bytes: int
    clean_rows: dict[str, int]
    faults: tuple[PlantedFault, ...]
    correction: Correction


def generate_world(
    out: Path,
    spec: WorldSpec,
    *,
    processes: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> WorldSummary:
    """Write `out/landing/<source>/dt=<day>/` and, for tests only, `out/truth/`; equal arguments, equal bytes.

    Args:
        out: Folder of the world.
        spec: Seed, period and size.
        processes: Days are made in this many processes; each holds the plan.
        progress: Called with the days done and their number.
    """
    landing = out / "landing"
    plan = build_plan(spec)
    days = fault_days(plan)
    reports: list[DayReport] = []
    for report in _reports(plan, landing, days, processes):
        reports.append(report)
        progress(len(reports), spec.days)
    rows: Counter[str] = Counter()
    for report in reports:
        rows.update(report.rows)
    (correction,) = [report.correction for report in reports if report.correction]
    summary = WorldSummary(
        spec=spec,
        files=sum(report.files for report in reports),
        bytes=sum(report.bytes for report in reports),
        clean_rows={source: rows[source] for source in feeds()},
        faults=tuple(fault for report in reports for fault in report.faults),
        correction=correction,
    )
    _write_truth(out / "truth", plan, summary)
    return summary


def _reports(plan: Plan, landing: Path, days: dict[str, int], processes: int) -> Iterator[DayReport]:
    """Reports in the order of days."""
    if processes == 1:
        for day in range(plan.spec.days):
            yield make_day(plan, landing, day, days)
        return
    # Spawned, not forked: Polars has threads. Each process builds the plan again, which takes less time than
    # sending it.
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(plan.spec, landing, days),
    ) as pool:
        yield from pool.map(_make_day_in_worker, range(plan.spec.days))


_worker: dict[str, tuple[Plan, Path, dict[str, int]]] = {}


def _start_worker(spec: WorldSpec, landing: Path, days: dict[str, int]) -> None:
    _worker["plan"] = build_plan(spec), landing, days


def _make_day_in_worker(day: int) -> DayReport:
    plan, landing, days = _worker["plan"]
    return make_day(plan, landing, day, days)


def make_day(plan: Plan, landing: Path, day: int, days: dict[str, int]) -> DayReport:
    """Write the files of one day, faults included."""
    rows: Counter[str] = Counter()
    today = plan.spec.day(day)
    frames: dict[str, tuple[Feed, pl.DataFrame]] = {}
    written: dict[str, int] = {}
    for feed in feeds().values():
        for prefix, frame in _chunks(plan, feed, day):
            rows[feed.source] += frame.height
            for name, part in daily_files(feed, frame, today):
                frames[landing_path(feed.source, today, prefix + name)] = feed, part
            if prefix and prefix != "000_":
                # Later chunks of a large day hold no planted row: they need not wait in memory.
                written |= _write(landing, _taken(frames, prefix))
    files = DayFiles(spec=plan.spec, day=day, frames=frames)
    correction = plant_faults(files, plan, days)
    written |= _write(landing, files.frames)
    for path, content in files.extra.items():
        replace_file(landing / path, content)
        written[path] = len(content)
    return DayReport(
        files=len(written),
        bytes=sum(written.values()),
        rows=dict(rows),
        faults=tuple(files.faults),
        correction=correction,
    )


def _chunks(plan: Plan, feed: Feed, day: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """(prefix of file names, rows); only events come in more than one chunk."""
    parts = parts_of_day(plan.behaviour, day) if feed.source == "events" else 1
    if parts == 1:
        yield "", feed.rows(plan, day)
        return
    for part in range(parts):
        yield f"{part:03d}_", event_chunk(plan, day, part)


def _taken(frames: dict[str, tuple[Feed, pl.DataFrame]], prefix: str) -> dict[str, tuple[Feed, pl.DataFrame]]:
    """Take the files with a prefix out."""
    paths = [path for path in frames if path.rsplit("/", 1)[1].startswith(prefix)]
    return {path: frames.pop(path) for path in paths}


def _write(landing: Path, frames: dict[str, tuple[Feed, pl.DataFrame]]) -> dict[str, int]:
    """Write files and return their sizes."""
    sizes = {}
    for path, (feed, frame) in frames.items():
        content = encode(with_offsets(feed.source, frame), feed.suffix)
        replace_file(landing / path, content)
        sizes[path] = len(content)
    return sizes


def _write_truth(folder: Path, plan: Plan, summary: WorldSummary) -> None:
    """Write what is true; nothing but tests may read it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in parameters("feeds")["truth"].items():
        made = getattr(import_module(f"xbec_platform.world.{module}"), f"truth_{name}")(plan)
        made.write_parquet(folder / f"{name}.parquet", compression="zstd")
    faults = pl.DataFrame([vars(fault) for fault in summary.faults])
    faults.write_parquet(folder / "faults.parquet", compression="zstd")


def default_processes() -> int:
    """Processes that this machine can run side by side."""
    return len(os.sched_getaffinity(0))
