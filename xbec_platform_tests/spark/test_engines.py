"""Both engines make equal tables from one SQL text: `make test-spark`, which brings Spark's environment along.

Two passes over overlapping windows: what a window rebuilds, and a day whose orders are gone, must come out alike too.
"""

import os
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from xbec_platform.assets.affinity_queries import RESULTS, count_baskets, statements
from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.intake import run_intake
from xbec_platform.recommendations.affinity import AffinityParams
from xbec_platform.warehouse.database import Warehouse
from xbec_platform_tests.integration.homes import END, FIRST, small_shop
from xbec_platform_tests.spark.differences import differences
from xbec_platform_tests.spark.engines import BUILT, SPARK_ENVIRONMENT, Engines, names

EMPTIED = FIRST + timedelta(days=13)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    """A small world on both engines: all but the last days first, then these and those before them again."""
    if "XBEC_TEST_SPARK" not in os.environ:
        pytest.skip("takes minutes, Java 17 and Spark: `make test-spark` runs it")
    if shutil.which("java") is None or not SPARK_ENVIRONMENT.is_dir():
        pytest.skip("needs Java 17 and .venv-spark (`make test-spark` makes it)")
    folder = tmp_path_factory.mktemp("engines")
    settings = small_shop(folder / "home").settings
    warehouse = Warehouse.of(settings)
    run_intake(warehouse, settings.landing, feeds=Feeds.of_home(settings.home))
    engines = Engines(settings.home / "warehouse.duckdb", folder / "spark")
    engines.build((FIRST, FIRST + timedelta(days=16)))
    with warehouse.transaction("a day becomes empty") as connection:
        connection.execute("DELETE FROM raw.orders WHERE CAST(order_ts AS DATE) = ?", [EMPTIED])
        connection.execute("DELETE FROM raw.events WHERE CAST(ts AS DATE) = ?", [EMPTIED])
    engines.build((FIRST + timedelta(days=11), END))
    engines.dump_spark()
    return engines


def test_every_model_has_equal_rows(engines: Engines) -> None:
    """Keys, counts, money and times exactly, floats to 1e-9; all models that differ are named at once."""
    with duckdb.connect(str(engines.warehouse), read_only=True) as connection:
        models = names(connection, BUILT)
        assert len(models) > 50
        assert sorted(path.name for path in engines.dump.iterdir()) == models
        found = {
            model: differences(connection, model, f"read_parquet('{engines.dump / model}/*.parquet')")
            for model in models
        }
    different = {model: unlike for model, unlike in found.items() if unlike}
    assert not different, "\n".join(f"{model}: {unlike}" for model, unlike in different.items())


def test_an_emptied_day_is_empty(engines: Engines) -> None:
    """The day had orders in the first pass and none in the second: no row of it may stay on either engine."""
    with duckdb.connect(str(engines.warehouse), read_only=True) as connection:
        for table in ("marts.fct_order", f"read_parquet('{engines.dump}/marts.fct_order/*.parquet')"):
            days = {
                day for (day,) in connection.execute(f"SELECT DISTINCT order_date FROM {table}").fetchall()
            }
            assert EMPTIED not in days
            assert {EMPTIED - timedelta(days=1), EMPTIED + timedelta(days=1)} <= days


@pytest.mark.parametrize("kind", ["order", "person"])
def test_baskets_are_counted_alike(engines: Engines, kind: str) -> None:
    """The SQL of affinity is no model: its statements run on Spark one after the other, over the same facts."""
    day, params = END - timedelta(days=1), AffinityParams(min_baskets=2, min_share=0, min_triple_share=0)
    results = {name: sql.format(kind=kind) for name, sql in RESULTS.items()}
    sources = ("marts.fct_order_line", "raw.customers")
    folder = engines.run_on_spark(statements(kind, day, params), results, sources)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{engines.warehouse}' AS home (READ_ONLY); USE home")
        counts = count_baskets(connection, day, params, kinds=(kind,))
        assert counts["pairs"].height > 0
        for name in results:
            connection.register("expected", counts[name].to_arrow())
            assert differences(connection, "expected", f"read_parquet('{folder}/{name}/*.parquet')") == [], (
                name
            )


def test_differences_are_found(tmp_path: Path) -> None:
    """The comparison itself: a lost row, another scale, another digit, and a float within and beyond tolerance."""
    connection = duckdb.connect(str(tmp_path / "tables.duckdb"))
    row = {
        "id": "1",
        "amount": "1.0000::DECIMAL(18, 4)",
        "share": "0.5::DOUBLE",
        "day": f"DATE '{date(2026, 1, 1)}'",
    }

    def select(**changed: str) -> str:
        return (
            "(SELECT " + ", ".join(f"{value} AS {name}" for name, value in {**row, **changed}.items()) + ")"
        )

    assert differences(connection, select(), select(id="1::BIGINT")) == []
    assert differences(connection, select(), select(share="0.5::DOUBLE + 1e-11")) == []
    assert differences(connection, select(), select(share="0.5::DOUBLE + 1e-8"))
    assert differences(connection, select(), select(share="NULL::DOUBLE"))
    assert differences(connection, select(), select(amount="1.0001::DECIMAL(18, 4)"))
    assert differences(connection, select(), select(amount="1.0::DECIMAL(18, 2)"))
    assert differences(connection, select(), f"(SELECT * FROM {select()} WHERE false)")
