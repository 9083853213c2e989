"""`make bench`: ratios against the named peers in one run, CPU seconds, one thread. Nothing here is a test."""

import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from xbec_platform_tests.benchmarks import (
    bench_affinity,
    bench_assignment,
    bench_backfill,
    bench_customers,
    bench_intake,
    bench_loading,
    bench_location,
    bench_recommendations,
    bench_routes,
    bench_service,
)

CHECKOUT = Path(__file__).parents[2]


def main() -> None:
    """Run all benchmarks and print one table."""
    shared = Path(os.environ.get("XBEC_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
    data = shared if (shared / "README.md").is_file() else None
    console = Console(width=120)
    rows = [
        *bench_loading.run(),
        *bench_intake.run(),
        *bench_assignment.run(data),
        *bench_routes.run(),
        *bench_service.run(),
        *bench_location.run(data, large=True),
    ]
    if data is None:
        console.print(
            f"skipped: backfill, recommendations and customer models need ../shared/data ({shared} is absent)"
        )
    else:
        rows += [
            *bench_backfill.run(data),
            *bench_recommendations.run(data),
            *bench_affinity.run(data),
            *bench_customers.run(data),
        ]
    table = Table(title="ours / peer, measured in this run", title_justify="left")
    for name, justify in (
        ("what", "left"),
        ("ours", "right"),
        ("peer", "right"),
        ("ratio", "right"),
        ("unit", "left"),
        ("goal", "left"),
    ):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(_text(row.get(key)) for key in ("name", "ours", "peer", "ratio", "unit", "goal")))
    console.print(table)


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
