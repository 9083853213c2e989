"""The platform's definitions with one more job: few assets with days, for tests of ways to run a job."""

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.definitions import build_definitions
from xbec_platform.settings import Settings

SMALL = "small"
KEYS = (asset_keys.ASSIGNMENT, asset_keys.DELAYED_SHIPMENTS)


@dg.definitions
def defs() -> dg.Definitions:
    """Definitions of the home the environment names."""
    selection = dg.AssetSelection.assets(*KEYS).required_multi_asset_neighbors()
    job = dg.define_asset_job(SMALL, selection=selection)
    return dg.Definitions.merge(build_definitions(Settings.from_env()), dg.Definitions(jobs=[job]))
