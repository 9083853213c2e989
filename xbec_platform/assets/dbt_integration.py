"""The parts of dagster-dbt that are used here, imported without dbt, which runs as a program of its own (`dbt_cli`)."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Meanwhile a module that is not loaded yet cannot be found."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


# Where dbt-core is not installed (dbt Fusion) dagster-dbt has names of its own for dbt's states and kinds of nodes,
# with the same values. Those of dbt-core cost .9 CPU s in every process that loads the code location.
with _without("dbt.version"):
    from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject
    from dagster_dbt.dbt_manifest import validate_manifest

__all__ = ["DagsterDbtTranslator", "DbtCliResource", "DbtProject", "validate_manifest"]
