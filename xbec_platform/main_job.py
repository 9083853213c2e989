"""The main job in one call: prepare the landing folder of a home, run the jobs, say what was made.

It is the same work as materialising the jobs in the UI; nothing here computes anything.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from xbec_platform.automation.jobs import DECISIONS, INTAKE_AND_FACTS
from xbec_platform.definitions import build_definitions
from xbec_platform.instance import open_instance
from xbec_platform.operations.backfill_state import has_orders
from xbec_platform.partitions import range_tags
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    from xbec_platform.ingest.delivery import Delivery
    from xbec_platform.ingest.feeds import Feeds
    from xbec_platform.ingest.mapping_model import SourceMapping

DEMO = "demo"
DEMO_SEED = 20260101
NETWORK_SEED = 7
NO_ORDERS = "the landed files hold no orders: facts and marts were built, decisions and pages need orders"


class UnknownSourceError(ValueError):
    """A source that is neither the demo nor a mapping."""


@dataclass(frozen=True)
class Outcome:
    """How a run of the main job ended.

    Attributes:
        succeeded: Every step ran.
        failed_checks: (asset, check) that did not pass.
        note: What was left out and why; empty when everything ran.
    """

    succeeded: bool
    failed_checks: tuple[tuple[str, str], ...]
    note: str = ""


def prepare(settings: Settings, source: str, data: Path | None) -> Settings:
    """Fill the home's landing folder from a source and write down the home's choices.

    Args:
        settings: The home.
        source: `demo`, or the name of a mapping.
        data: Folder of the export, for a mapping.

    Raises:
        UnknownSourceError: No such source; the message lists those there are.
    """
    from xbec_platform.ingest.feeds import MAPPINGS_FOLDER
    from xbec_platform.ingest.mappings import mappings

    known = mappings(settings.home / MAPPINGS_FOLDER)
    if source == DEMO:
        prepared = _land_demo(settings)
    elif source in known:
        if data is None:
            raise UnknownSourceError(f"SOURCE={source} needs DATA=<folder of the export>")
        prepared = _land_mapped(settings, known[source], data)
    else:
        raise UnknownSourceError(f"SOURCE={source} is unknown; known are {', '.join([DEMO, *known])}")
    prepared.save()
    return prepared


def _land_demo(settings: Settings) -> Settings:
    """The generated world with its default size; its truth lies beside the landing folder, for tests only."""
    from xbec_platform.world.generate import default_processes, generate_world
    from xbec_platform.world.spec import WorldSpec

    spec = WorldSpec(seed=DEMO_SEED)
    generate_world(settings.home, spec, processes=default_processes())
    return replace(settings, start_date=spec.first_day, end_date=spec.last_day + timedelta(days=1))


def _land_mapped(settings: Settings, mapping: "SourceMapping", data: Path) -> Settings:
    """Deliver the history by day; a shop with orders but no network gets the sample one, from its sales so far."""
    from xbec_platform.ingest.delivery import deliver_history
    from xbec_platform.ingest.feeds import Feeds

    feeds = Feeds.of_home(settings.home)
    today = datetime.now(UTC).date()
    delivery = deliver_history(mapping, data, settings.landing, feeds=feeds, today=today)
    is_shop = "orders" in mapping.filled
    if is_shop:
        _land_sample_network(settings, mapping, delivery, feeds)
    return replace(
        settings,
        shop=mapping.shop,
        base_currency=mapping.base_currency,
        start_date=delivery.first_day,
        end_date=delivery.last_day + timedelta(days=1),
        is_sample_network=is_shop,
    )


def _land_sample_network(
    settings: Settings, mapping: "SourceMapping", delivery: "Delivery", feeds: "Feeds"
) -> None:
    """Warehouses, lanes and stock for a shop whose export has none, sized by its sales."""
    from xbec_platform.demo.sample_network import write_sample_network
    from xbec_platform.ingest.intake import run_intake
    from xbec_platform.warehouse.database import Warehouse

    warehouse = Warehouse.of(settings)
    run_intake(warehouse, settings.landing, feeds=feeds)
    sales = warehouse.read_frame(_SALES_SQL, purpose="sample network")
    write_sample_network(
        out=settings.landing,
        sales=sales,
        first_day=delivery.first_day,
        last_day=delivery.last_day,
        currency=mapping.base_currency,
        seed=NETWORK_SEED,
    )


_SALES_SQL = """
SELECT o.order_ts::DATE AS order_date, l.product_id, o.ship_country, sum(l.qty)::BIGINT AS qty
FROM raw.order_lines AS l JOIN raw.orders AS o ON o.order_id = l.order_id
WHERE o.ship_country IS NOT NULL
GROUP BY ALL ORDER BY ALL
"""


def run_jobs(settings: Settings) -> Outcome:
    """Intake, facts and marts for all days of the home in one run, then the decisions as of the last day."""
    start, end = settings.start_date, settings.end_date or datetime.now(UTC).date()
    instance = open_instance(settings)
    definitions = build_definitions(settings)
    failed: list[tuple[str, str]] = []
    try:
        for job, first in ((INTAKE_AND_FACTS, start), (DECISIONS, end - timedelta(days=1))):
            if job == DECISIONS and not has_orders(settings):
                return Outcome(succeeded=True, failed_checks=tuple(failed), note=NO_ORDERS)
            result = definitions.resolve_job_def(job).execute_in_process(
                instance=instance,
                tags=range_tags(first, end),
                run_config={"loggers": {"progress": {}}},
                raise_on_error=False,
            )
            failed += [
                ("/".join(check.asset_key.path), check.check_name)
                for check in result.get_asset_check_evaluations()
                if not check.passed
            ]
            if not result.success:
                return Outcome(succeeded=False, failed_checks=tuple(failed))
    finally:
        instance.dispose()
    return Outcome(succeeded=True, failed_checks=tuple(failed))
