"""What is known as of a day: rows of later days change nothing, in any table of the customer area.

One shop, two builds of its facts: as it is, and with every row gone whose event lies after a random day.
"""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from xbec_platform import asset_keys
from xbec_platform.assets import identity, interests, preference_queries, preferences
from xbec_platform.assets.cluster_models import model_tables, models
from xbec_platform.assets.model_tables import read_as_of, write_as_of
from xbec_platform.assets.target_groups import target_input
from xbec_platform.assets.user_database import segmented_user_database, user_database
from xbec_platform.customers.cluster_model import ClusterParams
from xbec_platform.customers.clusters import assign
from xbec_platform.customers.identity import IdentityParams, resolve
from xbec_platform.customers.lifetime_value import LifetimeParams, fit_lifetime, score_lifetime
from xbec_platform.customers.target_groups import attribute_index, product_groups
from xbec_platform.ingest.contracts import contracts
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform_tests.integration.homes import DAYS, FIRST, Shop

MARTS = ("mart_user_database", "mart_rfm", "mart_rfm_bins", "mart_segment_moves", "mart_customer_moves")
BUILT = (
    "+mart_user_database +mart_customer_moves +mart_segment_moves +int_item_weights +int_device_logins "
    "+int_preference_settings"
)
QUICK = ClusterParams(compare_methods=False)
Tables = Mapping[str, pl.DataFrame]


def forget_after(warehouse: Warehouse, day: date) -> int:
    """Delete every raw row whose event lies after a day; how many."""
    gone = 0
    with warehouse.transaction("test") as connection:
        for source, contract in contracts().items():
            if contract.event_time is not None:
                sql = f'DELETE FROM raw."{source}" WHERE "{contract.event_time}" >= ?'
                gone += connection.execute(sql, [day + timedelta(days=1)]).fetchall()[0][0]
    return gone


def facts(warehouse: Warehouse, day: date) -> Tables:
    """The marts of a day."""
    return {
        name: warehouse.read_frame(
            f"SELECT * FROM marts.{name} WHERE as_of_date = ? ORDER BY ALL", purpose="test", parameters=[day]
        )
        for name in MARTS
    }


def decisions(warehouse: Warehouse, day: date) -> Tables:
    """Everything that is decided about customers as of a day, from whatever the warehouse holds."""
    people_of = partial(user_database, warehouse)
    clusters = models(lambda when, _: people_of(when), lambda _: QUICK, FIRST)(day)
    likes = interests._models(warehouse, FIRST)(day)
    interest_tables = interests.interest_tables(warehouse, day, likes)
    write_as_of(
        warehouse,
        {**model_tables(clusters, "cluster"), **interest_tables},
        day,
        purpose="test",
    )
    params, people = LifetimeParams(), segmented_user_database(warehouse, day)
    keys = read_as_of(warehouse, identity.QUERIES, day, purpose="test")
    targets = target_input(warehouse, day)
    index = attribute_index(replace(targets, before=targets.now))
    likings = preferences._scored(read_as_of(warehouse, preference_queries.QUERIES, day, purpose="test"))
    return {
        "clusters": assign(clusters, people_of(day)),
        "interests": interest_tables[asset_keys.CUSTOMER_INTERESTS],
        "lifetime value": score_lifetime(fit_lifetime(people, params), people, params),
        "preferences": likings.scores,
        "base rates": likings.base_rates,
        "click rates": likings.ctr_table(),
        "identity": resolve(keys["accounts"], keys["keys"], IdentityParams()).map,
        "members of groups": targets.now,
        "target groups": index,
        "target groups of products": product_groups(replace(targets, before=targets.now), index),
    }


def test_later_rows_change_nothing_as_of_a_day(
    finished_shop: Shop, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Facts and decisions as of a random day are equal, to the bit, without everything that came after it."""
    seed = time.time_ns()
    request.node.add_report_section("call", "seed", str(seed))
    day = FIRST + timedelta(days=random.Random(seed).randrange(9, DAYS - 2))
    both: list[Tables] = []
    for name in ("whole", "cut"):
        home = tmp_path / name
        shutil.copytree(
            finished_shop.settings.home, home, ignore=shutil.ignore_patterns("landing", "dagster")
        )
        settings = replace(finished_shop.settings, home=home)
        warehouse = Warehouse.of(settings)
        if name == "cut":
            assert forget_after(warehouse, day) > 1000
            build(settings)
            last = warehouse.read_frame("SELECT max(event_date) FROM intermediate.int_events", purpose="test")
            assert last.item() <= day
        both.append({**facts(warehouse, day), **decisions(warehouse, day)})
    for name, whole in both[0].items():
        assert whole.height, f"{name} is empty as of {day}: nothing is compared"
        try:
            assert_frame_equal(whole, both[1][name], check_exact=True)
        except AssertionError as error:
            raise AssertionError(f"{name} as of {day} knows what came later: {error}") from error


def build(settings: Settings) -> None:
    """Build the facts of customers anew, over all days there are."""
    program = Path(sys.executable).with_name("xbec")
    call = [str(program), "dbt", "run", "--full-refresh", "--select", *BUILT.split()]
    environment = {**os.environ, "XBEC_HOME": str(settings.home)}
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
