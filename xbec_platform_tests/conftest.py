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
