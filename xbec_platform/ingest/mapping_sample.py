"""One file under one mapping, as the intake would account for it. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from xbec_platform.ingest.formats.reading import read_records
from xbec_platform.ingest.formats.records import Expectation
from xbec_platform.ingest.mapping_model import SourceMapping
from xbec_platform.ingest.routing import route_records
from xbec_platform.ingest.screening import broken_rows, bundle, drop_exact_duplicates, require_columns

_NUMBERS = ("integer", "double", "decimal")


@dataclass(frozen=True)
class Sample:
    """What became of a sample.

    Attributes:
        format: What the reader detected.
        rows_in: Records of the file.
        rows_loaded: Accepted records.
        rows_duplicate: Exact repetitions.
        tables: Rows by canonical table.
        quarantined: `_row_no`, reasons, raw_json.
    """

    format: str
    rows_in: int
    rows_loaded: int
    rows_duplicate: int
    tables: dict[str, pl.DataFrame]
    quarantined: pl.DataFrame


def read_sample(path: Path, mapping: SourceMapping, day: date) -> Sample:
    """Account for a file.

    Args:
        path: The sample.
        mapping: The mapping to try.
        day: Drop day: nothing in the file may have happened after it.

    Raises:
        FileRejectedError: The file cannot be read as a whole.
    """
    promised = mapping.file.columns.values()
    expectation = Expectation(
        required=tuple(column.name for column in promised if not column.nullable),
        known=tuple(mapping.file.columns),
        numeric=tuple(column.name for column in promised if column.type.startswith(_NUMBERS)),
        reading=mapping.reading,
    )
    records = read_records(path, expectation)
    require_columns(records.frame, mapping.file)
    unique = drop_exact_duplicates(bundle([(records, day)]))
    screened, tables = route_records(unique, mapping, numbers=records.numbers)
    quarantined = pl.concat([screened.rejected, broken_rows(records, 0)]).sort("_row_no")
    return Sample(
        records.format,
        records.rows_in,
        screened.accepted.height,
        records.frame.height - unique.height,
        tables,
        quarantined,
    )
