"""Files damaged by a seeded mutator, and what the intake's reading and screening make of them.

`python -m xbec_platform_tests.benchmarks.damaged_files [CASES] [FIRST_SEED]` runs many; the test suite runs some.
"""

import gzip
import io
import json
import random
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa

from xbec_platform.ingest.contracts import Contract, contracts
from xbec_platform.ingest.formats.reading import read_blocks, read_records
from xbec_platform.ingest.formats.records import Expectation, FileRejectedError, Records
from xbec_platform.ingest.screening import broken_rows, bundle, drop_exact_duplicates, screen_unique

DAY = date(2026, 1, 31)
Cells = list[list[str]]


@dataclass(frozen=True)
class Table:
    """A small file before it is spelt: header and rows as text, all of them good."""

    feed: str
    header: list[str]
    rows: Cells

    @property
    def expectation(self) -> Expectation:
        """What the contract says of it."""
        columns = contracts()[self.feed].columns.values()
        return Expectation(
            required=tuple(column.name for column in columns if not column.nullable),
            known=tuple(column.name for column in columns),
            numeric=tuple(
                column.name
                for column in columns
                if column.type in ("integer", "double") or column.type.startswith("decimal")
            ),
        )


@dataclass(frozen=True)
class Spelling:
    """How a table is written down; every field changes the bytes and none the rows."""

    delimiter: str = ","
    quote: str = '"'
    is_quoted: bool = False
    line_end: str = "\n"
    encoding: str = "utf-8"
    preamble: tuple[str, ...] = ()
    repeat_header_every: int = 0
    is_last_end_missing: bool = False
    decimal: str = "."
    packing: str = ""


def make_table(rng: random.Random) -> Table:
    """Rows of one of three contracts; texts hold delimiters, quotes, line ends and letters of many languages."""
    feed = rng.choice(["order_lines", "fx_rates", "customers"])
    rows = [_ROWS[feed](rng, number) for number in range(1, rng.randint(13, 30))]
    return Table(feed, list(rows[0]), [list(row.values()) for row in rows])


def _order_line(rng: random.Random, number: int) -> dict[str, str]:
    return {
        "order_id": f"O-{rng.randint(1, 9999)}",
        "line_no": str(number),
        "product_id": rng.choice(
            ["SKU-1", "SKU-2", "Größe M", "Crème brûlée", 'pipe 5"', "a, b; c|d", "O'Brien"]
        ),
        "qty": str(rng.randint(1, 50)),
        "unit_price": f"{rng.randint(1, 99999) / 100:.2f}",
        "discount": rng.choice(["", "0.50", "12.25"]),
        "currency": rng.choice(["EUR", "USD", "JPY"]),
        "is_gift": rng.choice(["true", "false", ""]),
    }


def _fx_rate(rng: random.Random, number: int) -> dict[str, str]:
    return {
        "rate_date": f"2026-01-{number:02d}",
        "currency": rng.choice(["USD", "GBP", "JPY"]),
        "rate_to_base": f"{rng.randint(1, 30000) / 100:.2f}",
        "source": rng.choice(["ecb", "bank of x", "two\nlines", 'the "mid" rate']),
    }


def _customer(rng: random.Random, number: int) -> dict[str, str]:
    return {
        "customer_id": f"C-{number}",
        "updated_ts": f"2026-01-{rng.randint(1, 30):02d}T10:00:00Z",
        "country": rng.choice(["DE", "FR", "JP", ""]),
        "region": rng.choice(["", "Île-de-France", "Müritz", "Tōkyō", 'O\'Neill, "East"', "<b>x</b>"]),
    }


_ROWS: dict[str, Callable[[random.Random, int], dict[str, str]]] = {
    "order_lines": _order_line,
    "fx_rates": _fx_rate,
    "customers": _customer,
}


def make_spelling(rng: random.Random, table: Table) -> Spelling:
    """A way to write the table that loses nothing."""
    decimal = rng.choice([".", ".", ","])
    text = "".join(cell for row in table.rows for cell in row)
    encodings = ["utf-8", "utf-8-sig", "utf-16", "utf-32"]
    # "Größe" alone is Chinese in GB 18030: such a file is rejected, as it should be.
    if ("ü" in text or "è" in text) and "ō" not in text:
        encodings += ["latin-1", "cp1252"]
    return Spelling(
        delimiter=rng.choice([",", ";", "\t", "|"]),
        quote='"',
        is_quoted=rng.random() < 0.3,
        line_end=rng.choice(["\n", "\n", "\r\n", "\r"]),
        encoding=rng.choice(encodings),
        preamble=rng.choice([(), (), ("Report of the shop", "", "made on 2026-01-31")]),
        repeat_header_every=rng.choice([0, 0, 3]),
        is_last_end_missing=rng.random() < 0.3,
        decimal=decimal,
        packing=rng.choice(["", "", "gzip", "zip", "zstd"]),
    )


def shuffle_columns(rng: random.Random, table: Table) -> Table:
    """The same rows with their columns in another order."""
    order = list(range(len(table.header)))
    rng.shuffle(order)
    return replace(
        table,
        header=[table.header[index] for index in order],
        rows=[[row[index] for index in order] for row in table.rows],
    )


def spell(table: Table, spelling: Spelling) -> bytes:
    """The bytes of the file, not yet packed."""
    numeric = [table.header.index(name) for name in table.expectation.numeric if name in table.header]
    lines = [*spelling.preamble]
    header = spelling.delimiter.join(table.header)
    lines.append(header)
    for number, row in enumerate(table.rows):
        if spelling.repeat_header_every and number and number % spelling.repeat_header_every == 0:
            lines.append(header)
        cells = list(row)
        for index in numeric:
            cells[index] = cells[index].replace(".", spelling.decimal)
        lines.append(spelling.delimiter.join(_cell(cell, spelling) for cell in cells))
    text = spelling.line_end.join(lines) + ("" if spelling.is_last_end_missing else spelling.line_end)
    return text.encode(spelling.encoding)


def _cell(cell: str, spelling: Spelling) -> str:
    needs = any(char in cell for char in (spelling.delimiter, '"', "\n", "\r"))
    if not needs and not (spelling.is_quoted and cell):
        return cell
    return '"' + cell.replace('"', '""') + '"'


def pack(data: bytes, packing: str) -> tuple[str, bytes]:
    """File name and content."""
    if packing == "gzip":
        return "a.csv.gz", gzip.compress(data, mtime=0)
    if packing == "zstd":
        return "a.csv.zst", pa.compress(data, codec="zstd", asbytes=True)
    if packing == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("../../a.csv", data)
        return "a.zip", buffer.getvalue()
    return "a.csv", data


def damage(rng: random.Random, data: bytes) -> tuple[bytes, int]:
    """One to three random injuries, and the largest number of rows they can change into others.

    A changed byte can join or split records, so it touches two; a run of bytes no more than that, unless it
    holds line ends of its own.
    """
    touched = 0
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(data) + 1) if data else 0
        some = bytes(rng.choice(b"\",;|\t\r\n'\\0\x00\x80\xff\xc3(.") for _ in range(rng.randint(1, 3)))
        times = rng.randint(1, 4)
        match rng.choice(["flip", "insert", "delete", "cut", "ragged", "swap"]):
            case "flip":
                data, times = data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :], 1
            case "insert":
                data, times = data[:place] + some + data[place:], 2
            case "delete":
                data, times = data[:place] + data[place + rng.randint(1, 20) :], 1
            case "cut":
                data, times = data[:place], 1
            case "ragged":
                data = data.replace(b"\n", b",extra\n", times)
            case "swap":
                other = rng.choice([b",", b";", b"\n", b'"'])
                data = data.replace(rng.choice([b",", b"\n", b"."]), other, times)
        touched += 2 * times
    return data, touched


def loaded_rows(records: Records, contract: Contract) -> pl.DataFrame:
    """Rows as they enter the raw table; every record must be loaded, rejected or an exact duplicate."""
    bundled = bundle([(records, DAY)])
    unique = drop_exact_duplicates(bundled, contract.key)
    screened = screen_unique(unique, contract, numbers=records.numbers)
    duplicates = bundled.height - unique.height
    rejected = screened.rejected.height + broken_rows(records, 0).height
    account = screened.accepted.height + rejected + duplicates
    assert account == records.rows_in, f"{account} of {records.rows_in} rows accounted for"
    return screened.accepted.select(name for name in contract.columns if name in records.frame.columns)


def counted(rows: pl.DataFrame, columns: list[str]) -> Counter[str]:
    """Rows by their content."""
    chosen = rows.select(columns).rows(named=True)
    return Counter(json.dumps(row, default=str, sort_keys=True) for row in chosen)


def run_case(seed: int, folder: Path) -> str:
    """One case; returns what came of it: same, loaded, or rejected.

    Raises:
        AssertionError: A re-spelt file loads other rows, a damaged one loses a row, loads rows that its
            injuries do not explain, or is rejected without a reason.
    """
    rng = random.Random(seed)
    table = make_table(rng)
    contract = contracts()[table.feed]
    plain = _read(folder, "a.csv", spell(table, Spelling()), table)
    original = loaded_rows(plain, contract)
    assert original.height == len(table.rows), "the mutator's own table is not clean"
    if rng.random() < 0.5:
        table = shuffle_columns(rng, table)
    spelling = make_spelling(rng, table)
    data = spell(table, spelling)
    if rng.random() < 0.4:
        records = _read(folder, *pack(data, spelling.packing), table)
        same = counted(loaded_rows(records, contract), original.columns) == counted(
            original, original.columns
        )
        assert same, f"{spelling}: {records.format}"
        return "same"
    return _damaged_case(rng, folder, table, spelling, data, original)


def _damaged_case(
    rng: random.Random, folder: Path, table: Table, spelling: Spelling, data: bytes, original: pl.DataFrame
) -> str:
    # Archives of zstd carry no checksum here: an injury inside one may change any of its rows.
    is_archive_hit = bool(spelling.packing) and rng.random() < 0.25
    if is_archive_hit:
        name, whole = pack(data, spelling.packing)
        content, touched = damage(rng, whole)
        touched = len(table.rows) if spelling.packing == "zstd" else 0
    else:
        injured, touched = damage(rng, data)
        name, content = pack(injured, spelling.packing)
    try:
        records = _read(folder, name, content, table)
    except FileRejectedError as error:
        _require_cause(error)
        return "rejected"
    loaded = loaded_rows(records, contracts()[table.feed])
    columns = [name for name in loaded.columns if name in original.columns]
    foreign = counted(loaded, columns) - counted(original, columns)
    assert foreign.total() <= touched, f"{foreign} after {touched} touched; {records.format}; {content!r}"
    return "loaded"


def _require_cause(error: FileRejectedError) -> None:
    assert len(str(error)) > 15, f"says nothing: {error!r}"


def _read(folder: Path, name: str, data: bytes, table: Table) -> Records:
    """Read whole and in blocks of two records, which must agree."""
    path = folder / name
    path.write_bytes(data)
    records = read_records(path, table.expectation)
    blocks = list(read_blocks(path, table.expectation, block_rows=2))
    assert pl.concat((block.frame for block in blocks), how="diagonal").equals(records.frame)
    assert tuple(one for block in blocks for one in block.broken) == records.broken
    return records


def main() -> None:
    """Run cases and print what came of them."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + cases):
            try:
                outcomes[run_case(seed, Path(folder))] += 1
            except Exception:
                print(f"seed {seed}")
                raise
    print(dict(sorted(outcomes.items())))


if __name__ == "__main__":
    main()
