"""365 days of the default world in one backfill, against one plain build of the same tables, in CPU seconds.

    python -m xbec_platform_tests.benchmarks.year [--days 365 --customers 3000]

The plain build calls intake and dbt without days and without Dagster, as bench_backfill does on Online Retail.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from xbec_platform.settings import Settings
from xbec_platform.world.generate import default_processes, generate_world
from xbec_platform.world.spec import WorldSpec
from xbec_platform_tests.benchmarks import bench_backfill


def main() -> None:
    """Print asked and measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--customers", type=int, default=3000)
    given = parser.parse_args()
    spec = WorldSpec(seed=1, days=given.days, customers=given.customers)
    with tempfile.TemporaryDirectory() as folder:
        plain, backfill = Path(folder) / "plain", Path(folder) / "backfill"
        generate_world(plain, spec, processes=default_processes())
        replace(
            Settings(home=plain), start_date=spec.first_day, end_date=spec.last_day + timedelta(days=1)
        ).save()
        shutil.copytree(plain, backfill)
        ours = bench_backfill._cpu_s(bench_backfill._DAGSTER, backfill)
        peer = bench_backfill._cpu_s(bench_backfill._PLAIN, plain)
    what = f"{given.days} days in one backfill / one plain build"
    print(f"{what:50} asked <= 2   measured {ours:.0f} / {peer:.0f} CPU s = {ours / peer:.2f}")


if __name__ == "__main__":
    main()
