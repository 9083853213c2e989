"""Faults planted into the files of a day, each on record. Finding them belongs to the intake.

Which day a fault falls on is decided from the plan, so that days can be made in any order and process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from xbec_platform.demo.files import as_text, encode, landing_path, replace_file
from xbec_platform.world.feeds import Feed, feeds, with_offsets
from xbec_platform.world.plan import Plan
from xbec_platform.world.spec import WorldSpec, parameters

LATE_DAYS = 2
# Place within the period of the faults that concern whole files.
SHARES = {
    "late_file": 0.7,
    "truncated_gzip": 0.32,
    "missing_column": 0.52,
    "broken_json_line": 0.6,
    "wrong_file": 0.85,
    "resurrected_customer": 0.9,
}


@dataclass(frozen=True, kw_only=True)
class PlantedFault:
    """One fault and what a correct intake makes of it.

    Attributes:
        kind: What is wrong.
        source: Name of the source.
        file: Path below the landing folder.
        rows: Rows concerned; for conflicting_key both rows under the key.
        key: Key of the row, or "" for a whole file.
        expect: quarantined, duplicate, orphan, kept (loaded as it is), erase (a person asks to be forgotten),
            file_rejected, late (loaded, but after its day) or corrected (loaded, until `plant_correction`
            delivers the file again).
    """

    kind: str
    source: str
    file: str
    rows: int
    key: str
    expect: str


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A file that was delivered wrong and comes again under the same name.

    Attributes:
        file: Path below the landing folder.
        order_id: Order whose line carries a wrong quantity.
        line_no: The line.
        wrong_qty: Quantity in the first delivery.
        right_qty: Quantity in the corrected file.
        surplus_key: order_id and line_no of a line that the corrected file no longer has.
        content: The corrected file.
    """

    file: str
    order_id: str
    line_no: int
    wrong_qty: int
    right_qty: int
    surplus_key: tuple[str, int]
    content: bytes = field(repr=False)


@dataclass(kw_only=True)
class DayFiles:
    """The files of one day while faults are planted.

    Attributes:
        spec: The world.
        day: Day number.
        frames: Rows by path below the landing folder, with their feed.
        extra: Content of files that stand beside them.
        faults: What has been planted.
    """

    spec: WorldSpec
    day: int
    frames: dict[str, tuple[Feed, pl.DataFrame]]
    extra: dict[str, bytes] = field(default_factory=dict)
    faults: list[PlantedFault] = field(default_factory=list)

    def first(self, source: str) -> str:
        """Return the first file of a source."""
        return min(path for path, (feed, _) in self.frames.items() if feed.source == source)

    def path(self, source: str, name: str, days_later: int = 0) -> str:
        """Return the place of another file of a source."""
        return landing_path(source, self.spec.day(self.day + days_later), f"{name}.{feeds()[source].suffix}")

    def record(self, kind: str, source: str, file: str, rows: int, key: str, expect: str) -> None:
        """Write down a fault."""
        fault = PlantedFault(kind=kind, source=source, file=file, rows=rows, key=key, expect=expect)
        self.faults.append(fault)


def fault_days(plan: Plan) -> dict[str, int]:
    """Return the day of every fault: by kind for whole files, by position for the rows of `faults.yml`.

    It is the first day from the fault's share of the period on (else before it) on which its source has rows; a
    small world may have none of a source, and then lacks its faults.
    """
    wanted = {kind: (_source_of(kind), share) for kind, share in SHARES.items()}
    wanted |= {
        f"row {n}": (rule["source"], rule["share"]) for n, rule in enumerate(parameters("faults")["rows"])
    }
    found = {name: _day_with_rows(plan, source, share) for name, (source, share) in wanted.items()}
    return {name: day for name, day in found.items() if day is not None}


def _source_of(kind: str) -> str:
    sources = {
        "late_file": "orders",
        "missing_column": "orders",
        "broken_json_line": "returns",
        "resurrected_customer": "customers",
    }
    return sources.get(kind, "order_lines")


def _day_with_rows(plan: Plan, source: str, share: float) -> int | None:
    """A day with one row only is the second choice, as a late file may take it away; None without any row."""
    last = plan.spec.days - 1 - LATE_DAYS
    start = min(int(share * plan.spec.days), last)
    second: int | None = None
    for day in [*range(start, last + 1), *range(start - 1, -1, -1)]:
        rows = int(feeds()[source].rows(plan, day).height)
        if rows > 1:
            return int(day)
        if rows and second is None:
            second = day
    return second


def plant_faults(files: DayFiles, plan: Plan, days: Mapping[str, int]) -> Correction | None:
    """Plant the faults of this day.

    Returns:
        How the wrong file is to be corrected, on the day on which it comes.
    """
    correction = None
    _record_erasures(files)
    if days.get("resurrected_customer") == files.day:
        _plant_resurrected_customer(files, plan)
    if days.get("late_file") == files.day:
        _plant_late_file(files)
    if days.get("truncated_gzip") == files.day:
        _plant_truncated_gzip(files)
    if days.get("missing_column") == files.day:
        _plant_missing_column(files)
    if days.get("broken_json_line") == files.day:
        _plant_broken_json_line(files)
    if days.get("wrong_file") == files.day:
        correction = _plant_wrong_file(files)
    for number, rule in enumerate(parameters("faults")["rows"]):
        if days.get(f"row {number}") == files.day:
            _plant_row(files, rule)
    return correction


def _plant_row(files: DayFiles, rule: Mapping[str, Any]) -> None:
    source, path = rule["source"], files.first(rule["source"])
    feed, frame = files.frames[path]
    typed = feed.suffix.startswith(("parquet", "json"))
    frame = frame if typed else as_text(with_offsets(source, frame))
    cells, shifts = rule.get("cells", {}), rule.get("shift_days", {})
    # The second row for a conflict: no other fault of the day has used it.
    row = frame.slice(1, 1) if rule["kind"] == "conflicting_key" and frame.height > 1 else frame.head(1)
    row = row.with_columns(
        *[pl.lit(value).cast(frame.schema[name]).alias(name) for name, value in cells.items()],
        *[pl.col(name) + timedelta(days=days) for name, days in shifts.items()],
    )
    files.frames[path] = feed, pl.concat([frame, row])
    named = ", ".join(f"{name}={row[name][0]}" for name in feed.key)
    files.record(rule["kind"], source, path, rule.get("rows", 1), named, rule.get("expect", "quarantined"))


def _record_erasures(files: DayFiles) -> None:
    """Put requests to be forgotten on record, so that tests know who must be found nowhere."""
    for path, (feed, frame) in list(files.frames.items()):
        if feed.source == "deletion_requests":
            for request, customer in frame.select("request_id", "customer_id").iter_rows():
                key = f"request_id={request}, customer_id={customer}"
                files.record("erased_customer", feed.source, path, 1, key, "erase")


def _plant_resurrected_customer(files: DayFiles, plan: Plan) -> None:
    """Deliver an erased customer again, as a restored backup of a source would; none, when nobody has asked."""
    erased = plan.people.frame.filter(pl.col("erased_day") < files.day).sort("erased_day", "customer_id")
    if erased.height:
        person = erased.row(0, named=True)
        cells = {name: person[name] for name in ("customer_id", "email_hash", "phone_hash")}
        _plant_row(
            files, {"kind": "resurrected_customer", "source": "customers", "cells": cells, "expect": "kept"}
        )


def _plant_late_file(files: DayFiles) -> None:
    """Deliver the last orders of the day, and their lines, two days later."""
    path = max(path for path, (feed, _) in files.frames.items() if feed.source == "orders")
    feed, late = files.frames.pop(path)
    lines_path = files.first("order_lines")
    lines_feed, lines = files.frames[lines_path]
    is_late = pl.col("order_id").is_in(late["order_id"].to_list())
    files.frames[lines_path] = lines_feed, lines.filter(~is_late)
    for source, one, rows in (("orders", feed, late), ("order_lines", lines_feed, lines.filter(is_late))):
        target = files.path(source, f"{source}_late", LATE_DAYS)
        files.frames[target] = one, rows
        files.record("late_file", source, target, rows.height, "", "late")


def _plant_truncated_gzip(files: DayFiles) -> None:
    path = files.path("order_lines", "order_lines_again")
    content = encode(files.frames[files.first("order_lines")][1], "csv.gz")
    files.extra[path] = content[: len(content) // 2]
    files.record("truncated_gzip", "order_lines", path, 0, "", "file_rejected")


def _plant_missing_column(files: DayFiles) -> None:
    path = files.path("orders", "orders_partner")
    without = files.frames[files.first("orders")][1].drop("currency")
    files.extra[path] = encode(without, "csv")
    files.record("missing_column", "orders", path, without.height, "", "file_rejected")


def _plant_broken_json_line(files: DayFiles) -> None:
    """A line that breaks off; it is the only one of its file, so no return comes in twice."""
    path = files.path("returns", "returns_app")
    line = encode(files.frames[files.first("returns")][1].head(1), "jsonl")
    files.extra[path] = line.rstrip()[:-20] + b"\n"
    files.record("broken_json_line", "returns", path, 1, "", "quarantined")


def _plant_wrong_file(files: DayFiles) -> Correction:
    """Deliver one file of lines with a tenfold quantity and a line too many."""
    path = files.first("order_lines")
    feed, right = files.frames[path]
    first, last = right.row(0, named=True), right.row(-1, named=True)
    surplus = right.tail(1).with_columns(pl.col("line_no") + 50)
    is_first = (pl.col("order_id") == first["order_id"]) & (pl.col("line_no") == first["line_no"])
    qty = pl.when(is_first).then(pl.col("qty") * 10).otherwise("qty")
    files.frames[path] = feed, pl.concat([right.with_columns(qty), surplus])
    files.record("wrong_file", "order_lines", path, 2, "", "corrected")
    return Correction(
        file=path,
        order_id=first["order_id"],
        line_no=first["line_no"],
        wrong_qty=first["qty"] * 10,
        right_qty=first["qty"],
        surplus_key=(last["order_id"], last["line_no"] + 50),
        content=encode(with_offsets("order_lines", right), feed.suffix),
    )


def plant_correction(landing: Path, correction: Correction) -> Path:
    """Deliver the wrong file again, corrected, under the same name; doing it twice changes nothing."""
    path = landing / correction.file
    replace_file(path, correction.content)
    return path
