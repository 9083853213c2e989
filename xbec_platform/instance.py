"""Dagster's own storage of a home and how it is set up. No run is started here."""

import os

import dagster as dg

from xbec_platform.settings import Settings

EVENT_BATCH_SIZE = 1000

_DAGSTER_YAML = """\
# One transaction per thousand events: see xbec_platform/event_log.py.
event_log_storage:
  module: xbec_platform.event_log
  class: BatchedSqliteEventLogStorage
  config:
    base_dir:
      env: DAGSTER_HOME
# One writer at a time has the database file; more runs queue here instead of waiting inside.
concurrency:
  pools:
    default_limit: 1
    granularity: run
  runs:
    max_concurrent_runs: 4
telemetry:
  enabled: false
nux:
  enabled: false
"""


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Dagster's own storage of a home, created with safe choices on first use."""
    folder = settings.dagster_home
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "dagster.yaml"
    if not config.is_file():
        config.write_text(_DAGSTER_YAML)
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(EVENT_BATCH_SIZE))
    return dg.DagsterInstance.from_config(str(folder))
