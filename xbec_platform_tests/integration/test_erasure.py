"""A person of the generated shop is erased by the real jobs: found before, nowhere after, nobody else's rows moved."""

import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.erasure.erase import open_order, plan_erasure, work_off
from xbec_platform.erasure.orders import read_orders
from xbec_platform.erasure.proof import search
from xbec_platform.ingest.suppression_file import load_suppression
from xbec_platform.main_job import run_jobs
from xbec_platform.settings import Settings
from xbec_platform_tests.integration.homes import Shop

DONE = datetime(2026, 2, 1)
PERSONAL = ("customers", "events", "impressions", "preferences", "registration_events", "orders", "returns")


def rows(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with WarehouseResource.of(settings).file.connect("test") as connection:
        return connection.execute(sql).fetchall()


def others(settings: Settings, values: list[str]) -> dict[str, list[tuple[object, ...]]]:
    """Rows of the personal raw tables and of facts that mention none of some identifiers, without file ids."""
    listed = ", ".join(f"'{value}'" for value in values)
    found = {}
    for source in PERSONAL:
        names = [
            name
            for (name,) in rows(
                settings,
                f"""SELECT column_name FROM information_schema.columns WHERE table_schema = 'raw'
                AND table_name = '{source}' AND column_name IN ('customer_id', 'session_id', 'anonymous_id')""",
            )
        ]
        where = " AND ".join(
            f"coalesce({name}, '') NOT IN ({listed}) AND coalesce({name}, '') NOT LIKE 'erased:%'"
            for name in names
        )
        found[source] = rows(
            settings, f"SELECT * EXCLUDE (_file_id) FROM raw.{source} WHERE {where} ORDER BY ALL"
        )
    return found


def test_erased_customer_is_nowhere_and_the_books_still_balance(finished_shop: Shop, tmp_path: Path) -> None:
    """The one the generator plants: asks to be forgotten, and comes back from a backup in a later file."""
    shutil.copytree(finished_shop.settings.home, tmp_path / "home")
    home = replace(finished_shop.settings, home=tmp_path / "home")
    back = next(fault for fault in finished_shop.summary.faults if fault.kind == "resurrected_customer")
    name = back.key.split("customer_id=")[1].split(",")[0]
    log = home.dagster_home / "note.log"
    log.write_text(f"a step failed for {name}\n")

    plan = plan_erasure(home, name)
    values = list(plan.person.values)
    places = {path.relative_to(home.home).parts[0] for path in plan.mentions.files}
    assert {"landing", "exports", "dagster"} <= places
    tables = plan.mentions.tables
    assert {"raw.customers", "raw.deletion_requests", "ml.recs_discover"} <= set(tables)
    before = others(home, values)
    money = "SELECT sum(goods_total), count(*) FROM raw.orders"
    sold = rows(home, money)

    open_order(home, name)
    report = work_off(home, rebuild=lambda: run_jobs(home).succeeded, done_ts=DONE)
    assert report is not None

    found = search(home, load_suppression(home.home), values)
    assert (found.columns, dict(found.files)) == ((), {})
    assert others(home, values) == before
    assert rows(home, money) == sold
    assert rows(home, "SELECT count(*) FROM ml.recs_discover WHERE customer_id LIKE 'erased:%'") == [(0,)]
    assert dict(rows(home, "SELECT table_name, rows FROM ops.erasure_log")) == {
        table: count for table, count in tables.items() if not table.startswith("published:")
    }
    assert read_orders(home.home) == []
