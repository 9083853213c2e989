"""The one Dagster entry point. Everything it reaches is light: models and solvers are imported inside assets."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import dagster as dg

from xbec_platform.assets.affinity import build_affinity_assets
from xbec_platform.assets.browsing import build_browsing_assets
from xbec_platform.assets.catalogue import build_catalogue_assets
from xbec_platform.assets.customers import build_customer_assets
from xbec_platform.assets.dbt_cli import DbtProcess
from xbec_platform.assets.dbt_models import build_dbt_assets
from xbec_platform.assets.delivery_experience import build_delivery_experience_assets
from xbec_platform.assets.erasure import build_erasure_assets
from xbec_platform.assets.identity import build_identity_assets
from xbec_platform.assets.intake import build_intake_assets
from xbec_platform.assets.interests import build_interest_assets
from xbec_platform.assets.inventory import build_inventory_assets
from xbec_platform.assets.landed_cost import build_landed_cost_assets
from xbec_platform.assets.lifetime_value import build_lifetime_assets
from xbec_platform.assets.logistics import build_logistics_assets
from xbec_platform.assets.network_plan import build_network_plan_assets
from xbec_platform.assets.operation_modes import build_operation_mode_assets
from xbec_platform.assets.platform_health import build_health_assets
from xbec_platform.assets.portrait import build_portrait_assets
from xbec_platform.assets.preferences import build_preference_assets
from xbec_platform.assets.presale_page import build_presale_page_assets
from xbec_platform.assets.presales import build_presale_assets
from xbec_platform.assets.publish import build_publish_assets
from xbec_platform.assets.recommendations import build_recommendation_assets
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.retention import build_retention_assets
from xbec_platform.assets.routes import build_route_assets
from xbec_platform.assets.shipments import build_shipment_assets
from xbec_platform.assets.target_groups import build_target_assets
from xbec_platform.assets.ui_metadata import described
from xbec_platform.automation.freshness import kept_fresh
from xbec_platform.automation.jobs import build_jobs
from xbec_platform.automation.schedules import build_schedules
from xbec_platform.automation.sensors import build_sensors
from xbec_platform.checks.catalogue import build_catalogue_checks
from xbec_platform.checks.erasure import build_erasure_checks
from xbec_platform.checks.health import build_health_checks
from xbec_platform.checks.intake import build_intake_checks
from xbec_platform.checks.models import build_model_checks
from xbec_platform.progress import run_loggers
from xbec_platform.settings import Settings


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """What is built here lives as long as the process: looking for garbage, in all of Dagster, costs .15 CPU s."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_no_garbage_collection()
def build_definitions(settings: Settings) -> dg.Definitions:
    """All definitions of one home; nothing global, so that tests may build several."""
    settings.announce()
    fresh = partial(kept_fresh, settings)
    tables = [
        assets.map_asset_specs(lambda spec: fresh(described(spec)))
        for assets in (
            *build_intake_assets(settings),
            *build_dbt_assets(settings),
            *build_customer_assets(settings),
            *build_interest_assets(settings),
            *build_lifetime_assets(settings),
            *build_preference_assets(settings),
            *build_identity_assets(settings),
            *build_target_assets(settings),
            *build_portrait_assets(settings),
            *build_recommendation_assets(settings),
            *build_affinity_assets(settings),
            *build_browsing_assets(settings),
            *build_logistics_assets(settings),
            *build_shipment_assets(settings),
            *build_landed_cost_assets(settings),
            *build_route_assets(settings),
            *build_inventory_assets(settings),
            *build_operation_mode_assets(settings),
            *build_presale_assets(settings),
            *build_network_plan_assets(settings),
            *build_delivery_experience_assets(settings),
        )
    ]
    others = [
        *tables,
        *(one.map_asset_specs(fresh) for one in build_catalogue_assets(tables)),
        *build_erasure_assets(settings),
        *build_retention_assets(settings),
        *build_publish_assets(settings),
        *build_presale_page_assets(settings),
    ]
    return dg.Definitions(
        assets=[*others, *(one.map_asset_specs(fresh) for one in build_health_assets(settings, others))],
        asset_checks=[
            *build_intake_checks(settings),
            *build_model_checks(settings),
            *build_catalogue_checks(),
            *build_erasure_checks(settings),
            *build_health_checks(settings, others),
        ],
        jobs=build_jobs(),
        schedules=build_schedules(settings),
        sensors=build_sensors(settings),
        resources={
            "warehouse": WarehouseResource.of(settings),
            "dbt": DbtProcess.of_this_environment(),
        },
        loggers=run_loggers(settings.log_format),
        # One process per run: no fight for the file within a run and no second import of everything per step.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Definitions of the home the environment names."""
    return build_definitions(Settings.from_env())
