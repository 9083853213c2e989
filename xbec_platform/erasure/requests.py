"""Landed deletion requests turned into work orders. Every scope asks for the whole person: the account is closed."""

from __future__ import annotations

from xbec_platform.erasure.erase import open_order
from xbec_platform.erasure.identity import AmbiguousPersonError
from xbec_platform.erasure.log import open_requests
from xbec_platform.ingest.store import create_tables
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse


def open_landed_requests(settings: Settings) -> tuple[int, list[tuple[str, str]]]:
    """Open an order for every landed request that is not in the log.

    A request for somebody no row mentions is honoured all the same: later files may.

    Returns:
        Number of requests that got an order, and (request, cause) of those a person must decide on.
    """
    with Warehouse.of(settings).transaction("erasure: requests") as connection:
        create_tables(connection)
        requests = open_requests(connection)
    opened, waiting = 0, []
    for request in requests:
        if request.name is None:
            waiting.append((request.request_id, "names neither customer_id nor email_hash"))
            continue
        try:
            open_order(settings, request.name, unknown_is_fine=True)
        except AmbiguousPersonError:
            # The message lists accounts: it is for the command line, not for metadata that Dagster keeps.
            waiting.append((request.request_id, "the e-mail belongs to several accounts"))
            continue
        opened += 1
    return opened, waiting
