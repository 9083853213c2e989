"""Clean blocks enter the tables unjudged: what is called clean must be what screening accepts, cell by cell."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xbec_platform.ingest import clean_rows as clean_rows_module
from xbec_platform.ingest.clean_rows import clean_rows, plain_columns
from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.formats.reading import read_blocks
from xbec_platform.ingest.formats.records import ROW, FileRejectedError, Records
from xbec_platform.ingest.key_hashes import are_different
from xbec_platform.ingest.rules import Rule
from xbec_platform.ingest.screening import DUPLICATES, EXTRA, screen

DAY = date(2026, 1, 4)
LINES = contracts()["order_lines"]
HEADER = "order_id,line_no,product_id,qty,unit_price,discount,currency,is_gift"
GOOD = ["O1", "1", "P1", "2", "9.99", "0.5", "EUR", "true"]
# Spellings that one parser takes and another does not, beside good and bad values.
odd = {
    0: ["O1", "O2", "", " O1", '"O,1"', "order_id"],
    1: ["1", "2", "007", "+3", " 4", "5 ", "1.0", "1e2", "0", "-1", "x", "", "9223372036854775808"],
    3: ["1", "2.0", "0", "", " 1", '"3"', '" 3"'],
    4: [
        "1.50",
        "0",
        "1e2",
        " 1",
        "1.23456",
        "0.12340000000000001",
        "-0.01",
        "inf",
        "nan",
        "1_0",
        "",
        ".5",
        "1.",
    ],
    5: ["", "0.25", "12345678901.1234", "123456789012345678", '""', "1,5"],
    6: ["EUR", "USD", "eur", "", "XXQ"],
    7: ["true", "false", "TRUE", "1", "", "maybe"],
}
rows = st.fixed_dictionaries(
    {}, optional={place: st.sampled_from(values) for place, values in odd.items()}
).map(lambda changed: ",".join(changed.get(place, cell) for place, cell in enumerate(GOOD)))


def blocks_of(path: Path, content: str) -> list[Records]:
    path.write_text(content)
    expect = Feeds().expectation("order_lines")
    return list(read_blocks(path, expect, block_rows=1_000, plain=plain_columns(LINES)))


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(rows, min_size=1, max_size=4))
@example(lines=[",".join(GOOD)])
@example(lines=[",".join([*GOOD[:4], "0.12340000000000001", *GOOD[5:]])])
@example(lines=[",".join(["O1", " 1", *GOOD[2:]])])
def test_clean_is_what_screening_accepts(lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """A block that is called clean loads as the same rows when its text is screened, none of them touched."""
    path = tmp_path_factory.mktemp("clean") / "a.csv"
    try:
        blocks = blocks_of(path, "\n".join([HEADER, *lines, ""]))
    except FileRejectedError:
        return
    for block in blocks:
        clean = clean_rows(block, LINES, drop_date=DAY)
        if clean is None or not are_different(clean.key_hashes):
            continue
        screened = screen(block.as_spelt(), LINES, drop_date=DAY)
        assert (screened.rejected.height, screened.repaired.height, screened.warned.height) == (0, 0, 0)
        assert screened.accepted[DUPLICATES].sum() == 0
        assert clean.frame.equals(screened.accepted.select(clean.frame.columns))


def test_an_honest_block_is_clean_and_read_as_numbers(tmp_path: Path) -> None:
    """A proof that doubts everything would pass the property and cost the speed."""
    lines = [",".join(["O1", str(n), *GOOD[2:]]) for n in range(1, 4)]
    (block,) = blocks_of(tmp_path / "a.csv", "\n".join([HEADER, *lines, ""]))
    assert block.frame.schema["qty"] == pl.Int64
    assert block.as_spelt().frame.schema["qty"] == pl.String
    clean = clean_rows(block, LINES, drop_date=DAY)
    assert clean is not None
    assert clean.frame[ROW].to_list() == [1, 2, 3]


def test_columns_nobody_promised_are_kept(tmp_path: Path) -> None:
    """They stand in `_extra`, spelt as in the file."""
    (block,) = blocks_of(tmp_path / "a.csv", f"{HEADER},note\n{','.join(GOOD)},007\n")
    clean = clean_rows(block, LINES, drop_date=DAY)
    assert clean is not None
    assert clean.frame[EXTRA].to_list() == ['{"note":"007"}']


def test_a_rule_that_looks_at_text_keeps_its_column_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`qty = '007'` could not be told any more once the cell is a number; such a block is screened."""
    rule = Rule(
        id="spelt", source="order_lines", severity="repair", message="m", owner="o", reason="r",
        when="qty = '007'", set={"qty": "'8'"}, reads="text",
    )  # fmt: skip
    monkeypatch.setattr(clean_rows_module, "rules_of", lambda source: (rule,))
    assert "qty" not in plain_columns(LINES)
    (block,) = blocks_of(tmp_path / "a.csv", f"{HEADER}\n{','.join([*GOOD[:3], '007', *GOOD[4:]])}\n")
    assert clean_rows(block, LINES, drop_date=DAY) is None
    assert clean_rows(replace(block, frame=block.frame.with_columns(qty=pl.lit("7"))), LINES, drop_date=DAY)


def test_equal_keys_are_told_by_their_hashes(tmp_path: Path) -> None:
    """Whether they are copies or contradict each other is for screening to say, once the whole file is known."""
    (block,) = blocks_of(tmp_path / "a.csv", "\n".join([HEADER, ",".join(GOOD), ",".join(GOOD), ""]))
    clean = clean_rows(block, LINES, drop_date=DAY)
    assert clean is not None
    assert not are_different(clean.key_hashes)


def test_a_repeated_header_is_no_record(tmp_path: Path) -> None:
    """It is left out before anything is taken for a number."""
    lines = [",".join(GOOD), HEADER, ",".join(["O2", *GOOD[1:]])]
    (block,) = blocks_of(tmp_path / "a.csv", "\n".join([HEADER, *lines, ""]))
    assert block.frame["order_id"].to_list() == ["O1", "O2"]
    assert "1 repeated header" in block.format
