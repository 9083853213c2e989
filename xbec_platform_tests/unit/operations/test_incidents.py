"""Incidents: failed runs by the asset where they began, open until it is built again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from xbec_platform.automation.run_failures import NO_STEP, failed_run
from xbec_platform.operations.incidents import FailedRun, open_incidents, record, resolve
from xbec_platform.warehouse.database import Warehouse

NOW = datetime(2026, 1, 5)


def failure(run_id: str, root: str = "marts/fct_order", *, hours: int = 0, job: str = "daily") -> FailedRun:
    return FailedRun(
        run_id, job, root, "dbt", f"2026-01-0{hours + 1}", f"cause {run_id}", NOW + timedelta(hours=hours)
    )


def test_one_incident_per_root_until_it_is_built(tmp_path: Path) -> None:
    """Ten failed runs of one cause are one thing to mend; after the mending a new failure is a new one."""
    with Warehouse(tmp_path / "w.duckdb").transaction("test") as connection:
        assert record(connection, [failure("b", hours=1), failure("a"), failure("x", "ml/plan")]) == (2, 1)
        assert record(connection, [failure("a"), failure("c", hours=2, job="late")]) == (0, 1)
        first = open_incidents(connection).row(0, named=True)
        assert (first["root_asset"], first["failures"], first["error"]) == ("marts/fct_order", 3, "cause c")
        assert (first["jobs"], first["run_ids"]) == (["daily", "late"], ["a", "b", "c"])
        assert resolve(connection, [("marts/fct_order", NOW + timedelta(hours=1))]) == 0
        assert resolve(connection, [("marts/fct_order", NOW + timedelta(hours=3))]) == 1
        assert open_incidents(connection)["root_asset"].to_list() == ["ml/plan"]
        assert record(connection, [failure("d", hours=4)]) == (1, 0)
        assert record(connection, [failure("a")]) == (0, 0)


def test_root_is_the_first_asset_that_was_not_built() -> None:
    """A failed step of several assets built some of them; what the failure names comes first."""
    keys = [dg.AssetKey(["marts", name]) for name in ("alpha", "beta", "gamma")]

    @dg.multi_asset(specs=[dg.AssetSpec(key) for key in keys], name="models")
    def models():  # type: ignore[no-untyped-def]
        yield dg.MaterializeResult(asset_key=keys[0])
        raise dg.Failure(
            "dbt failed", metadata={"errors": dg.MetadataValue.md("- `model.xbec.gamma`: no column")}
        )

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([models], instance=instance, raise_on_error=False)
        (found,) = instance.get_run_records(limit=1)
        run = failed_run(instance, found)
    assert (run.root_asset, run.step, run.error) == (
        "marts/gamma",
        "models",
        "dagster._core.definitions.events.Failure: dbt failed",
    )
    assert abs(run.failed_ts - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=5)


def test_run_whose_process_died() -> None:
    """No step said anything; what Dagster says of the end is the cause."""
    with dg.DagsterInstance.ephemeral() as instance:
        tags = {"dagster/partition": "2026-01-05"}
        instance.add_run(dg.DagsterRun(job_name="daily", run_id="r" * 32, tags=tags))
        instance.report_run_failed(instance.get_run_by_id("r" * 32), "killed by the kernel\nmore")  # type: ignore[arg-type]
        (found,) = instance.get_run_records(limit=1)
        run = failed_run(instance, found)
    assert (run.root_asset, run.partitions, run.error) == (NO_STEP, "2026-01-05", "killed by the kernel")
