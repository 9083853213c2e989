"""Top N of each row of a score matrix with one rule for ties; where scores come from is not its business."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIGNIFICANT_DIGITS = 6
CHUNK = 32
SMALLEST_BITS = np.finfo(np.float32).tiny.view(np.int32)
TIE_BITS = np.int32(168)  # a hundred-thousandth of any float32, as a step of its bits


def round_scores(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Round to 6 significant digits, the precision float32 sums hold; 0 and infinities stay."""
    values = scores.astype(np.float64)
    finite = np.isfinite(values) & (values != 0)
    scale = 10.0 ** (SIGNIFICANT_DIGITS - 1 - np.floor(np.log10(np.abs(values[finite]))))
    values[finite] = np.round(values[finite] * scale) / scale
    return values


def _candidates(
    scores: NDArray[np.float32], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return rows, columns and scores that hold at least the n largest positive ones of each row and few others.

    The n-th largest of the maxima of disjoint chunks is reached by at least n scores, all of them in chunks whose
    maximum reaches it: of 10,000 columns some 21 chunks of 32 are looked at again. Positive floats are ordered as their
    bits are and negative ones lie below them; integers are compared in two thirds of the time, for want of NaN.
    """
    bits = scores.view(np.int32)
    n_chunks = bits.shape[1] // CHUNK
    if n_chunks < n:
        rows, columns = np.nonzero(bits >= SMALLEST_BITS)
        return rows, columns, scores[rows, columns]
    chunks = bits[:, : n_chunks * CHUNK].reshape(len(bits), CHUNK, n_chunks)
    maxima = chunks.max(axis=1)
    bounds = np.partition(maxima, n_chunks - n, axis=1)[:, n_chunks - n]
    # Scores that round to the same six digits are ties and must all become candidates.
    bounds = np.maximum(bounds, SMALLEST_BITS + TIE_BITS) - TIE_BITS
    row, chunk = np.nonzero(maxima >= bounds[:, None])
    members = chunks[row, :, chunk]
    found = np.flatnonzero(members >= bounds[row][:, None])
    pair, place = np.divmod(found, CHUNK)
    rest_row, rest_column = np.nonzero(bits[:, n_chunks * CHUNK :] >= bounds[:, None])
    rest_column += n_chunks * CHUNK
    return (
        np.concatenate([row[pair], rest_row]),
        np.concatenate([place * n_chunks + chunk[pair], rest_column]),
        np.concatenate([members.ravel()[found], bits[rest_row, rest_column]]).view(np.float32),
    )


def top_columns(
    scores: NDArray[np.float32], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Select the n largest positive scores of each row.

    A pass of chunk maxima leaves about n candidates per row to sort. Of 10,000 products of which factors of length 64
    make the scores, this takes half of the time of the product itself; argpartition takes ten times as long.

    Args:
        scores: rows x columns, no NaN; excluded cells hold 0, a negative number or -inf.
        n: how many per row; rows with fewer positive scores give fewer.

    Returns:
        Rows, columns and scores rounded to six digits, sorted by row, falling score, column.
    """
    rows, columns, found = _candidates(np.asarray(scores, dtype=np.float32), n)
    values = round_scores(found)
    row_bits, column_bits = len(scores).bit_length(), scores.shape[1].bit_length()
    if row_bits + column_bits <= 32:
        # One packed key sorts five times faster than three. Six digits survive float32, and positive floats are ordered
        # as their bits are.
        falling = 0x7FFFFFFF - values.astype(np.float32).view(np.int32).astype(np.int64)
        order = np.argsort((rows << (31 + column_bits)) | (falling << column_bits) | columns)
    else:
        order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    starts = np.searchsorted(rows, np.arange(len(scores)))
    kept = np.arange(len(rows)) - starts[rows] < n
    return rows[kept], columns[kept], values[kept]
