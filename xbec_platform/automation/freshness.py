"""How old tables without days may become before the UI says so. Tables with days have a check that knows their days."""

from datetime import timedelta

import dagster as dg

from xbec_platform.settings import Settings

# Built whole by every daily run. Views and seeds are as fresh as what they read; the others are built when asked for.
GROUPS = frozenset({"marts_core", "marts_quality", "platform"})
# A run a day that may be two hours late; one that fell out is known by the next one's time.
DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))


def kept_fresh(settings: Settings, spec: dg.AssetSpec) -> dg.AssetSpec:
    """The spec with its policy; a home whose days have ended has nothing new to wait for."""
    if settings.end_date is not None or spec.partitions_def is not None or spec.group_name not in GROUPS:
        return spec
    return spec.replace_attributes(freshness_policy=DAILY)
