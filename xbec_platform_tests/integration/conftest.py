"""One small home, run once for all tests that only look at the results."""

import fcntl
import os
import pickle
from pathlib import Path

import pytest

from xbec_platform_tests.integration.homes import Shop, run_all, small_shop


@pytest.fixture(scope="session")
def finished_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A small shop after the main job, made by the worker that needs it first."""
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with (folder / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _finished(folder / "finished")


def _finished(home: Path) -> Shop:
    note = home / "shop.pickle"
    if note.is_file():
        made: Shop = pickle.loads(note.read_bytes())  # noqa: S301 - of another worker of this test run
        return made
    shop = small_shop(home)
    assert run_all(shop.settings)
    note.write_bytes(pickle.dumps(shop))
    return shop
