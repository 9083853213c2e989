"""Whether all keys of a file are distinct, by their hashes, while the file passes by in blocks. No key is kept."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

# Eight bytes a key: 160 MB. Beyond, whoever asks must compare the keys themselves.
HASHES_KEPT = 20_000_000


class KeyHashes:
    """Hashes of the complete keys seen so far, up to `limit`."""

    def __init__(self, limit: int = HASHES_KEPT) -> None:
        self._limit = limit
        self._parts: list[pl.Series] | None = []
        self._count = 0

    def add(self, frame: pl.DataFrame, key: Sequence[str]) -> None:
        """Take the keys of a block; those with a null are no keys. Types are the same in every block."""
        if self._parts is not None:
            self.add_hashes(key_hashes(frame.drop_nulls(key), key))

    def add_hashes(self, hashes: pl.Series) -> None:
        """Take the keys of a block that are hashed already."""
        self._count += len(hashes)
        if self._count > self._limit:
            self._parts = None
        if self._parts is not None:
            self._parts.append(hashes)

    def are_distinct(self) -> bool:
        """True is certain, since equal keys have equal hashes; False means that the keys must be compared."""
        if self._parts is None:
            return False
        return are_different(pl.concat([pl.Series(dtype=pl.UInt64), *self._parts]))


def key_hashes(frame: pl.DataFrame, key: Sequence[str]) -> pl.Series:
    """One hash a row (UInt64)."""
    return frame.select(key).hash_rows()


def are_different(hashes: pl.Series) -> bool:
    """Whether no hash occurs twice."""
    return hashes.n_unique() == len(hashes)
