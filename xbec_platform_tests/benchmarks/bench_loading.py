"""Cost of loading the code location against a bare import of Dagster, in CPU seconds of fresh processes."""

import statistics
import subprocess
import sys
import tempfile

_BARE = "import dagster, dagster_dbt"
_OURS = (
    "import sys; from pathlib import Path; from xbec_platform.settings import Settings;"
    "from xbec_platform.definitions import build_definitions;"
    "build_definitions(Settings(home=Path(sys.argv[1]))).resolve_asset_graph()"
)
_TIMED = "import time\n{code}\nprint(time.process_time())"
ROUNDS = 5


def run() -> list[dict[str, object]]:
    """Alternate both in fresh processes and compare medians; the manifest is parsed before."""
    with tempfile.TemporaryDirectory() as home:
        _cpu_s(_OURS, home)
        pairs = [(_cpu_s(_OURS, home), _cpu_s(_BARE, home)) for _ in range(ROUNDS)]
    ours, bare = (statistics.median(values) for values in zip(*pairs, strict=True))
    return [
        {
            "name": "load the code location / import dagster, dagster_dbt",
            "ours": ours,
            "peer": bare,
            "ratio": statistics.median(a / b for a, b in pairs),
            "unit": "CPU s",
            "goal": "<= 1.5x",
        }
    ]


def _cpu_s(code: str, home: str) -> float:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _TIMED.format(code=code), home],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])
