"""The same raw tables built by both engines: how each is called and what it then holds. Nothing is compared here."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

CHECKOUT = Path(__file__).parents[2]
SPARK_ENVIRONMENT = CHECKOUT / ".venv-spark"
SOURCES = ("raw", "ops", "quarantine")
BUILT = ("seeds", "staging", "intermediate", "marts")
# Hundreds of short queries over small tables: compiling each costs more than it saves, and one partition is enough.
SMALL_DATA = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.leafNodeDefaultParallelism": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}


@dataclass(frozen=True)
class Engines:
    """A DuckDB file and a Spark home made from the same raw tables."""

    warehouse: Path
    folder: Path

    @property
    def sources(self) -> Path:
        """Raw tables as Spark reads them, one folder each."""
        return self.folder / "sources"

    @property
    def dump(self) -> Path:
        """Spark's tables and views as Parquet, one folder each."""
        return self.folder / "dump"

    def share_sources(self) -> None:
        """Write the raw tables anew for Spark."""
        shutil.rmtree(self.sources, ignore_errors=True)
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            for name in names(connection, SOURCES):
                folder = self.sources.joinpath(*name.split("."))
                folder.mkdir(parents=True)
                connection.execute(f"COPY {name} TO '{folder}/rows.parquet' (FORMAT parquet)")

    def build(self, window: tuple[date, date]) -> None:
        """Seeds and models of a window of event days, on both engines.

        Raises:
            AssertionError: A model cannot be built; what dbt said.
        """
        self.share_sources()
        for target, environment in (("duckdb", CHECKOUT / ".venv"), ("spark", SPARK_ENVIRONMENT)):
            self._dbt(target, environment / "bin" / "dbt", window)

    def dump_spark(self) -> None:
        """Write every table and view of Spark to Parquet."""
        script = Path(__file__).parent / "dump_tables.py"
        _run(
            [SPARK_ENVIRONMENT / "bin" / "python", script, self.folder, self.dump, *BUILT], self._variables()
        )

    def run_on_spark(
        self, steps: Sequence[tuple[str, str]], results: Mapping[str, str], sources: Sequence[str]
    ) -> Path:
        """Run queries on Spark over tables of the DuckDB file.

        Returns:
            The folder of the results, a folder of Parquet files each.
        """
        folder = self.folder / f"statements_{len(list(self.folder.glob('statements_*')))}"
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            for name in sources:
                (folder / name).mkdir(parents=True)
                connection.execute(f"COPY {name} TO '{folder}/{name}/rows.parquet' (FORMAT parquet)")
        asked = folder / "asked.json"
        places = {name: f"{folder}/{name}" for name in sources}
        asked.write_text(json.dumps({"sources": places, "steps": list(steps), "results": dict(results)}))
        script = Path(__file__).parent / "run_statements.py"
        command: list[str | Path] = [
            SPARK_ENVIRONMENT / "bin" / "python",
            script,
            self.folder,
            asked,
            folder / "out",
        ]
        _run(command, self._variables())
        return folder / "out"

    def _dbt(self, target: str, dbt: Path, window: tuple[date, date]) -> None:
        first, end = (day.isoformat() for day in window)
        given = {"MIN_DATE": first, "MAX_DATE": end, "KNOWN_UNTIL": end, "CHECKED_FROM": first}
        variables = self._variables() | {f"XBEC_VAR_{name}": value for name, value in given.items()}
        folder = CHECKOUT / "dbt"
        # Tests are for DuckDB, where every run has them; here the rows themselves are compared.
        arguments = ["build", "--target", target, "--quiet", "--exclude-resource-type", "unit_test", "test"]
        places = ["--project-dir", folder, "--profiles-dir", folder]
        places += ["--target-path", self.folder / f"target_{target}", "--log-path", self.folder / "logs"]
        _run([dbt, *arguments, *places], variables)

    def _variables(self) -> dict[str, str]:
        settings = self.folder / "conf"
        settings.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{name} {value}\n" for name, value in SMALL_DATA.items())
        (settings / "spark-defaults.conf").write_text(lines)
        return {
            "XBEC_WAREHOUSE_PATH": str(self.warehouse),
            "XBEC_SPARK_HOME": str(self.folder),
            "XBEC_SPARK_SOURCES": str(self.sources),
            "SPARK_CONF_DIR": str(settings),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }


def names(connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...]) -> list[str]:
    """Tables and views of some schemas, as `schema.name`."""
    rows = connection.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        "WHERE list_contains(?, table_schema) ORDER BY 1",
        [list(schemas)],
    ).fetchall()
    return [name for (name,) in rows]


def _run(command: list[str | Path], variables: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, env={**os.environ, **variables}, cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command[0]}:\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
