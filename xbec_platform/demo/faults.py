"""Faults planted into the generated shop's files, each on record; finding them belongs to intake."""

import csv
import gzip
import io
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from xbec_platform.demo.files import as_text, encode, landing_path, replace_file
from xbec_platform.demo.world import Period

Feed = dict[int, pl.DataFrame]

# Kind, source, share of the period, and the cells that differ from a real row of the day's file. All but the
# duplicate are additional rows under a key of their own: what remains after rejecting them is the truth.
ROW_FAULTS: tuple[tuple[str, str, float, dict[str, str | None]], ...] = (
    ("bad_type", "orders", 0.15, {"order_id": "O900001", "order_ts": "31/02/2026 25:99"}),
    ("missing_key", "orders", 0.25, {"order_id": None}),
    ("unknown_country", "orders", 0.45, {"order_id": "O900002", "ship_country": "XX"}),
    ("not_allowed", "orders", 0.55, {"order_id": "O900003", "status": "teleported"}),
    ("bad_type", "order_lines", 0.2, {"line_no": "91", "qty": "two"}),
    ("negative_qty", "order_lines", 0.3, {"line_no": "92", "qty": "-3"}),
    ("zero_qty", "order_lines", 0.3, {"line_no": "93", "qty": "0"}),
    ("missing_key", "order_lines", 0.4, {"line_no": "94", "product_id": None}),
    ("unknown_currency", "order_lines", 0.5, {"line_no": "95", "currency": "XYZ"}),
    ("orphan", "order_lines", 0.8, {"order_id": "O900009"}),
    ("exact_duplicate", "order_lines", 0.1, {}),
    ("exact_duplicate", "order_lines", 0.6, {}),
    ("exact_duplicate", "orders", 0.65, {}),
    ("exact_duplicate", "customers", 0.0, {}),
    ("unknown_country", "customers", 0.0, {"customer_id": "C90001", "country": "Germany"}),
    ("bad_type", "customers", 0.0, {"customer_id": "C90002", "birth_year": "nineteen eighty"}),
    ("not_positive", "fx_rates", 0.35, {"currency": "NOK", "rate_to_base": "0.00000000"}),
    ("not_allowed", "lanes", 0.0, {"lane_id": "DE-LEJ:DE:teleport", "mode": "teleport"}),
    # A second row under the key of a real one: which of the two is right, nobody can tell.
    ("conflicting_key", "order_lines", 0.75, {"unit_price": "999.9900"}),
)
EXPECTED = {"exact_duplicate": "duplicate", "orphan": "orphan"}


@dataclass(frozen=True, kw_only=True)
class PlantedFault:
    """One fault and what a correct intake makes of it.

    Attributes:
        kind: What is wrong.
        source: Name of the source.
        file: Path below the landing folder.
        rows: Rows concerned; the rows of a rejected file as far as they can be read. For conflicting_key
            both rows under the key count.
        key: Key of the row, or "" for a whole file.
        expect: quarantined, duplicate, orphan, file_rejected, late (loaded, but after its day) or corrected
            (loaded, until `plant_correction` delivers the file again).
    """

    kind: str
    source: str
    file: str
    rows: int
    key: str
    expect: str


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A file that was delivered wrong and comes again under the same name.

    Attributes:
        file: Path below the landing folder.
        order_id: Order whose line carries a wrong quantity.
        line_no: The line.
        wrong_qty: Quantity in the first delivery.
        right_qty: Quantity in the corrected file.
        surplus_key: order_id and line_no of a line that the corrected file no longer has.
    """

    file: str
    order_id: str
    line_no: int
    wrong_qty: int
    right_qty: int
    surplus_key: tuple[str, int]


@dataclass(kw_only=True)
class FaultyFiles:
    """Feeds with the faults in them, and files that stand beside the daily ones."""

    feeds: dict[str, Feed]
    suffixes: dict[str, str]
    period: Period
    extra: dict[str, bytes] = field(default_factory=dict)
    faults: list[PlantedFault] = field(default_factory=list)

    def file(self, source: str, day: int, name: str | None = None) -> str:
        """Return the path of the file of a source on a day."""
        return landing_path(source, self.period.day(day), f"{name or source}.{self.suffixes[source]}")

    def day_with_rows(self, source: str, share: float) -> int:
        """Return the first day from a share of the period on (else before it) on which a file has rows."""
        start = int(share * self.period.days)
        days = [*range(start, self.period.days), *range(start - 1, -1, -1)]
        feed = self.feeds[source]
        return next(int(day) for day in days if day in feed and feed[day].height)

    def record(self, kind: str, source: str, file: str, rows: int, key: str, expect: str) -> None:
        """Write down a fault."""
        self.faults.append(
            PlantedFault(kind=kind, source=source, file=file, rows=rows, key=key, expect=expect)
        )


def plant_faults(files: FaultyFiles, keys: dict[str, list[str]]) -> Correction:
    """Plant all faults; `keys` names the key columns by source.

    Returns:
        How `plant_correction` mends the file that was delivered wrong.
    """
    _plant_late_file(files)
    _plant_unreadable_files(files)
    correction = _plant_wrong_file(files)
    for kind, source, share, cells in ROW_FAULTS:
        _plant_row(files, kind, source, share, cells, keys[source])
    return correction


def _plant_row(
    files: FaultyFiles, kind: str, source: str, share: float, cells: dict[str, str | None], key: list[str]
) -> None:
    day = files.day_with_rows(source, share)
    frame = as_text(files.feeds[source][day])
    # The second row, which no other fault of the day has used.
    row = frame.slice(1, 1) if kind == "conflicting_key" else frame.head(1)
    row = row.with_columns(pl.lit(value, dtype=pl.String).alias(name) for name, value in cells.items())
    files.feeds[source][day] = pl.concat([frame, row])
    named = ", ".join(f"{name}={row[name][0]}" for name in key)
    rows = 2 if kind == "conflicting_key" else 1
    files.record(kind, source, files.file(source, day), rows, named, EXPECTED.get(kind, "quarantined"))


def _plant_late_file(files: FaultyFiles) -> None:
    """Deliver the orders of one day's afternoon, and their lines, two days later."""
    day = files.day_with_rows("orders", 0.7)
    headers = files.feeds["orders"][day]
    mine = headers.filter(pl.col("order_ts").dt.date() == files.period.day(day))
    placed = mine.sort("order_ts", "order_id")["order_id"].unique(maintain_order=True)
    late = placed.tail(max(placed.len() // 4, 1)).to_list()
    for source in ("orders", "order_lines"):
        frame = files.feeds[source][day]
        held_back = frame.filter(pl.col("order_id").is_in(late))
        files.feeds[source][day] = frame.filter(~pl.col("order_id").is_in(late))
        path = files.file(source, day + 2, f"{source}_late")
        files.extra[path] = encode(held_back, files.suffixes[source])
        files.record("late_file", source, path, held_back.height, "", "late")


def _plant_unreadable_files(files: FaultyFiles) -> None:
    """Add a broken gzip, a file without a required column, and one that breaks off inside its JSON line."""
    day = files.day_with_rows("order_lines", 0.32)
    broken = encode(files.feeds["order_lines"][day], "csv.gz")
    path = files.file("order_lines", day, "order_lines_again")
    files.extra[path] = broken[: len(broken) // 2]
    files.record("truncated_gzip", "order_lines", path, 0, "", "file_rejected")

    day = files.day_with_rows("orders", 0.52)
    path = files.file("orders", day, "orders_partner")
    without = files.feeds["orders"][day].drop("currency")
    files.extra[path] = encode(without, files.suffixes["orders"])
    files.record("missing_column", "orders", path, without.height, "", "file_rejected")

    day = files.day_with_rows("returns", 0.6)
    path = files.file("returns", day, "returns_app")
    # A single line: whether an intake refuses the line or the file, no return comes in twice.
    files.extra[path] = encode(files.feeds["returns"][day].head(1), "jsonl").rstrip()[:-20] + b"\n"
    files.record("broken_json_line", "returns", path, 1, "", "quarantined")


def _plant_wrong_file(files: FaultyFiles) -> Correction:
    """Deliver one file of lines with a tenfold quantity and a line too many."""
    day = files.day_with_rows("order_lines", 0.85)
    right = files.feeds["order_lines"][day]
    first, last = right.row(0, named=True), right.row(-1, named=True)
    surplus = right.tail(1).with_columns(pl.col("line_no") + 50)
    is_first = (pl.col("order_id") == first["order_id"]) & (pl.col("line_no") == first["line_no"])
    qty = pl.when(is_first).then(pl.col("qty") * 10).otherwise("qty")
    files.feeds["order_lines"][day] = pl.concat([right.with_columns(qty), surplus])
    path = files.file("order_lines", day)
    files.record("wrong_file", "order_lines", path, 2, "", "corrected")
    return Correction(
        file=path,
        order_id=first["order_id"],
        line_no=first["line_no"],
        wrong_qty=first["qty"] * 10,
        right_qty=first["qty"],
        surplus_key=(last["order_id"], last["line_no"] + 50),
    )


def plant_correction(out: Path, correction: Correction) -> Path:
    """Deliver the wrong file again, corrected, under the same name; doing it twice changes nothing.

    Args:
        out: Landing folder of `generate_shop`.
        correction: From its summary.

    Returns:
        The file.
    """
    path = out / correction.file
    wrong = csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode()))
    surplus = (correction.surplus_key[0], str(correction.surplus_key[1]))
    rows = [row for row in wrong if (row["order_id"], row["line_no"]) != surplus]
    for row in rows:
        if (row["order_id"], row["line_no"]) == (correction.order_id, str(correction.line_no)):
            row["qty"] = str(correction.right_qty)
    corrected = pl.DataFrame(rows).with_columns(pl.col(pl.String).replace("", None))
    replace_file(path, encode(corrected, "csv.gz"))
    return path
