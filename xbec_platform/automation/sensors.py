"""All sensors of a home, in one list."""

import dagster as dg

from xbec_platform.automation.alert_sensors import build_alert_sensor
from xbec_platform.automation.conditions import build_condition_sensor
from xbec_platform.automation.erasure_requests import build_erasure_sensor
from xbec_platform.automation.landing_sensor import build_landing_sensor
from xbec_platform.automation.late_data import build_late_data_sensor
from xbec_platform.automation.presale_windows import build_presale_sensor
from xbec_platform.automation.rule_change import build_rule_sensor
from xbec_platform.automation.run_failures import build_failure_sensor
from xbec_platform.automation.watches import WATCHES
from xbec_platform.settings import Settings


def build_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """What watches a home; stopped until the home's choice `automation`, or a person in the UI, says otherwise."""
    return [
        build_landing_sensor(settings),
        build_late_data_sensor(settings),
        build_rule_sensor(settings),
        build_presale_sensor(settings),
        build_erasure_sensor(settings),
        build_failure_sensor(settings),
        *[build_alert_sensor(settings, watch) for watch in WATCHES],
        build_condition_sensor(settings),
    ]
