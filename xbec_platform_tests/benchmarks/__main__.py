"""`make bench`: ratios against the named peers in one run, CPU seconds, one thread. Nothing here is a test.

Every benchmark runs in a process of its own: none inherits memory or warm caches, and one that fails, or lacks its peer
or its data, is named in the table while the others go on. `make bench BENCH="routes location"` runs only these.
"""

import importlib
import inspect
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from xbec_platform_tests.benchmarks.goals import MET, MISSED, NOT_MEASURED, verdict
from xbec_platform_tests.benchmarks.measured import Stopwatch

CHECKOUT = Path(__file__).parents[2]
DEFAULT = (
    "loading", "intake", "assignment", "routes", "service", "location", "backfill", "recommendations", "affinity",
    "customers",
)  # fmt: skip
"""In this order. Those that run alone only, by name, take many minutes: see LONG."""
LONG = ("interests", "customer_area")
FAILED = "failed"

Row = dict[str, object]


class MissingDataError(Exception):
    """A benchmark needs public data that is not there."""


def main() -> None:
    """Run the benchmarks named, or all but the long ones, and print one table.

    Raises:
        SystemExit: A name is unknown (2), or a benchmark failed (1): a missed goal or a missing peer is no failure.
    """
    words = sys.argv[1:]
    if words[:1] == ["--one"]:
        _one(words[1], Path(words[2]))
        return
    unknown = sorted(set(words) - {*DEFAULT, *LONG})
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; there are {', '.join((*DEFAULT, *LONG))}")
        raise SystemExit(2)
    console = Console(width=140)
    rows, whole = [], Stopwatch()
    for name in words or DEFAULT:
        console.print(f"{name} ...")
        found, seconds = _run(name)
        rows += found
        console.print(f"{name}: {len(found)} rows, {seconds:.0f} s")
    console.print(_table(rows))
    verdicts = [verdict(row) for row in rows]
    counted = ", ".join(f"{verdicts.count(word)} {word}" for word in (MET, MISSED, NOT_MEASURED))
    console.print(f"goals: {counted}; {whole.stop()}")
    if any(row["goal"] == FAILED for row in rows):
        raise SystemExit(1)


def _run(name: str) -> tuple[list[Row], float]:
    """Rows of one benchmark in a process of its own, and its wall seconds; what it says goes to the terminal."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "rows.json"
        command = [sys.executable, "-m", __spec__.parent or "", "--one", name, str(answer)]
        code = subprocess.run(command, check=False).returncode
        if code == 0 and answer.is_file():
            rows: list[Row] = json.loads(answer.read_text(encoding="utf-8"))
        else:
            rows = [{"name": f"{name}: ended with {code}, see above", "goal": FAILED}]
    return rows, time.monotonic() - began


def _one(name: str, answer: Path) -> None:
    """Measure in this process and write the rows down."""
    try:
        run = importlib.import_module(f"{__spec__.parent}.bench_{name}").run
        rows = run(**_given(run))
    except ImportError as error:
        rows = [{"name": f"{name}: {error} (`make bench` installs it)", "goal": "a peer is missing"}]
    except MissingDataError as error:
        rows = [{"name": f"{name}: {error}", "goal": "data is missing"}]
    answer.write_text(json.dumps(rows, default=float), encoding="utf-8")


def _given(run: object) -> dict[str, object]:
    """What a benchmark asks for by the names of its arguments: the folder of public data, large cases.

    Raises:
        MissingDataError: It needs data that is not there.
    """
    shared = Path(os.environ.get("XBEC_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
    data = shared if (shared / "README.md").is_file() else None
    given: dict[str, object] = {}
    for argument in inspect.signature(run).parameters.values():  # type: ignore[arg-type]
        if argument.name in {"shared_data", "data"}:
            if data is None and argument.annotation is Path:
                raise MissingDataError(f"needs the public data, and there is none in {shared}")
            given[argument.name] = data
        elif argument.name == "large":
            given["large"] = True
    return given


def _table(rows: list[Row]) -> Table:
    table = Table(title="measured in this run", title_justify="left")
    for name in ("what", "ours", "peer", "ratio", "unit", "goal", ""):
        right = name in {"ours", "peer", "ratio"}
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        cells = (_text(row.get(key)) for key in ("name", "ours", "peer", "ratio", "unit", "goal"))
        table.add_row(*cells, verdict(row), style="bold" if verdict(row) == MISSED else None)
    return table


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
