"""Automation conditions: which assets follow their inputs by themselves, and when. All of them stand here.

Only what is cheap and bounded follows: what is published. Models and solvers are run by jobs, as every run of theirs
costs minutes. A condition never retries a failure by itself: a bare `execution_failed()` starts runs for ever.
"""

from typing import Any

import dagster as dg

from xbec_platform.automation.ticks import sensor_status
from xbec_platform.settings import Settings

SENSOR = "published_follows"
INTERVAL_S = 60


def after_good_inputs() -> "dg.AutomationCondition[Any]":
    """When an input of the newest day was built anew, all are there, none is being built, no blocking check failed.

    A blocking check stops what is downstream in its own run only (dagster #25112); the last part carries that over to
    runs that start later.
    """
    return (
        dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()
    ).with_label("after good inputs")


def build_condition_sensor(settings: Settings) -> dg.AutomationConditionSensorDefinition:
    """The sensor that evaluates them, for the assets that have one."""
    return dg.AutomationConditionSensorDefinition(
        SENSOR,
        target=dg.AssetSelection.groups("publish"),
        minimum_interval_seconds=INTERVAL_S,
        default_status=sensor_status(settings),
        description="Publishes anew when inputs of the newest day were rebuilt and their checks passed.",
    )
