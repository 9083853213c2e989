"""The platform's dbt project and the dbt of this environment. Which models run when does not belong here."""

import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

PROJECT_DIR = Path(__file__).parents[1] / "dbt"
# Variables that the models know (`given` in macros/event_window.sql), as environment variables.
VARIABLE_PREFIX = "XBEC_VAR_"


def project_files() -> Iterator[Path]:
    """All files that decide what the models make, in order of their paths."""
    yield from sorted(path for path in PROJECT_DIR.glob("*") if path.suffix == ".yml")
    for folder in ("models", "macros", "seeds", "data_tests"):
        yield from sorted(path for path in (PROJECT_DIR / folder).rglob("*") if path.is_file())


@cache
def project_hash() -> str:
    """Hash of the project's files and of the programs that run them."""
    digest = hashlib.sha256()
    for package in ("dbt-core", "dbt-duckdb", "duckdb"):
        digest.update(f"{package} {version(package)}\n".encode())
    for path in project_files():
        digest.update(f"{path.relative_to(PROJECT_DIR).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def dbt_executable() -> str:
    """The dbt of this environment, whatever PATH says."""
    return str(Path(sys.executable).parent / "dbt")
