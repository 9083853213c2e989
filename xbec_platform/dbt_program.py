"""The platform's dbt project and the dbt of this environment. Which models run when does not belong here."""

import sys
from pathlib import Path

PROJECT_DIR = Path(__file__).parents[1] / "dbt"
# Variables that the models know (`given` in macros/event_window.sql), as environment variables.
VARIABLE_PREFIX = "XBEC_VAR_"


def dbt_executable() -> str:
    """The dbt of this environment, whatever PATH says."""
    return str(Path(sys.executable).parent / "dbt")
