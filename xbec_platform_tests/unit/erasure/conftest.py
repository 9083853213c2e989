"""One small loaded home for the session; tests that change it take a copy."""

import shutil
from pathlib import Path

import pytest

from xbec_platform.settings import Settings
from xbec_platform_tests.unit.erasure.small_home import make_home


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The small home, for looking only."""
    return make_home(tmp_path_factory.mktemp("untouched"))


@pytest.fixture
def copied(untouched: Settings, tmp_path: Path) -> Settings:
    """A copy of it that a test may change."""
    shutil.copytree(untouched.home, tmp_path / "home")
    return Settings(home=tmp_path / "home")
