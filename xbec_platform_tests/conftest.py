"""Fixtures every test may use: the folder of real data. Fixtures of one area live beside its tests."""

import os
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


# Costly to make and shared by many tests: one worker makes it and runs all tests that look at it.
SHARED_FIXTURES = ("finished_shop", "retail_home", "browser", "planted_world", "small_world")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Binary values are no names: archives carry the time they were made at, and workers would name a test twice."""
    is_binary = isinstance(val, bytes) and (b"\0" in val or not val.isascii())
    return "binary" if is_binary else None


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests of one costly fixture on one worker (`--dist loadgroup`)."""
    for item in items:
        for name in SHARED_FIXTURES:
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(name))
