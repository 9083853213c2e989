"""How dbt is called: the project with its manifest, and one subprocess per call that does not parse it again.

Which models run when does not belong here.
"""

import fcntl
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.version import Version

from xbec_platform.assets.dbt_integration import DbtCliResource, DbtProject
from xbec_platform.dbt_program import PROJECT_DIR, VARIABLE_PREFIX, dbt_executable, project_files


class DbtProcess(DbtCliResource):
    """`DbtCliResource` without the dbt of its own that it keeps beside the one it calls.

    The parent asks `dbt --version` in a subprocess and loads dbt with its adapter into the run's process, for
    methods that are not used here (see `dbt_models._build`): 5 CPU s a run. Both are private API of
    dagster-dbt, hence the upper bound of its version in pyproject.toml.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:  # noqa: ARG002 - the parent's
        return None

    @classmethod
    def of_this_environment(cls) -> "DbtProcess":
        """The resource for the platform's own project."""
        return cls(project_dir=str(PROJECT_DIR), dbt_executable=dbt_executable())


@contextmanager
def dbt_variables(values: Mapping[str, str]) -> Iterator[None]:
    """Give variables to dbt processes that start meanwhile (`given` in macros/event_window.sql)."""
    names = {VARIABLE_PREFIX + name.upper(): value for name, value in values.items()}
    os.environ.update(names)
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]


@cache
def dbt_project() -> DbtProject:
    """The project, with a manifest that is at least as new as its files.

    Web server, daemon and code server start together: one of them parses, the others wait for it.

    Raises:
        RuntimeError: dbt cannot parse the project; the message holds what it said.
    """
    project = DbtProject(PROJECT_DIR)
    manifest = Path(project.manifest_path)
    manifest.parent.mkdir(exist_ok=True)
    with (manifest.parent / "parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not manifest.is_file() or manifest.stat().st_mtime < _last_change():
            _parse()
    return project


def _last_change() -> float:
    """When a file of the project changed last."""
    return max(path.stat().st_mtime for path in project_files())


def _parse() -> None:
    parsed = subprocess.run(  # noqa: S603 - our own interpreter's dbt on our own project
        [dbt_executable(), "parse", "--quiet", "--project-dir", str(PROJECT_DIR)],
        env={**os.environ, "DBT_PROFILES_DIR": str(PROJECT_DIR)},
        capture_output=True,
        text=True,
        check=False,
    )
    if parsed.returncode:
        raise RuntimeError(f"dbt parse failed:\n{parsed.stdout}\n{parsed.stderr}")
