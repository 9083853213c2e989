"""The batched event log answers every question like the stock one, and writes once per batch."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.instance import open_instance
from xbec_platform.partitions import range_tags
from xbec_platform.settings import Settings

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-03-01")


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def thing(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """A table."""
    return dg.MaterializeResult(metadata={"rows": len(context.partition_keys)})


@dg.asset_check(asset=thing)
def good() -> dg.AssetCheckResult:
    """Passes."""
    return dg.AssetCheckResult(passed=True)


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def broken() -> None:
    """Fails."""
    raise RuntimeError("broken on purpose")


def run(instance: dg.DagsterInstance) -> None:
    """31 days of two assets, one of which fails."""
    job = dg.define_asset_job("j", selection=["thing", "broken"])
    definitions = dg.Definitions(
        assets=[thing, broken], asset_checks=[good], jobs=[job], executor=dg.in_process_executor
    )
    tags = range_tags(date(2026, 1, 5), date(2026, 2, 5))
    result = definitions.resolve_job_def("j").execute_in_process(
        instance=instance, tags=tags, raise_on_error=False
    )
    assert not result.success


def answers(instance: dg.DagsterInstance) -> tuple[object, ...]:
    key = dg.AssetKey("thing")
    failed = instance.event_log_storage.get_latest_asset_partition_materialization_attempts_without_materializations
    checks = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(key, "good"), limit=1000
    )
    latest = instance.get_latest_materialization_event(key)
    assert latest is not None
    (record,) = instance.get_run_records()
    events = sorted(
        str(e.dagster_event.event_type_value)
        for e in instance.all_logs(record.dagster_run.run_id)
        if e.dagster_event
    )
    return (
        sorted(instance.get_materialized_partitions(key)),
        sorted(
            instance.fetch_materializations(key, limit=1000).records,
            key=lambda r: r.event_log_entry.timestamp,
        )[-1].asset_materialization.metadata,  # type: ignore[union-attr]
        len(instance.fetch_materializations(key, limit=1000).records),
        sorted(failed(dg.AssetKey("broken"))),
        sorted(failed(key)),
        sorted((str(check.partition), check.status.value) for check in checks),
        sorted({event for event in events if "ASSET" in event}),
        latest.asset_materialization.metadata if latest.asset_materialization else None,
    )


def test_batched_and_stock_log_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """31 partitions of one run: same partitions done and failed, same records and checks, same last event."""
    (tmp_path / "stock").mkdir()
    stock = dg.DagsterInstance.local_temp(str(tmp_path / "stock"))
    run(stock)
    ours = open_instance(Settings(home=tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "10")
    run(ours)
    assert type(ours.event_log_storage).__name__ == "BatchedSqliteEventLogStorage"
    assert answers(ours) == answers(stock)
