"""Goals of benchmarks: each way they are written, against numbers on both sides of them."""

import pytest

from xbec_platform_tests.benchmarks.goals import MET, MISSED, NOT_MEASURED, REPORTED, verdict


@pytest.mark.parametrize(
    ("goal", "ours", "ratio", "word"),
    [
        (">= 10x", 1.0, 10.0, MET),
        (">= 10x", 100.0, 9.9, MISSED),
        (">= 10x", 1.0, None, NOT_MEASURED),
        ("<= 1.5x", 9.0, 1.5, MET),
        ("<= 2,048", 2048, None, MET),
        ("<= 2,048", 2048.1, None, MISSED),
        (">= .95", 0.951, 0.1, MET),
        ("<= 50 on idle cores", 51.0, None, MISSED),
        (">= 5x, <= 0.5", 0.4, 5.0, MET),
        (">= 5x, <= 0.5", 0.6, 9.0, MISSED),
        ("ours >= .35, ratio >= 1.15", 0.36, 1.1, MISSED),
        ("ours >= .35, ratio >= 1.15", 0.36, None, NOT_MEASURED),
        ("reported", 1.0, 1.0, REPORTED),
        ("2,444, the maximum", 1.0, 1.0, REPORTED),
        ("<= 0", 0, None, MET),
    ],
)  # fmt: skip
def test_verdicts(goal: str, ours: float, ratio: float | None, word: str) -> None:
    assert verdict({"goal": goal, "ours": ours, "ratio": ratio}) == word
