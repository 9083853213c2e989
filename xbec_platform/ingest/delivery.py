"""One history file into daily drops, as the shop would have delivered it. No row is changed or left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.formats.reading import read_records
from xbec_platform.ingest.formats.records import ROW, FileRejectedError, Records, as_text
from xbec_platform.ingest.formats.unpack import SUFFIXES
from xbec_platform.ingest.mapping_model import SourceMapping
from xbec_platform.ingest.mapping_steps import DELIVERED, HAPPENED, delivered_at
from xbec_platform.ingest.mappings import fitting, mappings


class DeliveryError(ValueError):
    """A folder that holds nothing to deliver, with what was looked for."""


@dataclass(frozen=True)
class Delivery:
    """What was put into the landing folder.

    Attributes:
        files: Number of files written.
        rows: Records in them.
        first_day: The first drop day, or that of an event before it: an order that was shipped later is delivered then.
        last_day: The last drop day.
        whole: Files that could not be cut into days and were landed as they are.
    """

    files: int
    rows: int
    first_day: date
    last_day: date
    whole: tuple[str, ...]


def deliver_history(
    mapping: SourceMapping, data: Path, landing: Path, *, feeds: Feeds, today: date
) -> Delivery:
    """Cut every file of `data` by the mapping's `deliver_by` into `landing/<mapping>/dt=<day>/`.

    A file that this mapping cannot read and another one fits goes to that one: shops put their exports of orders,
    customers and products into one folder. Records whose day cannot be read go with the last day and meet the
    screening there. A file that cannot be cut lands whole on the last day, so that the intake says what is wrong
    with it.

    Args:
        mapping: What the files are, in the first place.
        data: Folder of the export.
        landing: Folder the intake reads.
        feeds: How files of the mapping are read.
        today: Drop day where no file says its own: the mapping names no `deliver_by`, or none can be read.

    Raises:
        DeliveryError: The folder has no file of a known format.
    """
    paths = [path for path in sorted(data.glob("*")) if path.name.lower().endswith(SUFFIXES)]
    if not paths:
        raise DeliveryError(
            f"{data}: no file ends in {', '.join(SUFFIXES)}; DATA must be the folder of the export"
        )
    parts: dict[Path, pl.DataFrame] = {}
    feed = {}
    for path in paths:
        chosen, records = _read(path, mapping, feeds)
        feed[path] = chosen.name
        cut = _with_days(records, chosen) if records else None
        if cut is not None:
            parts[path] = cut
    days, happened = (
        [day for frame in parts.values() for day in frame[name].drop_nulls().unique().to_list()]
        for name in (DELIVERED, HAPPENED)
    )
    last = max(days, default=today)
    written, rows = 0, 0
    for path, frame in parts.items():
        for (day,), part in sorted(frame.with_columns(pl.col(DELIVERED).fill_null(last)).group_by(DELIVERED)):
            name = path.name.split(".")[0] + ".parquet"
            target = landing / feed[path] / f"dt={day}" / name
            _write(part.sort(ROW).drop(ROW, DELIVERED, HAPPENED), target)
            written, rows = written + 1, rows + part.height
    whole = [path for path in paths if path not in parts]
    for path in whole:
        _copy(path, landing / feed[path] / f"dt={last}" / path.name)
    return Delivery(
        written + len(whole),
        rows,
        min([*days, *happened], default=today),
        last,
        tuple(path.name for path in whole),
    )


def _read(path: Path, mapping: SourceMapping, feeds: Feeds) -> tuple[SourceMapping, Records | None]:
    """The mapping that a file is for, and its records; None where it cannot be read."""
    records = _records(path, mapping, feeds)
    other = _fitting(path, feeds) if records is None else None
    return (mapping, records) if other is None else (other, _records(path, other, feeds))


def _records(path: Path, mapping: SourceMapping, feeds: Feeds) -> Records | None:
    try:
        return read_records(path, feeds.expectation(mapping.name))
    except FileRejectedError:
        return None


def _fitting(path: Path, feeds: Feeds) -> SourceMapping | None:
    try:
        return fitting(read_records(path).frame.columns, mappings(feeds.folder))
    except FileRejectedError:
        return None


def _with_days(records: Records, mapping: SourceMapping) -> pl.DataFrame | None:
    """Records as text with their UTC days of delivery and event; None when the file cannot be cut without loss."""
    if records.broken or records.numbers or not set(mapping.deliver_by) & set(records.frame.columns):
        return None
    days = delivered_at(records.frame, mapping).select(pl.all().dt.date())
    return as_text(records.frame).hstack(days)


def _write(frame: pl.DataFrame, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    frame.write_parquet(part, compression="zstd", statistics=False)
    part.replace(target)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(source.read_bytes())
    part.replace(target)
