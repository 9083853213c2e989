"""Where a home keeps what may mention a person. Nothing is opened here."""

from __future__ import annotations

from pathlib import Path

from xbec_platform.ingest.contracts import Contract
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.settings import Settings


def text_folders(settings: Settings) -> list[Path]:
    """Where pages, logs, artifacts and Dagster's storage lie."""
    return [
        settings.reports,
        settings.dagster_home,
        settings.dbt_target,
        settings.logs,
        settings.alerts,
        settings.outbox,
    ]


def file_contracts(settings: Settings) -> dict[str, Contract]:
    """What the files of each feed of a home promise."""
    feeds = Feeds.of_home(settings.home)
    return {name: feeds.contract(name) for name in feeds.names}
