"""Retention as an asset: let old things of the home go. What may go is decided in `operations.retention`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from xbec_platform.asset_keys import RETENTION
from xbec_platform.settings import Settings

GROUP = "retention"
WHOLE = "archives_are_whole"


class RetentionConfig(dg.Config):
    """Days after which something may go (0: never); a dry run only tells."""

    dry_run: bool = False
    archive_files: int = 365
    exports: int = 90
    logs: int = 30
    runs: int = 180


def build_retention_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset that is a deed: materialising it lets old things go."""

    @dg.asset(
        key=RETENTION,
        group_name=GROUP,
        owners=["team:platform"],
        kinds={"duckdb", "sqlite"},
        tags={"domain": "platform", "pii": "false"},
        pool="warehouse",
        check_specs=[
            dg.AssetCheckSpec(
                WHOLE, asset=RETENTION, description="Every packed raw file can be read back with its hash."
            )
        ],
        description="What of the home may go by age: raw files are packed with their hashes (xbec retention --restore "
        "puts them back), old exports, outputs of runs and runs are removed, files are compacted. A run stays while it "
        "is the last word on a day or a check. Grain: home. Key: none.",
    )
    def retention(
        context: dg.AssetExecutionContext, config: RetentionConfig
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from xbec_platform.operations.retention import Ages
        from xbec_platform.operations.retention_run import let_go, look

        ages = Ages(config.archive_files, config.exports, config.logs, config.runs)
        now = datetime.now(UTC).replace(tzinfo=None)
        plan = look(settings, context.instance, ages, now)
        numbers: dict[str, Any] = {
            "raw files packed": len(plan.files),
            "exports removed": len(plan.exports),
            "outputs of runs removed": len(plan.logs),
            "runs removed": len(plan.runs),
            "old runs kept": plan.kept_runs,
            "free share of the database": plan.free_share,
        }
        if config.dry_run:
            numbers["dry run"] = True
        else:
            done = let_go(settings, context.instance, plan, context.log.info)
            for sentence in done.left:
                context.log.warning(f"left: {sentence}")
            numbers["bytes freed"] = done.bytes_freed
        yield dg.MaterializeResult(metadata=numbers, check_results=[_whole(settings)])

    return [retention]


def _whole(settings: Settings) -> dg.AssetCheckResult:
    """Every archive is read and every hash compared: what is packed can be put back."""
    from xbec_platform.ingest.archive import damaged

    problems = damaged(settings.home)
    return dg.AssetCheckResult(
        check_name=WHOLE,
        passed=not problems,
        metadata={"expected": 0, "observed": len(problems), "samples": problems[:20]},
    )
