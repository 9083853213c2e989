"""All days of a year as partitions of one Dagster run, against one plain build of the same tables.

Both start from the same landed files in an empty home. The plain build calls the intake and `dbt build`
without partitions and without Dagster: what a script would do that knows nothing of days.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from xbec_platform.assets.dbt_cli import PROJECT_DIR, dbt_executable
from xbec_platform.ingest.intake import run_intake
from xbec_platform.main_job import prepare
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

SOURCE = "online_retail"
_PLAIN = """
import sys
from xbec_platform_tests.benchmarks.bench_backfill import plain_build
plain_build(sys.argv[1])
"""
_DAGSTER = """
import sys
from pathlib import Path
from xbec_platform.automation.jobs import INTAKE_AND_FACTS
from xbec_platform.settings import Settings
from xbec_platform_tests.integration.homes import run_job
home = Settings.from_env({"XBEC_HOME": sys.argv[1]})
sys.exit(0 if run_job(home, INTAKE_AND_FACTS, home.start_date, home.end_date) else 1)
"""


def plain_build(home: str) -> None:
    """Intake and dbt over all time."""
    settings = Settings.from_env({"XBEC_HOME": home})
    settings.announce()
    run_intake(Warehouse(settings.warehouse), settings.landing)
    command = ["build", "--full-refresh", "--exclude-resource-type", "unit_test", "--quiet"]
    places = ["--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR)]
    outputs = ["--target-path", str(settings.dbt_target), "--log-path", str(settings.dbt_target)]
    os.environ["XBEC_VAR_BASE_CURRENCY"] = settings.base_currency
    subprocess.run([dbt_executable(), *command, *places, *outputs], check=True)


def run(data: Path) -> list[dict[str, object]]:
    """CPU seconds of both on Online Retail: 374 days, 305 of them with trade."""
    with tempfile.TemporaryDirectory() as folder:
        plain, backfill = Path(folder) / "plain", Path(folder) / "backfill"
        landed = prepare(Settings(home=plain), SOURCE, data / SOURCE)
        landed.warehouse.unlink()
        shutil.copytree(plain, backfill)
        ours, peer = _cpu_s(_DAGSTER, backfill), _cpu_s(_PLAIN, plain)
    return [
        {
            "name": "374 days in one Dagster run / one plain build",
            "ours": ours,
            "peer": peer,
            "ratio": ours / peer,
            "unit": "CPU s",
            "goal": "<= 2x",
        }
    ]


def _cpu_s(code: str, home: Path) -> float:
    """User and system time of a process and all it starts."""
    process = subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"the benchmark's process ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime
