"""Parquet to records with its own types; nested values become JSON text.

Read by pyarrow, batch by batch: it answers damaged files with an error, where a panic would end the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from xbec_platform.ingest.formats.header import require_names
from xbec_platform.ingest.formats.records import ROW, FileRejectedError

# Names inside nested types reach Polars unproven; what is wrong with them ends in its panic.
_BROKEN = (
    pa.ArrowException,
    OSError,
    ValueError,
    LookupError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)


def parquet_frames(path: Path, *, batch_rows: int) -> Iterator[pl.DataFrame]:
    """Frames of about `batch_rows` records with `_row_no`; at least one, which may be empty.

    Raises:
        FileRejectedError: The file is broken, or a column's type has no place in a table of records.
    """
    row = 0
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            schema = file.schema_arrow
            _require_readable(schema)
            yield _native(_frame(schema.empty_table()), 0)
            for batch in file.iter_batches(batch_size=batch_rows):
                # Parquet promises UTF-8 and nobody checks; Polars takes it for granted.
                batch.validate(full=True)
                frame = _native(_frame(pa.Table.from_batches([batch])), row)
                row += frame.height
                yield frame
            _require_all(row, file.metadata.num_rows)
    except FileRejectedError:
        raise
    except _BROKEN as error:
        raise FileRejectedError(
            f"Parquet file is broken: {str(error).rstrip('.')}: deliver it again, whole"
        ) from error


def announced_rows(path: Path) -> int:
    """Rows that the footer promises; 0 when it cannot be read, which whoever reads the file will say."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except _BROKEN:
        return 0


def _frame(table: pa.Table) -> pl.DataFrame:
    """The same columns without metadata, which may hold any bytes."""
    fields = [field.remove_metadata() for field in table.schema]
    return pl.DataFrame(pl.from_arrow(table.cast(pa.schema(fields))))


def _require_all(rows: int, announced: int) -> None:
    if rows != announced:
        raise FileRejectedError(
            f"Parquet file is broken: it announces {announced} rows and holds {rows}: deliver it again, whole"
        )


def _require_readable(schema: pa.Schema) -> None:
    if schema.names:
        if "" in schema.names:
            raise FileRejectedError(f"Parquet: column {schema.names.index('') + 1} has no name")
        require_names(schema.names, "Parquet")
    for field in schema:
        if _has_nested_binary(field.type, is_nested=False):
            raise FileRejectedError(f"Parquet: column {field.name} holds binary values inside {field.type}")


def _has_nested_binary(dtype: pa.DataType, *, is_nested: bool) -> bool:
    if pa.types.is_binary(dtype) or pa.types.is_large_binary(dtype) or pa.types.is_fixed_size_binary(dtype):
        return is_nested
    if pa.types.is_map(dtype):
        inner = (dtype.key_type, dtype.item_type)
        return any(_has_nested_binary(one, is_nested=True) for one in inner)
    if pa.types.is_struct(dtype) or pa.types.is_list(dtype) or pa.types.is_large_list(dtype):
        return any(
            _has_nested_binary(dtype.field(index).type, is_nested=True) for index in range(dtype.num_fields)
        )
    return False


def _native(frame: pl.DataFrame, rows_before: int) -> pl.DataFrame:
    columns = [_scalar(name, dtype) for name, dtype in frame.schema.items()]
    try:
        scalars = frame.select(columns)
    except pl.exceptions.PolarsError as error:
        raise FileRejectedError(f"Parquet: a value is no text or number: {error}") from error
    return scalars.with_row_index(ROW, rows_before + 1).cast({ROW: pl.Int64})


def _scalar(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column as one of the types that `Records` promises."""
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        in_utc = column.dt.convert_time_zone("UTC") if dtype.time_zone else column
        return in_utc.dt.cast_time_unit("us")
    if dtype.is_nested():
        # Polars writes only structs as JSON: wrap, then take {"v": and } off again.
        wrapped = pl.struct(column.alias("v")).struct.json_encode().str.slice(5).str.head(-1)
        return pl.when(column.is_not_null()).then(wrapped).alias(name)
    if isinstance(dtype, pl.Duration):
        return column.dt.to_string("iso")
    if dtype == pl.String:
        return column.replace("", None)
    if dtype in (pl.Categorical, pl.Enum, pl.Binary, pl.Null, pl.Time):
        return column.cast(pl.String).replace("", None)
    return column
