"""Jobs: named selections of assets, by what a person wants done. Windows come from the run, not from here."""

from functools import cache
from typing import Any

import dagster as dg

from xbec_platform.asset_keys import ERASURE_LOG

INTAKE_AND_FACTS = "intake_and_facts"
DECISIONS = "decisions"
DAILY = "daily"
LOGISTICS = "logistics"
REPORTS = "reports"
ERASE = "erase"
ERASURE_AUDIT = "erasure_audit"
RETENTION = "retention"

# A run with this tag calls dbt whatever is known to be built, for example after somebody changed a table by hand.
REBUILD_TAG, ALWAYS = "xbec/rebuild", "always"

FACT_GROUPS = (
    "intake",
    "seeds",
    "staging",
    "intermediate",
    "marts_core",
    "marts_reporting",
    "marts_market",
    "marts_quality",
)
DECISION_GROUPS = ("customers", "recommendations", "logistics", "platform", "publish")


@cache
def build_jobs() -> tuple[Any, ...]:
    """The jobs of a home, always the same objects: Dagster refuses a second definition of a name.

    Dagster keeps their type, that of an unresolved job, private.
    """
    facts = dg.AssetSelection.groups(*FACT_GROUPS)
    decisions = dg.AssetSelection.groups(*DECISION_GROUPS)
    return (
        dg.define_asset_job(
            INTAKE_AND_FACTS,
            selection=facts,
            description="Landed files to raw tables, facts and marts, for a day or a range of days in one run.",
        ),
        dg.define_asset_job(
            DECISIONS,
            selection=decisions,
            description="Clusters, recommendations, the warehouse plan, and what is published, as of a day.",
        ),
        dg.define_asset_job(
            LOGISTICS,
            selection=dg.AssetSelection.groups("logistics"),
            description="The warehouse plan and what else logistics decides, as of a day, from facts that are there.",
        ),
        dg.define_asset_job(
            REPORTS,
            selection=dg.AssetSelection.groups("platform", "publish"),
            description="Exports, snapshot and pages as of a day, from decisions that are there.",
        ),
        dg.define_asset_job(
            DAILY,
            selection=facts | decisions,
            description="Close a day: everything, from its files to the published snapshot and pages.",
        ),
        dg.define_asset_job(
            ERASE,
            selection=dg.AssetSelection.groups("erasure"),
            description="Work off the landed requests to be forgotten, and rebuild everything without these people.",
        ),
        dg.define_asset_job(
            ERASURE_AUDIT,
            selection=dg.AssetSelection.checks_for_assets(ERASURE_LOG),
            description="Search tables, snapshot and exports for people who were erased; nothing is changed.",
        ),
        dg.define_asset_job(
            RETENTION,
            selection=dg.AssetSelection.groups("retention"),
            description="Let old things go: raw files into archives, old exports, outputs and runs; compact the files.",
        ),
    )
