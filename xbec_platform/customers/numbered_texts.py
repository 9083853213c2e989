"""Texts of frames as numbers: joined, grouped and sorted at a third of the cost. Nothing is known of their meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl


def numbered(columns: Mapping[str, Iterable[str]], *frames: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the frames with columns of texts as Enum, of one numbering each, in the order of the texts.

    Args:
        columns: Names, each with texts that are numbered whether they occur or not.
        frames: Any; the columns they have are changed. Columns may be numbered already.
    """
    enums = {}
    for name, always in columns.items():
        texts = [
            frame[name].drop_nulls().unique().cast(pl.String) for frame in frames if name in frame.columns
        ]
        enums[name] = pl.Enum(pl.concat([*texts, pl.Series(always, dtype=pl.String)]).unique().sort())
    return [
        frame.with_columns(_as_enum(frame[name], enums[name]) for name in enums if name in frame.columns)
        for frame in frames
    ]


def _as_enum(texts: pl.Series, enum: pl.Enum) -> pl.Series:
    if isinstance(texts.dtype, pl.Enum):
        # Each text once, not each row.
        numbers = texts.dtype.categories.cast(enum, strict=False).to_physical()
        return numbers.gather(texts.to_physical()).cat.to(enum).rename(texts.name)
    return texts.cast(enum)
