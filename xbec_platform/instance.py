"""Dagster's own storage of a home and how it is set up. No run is started here."""

import fcntl
import json
import os
import warnings
from pathlib import Path

import dagster as dg

from xbec_platform.settings import POSTGRES_URL, Settings, postgres_url
from xbec_platform.whole_files import replace_text

EVENT_BATCH_SIZE = 1000
DEPLOYMENT = Path(__file__).parent / "deployment"
# Files that begin so are written anew when the platform's choices change; those of older versions began otherwise.
_OURS = "# Written by xbec-platform. Delete this line to keep changes of your own.\n"
_OURS_ONCE = "# One transaction per thousand events: see xbec_platform/event_log.py.\n"


def instance_config(settings: Settings) -> str:
    """`dagster.yaml` of a home: where it keeps runs and events, and where its logs go."""
    parts = (DEPLOYMENT / f"{settings.dagster_storage}.yml", DEPLOYMENT / "common.yml")
    text = "".join(part.read_text(encoding="utf-8") for part in parts)
    return _OURS + text.replace("{logs}", json.dumps(str(settings.logs.absolute())))


def prepare_instance(settings: Settings) -> Path:
    """The folder of Dagster's storage, with its configuration; told to all programs this process starts.

    A configuration that people changed (see its first line) stays as it is.

    Raises:
        SettingsError: Runs and events are kept in PostgreSQL, and its address or its driver is missing.
    """
    if settings.dagster_storage == "postgres":
        os.environ[POSTGRES_URL] = postgres_url()
    # Logs by dagster.yaml are in beta; whoever runs a command cannot do anything about that.
    warnings.filterwarnings("ignore", message="Handling yaml-defined logging", category=dg.BetaWarning)
    folder = settings.dagster_home
    folder.mkdir(parents=True, exist_ok=True)
    config, wanted = folder / "dagster.yaml", instance_config(settings)
    found = config.read_text(encoding="utf-8") if config.is_file() else None
    if found != wanted and (found is None or found.startswith((_OURS, _OURS_ONCE))):
        replace_text(config, wanted)
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(EVENT_BATCH_SIZE))
    return folder


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Dagster's own storage of a home, created with safe choices on first use."""
    folder = prepare_instance(settings)
    made = folder / ".storage_made"
    if made.is_file():
        return dg.DagsterInstance.from_config(str(folder))
    # Dagster creates its tables in steps: of several processes that come to a new home at once all but one would fail.
    with (folder / ".storage.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        instance = dg.DagsterInstance.from_config(str(folder))
        made.touch()
    return instance
