"""A checkout whose dbt project has few models: all else is the platform's own, by links.

`python -m` in its folder, and every program that is given its folder as `PYTHONPATH`, runs the platform over them.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from xbec_platform.assets.dbt_cli import dbt_project
from xbec_platform.dbt_program import PROJECT_DIR

CHECKOUT = Path(__file__).parents[2]
# Where dbt_project.yml says things of a kind of node.
SECTIONS = {"model": "models", "seed": "seeds", "test": "data_tests"}


def small_checkout(folder: Path, models: Iterable[str]) -> Path:
    """Links to the code beside a dbt project of some models, those they are made from, and tests of these alone."""
    from dagster_dbt.dbt_manifest import validate_manifest

    for package in ("xbec_platform", "xbec_platform_tests"):
        (folder / package).symlink_to(CHECKOUT / package)
    project = folder / PROJECT_DIR.name
    shutil.copytree(PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs", "analyses"))
    manifest = validate_manifest(dbt_project().manifest_path)
    kept, asked = set[str](), [f"model.xbec.{name}" for name in models]
    while asked:
        node = asked.pop()
        if node not in kept:
            kept.add(node)
            asked += manifest["parent_map"].get(node, [])
    settings: dict[str, Any] = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    for name, node in manifest["nodes"].items():
        is_kept = (
            kept.issuperset(node["depends_on"]["nodes"]) if node["resource_type"] == "test" else name in kept
        )
        if node["resource_type"] in SECTIONS and not is_kept:
            place = settings.setdefault(SECTIONS[node["resource_type"]], {})
            for part in node["fqn"]:
                place = place.setdefault(part, {})
            place["+enabled"] = False
    (project / "dbt_project.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return folder
