"""A frame as CSV that a spreadsheet opens without running anything in it. No files, no choice of columns."""

import polars as pl

# OWASP "CSV injection": characters that make a spreadsheet read a cell as a formula, the full-width forms that
# Excel reads like them, and the control characters that hide one from a simple check.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def to_csv(frame: pl.DataFrame) -> tuple[bytes, int]:
    """Return the frame as CSV bytes and the number of cells that were neutralised.

    Text cells that start with one of `FORMULA_STARTS` get a leading apostrophe; numbers, days and other types
    keep their sign. Nested values become JSON. Null is an empty cell, empty text is `""`; days and times are
    ISO 8601, times with their offset.

    Args:
        frame: any columns but binary and object ones.
    """
    if not frame.width:
        return b"", 0
    flat = frame.select(_plain(name, dtype) for name, dtype in frame.schema.items())
    texts = [name for name, dtype in flat.schema.items() if dtype == pl.String]
    risky = [pl.col(name).str.contains(_STARTS).fill_null(value=False) for name in texts]
    neutralised = sum(flat.select(mask.sum() for mask in risky).row(0)) if risky else 0
    safe = flat.with_columns(
        pl.when(mask).then(pl.concat_str(pl.lit("'"), pl.col(name))).otherwise(pl.col(name)).alias(name)
        for name, mask in zip(texts, risky, strict=True)
    )
    return safe.write_csv(line_terminator="\n").encode("utf-8"), int(neutralised)


_STARTS = "^[" + "".join(rf"\x{{{ord(char):x}}}" for char in FORMULA_STARTS) + "]"


def _plain(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype.is_nested():
        return pl.when(column.is_not_null()).then(nested_json(name)).alias(name)
    if dtype in (pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if isinstance(dtype, pl.Datetime):
        return column.dt.to_string("iso:strict")
    if isinstance(dtype, pl.Duration):
        return column.dt.to_string("iso")
    return column


def nested_json(name: str) -> pl.Expr:
    """Return a list or struct column as JSON text.

    Args:
        name: of the column, a plain word.
    """
    # Polars writes only structs as JSON: wrap, then take {"name": and } off again.
    return pl.struct(name).struct.json_encode().str.slice(len(name) + 4).str.head(-1)
