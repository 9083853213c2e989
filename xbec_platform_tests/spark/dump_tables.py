"""Run by the Spark environment: every table and view of some schemas as Parquet. It knows nothing of the project.

Arguments: Spark's home, the folder to write, the schemas.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession


def main(home: str, out: str, schemas: list[str]) -> None:
    """Write `<out>/<schema>.<name>/*.parquet`."""
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.warehouse.dir", f"{home}/warehouse")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.timestampType", "TIMESTAMP_NTZ")
        .config("spark.sql.ansi.enabled", "false")
        .config("spark.driver.memory", "2g")
        .config(
            "spark.driver.extraJavaOptions",
            "-Duser.timezone=UTC -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m"
            f" -Dderby.system.home={home}",
        )
        .enableHiveSupport()
        .getOrCreate()
    )

    def write(name: str) -> None:
        session.table(name).write.parquet(f"{out}/{name}")

    tables = [
        f"{schema}.{row.tableName}"
        for schema in schemas
        for row in session.sql(f"show tables in {schema}").collect()
        if not row.isTemporary
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, tables))
    session.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
