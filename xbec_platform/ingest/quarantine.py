"""What lies in quarantine, for people who mend it: counts by reason, one record, its promises. Read only.

Every value comes from files of others: it is shown as text, with control characters made visible.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from xbec_platform.ingest.contracts import Column, Contract, contracts
from xbec_platform.ingest.rules import Rule, rules
from xbec_platform.ingest.suppression import ERASED
from xbec_platform.warehouse.database import read_frame

if TYPE_CHECKING:
    import duckdb

# Share of a feed's records in quarantine above which somebody is told.
SHARE_LIMIT = 0.05
# (feed, share), largest first; records of erased people are held back on purpose and do not count.
SHARES_SQL = f"""
SELECT feed, (sum(rows_quarantined) - coalesce(any_value(erased), 0))::DOUBLE / greatest(sum(rows_in), 1) AS share
FROM ops.file_manifest
LEFT JOIN (
    SELECT feed, count(*) AS erased FROM quarantine.records
    WHERE list_contains(reasons, '{ERASED}') GROUP BY feed
) USING (feed)
WHERE status = 'loaded' GROUP BY feed ORDER BY share DESC, feed
"""


@dataclass(frozen=True)
class QuarantinedRecord:
    """One record that was not loaded.

    Attributes:
        feed, drop_date, path, row_no: Where it is, by its place in the file.
        reasons: All of them.
        raw: The record as the file has it, by column; under "" when it has no columns.
    """

    feed: str
    drop_date: date
    path: str
    row_no: int
    reasons: tuple[str, ...]
    raw: Mapping[str, str | None]


class NotQuarantinedError(LookupError):
    """No such record is in quarantine; the message says what to look for."""


_COUNTS_SQL = """
SELECT feed, reason, count(*) AS records, count(DISTINCT file_id) AS files, min(drop_date) AS first_day,
    max(drop_date) AS last_day, arg_min(path, (path, row_no)) AS path, arg_min(row_no, (path, row_no)) AS row_no
FROM (SELECT *, unnest(reasons) AS reason FROM quarantine.records)
WHERE (?::VARCHAR IS NULL OR feed = ?) AND (?::VARCHAR IS NULL OR contains(lower(reason), lower(?)))
    AND (?::DATE IS NULL OR drop_date = ?)
GROUP BY feed, reason ORDER BY records DESC, feed, reason LIMIT ?
"""


def reason_counts(
    connection: duckdb.DuckDBPyConnection,
    *,
    feed: str | None = None,
    reason: str | None = None,
    day: date | None = None,
    limit: int = 50,
) -> pl.DataFrame:
    """Records by feed and reason, most frequent first; a record with two reasons counts under both.

    Columns: feed, reason, records, files, first_day, last_day (drop days), path and row_no of the first one.
    """
    return read_frame(connection, _COUNTS_SQL, [feed, feed, reason, reason, day, day, limit])


def total(connection: duckdb.DuckDBPyConnection) -> int:
    """Records in quarantine, each counted once."""
    (count,) = connection.execute("SELECT count(*) FROM quarantine.records").fetchall()[0]
    return int(count)


_RECORD_SQL = """
SELECT feed, drop_date, path, row_no, reasons, raw_json FROM quarantine.records
WHERE (path = ? OR file_id::VARCHAR = ?) AND row_no = ? ORDER BY path, file_id LIMIT 1
"""


def find_record(connection: duckdb.DuckDBPyConnection, file: str, row_no: int) -> QuarantinedRecord:
    """The record at a place.

    Args:
        connection: The warehouse.
        file: Path below `landing/`, or a file id of the manifest.
        row_no: Number of the record in its file, from 1.

    Raises:
        NotQuarantinedError: There is none; the message names rows of the file that are.
    """
    rows = connection.execute(_RECORD_SQL, [file, file, row_no]).fetchall()
    if not rows:
        raise NotQuarantinedError(_what_is_there(connection, file, row_no))
    feed, day, path, number, reasons, raw = rows[0]
    return QuarantinedRecord(feed, day, path, number, tuple(reasons), _cells(raw))


def _what_is_there(connection: duckdb.DuckDBPyConnection, file: str, row_no: int) -> str:
    rows = connection.execute(
        "SELECT row_no FROM quarantine.records WHERE path = ? OR file_id::VARCHAR = ? ORDER BY row_no LIMIT 10",
        [file, file],
    ).fetchall()
    if rows:
        known = ", ".join(str(number) for (number,) in rows)
        return (
            f"record {row_no} of {visible(file)} is not in quarantine; its records there start with {known}"
        )
    return f"{visible(file)} has no record in quarantine; `xbec quarantine list` names files that have"


def _cells(raw: str) -> dict[str, str | None]:
    try:
        cells = json.loads(raw)
    except json.JSONDecodeError:
        return {"": raw}
    if not isinstance(cells, dict):
        return {"": raw}
    return {
        name: value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in cells.items()
    }


def concerned_columns(record: QuarantinedRecord, contract: Contract) -> list[Column]:
    """The promised columns that the record's reasons speak of, in the order of the contract."""
    named: set[str] = set()
    by_id = _rules_by_id()
    for reason in record.reasons:
        rule = by_id.get(rule_id(reason) or "")
        if rule is not None:
            named |= rule.columns
        elif reason.startswith("key "):
            named |= set(contract.key)
        else:
            named.add(reason.split(":", maxsplit=1)[0])
    return [column for name, column in contract.columns.items() if name in named]


def rule_id(reason: str) -> str | None:
    """The rule a reason comes from; None for promises of the contract and broken records."""
    inside = reason.rpartition(" [")[2] if reason.endswith("]") else ""
    return inside.removesuffix("]") if inside.removesuffix("]") in _rules_by_id() else None


def _rules_by_id() -> dict[str, Rule]:
    return {rule.id: rule for of_source in rules().values() for rule in of_source}


def promise(column: Column) -> str:
    """What the contract says of a column, in one line."""
    parts = [
        column.type,
        "" if column.nullable else "required",
        f">= {column.min:g}" if column.min is not None else "",
        f"<= {column.max:g}" if column.max is not None else "",
        f"> {column.above:g}" if column.above is not None else "",
        f"one of {', '.join(column.allowed)}" if column.allowed else "",
        f"matches {column.pattern}" if column.pattern else "",
        f"in {column.unit}" if column.unit else "",
    ]
    return ", ".join(part for part in parts if part)


def advice(record: QuarantinedRecord) -> list[str]:
    """What to do about a record, most likely way first."""
    at_source = (
        f"Wrong at the source: have it mended there and deliver the whole file again as {visible(record.path)}; "
        "the new content takes the place of the old."
    )
    by_id = _rules_by_id()
    chosen = [by_id[one] for reason in record.reasons if (one := rule_id(reason)) in by_id]
    ways = [f"Rule {rule.id} is {rule.owner}'s: {rule.reason}." for rule in chosen]
    if any(reason.startswith("key ") for reason in record.reasons):
        ways.append("Two records claim the same key; only the source can say which of them is right.")
    here = (
        f"Wrong here: mend the contract, rule or mapping of {visible(record.feed)}, then "
        f"`xbec quarantine replay --source {visible(record.feed)}`."
    )
    known = contracts().get(record.feed)
    owner = [f"The source belongs to {known.owner}."] if known else []
    return [*ways, at_source, here, *owner]


def visible(text: str) -> str:
    r"""Text as one printable line: control and direction characters, line ends and the like as `\u202e`."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
