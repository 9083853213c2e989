"""Writing landing files byte for byte the same each time; what is in them does not belong here."""

import gzip
import io
from datetime import date
from pathlib import Path

import polars as pl

# gzip stores a time; 0 means "none" (RFC 1952) and keeps equal content equal in bytes.
NO_TIME = 0
TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
MONEY = pl.Decimal(18, 4)


def money(cents: pl.Expr) -> pl.Expr:
    """Return integer cents (not negative) as DECIMAL(18,4), exactly."""
    text = (cents // 100).cast(pl.String) + "." + (cents % 100).cast(pl.String).str.zfill(2)
    return text.cast(MONEY)


def timestamp(epoch_seconds: pl.Expr) -> pl.Expr:
    """Return seconds since 1970 as a UTC timestamp."""
    return pl.from_epoch(epoch_seconds, time_unit="s").dt.replace_time_zone("UTC").dt.cast_time_unit("us")


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Return every column as the text a CSV source would deliver; null stays null."""

    def text(name: str, dtype: pl.DataType) -> pl.Expr:
        if isinstance(dtype, pl.Datetime):
            return pl.col(name).dt.strftime(TIMESTAMP_FORMAT)
        return pl.col(name).cast(pl.String)

    return frame.select(text(name, dtype) for name, dtype in frame.schema.items())


def encode(frame: pl.DataFrame, suffix: str) -> bytes:
    """Return the bytes of a file with this suffix (csv, csv.gz, jsonl, jsonl.gz, parquet).

    In JSON lines money becomes a number and a timestamp a text, as web services send them.

    Raises:
        ValueError: The suffix is none of the five.
    """
    if suffix.endswith(".gz"):
        return gzip.compress(encode(frame, suffix.removesuffix(".gz")), compresslevel=6, mtime=NO_TIME)
    if suffix == "csv":
        return as_text(frame).write_csv().encode()
    if suffix == "jsonl":
        plain = frame.with_columns(
            pl.col(pl.Decimal).cast(pl.Float64),
            pl.col(pl.Datetime).dt.strftime(TIMESTAMP_FORMAT),
            pl.col(pl.Date).cast(pl.String),
        )
        return plain.write_ndjson().encode()
    if suffix == "parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="snappy")
        return buffer.getvalue()
    raise ValueError(f"unknown file suffix {suffix!r}: use csv, jsonl (each also with .gz) or parquet")


def replace_file(path: Path, content: bytes) -> None:
    """Write beside the target under a name with a leading dot, then rename, so no reader sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def landing_path(source: str, day: date, file_name: str) -> str:
    """Return the place of a file below the landing folder."""
    return f"{source}/dt={day.isoformat()}/{file_name}"
