"""Property of the formats: damaged files load the same rows, or account for them, or say why not."""

from pathlib import Path

import pytest

from xbec_platform_tests.benchmarks.damaged_files import run_case

# 2,000 run in a minute by `python -m xbec_platform_tests.benchmarks.damaged_files`; these keep the suite short.
CASES = 300
STEP = 50


@pytest.mark.parametrize("first", range(0, CASES, STEP))
def test_damage_changes_no_row_unseen(tmp_path: Path, first: int) -> None:
    """A re-spelt file loads the very same rows; a damaged one loads no row its injuries do not explain."""
    outcomes = [run_case(seed, tmp_path) for seed in range(first, first + STEP)]
    # All three ways must have been walked, else the mutator has gone blind.
    assert set(outcomes) == {"same", "loaded", "rejected"}
