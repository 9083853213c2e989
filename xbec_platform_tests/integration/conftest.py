"""One small home, run once for all tests that only look at the results."""

import pytest

from xbec_platform_tests.integration.homes import Shop, run_all, small_shop


@pytest.fixture(scope="session")
def finished_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A small shop after the main job."""
    shop = small_shop(tmp_path_factory.mktemp("finished"))
    assert run_all(shop.settings)
    return shop
