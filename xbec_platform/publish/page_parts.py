"""Shapes the templates know (tiles, tables, cells) and codes turned into words. No numbers, no markup."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from xbec_platform.publish.formats import count, plural, text

_CENTS = re.compile(r"(?<=\d)\.\d\d$")
ACRONYMS = frozenset({"als", "ease", "fx", "rfm", "sku"})
_CODE_WORD = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One headline number.

    Attributes:
        label: what it is.
        value: the number as text; what follows the decimal point is set smaller.
        unit: currency or noun beside the value.
        notes: short lines under it.
    """

    label: str
    value: str
    unit: str = ""
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """The value without its cents."""
        return self.value[: len(self.value) - len(self.fraction)]

    @property
    def fraction(self) -> str:
        """The decimal point and the cents of an amount; empty for anything else."""
        cents = _CENTS.search(self.value)
        return cents[0] if cents else ""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of a table: its text, a bar of 0-100 % of the column's scale, whether it needs attention."""

    text: str
    bar: float | None = None
    alert: bool = False


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table; numeric ones are set to the right in figures of equal width."""

    label: str
    numeric: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with its caption; the first cell of a row is the row's heading.

    Attributes:
        caption: what the table shows.
        columns: heads, left to right.
        rows: cells of each row.
        total: cells of the last row; empty for none.
        note: a sentence under the table, e.g. that it is cut.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] = field(default=())
    note: str = ""

    def widest(self, i: int) -> int:
        """The longest text of column `i` in characters: the room every number needs for bars to line up."""
        return max((len(row[i].text) for row in self.rows), default=0)


def columns(*labels: str, numeric_from: int = 1) -> tuple[Column, ...]:
    """Return heads of which the first `numeric_from` are text and the others numbers."""
    return tuple(Column(label=label, numeric=i >= numeric_from) for i, label in enumerate(labels))


def cells(*texts: str) -> tuple[Cell, ...]:
    """Return plain cells."""
    return tuple(Cell(text=shown) for shown in texts)


def scaled(shown: str, value: float | None, largest: float | None) -> Cell:
    """Return a cell with a bar of `value` on a scale up to `largest`; no bar where either says nothing."""
    if value is None or not largest or largest <= 0:
        return Cell(text=shown)
    return Cell(text=shown, bar=round(min(max(value / largest, 0.0), 1.0) * 100, 1))


def words(code: object) -> str:
    """Return a code as words: WAREHOUSE_CAPACITY_FULL becomes "Warehouse capacity full".

    Text that is not one code word (a sentence, a name with blanks) stays as it is.
    """
    shown = text(code)
    if not _CODE_WORD.fullmatch(shown):
        return shown
    if shown.isupper() and "_" in shown:
        shown = shown.lower()
    spoken = " ".join(word.upper() if word in ACRONYMS else word for word in shown.split("_"))
    return spoken[0].upper() + spoken[1:]


def cut(rows: Sequence[tuple[Cell, ...]], limit: int) -> tuple[tuple[tuple[Cell, ...], ...], str]:
    """Return the first `limit` rows and a sentence that says how many more there are."""
    more = len(rows) - limit
    return tuple(
        rows[:limit]
    ), f"The first {count(limit)} rows; {plural(more, 'more', 'more')}." if more > 0 else ""
