"""Erase persons from a home, step by step, each of which may be killed and run again.

Order: work order, suppression list, landing files, model tables and pages, then the jobs rebuild raw tables, facts,
marts, models and what is published from the rewritten files, then older exports, logs and Dagster's storage, the
database file is written anew, everything is searched, the log is written and the work order removed. The jobs
themselves are given by the caller: nothing here knows Dagster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from xbec_platform.erasure.identity import Person, UnknownPersonError, find_person
from xbec_platform.erasure.landing_rewrite import Rewrite, rewrite_landing
from xbec_platform.erasure.log import requests_of, write_log
from xbec_platform.erasure.orders import Order, read_orders, remove_order, write_order
from xbec_platform.erasure.places import file_contracts, text_folders
from xbec_platform.erasure.proof import Mentions, described, search
from xbec_platform.erasure.published_rewrite import rewrite_exports, rewrite_pages, rewrite_texts
from xbec_platform.erasure.search import delete_mentions, mentioned_rows
from xbec_platform.erasure.sweep import note_swept
from xbec_platform.ingest.archive import restore
from xbec_platform.ingest.store import create_tables
from xbec_platform.ingest.suppression import Suppression
from xbec_platform.ingest.suppression_file import load_suppression, open_suppression, save_suppression
from xbec_platform.settings import Settings
from xbec_platform.warehouse.compaction import rewrite_file
from xbec_platform.warehouse.database import Warehouse

# Model tables of past days are not built again: a person's rows leave them at once.
MODELS = "ml."


class ErasureIncompleteError(RuntimeError):
    """A person is still mentioned somewhere, or the tables could not be rebuilt; the message says what to do."""


@dataclass(frozen=True)
class Plan:
    """What an erasure would change."""

    person: Person
    mentions: Mentions
    landing: Rewrite
    requests: tuple[str, ...]


@dataclass(frozen=True)
class ErasureReport:
    """What was done.

    Attributes:
        persons: Number of persons.
        tables: Rows that mentioned them before, by table.
        landing: Landing files.
        exports: Rows left out of exports of other days, by folder.
        texts: Mentions replaced in pages, logs and Dagster's storage, by file.
        size_before, size_after: Of the database file in bytes.
        after: What was found afterwards: only files nobody can look into.
    """

    persons: int
    tables: Mapping[str, int]
    landing: Rewrite
    exports: Mapping[str, int]
    texts: Mapping[Path, int]
    size_before: int
    size_after: int
    after: Mentions


def plan_erasure(settings: Settings, name: str, *, unknown_is_fine: bool = False) -> Plan:
    """Find a person and everything that mentions the person; nothing is changed.

    Raises:
        UnknownPersonError, AmbiguousPersonError: See `identity.find_person`.
    """
    known = load_suppression(settings.home)
    person, requests = _resolve(settings, name, known, unknown_is_fine=unknown_is_fine)
    salted = known if known.salt else replace(known, salt="never stored")
    suppression = salted.with_entries(person.entries(salted))
    landing = rewrite_landing(
        settings.landing, file_contracts(settings), suppression, person.values, dry_run=True
    )
    return Plan(person, search(settings, suppression, person.values), landing, requests)


def open_order(settings: Settings, name: str, *, unknown_is_fine: bool = False) -> Order:
    """Write down that a person is to be erased and put the person on the list: from now on no file brings new rows.

    Raises:
        UnknownPersonError, AmbiguousPersonError: See `identity.find_person`.
    """
    known = open_suppression(settings.home)
    person, requests = _resolve(settings, name, known, unknown_is_fine=unknown_is_fine)
    suppression = known.with_entries(person.entries(known))
    with Warehouse.of(settings).connect("erasure: rows of the person") as connection:
        found = Mentions(tuple(mentioned_rows(connection, suppression)), {}, {})
    order = Order(person, requests, found.tables)
    write_order(settings.home, order, known)
    save_suppression(settings.home, suppression)
    return order


def work_off(settings: Settings, *, rebuild: Callable[[], bool], done_ts: datetime) -> ErasureReport | None:
    """Finish all open orders; None when there are none.

    Args:
        settings: The home.
        rebuild: Runs intake, facts, marts, the models of the last day and what is published; whether it succeeded.
        done_ts: UTC, for the log.

    Raises:
        ErasureIncompleteError: The rebuild failed, or somebody is still mentioned; the orders stay open.
    """
    orders = read_orders(settings.home)
    if not orders:
        return None
    suppression = open_suppression(settings.home)
    for order in orders:
        suppression = suppression.with_entries(order.person.entries(suppression))
    save_suppression(settings.home, suppression)
    values = sorted({value for order in orders for value in order.person.values})
    # Packed raw files mention people too: they are put back and cleaned with the others.
    restore(settings.home, settings.landing)
    landing = rewrite_landing(settings.landing, file_contracts(settings), suppression, values)
    note_swept(settings, suppression, landing.looked_at)
    warehouse = Warehouse.of(settings)
    # Everything that is made by the jobs counts, so that a kill between the marts and the pages is made good too.
    found = search(settings, suppression, ()).columns
    with warehouse.transaction("erasure: model tables") as connection:
        delete_mentions(connection, suppression, [one for one in found if one.table.startswith(MODELS)])
    is_due = bool(found or landing.changed)
    if is_due:
        rewrite_pages(settings.reports, suppression, values)
    if is_due and not rebuild():
        raise ErasureIncompleteError(
            "the tables could not be rebuilt; nothing is lost: mend the cause shown above and run xbec erase again"
        )
    exports = rewrite_exports(settings.exports, suppression, values)
    texts = rewrite_texts(text_folders(settings), suppression, values)
    sizes = rewrite_file(warehouse)
    after = search(settings, suppression, values)
    if not after.is_clean:
        raise ErasureIncompleteError("still mentioned: " + "; ".join(described(after, settings.home)))
    _close(settings, orders, suppression, done_ts)
    counts: dict[str, int] = {}
    for order in orders:
        counts = {name: counts.get(name, 0) + order.tables.get(name, 0) for name in {*counts, *order.tables}}
    tables = dict(sorted(counts.items()))
    return ErasureReport(len(orders), tables, landing, exports, texts, *sizes, after)


def _close(settings: Settings, orders: Iterable[Order], suppression: Suppression, done_ts: datetime) -> None:
    """The log first, then the orders: a kill in between logs the same once more and never forgets."""
    for order in orders:
        key = order.person.key(suppression)
        requests = order.requests or (f"direct:{key[:12]}",)
        with Warehouse.of(settings).transaction("erasure: log") as connection:
            write_log(connection, requests, key, order.tables, done_ts)
        remove_order(settings.home, order, suppression)


def _resolve(
    settings: Settings, name: str, known: Suppression, *, unknown_is_fine: bool
) -> tuple[Person, tuple[str, ...]]:
    """The person and the open requests that name the person; somebody on the list may be named again."""
    is_listed = known.hash(name) in known.personal_hashes
    with Warehouse.of(settings).transaction("erasure: who is it") as connection:
        create_tables(connection)
        try:
            person = find_person(connection, name, unknown_is_fine=unknown_is_fine or is_listed)
            person = person.listed(known) if is_listed and not person.is_known else person
        except UnknownPersonError:
            requests = requests_of(connection, [name])
            if not requests:
                raise
            person = find_person(connection, name, unknown_is_fine=True)
        names = [one.value for one in person.own if one.kind in {"customer_id", "email_hash"}]
        return person, requests_of(connection, names)
