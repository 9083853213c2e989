"""What lies on disk: packages, the home's folder, the landing folder, dbt's manifest. Opens no delivered file."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from xbec_platform.ingest.contracts import ContractError
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.landing import UNFINISHED, discover, is_passed_over
from xbec_platform.ingest.suppression_file import SuppressionError
from xbec_platform.operations.doctor.facts import DbtFacts, Disk, Environment, LandingFacts, Package

if TYPE_CHECKING:
    from xbec_platform.settings import Settings

PROJECT = "xbec-platform"
CHECKOUT = Path(__file__).parents[3]
PYPROJECT, DBT_PROJECT = CHECKOUT / "pyproject.toml", CHECKOUT / "dbt"
_DAY = re.compile(r"dt=(\d{4}-\d{2}-\d{2})")


def environment() -> Environment:
    """Python, and every pinned package; extras are left to those who want them."""
    python_wanted, texts = _pins()
    wanted = [Requirement(text) for text in texts]
    packages = [
        Package(one.name, str(one.specifier), _installed(one.name))
        for one in wanted
        if one.marker is None or one.marker.evaluate({"extra": ""})
    ]
    return Environment(platform.python_version(), python_wanted, tuple(packages))


def _pins() -> tuple[str, list[str]]:
    """What pyproject.toml wants; installed without a checkout, what was noted then (a checkout moves on)."""
    if not PYPROJECT.is_file():
        return metadata(PROJECT)["Requires-Python"] or "", requires(PROJECT) or []
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    return project["requires-python"], project["dependencies"]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def disk(settings: Settings) -> Disk:
    """Folder and sizes of a home; of a home that does not exist, the disk it would lie on."""
    home = settings.home
    there = next(folder for folder in (home, *home.parents) if folder.is_dir())
    log = settings.warehouse.with_name(settings.warehouse.name + ".wal")
    log_bytes = log.stat().st_size if log.is_file() else 0
    database = settings.warehouse.stat().st_size if settings.warehouse.is_file() else 0
    return Disk(
        exists=home.is_dir(),
        is_writable=os.access(there, os.W_OK),
        free_bytes=shutil.disk_usage(there).free,
        database_bytes=database + log_bytes,
        dagster_bytes=sum(_sizes(settings.dagster_home)),
        log_bytes=log_bytes,
    )


def _sizes(folder: Path) -> Iterator[int]:
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where) / name
            if not path.is_symlink() and path.exists():
                yield path.stat().st_size


def landing(settings: Settings, now_s: float) -> LandingFacts:
    """The landing folder by names, sizes and times; no content is read or hashed.

    Args:
        settings: The home.
        now_s: Seconds since 1970, to tell how long a file has not grown.
    """
    try:
        feeds = Feeds.of_home(settings.home)
    except (ContractError, SuppressionError) as error:
        return LandingFacts(problem=str(error))
    days: Counter[date] = Counter()
    # A window without days: what lies in no drop folder is told, no file is hashed.
    misplaced = list(discover(settings.landing, start=date.max - timedelta(days=1), end=date.max).misplaced)
    unfinished = []
    for path, day in _delivered(settings.landing):
        name = path.relative_to(settings.landing).as_posix()
        if path.is_symlink():
            misplaced.append((name, "is a link"))
        elif path.name.lower().endswith(UNFINISHED):
            unfinished.append((name, now_s - path.stat().st_mtime))
        elif not is_passed_over(path.name) and path.is_file():
            days[day] += 1
    folders = sorted(one.name for one in settings.landing.glob("*") if one.is_dir())
    return LandingFacts(
        days=dict(sorted(days.items())),
        misplaced=tuple(sorted(misplaced)),
        unfinished=tuple(sorted(unfinished)),
        unknown_feeds=tuple(name for name in folders if name not in feeds.names),
    )


def _delivered(folder: Path) -> Iterator[tuple[Path, date]]:
    """Everything in drop folders, with the drop day."""
    for path in sorted(folder.glob("*/dt=*/*")):
        match = _DAY.fullmatch(path.parent.name)
        try:
            day = date.fromisoformat(match[1]) if match else None
        except ValueError:
            day = None
        if day is not None:
            yield path, day


def dbt() -> DbtFacts:
    """Whether the next command has to parse the dbt project, and may."""
    manifest = DBT_PROJECT / "target" / "manifest.json"
    sources = list(DBT_PROJECT.glob("*.yml"))
    for part in ("models", "macros", "seeds", "data_tests"):
        sources += [path for path in (DBT_PROJECT / part).rglob("*") if path.is_file()]
    newest = max((path.stat().st_mtime for path in sources), default=0.0)
    folder = next(one for one in (manifest.parent, DBT_PROJECT, *DBT_PROJECT.parents) if one.is_dir())
    return DbtFacts(
        is_stale=not manifest.is_file() or manifest.stat().st_mtime < newest,
        is_writable=os.access(folder, os.W_OK),
    )
