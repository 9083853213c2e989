"""Which identifiers are a person's, from the raw tables. Nothing is changed here.

A request names an account or an e-mail address. The account's e-mail and telephone hashes, and the devices and
sessions seen together with it, are the person's own as long as nobody else uses them. A device that other accounts
use too (a household's computer) is shared: only its anonymous records go. One that more than `MAX_USERS` accounts
use (an internet cafe) says nothing about the person and is listed as dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.suppression import (
    CUSTOMER,
    KINDS,
    ORDER,
    TOMBSTONE,
    Entry,
    Suppression,
    email_hash,
    normal,
)

if TYPE_CHECKING:
    import duckdb

# As in data-model.md, identity: a key of more than five accounts is a kiosk or a forwarder, no person.
MAX_USERS = 5
LINKS = ("session_id", "anonymous_id")
CONTACTS = ("email_hash", "phone_hash")


class UnknownPersonError(ValueError):
    """Nobody is known under the name given."""


class AmbiguousPersonError(ValueError):
    """The e-mail address belongs to several accounts; the message lists them."""


@dataclass(frozen=True)
class Identifier:
    """A value of one of `KINDS`."""

    kind: str
    value: str


@dataclass(frozen=True)
class Person:
    """What identifies one person, in plain text: never stored but in the work order of an open erasure.

    Attributes:
        name: What the request said.
        own: Identifiers nobody else uses.
        shared: Identifiers that up to `MAX_USERS` others use too.
        dropped: Identifiers that more use; they stay.
        orders: Orders of the person; their reviews go, they themselves are kept without the person.
        is_known: Some row mentions the person.
    """

    name: str
    own: tuple[Identifier, ...]
    shared: tuple[Identifier, ...] = ()
    dropped: tuple[Identifier, ...] = ()
    orders: tuple[str, ...] = ()
    is_known: bool = True

    @property
    def values(self) -> tuple[str, ...]:
        """The name and the owned identifiers: what may be found nowhere any more. Longest first, ties by text."""
        found = {self.name, *(one.value for one in self.own)}
        return tuple(sorted(found, key=lambda value: (-len(value), value)))

    def entries(self, suppression: Suppression) -> list[Entry]:
        """The person's lines of the suppression list."""
        key = self.key(suppression)
        orders = [Identifier(ORDER, order) for order in self.orders]
        own = [Entry(one.kind, suppression.hash(one.value), True, key) for one in [*self.own, *orders]]
        return own + [Entry(one.kind, suppression.hash(one.value), False, key) for one in self.shared]

    def key(self, suppression: Suppression) -> str:
        """Salted hash of the person: the one on the list, else of the account where there is one."""
        hashes = {(one.kind, suppression.hash(one.value)) for one in self.own}
        known = sorted(one.person for one in suppression.entries if (one.kind, one.hash) in hashes)
        accounts = sorted(one.value for one in self.own if one.kind == CUSTOMER)
        return known[0] if known else suppression.hash(accounts[0] if accounts else self.name)

    def merged(self, other: Person) -> Person:
        """Everything either of two findings of the person knows."""
        own = {*self.own, *other.own}
        return Person(
            self.name,
            _sorted(own),
            _sorted({*self.shared, *other.shared} - own),
            _sorted({*self.dropped, *other.dropped} - own),
            tuple(sorted({*self.orders, *other.orders})),
        )

    def listed(self, suppression: Suppression) -> Person:
        """Of an unknown name only what is on the list already: naming somebody twice adds nothing."""
        known = {(one.kind, one.hash) for one in suppression.entries}
        own = [one for one in self.own if (one.kind, suppression.hash(one.value)) in known]
        return Person(self.name, _sorted(own))

    def to_json(self) -> str:
        """The person as JSON text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Person:
        """What `to_json` wrote."""
        raw = json.loads(text)
        parts = {name: tuple(Identifier(**one) for one in raw[name]) for name in ("own", "shared", "dropped")}
        return cls(name=raw["name"], orders=tuple(raw["orders"]), is_known=raw["is_known"], **parts)


def find_person(connection: duckdb.DuckDBPyConnection, name: str, *, unknown_is_fine: bool = False) -> Person:
    """Resolve an account, an e-mail address or its hash.

    Args:
        connection: Of the warehouse.
        name: customer_id, email_hash, or an address with "@", which is hashed as `email_hash` does.
        unknown_is_fine: Suppress the name even though no row mentions it.

    Raises:
        UnknownPersonError: No row mentions it.
        AmbiguousPersonError: Several accounts have this e-mail; which of them asks, nobody can say.
    """
    name = normal(name)
    hashed = email_hash(name) if "@" in name else name
    accounts = _accounts(connection, name, hashed)
    if accounts == []:
        if not unknown_is_fine:
            raise UnknownPersonError(
                f"no row mentions {name} as customer_id or email_hash; nothing was changed. "
                "--unknown keeps the name out of later files all the same"
            )
        both = (Identifier(CUSTOMER, name), Identifier("email_hash", hashed))
        return Person(name, both, is_known=False)
    if len(accounts) > 1:
        raise AmbiguousPersonError(
            f"the e-mail belongs to {len(accounts)} accounts: {', '.join(accounts)}; erase the one that asks "
            "by its customer_id"
        )
    return _identify(connection, name, accounts[0])


def _accounts(connection: duckdb.DuckDBPyConnection, name: str, hashed: str) -> list[str]:
    """The account of this id, else those with this e-mail; sorted."""
    seen = " UNION ALL ".join(f"SELECT {CUSTOMER} FROM raw.{source}" for source in _with_columns(CUSTOMER))
    if connection.execute(f"SELECT 1 FROM ({seen}) WHERE {CUSTOMER} = ? LIMIT 1", [name]).fetchall():
        return [name]
    found = connection.execute(
        "SELECT DISTINCT customer_id FROM raw.customers WHERE email_hash = ? ORDER BY ALL", [hashed]
    ).fetchall()
    return [customer for (customer,) in found]


def _identify(connection: duckdb.DuckDBPyConnection, name: str, account: str) -> Person:
    """Everything seen together with an account, sorted into own, shared and dropped."""
    others: dict[Identifier, int] = {}
    for kind in CONTACTS:
        pairs = f"SELECT {kind} AS value, {CUSTOMER} FROM raw.customers WHERE {kind} IS NOT NULL"
        others |= _users(connection, kind, pairs, _seen_with(connection, kind, pairs, account), account)
    devices: list[str] = []
    for kind in reversed(LINKS):
        pairs = _pairs(kind)
        values = _seen_with(connection, kind, pairs, account)
        if kind == "session_id":
            # Sessions before the login name no customer; the person's own device tells whose they are.
            values |= _sessions_of(connection, devices)
        users = _users(connection, kind, pairs, values, account)
        devices += [one.value for one, count in users.items() if count == 0 and kind == "anonymous_id"]
        others |= users
    own = [Identifier(CUSTOMER, account), *(one for one, count in others.items() if count == 0)]
    orders = " UNION ".join(
        f"SELECT {ORDER} FROM raw.{source} WHERE {CUSTOMER} = $account AND {ORDER} IS NOT NULL"
        for source in _with_columns(CUSTOMER, ORDER)
    )
    bought = connection.execute(f"{orders} ORDER BY ALL", {"account": account}).fetchall()
    return Person(
        name,
        _sorted(own),
        _sorted(one for one, count in others.items() if 0 < count <= MAX_USERS),
        _sorted(one for one, count in others.items() if count > MAX_USERS),
        tuple(order for (order,) in bought),
    )


def _with_columns(*names: str) -> list[str]:
    """Sources whose contracts have all these columns."""
    return [source for source, contract in contracts().items() if set(names) <= set(contract.columns)]


def _pairs(kind: str) -> str:
    """Every identifier of a kind with the customer it was seen with."""
    return " UNION ALL ".join(
        f"SELECT {kind} AS value, {CUSTOMER} FROM raw.{source} WHERE {kind} IS NOT NULL AND {CUSTOMER} IS NOT NULL"
        for source in _with_columns(kind, CUSTOMER)
    )


def _seen_with(connection: duckdb.DuckDBPyConnection, kind: str, pairs: str, account: str) -> set[Identifier]:
    rows = connection.execute(
        f"SELECT DISTINCT value FROM ({pairs}) WHERE {CUSTOMER} = ?", [account]
    ).fetchall()
    return {Identifier(kind, value) for (value,) in rows if not value.startswith(TOMBSTONE)}


def _sessions_of(connection: duckdb.DuckDBPyConnection, devices: list[str]) -> set[Identifier]:
    """Sessions on the person's own devices, one step and no further."""
    found: set[Identifier] = set()
    for source in _with_columns(*LINKS):
        rows = connection.execute(
            f"SELECT DISTINCT session_id FROM raw.{source} WHERE session_id IS NOT NULL "
            "AND anonymous_id IN (SELECT unnest(?::VARCHAR[]))",
            [devices],
        ).fetchall()
        found |= {Identifier("session_id", value) for (value,) in rows}
    return found


def _users(
    connection: duckdb.DuckDBPyConnection, kind: str, pairs: str, values: Iterable[Identifier], account: str
) -> dict[Identifier, int]:
    """How many other accounts use each identifier."""
    names = sorted(one.value for one in values)
    rows: list[tuple[str, int]] = connection.execute(
        f"SELECT value, count(DISTINCT {CUSTOMER}) FROM ({pairs}) WHERE {CUSTOMER} <> ? "
        "AND value IN (SELECT unnest(?::VARCHAR[])) GROUP BY value",
        [account, names],
    ).fetchall()
    counts: Mapping[str, int] = dict(rows)
    return {Identifier(kind, value): counts.get(value, 0) for value in names}


def _sorted(found: Iterable[Identifier]) -> tuple[Identifier, ...]:
    return tuple(sorted(set(found), key=lambda one: (KINDS.index(one.kind), one.value)))
