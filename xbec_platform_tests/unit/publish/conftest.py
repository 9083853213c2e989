"""The overview page of the sample shops, rendered once per session: the maps take seconds."""

import pytest

from xbec_platform.publish.pages import render_overview
from xbec_platform_tests.unit.publish.overview_samples import hostile_shop, shop
from xbec_platform_tests.unit.publish.page_reader import Page


@pytest.fixture(scope="session")
def page() -> Page:
    """The realistic page."""
    return Page(render_overview(shop()))


@pytest.fixture(scope="session")
def hostile() -> Page:
    """The page with an attack in every text."""
    return Page(render_overview(hostile_shop()))
