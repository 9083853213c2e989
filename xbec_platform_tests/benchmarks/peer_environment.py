"""Where RecTools and PyFIM live: an environment named by a variable, because they cannot be beside the platform."""

import json
import os
import subprocess
from pathlib import Path

VARIABLE = "XBEC_BENCH_RECTOOLS"
SKIPPED = f"skipped: set {VARIABLE} to the Python of an environment with rectools and pyfim"


def recommenders(*arguments: str | Path) -> dict[str, float] | None:
    """What `peers_recommenders.py` prints; None without the environment.

    Raises:
        SystemExit: The peer failed, so there is nothing to compare with.
    """
    python = os.environ.get(VARIABLE)
    if python is None:
        return None
    script = Path(__file__).with_name("peers_recommenders.py")
    command = [python, "-W", "ignore", str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed, so nothing was measured:\n{done.stderr[-2000:]}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer
