"""The suppression list: who must not come in again, and what becomes of their records. No file is opened here.

Tables are a pure function of the landed files, the rules and this list. It is applied to every file that is read,
between reading and screening, so that a late file, a replay or a restored backup cannot bring an erased person
back. It holds salted hashes only. A record of a source whose policy is `delete` becomes a broken record without
content, so that the account of its file still balances; one of a source whose policy is `pseudonymise` keeps its
amounts, its identifiers become tombstones and its other personal cells become empty.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from xbec_platform.ingest.contracts import Column, Contract
from xbec_platform.ingest.formats.records import ROW, Records

ERASED = "person was erased on request"
ERASED_RAW = '{"erased": true}'
TOMBSTONE = "erased:"
CUSTOMER, ORDER = "customer_id", "order_id"
# Identifiers are compared within their own namespace; a column of another name may hold any of them but an order.
KINDS = (CUSTOMER, "email_hash", "phone_hash", "anonymous_id", "session_id", ORDER)
# What identifiers are made of; everything else separates them in free text, JSON and addresses.
TOKEN = r"[A-Za-z0-9_:.@+\-]+"  # noqa: S105 - a pattern, no secret
# A shorter or purely numeric word also means other things (a quantity, a postal code): it is an identifier only in
# the columns that hold identifiers.
LEAST_LENGTH = 6
_PHONE = re.compile(r"[+0-9()./ \-]{7,}")
_WHOLE_NUMBER = re.compile(r"(\d+)\.0+")


@dataclass(frozen=True, order=True)
class Entry:
    """One suppressed identifier.

    Attributes:
        kind: One of `KINDS`.
        hash: Salted SHA-256 of the identifier, hexadecimal.
        is_own: Nobody else uses it: any record that holds it is the person's. Otherwise (a shared computer)
            only records that name no customer are.
        person: Salted hash of the person, the same on all lines of one person.
    """

    kind: str
    hash: str
    is_own: bool
    person: str


@dataclass(frozen=True)
class Suppression:
    """The list and the salt its hashes are made with."""

    salt: str = ""
    entries: tuple[Entry, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.entries)

    def hash(self, value: str) -> str:
        """Salted hash of an identifier, whatever blanks or `.0` a source wrote around it."""
        return hashlib.sha256((self.salt + normal(value)).encode()).hexdigest()

    def tombstone(self, value: str) -> str:
        """What stands in place of an identifier; equal identifiers keep equal tombstones."""
        return value if value.startswith(TOMBSTONE) else TOMBSTONE + self.hash(value)[:12]

    def with_entries(self, entries: Iterable[Entry]) -> Suppression:
        """The list with more entries; what one person shares and another owns counts as owned."""
        merged = {(one.kind, one.hash): one for one in sorted({*self.entries, *entries})}
        return replace(self, entries=tuple(sorted(merged.values())))

    @cached_property
    def own(self) -> dict[str, frozenset[str]]:
        """Hashes by kind of which every record is an erased person's."""
        return self._by_kind(is_own=True)

    @cached_property
    def shared(self) -> dict[str, frozenset[str]]:
        """Hashes by kind of which only records without a customer are an erased person's."""
        return self._by_kind(is_own=False)

    @cached_property
    def personal_hashes(self) -> frozenset[str]:
        """Hashes that may be found nowhere any more: all owned identifiers but orders, which are kept."""
        return frozenset(one.hash for one in self.entries if one.is_own and one.kind != ORDER)

    def _by_kind(self, *, is_own: bool) -> dict[str, frozenset[str]]:
        chosen = [one for one in self.entries if one.is_own == is_own]
        by_kind = {kind: frozenset(one.hash for one in chosen if one.kind == kind) for kind in KINDS}
        return by_kind | {"": frozenset(one.hash for one in chosen if one.kind != ORDER)}


def normal(value: str) -> str:
    """An identifier as it is hashed: without blanks or a spreadsheet's apostrophe, whole numbers without `.0`."""
    text = value.strip().removeprefix("'")
    number = _WHOLE_NUMBER.fullmatch(text)
    return number[1] if number else text


def is_unmistakable(value: str) -> bool:
    """Whether a word in any place can only be this identifier."""
    return len(value) >= LEAST_LENGTH and not value.isdecimal()


def email_hash(address: str) -> str:
    """SHA-256 of an address without blanks and in small letters, as mappings and most sources hash it."""
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()


def phone_hash(number: str) -> str:
    """SHA-256 of the digits and the plus sign of a telephone number, as mappings hash it."""
    return hashlib.sha256(re.sub(r"[^0-9+]", "", number).encode()).hexdigest()


def naming_columns(contract: Contract) -> tuple[str, ...]:
    """Columns of a source that say whose record it is.

    Where rows are deleted an order names the person too (a review of it); where they are kept it does not.
    """
    personal = [name for name, column in contract.columns.items() if column.tells_who]
    by_order = contract.erase == "delete" and ORDER in contract.columns
    return tuple([*personal, ORDER] if by_order and ORDER not in personal else personal)


def suppress(records: Records, contract: Contract, suppression: Suppression) -> Records:
    """Take erased persons out of the records of a file.

    Args:
        records: What was read, text or native columns.
        contract: Of the feed, or the file contract of a mapping.
        suppression: The list of the home.

    Returns:
        The same records when the list is empty. `rows_in` never changes.
    """
    if not suppression:
        return records
    names = [name for name in naming_columns(contract) if name in records.frame.columns]
    broken = tuple(
        (one[0], ERASED_RAW, ERASED) if stone_of(one[1], contract, suppression) else one
        for one in records.broken
    )
    if not names or records.frame.is_empty():
        return replace(records, broken=broken)
    theirs = erased_rows(records.frame, contract, suppression)
    if not theirs.any():
        return replace(records, broken=broken)
    if contract.erase == "delete":
        gone = [(row, ERASED_RAW, ERASED) for row in records.frame.filter(theirs)[ROW].to_list()]
        return replace(records, frame=records.frame.filter(~theirs), broken=tuple(sorted([*broken, *gone])))
    return replace(records, frame=pseudonymised(records.frame, theirs, contract, suppression), broken=broken)


def erased_rows(frame: pl.DataFrame, contract: Contract, suppression: Suppression) -> pl.Series:
    """Which rows are an erased person's, as one flag a row; rows that were redacted in the file count."""
    theirs = shared = pl.repeat(value=False, n=frame.height, eager=True)
    with_stones = contract.erase == "delete"
    for name in (name for name in naming_columns(contract) if name in frame.columns):
        text = frame[name].cast(pl.String)
        kind = name if name in KINDS else ""
        theirs = _with_listed(theirs, text, suppression.own[kind], suppression, stones=with_stones)
        shared = _with_listed(shared, text, suppression.shared[kind], suppression)
    if not shared.any():
        return theirs
    return theirs | (shared & frame[CUSTOMER].is_null() if CUSTOMER in frame.columns else shared)


def _with_listed(
    hits: pl.Series,
    text: pl.Series,
    hashes: frozenset[str],
    suppression: Suppression,
    *,
    stones: bool = False,
) -> pl.Series:
    """Flags raised where a value is on the list, or a tombstone if these count; each value is hashed once."""
    if not hashes and not stones:
        return hits
    found = [
        value
        for value in text.drop_nulls().unique().to_list()
        if (stones and value.startswith(TOMBSTONE)) or is_listed(value, hashes, suppression)
    ]
    return hits | text.is_in(found).fill_null(value=False) if found else hits


def listed_values(text: pl.Series, hashes: frozenset[str], suppression: Suppression) -> pl.Series:
    """Rows whose value is on the list, as one flag a row."""
    return _with_listed(pl.repeat(value=False, n=len(text), eager=True), text, hashes, suppression)


def is_listed(value: str, hashes: frozenset[str], suppression: Suppression) -> bool:
    """Whether an identifier is on the list, or the hash of it if it is an e-mail address or a telephone number."""
    if suppression.hash(value) in hashes:
        return True
    if "@" in value:
        return suppression.hash(email_hash(value)) in hashes
    return bool(_PHONE.fullmatch(value)) and suppression.hash(phone_hash(value)) in hashes


def keeps_tombstone(column: Column) -> bool:
    """Whether a tombstone fits the column of an erased person; a number cannot hold one and becomes null."""
    return column.pii == "identifier" and column.type == "text"


def pseudonymised(
    frame: pl.DataFrame, theirs: pl.Series, contract: Contract, suppression: Suppression
) -> pl.DataFrame:
    """Rows of erased persons with tombstones for identifiers and without their other personal cells.

    Columns nobody promised are emptied too: nobody knows what they say of the person.
    """
    changed = []
    for name, dtype in frame.schema.items():
        column = contract.columns.get(name)
        if name == ROW or (column is not None and column.pii == "none"):
            continue
        if column is None or not keeps_tombstone(column):
            changed.append(pl.when(theirs).then(pl.lit(None, dtype)).otherwise(pl.col(name)).alias(name))
            continue
        text = frame[name].cast(pl.String)
        values = text.filter(theirs).drop_nulls().unique().to_list()
        stones = text.replace({value: suppression.tombstone(value) for value in values})
        changed.append(pl.when(theirs).then(stones).otherwise(text).alias(name))
    return frame.with_columns(changed)


def stone_of(raw: str, contract: Contract, suppression: Suppression) -> str:
    """The tombstone of the first erased person a record without known cells mentions; "" when it mentions none.

    Nobody can say which cell of it is which, so in a source that names persons every word counts.
    """
    names_persons = bool(naming_columns(contract))
    for word in re.findall(TOKEN, raw):
        if not names_persons and not is_unmistakable(word):
            continue
        if word.startswith(TOMBSTONE) or is_listed(word, suppression.personal_hashes, suppression):
            return suppression.tombstone(word)
    return ""
