"""Homes for integration tests: a small generated shop, jobs over windows, and what their tables hold."""

import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.automation.jobs import ALWAYS, DECISIONS, INTAKE_AND_FACTS, REBUILD_TAG
from xbec_platform.definitions import build_definitions
from xbec_platform.instance import open_instance
from xbec_platform.partitions import range_tags
from xbec_platform.settings import Settings
from xbec_platform.warehouse.fingerprint import fingerprints
from xbec_platform.world.generate import WorldSummary, generate_world
from xbec_platform.world.spec import WorldSpec

FIRST, DAYS = date(2026, 1, 1), 24
END = FIRST + timedelta(days=DAYS)


@dataclass(frozen=True)
class Shop:
    """A home with landed files."""

    settings: Settings
    summary: WorldSummary


def small_shop(home: Path) -> Shop:
    """The same small shop wherever it lies: equal bytes, hence equal tables."""
    settings = replace(Settings(home=home), start_date=FIRST, end_date=END)
    spec = WorldSpec(seed=5, days=DAYS, customers=150, last_day=END - timedelta(days=1))
    summary = generate_world(home, spec)
    settings.save()
    return Shop(settings, summary)


def run_job(settings: Settings, job: str, start: date, end: date, *, again: bool = False) -> bool:
    """Run a job over `[start, end)` in this process, `again` also where nothing changed; whether it succeeded."""
    instance = open_instance(settings)
    try:
        result = (
            build_definitions(settings)
            .resolve_job_def(job)
            .execute_in_process(
                instance=instance,
                tags={**range_tags(start, end), **({REBUILD_TAG: ALWAYS} if again else {})},
                run_config={"loggers": {"progress": {}}},
                raise_on_error=False,
            )
        )
    finally:
        instance.dispose()
    return bool(result.success)


def run_all(settings: Settings) -> bool:
    """Everything once: all days, then the decisions of the last one."""
    last = END - timedelta(days=1)
    return run_job(settings, INTAKE_AND_FACTS, FIRST, END) and run_job(settings, DECISIONS, last, END)


def start_job(settings: Settings, job: str, start: date, end: date) -> subprocess.Popen[bytes]:
    """A job in a process of its own, which a test may kill."""
    code = (
        "import sys\n"
        "from datetime import date\n"
        "from pathlib import Path\n"
        "from xbec_platform_tests.integration.homes import END, FIRST, run_job\n"
        "from xbec_platform.settings import Settings\n"
        "home = Settings(home=Path(sys.argv[1]), start_date=FIRST, end_date=END)\n"
        "sys.exit(0 if run_job(home, sys.argv[2], *map(date.fromisoformat, sys.argv[3:])) else 1)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, str(settings.home), job, start.isoformat(), end.isoformat()],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def tables(settings: Settings) -> dict[str, tuple[int, str]]:
    """Rows and content hash of every table."""
    with WarehouseResource.of(settings).file.connect("test") as connection:
        return fingerprints(connection)
