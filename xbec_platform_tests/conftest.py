"""Fixtures every test may use: the folder of real data. Fixtures of one area live beside its tests."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the public data sets; tests that need them skip where it is absent."""
    folder = Path(os.environ.get("XBEC_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"needs ../shared/data: {folder} is absent (set XBEC_SHARED_DATA to its place)")
    return folder


# Costly to make and shared by many tests: one worker makes it and runs all tests that look at it. The finished shop is
# made once for all workers, so that two long tests of it do not wait for each other (integration/conftest.py).
SHARED_FIXTURES = ("retail_home", "browser", "planted_world", "small_world", "native")
# By far the longest ones come first: what starts last should be short, or one worker idles at the end.
LONGEST_FIRST = (
    "test_replay",
    "test_online_retail",
    "test_erasure",
    "test_intake_kills",
    "test_ga4_sessions",
)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Binary values are no names: archives carry the time they were made at, and workers would name a test twice."""
    is_binary = isinstance(val, bytes) and (b"\0" in val or not val.isascii())
    return "binary" if is_binary else None


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first; keep tests of one costly fixture on one worker (`--dist loadgroup`).

    Tests in a browser come last: Playwright keeps an event loop in the thread of its worker, and Dagster's GraphQL
    and automation conditions start one of their own.
    """
    first = {f"integration/{name}.py": place for place, name in enumerate(LONGEST_FIRST)}

    def fixtures(item: pytest.Item) -> Sequence[str]:
        return getattr(item, "fixturenames", ())

    items.sort(
        key=lambda item: (
            "browser" in fixtures(item),
            first.get("/".join(item.path.parts[-2:]), len(first)),
        )
    )
    for item in items:
        for name in SHARED_FIXTURES:
            if name in fixtures(item):
                item.add_marker(pytest.mark.xdist_group(name))
