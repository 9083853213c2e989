"""A Parquet file without a person: types, order and compression stay."""

from __future__ import annotations

import io
import re

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from xbec_platform.erasure.containers import UnreadableError
from xbec_platform.erasure.mentions import replaced
from xbec_platform.ingest.contracts import Contract
from xbec_platform.ingest.suppression import Suppression, erased_rows, naming_columns, pseudonymised


def read_parquet(data: bytes) -> tuple[pl.DataFrame, str]:
    """Rows and the compression of the first column.

    Raises:
        UnreadableError: The file is broken; its pages are compressed, so nobody can look into it.
    """
    try:
        facts = pq.ParquetFile(io.BytesIO(data)).metadata
        frame = pl.read_parquet(io.BytesIO(data))
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        raise UnreadableError(f"Parquet file is broken: {error}") from error
    has_pages = facts.num_row_groups and facts.num_columns
    return frame, facts.row_group(0).column(0).compression.lower() if has_pages else "zstd"


def redact_parquet(
    data: bytes, contract: Contract | None, suppression: Suppression, found: re.Pattern[str] | None
) -> bytes:
    """The file's bytes without erased persons; the same bytes when it mentions none."""
    frame, compression = read_parquet(data)
    changed = _redacted(frame, contract, suppression) if contract else frame
    changed = _replaced(changed, found, suppression) if found else changed
    if changed is frame or changed.equals(frame):
        return data
    buffer = io.BytesIO()
    known = {"snappy", "gzip", "brotli", "lz4", "zstd", "uncompressed"}
    changed.write_parquet(buffer, compression=compression if compression in known else "zstd")  # type: ignore[arg-type]
    return buffer.getvalue()


def _redacted(frame: pl.DataFrame, contract: Contract, suppression: Suppression) -> pl.DataFrame:
    theirs = erased_rows(frame, contract, suppression)
    if not theirs.any():
        return frame
    if contract.erase == "pseudonymise":
        return pseudonymised(frame, theirs, contract, suppression)
    return frame.with_columns(
        _stones(frame[name], theirs, suppression)
        if name in naming_columns(contract)
        else pl.when(theirs).then(pl.lit(None, dtype)).otherwise(pl.col(name)).alias(name)
        for name, dtype in frame.schema.items()
    )


def _stones(column: pl.Series, theirs: pl.Series, suppression: Suppression) -> pl.Series:
    """Tombstones in the rows of erased persons; a column of numbers becomes text to hold them."""
    text = column.cast(pl.String)
    values = text.filter(theirs).drop_nulls().unique().to_list()
    stones = text.replace({value: suppression.tombstone(value) for value in values})
    return text.zip_with(~theirs, stones).alias(column.name)


def _replaced(frame: pl.DataFrame, found: re.Pattern[str], suppression: Suppression) -> pl.DataFrame:
    """Mentions in the text of any column; a nested value that mentions somebody goes as a whole."""
    columns = []
    for name, dtype in frame.schema.items():
        if dtype == pl.String:
            values = [one for one in frame[name].drop_nulls().unique().to_list() if found.search(one)]
            new = {value: replaced(value, found, suppression) for value in values}
            columns += [frame[name].replace(new)] if new else []
        elif dtype.is_nested():
            mentions = pl.Series(
                [bool(found.search(str(value))) for value in frame[name].to_list()], dtype=pl.Boolean
            )
            columns += [frame[name].set(mentions, None)] if mentions.any() else []
    return frame.with_columns(columns) if columns else frame
