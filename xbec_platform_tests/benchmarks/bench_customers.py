"""Customer models: BG/NBD against lifetimes and pymc-marketing on the same histories, and how the area's cost grows.

Run as `python -m xbec_platform_tests.benchmarks.bench_customers <folder with the shared data>`, with
OMP_NUM_THREADS and POLARS_MAX_THREADS at 1. The peers cannot live beside the platform (lifetimes wants numpy below 2):
XBEC_BENCH_LIFETIMES and XBEC_BENCH_PYMC name the Python of an environment that has them, for example

    python -m venv /tmp/peer && /tmp/peer/bin/pip install lifetimes 'pandas<2.2' 'numpy<2' 'scipy<1.12'
    python -m venv /tmp/pymc && uv pip install --python /tmp/pymc/bin/python pymc-marketing
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from xbec_platform.customers.bgnbd import BgNbd, fit_bgnbd
from xbec_platform.customers.lifetime_value import LifetimeParams, fit_lifetime, score_lifetime
from xbec_platform.customers.multistart import MultistartParams
from xbec_platform.customers.repeat_purchases import Histories, histories
from xbec_platform_tests.unit.customers.cdnow import CALIBRATION, read_days, user_database
from xbec_platform_tests.unit.customers.test_lifetime_value import shop

T = TypeVar("T")
Row = dict[str, object]
PEERS = {"lifetimes": "XBEC_BENCH_LIFETIMES", "pymc-marketing": "XBEC_BENCH_PYMC"}
SIZES = (200_000, 1_000_000)


def run(shared_data: Path) -> list[Row]:
    """Measure; rows of name, ours, peer, ratio, unit, goal (ratio: how many times less CPU than the peer).

    Args:
        shared_data: folder with the public data.
    """
    sample = histories(user_database(read_days(shared_data), CALIBRATION))
    rows = []
    for times in (1, 10, 100):
        data = Histories(
            **{name: np.tile(getattr(sample, name), times) for name in ("x", "t_x", "T", "weight")}
        )
        rows += _against_peers(data)
    return [*rows, *_growth()]


def main() -> None:
    """Print the rows."""
    if len(sys.argv) != 2:
        raise SystemExit("give the folder with the shared data")
    for row in run(Path(sys.argv[1])):
        print(" | ".join(str(value) for value in row.values()))


def timed(call: Callable[[], T], repeats: int = 3) -> tuple[T, float]:
    """The result and the least CPU seconds of some calls."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = call()
        times.append(time.process_time() - start)
    return result, min(times)


def _row(name: str, ours: float, peer: float | None, goal: str) -> Row:
    ratio = round(peer / ours, 1) if peer else None
    return {"name": name, "ours": round(ours, 4), "peer": peer, "ratio": ratio, "unit": "CPU s", "goal": goal}


def _against_peers(data: Histories) -> list[Row]:
    optimum, ours = timed(lambda: fit_bgnbd(data, MultistartParams()))
    model = BgNbd.of_logs(optimum.log_parameters)
    found = (model.r, model.alpha, model.a, model.b)
    rows = []
    for peer, variable in PEERS.items():
        python = os.environ.get(variable)
        name = f"BG/NBD, CDNOW, {len(data.x):,} customers, up to 3 starts: {peer}, 1 start"
        if python is None:
            rows.append(_row(f"{name} (skipped: set {variable})", ours, None, "ratio >= 20"))
            continue
        theirs = _peer_fit(python, peer, data)
        apart = max(abs(a / b - 1) for a, b in zip(theirs["parameters"], found, strict=True))
        rows.append(_row(f"{name} (parameters within {apart:.1e})", ours, theirs["cpu_s"], "ratio >= 20"))
    return rows


def _peer_fit(python: str, peer: str, data: Histories) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "histories.csv"
        pl.DataFrame({"x": data.x, "t_x": data.t_x, "T": data.T}).write_csv(file)
        script = Path(__file__).with_name("peers_lifetimes.py")
        done = subprocess.run(
            [python, "-W", "ignore", str(script), str(file), peer], capture_output=True, text=True, check=True
        )
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _growth() -> list[Row]:
    rows = []
    for n in SIZES:
        people = shop(n)
        model, fit = timed(lambda people=people: fit_lifetime(people, LifetimeParams()), repeats=1)
        _, score = timed(
            lambda people=people, model=model: score_lifetime(model, people, LifetimeParams()), repeats=1
        )
        rows.append(_row(f"lifetime value: fit of {n:,} customers", fit, None, "near linear"))
        rows.append(_row(f"lifetime value: scores of {n:,} customers", score, None, "near linear"))
    return rows


if __name__ == "__main__":
    main()
