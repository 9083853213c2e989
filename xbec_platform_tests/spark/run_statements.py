"""Run by the Spark environment: queries one after the other, the last ones written as Parquet. It knows no project.

Arguments: a folder for Spark; a JSON file with sources (table: folder of Parquet files), steps ([name, query], each may
read those before it) and results (name: query); the folder to write.
"""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession


def main(home: str, asked: str, out: str) -> None:
    """Write `<out>/<result>/*.parquet`."""
    todo = json.loads(Path(asked).read_text())
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.warehouse.dir", f"{home}/statements")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.timestampType", "TIMESTAMP_NTZ")
        .config("spark.sql.ansi.enabled", "false")
        .config(
            "spark.driver.extraJavaOptions", "-Duser.timezone=UTC -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
        )
        .getOrCreate()
    )
    for view, file in todo["sources"].items():
        schema, name = view.split(".")
        session.sql(f"create database if not exists {schema}")
        session.sql(f"create table {schema}.{name} using parquet location '{file}'")
    for name, query in todo["steps"]:
        # Kept, as the tables are that DuckDB makes: views of views would be computed again for each that reads them.
        session.sql(query).localCheckpoint().createOrReplaceTempView(name)
    for name, query in todo["results"].items():
        session.sql(query).write.parquet(f"{out}/{name}")
    session.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
