"""Work orders: erasures that were begun and are not finished, in plain text until they are.

When a process dies halfway the rows that told who the person is may be gone already. The order keeps the
identifiers in the home, readable by its owner only, and the next call goes on with it. It is removed last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xbec_platform.erasure.identity import Person
from xbec_platform.ingest.suppression import Suppression
from xbec_platform.whole_files import replace_private_text

FOLDER = "erasure"


@dataclass(frozen=True)
class Order:
    """One person to be erased.

    Attributes:
        person: Who.
        requests: Landed deletion requests it answers; empty when somebody asked at the command line.
        tables: Rows that mentioned the person when the order was opened, by table.
    """

    person: Person
    requests: tuple[str, ...]
    tables: Mapping[str, int]


def merged(order: Order, known: Order) -> Order:
    """An order that was begun and is opened again: rows that told more about the person may be gone since."""
    tables = {
        table: max(order.tables.get(table, 0), known.tables.get(table, 0))
        for table in sorted({*order.tables, *known.tables})
    }
    requests = tuple(sorted({*order.requests, *known.requests}))
    return Order(known.person.merged(order.person), requests, tables)


def write_order(home: Path, order: Order, suppression: Suppression) -> None:
    """Store an order in one step; one of the same person that is open already is completed, never shortened."""
    folder = home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = _place(home, order, suppression)
    if target.is_file():
        order = merged(order, _read(target))
    text = json.dumps(
        {"person": order.person.to_json(), "requests": order.requests, "tables": dict(order.tables)}
    )
    replace_private_text(target, text)


def read_orders(home: Path) -> list[Order]:
    """All open orders, sorted by file name."""
    return [_read(path) for path in sorted((home / FOLDER).glob("*.json"))]


def _read(path: Path) -> Order:
    raw = json.loads(path.read_text())
    return Order(Person.from_json(raw["person"]), tuple(raw["requests"]), raw["tables"])


def remove_order(home: Path, order: Order, suppression: Suppression) -> None:
    """The person is forgotten here too."""
    _place(home, order, suppression).unlink(missing_ok=True)


def _place(home: Path, order: Order, suppression: Suppression) -> Path:
    return home / FOLDER / f"{order.person.key(suppression)[:16]}.json"
