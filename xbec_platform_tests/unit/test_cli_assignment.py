"""`xbec explain assignment` and `xbec explain plan` on a home with two days of orders and their stored plans."""

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xbec_platform.assets.logistics import _tables, plan_day
from xbec_platform.assets.model_tables import write_as_of
from xbec_platform.assignment_day import read_day
from xbec_platform.cli import app
from xbec_platform.ingest.store import create_tables
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

FLAGS = "true AS {0}_battery, true AS {0}_liquid, true AS {0}_hazard"
# A is near and cheap and holds one piece of P, B far and dear with many, which leave
# in containers of one piece. The flammable F may not go by road.
HOME = f"""
CREATE SCHEMA marts; CREATE SCHEMA intermediate; CREATE SCHEMA ml;
CREATE TABLE intermediate.int_fx_daily AS
    SELECT unnest([DATE '2026-01-05', DATE '2026-01-06']) AS fx_date, 'EUR' AS currency,
    1::DECIMAL(18, 8) AS rate_to_base;
CREATE TABLE marts.fct_order AS SELECT *, order_date + INTERVAL 10 HOUR AS order_ts, 'DE' AS ship_country,
    5 AS promised_days FROM (VALUES ('old', DATE '2026-01-05'), ('new', DATE '2026-01-06')) AS t(order_id, order_date);
CREATE TABLE marts.fct_order_line AS SELECT order_id, order_date, order_ts, ship_country, true AS is_product, line_no,
    product_id, qty FROM marts.fct_order JOIN (VALUES ('old', 1, 'P', 1), ('new', 1, 'P', 2), ('new', 2, 'F', 1))
    AS l(order_id, line_no, product_id, qty) USING (order_id);
CREATE TABLE marts.dim_product AS SELECT product_id, 1.0::DOUBLE AS weight_kg, null::DOUBLE AS length_cm,
    null::DOUBLE AS width_cm, null::DOUBLE AS height_cm, false AS has_battery, false AS is_liquid, false AS is_hazard,
    1::DECIMAL(18, 4) AS unit_cost, 2::DECIMAL(18, 4) AS list_price, 'EUR' AS currency
    FROM (VALUES ('P'), ('F')) AS t(product_id);
CREATE TABLE marts.fct_inventory AS SELECT *, DATE '2026-01-05' AS snapshot_date
    FROM (VALUES ('A', 'P', 1), ('B', 'P', 9), ('A', 'F', 5)) AS t(warehouse_id, product_id, available);
INSERT INTO raw.warehouses BY NAME SELECT warehouse_id, warehouse_id AS name, 'domestic' AS type, country,
    TIMESTAMP '2026-01-01' AS valid_from, 51.0 AS lat, 10.0 AS lon, 100 AS capacity_orders_day, 0 AS cost_pick,
    0 AS cost_pack, 'EUR' AS currency, {FLAGS.format("can")}, false AS is_sample, DATE '2026-01-01' AS _drop_date
    FROM (VALUES ('A', 'DE'), ('B', 'PL')) AS t(warehouse_id, country);
INSERT INTO raw.lanes BY NAME SELECT origin || ':DE' AS lane_id, TIMESTAMP '2026-01-01' AS valid_from,
    origin AS origin_node, 'DE' AS dest_node, 'truck' AS mode, 'K' AS carrier, rate AS rate_per_kg, 0 AS min_charge,
    container_rate, 1.0 AS container_max_kg, 1.0 AS container_max_m3,
    'EUR' AS currency, 2.0 AS transit_p50_days, 3.0 AS transit_p90_days, {FLAGS.format("allows")}, false AS is_sample,
    DATE '2026-01-01' AS _drop_date FROM
    (VALUES ('A', 1, null), ('B', 9, 3)) AS t(origin, rate, container_rate);
INSERT INTO raw.products BY NAME SELECT 'F' AS product_id, TIMESTAMP '2026-01-01' AS valid_from, 'active' AS status,
    'UN1266' AS un_number, DATE '2026-01-01' AS _drop_date;
INSERT INTO raw.restricted_items BY NAME SELECT 'FLAMMABLE' AS restriction_id, DATE '2026-01-01' AS valid_from,
    'truck' AS mode, 'un_number' AS match_on, 'UN1266' AS match_value, 'forbid' AS action, 'not by road' AS reason,
    DATE '2026-01-01' AS _drop_date;
"""


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> CliRunner:
    """A home whose plans of both days are stored as the asset stores them."""
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, start_date=date(2026, 1, 1), end_date=date(2026, 1, 31))
    settings.save()
    warehouse = Warehouse.of(settings)
    with warehouse.transaction("test") as connection:
        create_tables(connection)
        connection.execute(HOME)
    for day in (date(2026, 1, 5), date(2026, 1, 6)):
        allowed = read_day(warehouse, day)
        write_as_of(warehouse, _tables(plan_day(allowed, "free")[0]), day, purpose="test")
    return CliRunner(env={"XBEC_HOME": str(home), "COLUMNS": "200"})


def test_why_an_order_goes_where_it_goes(runner: CliRunner) -> None:
    """One piece from A, one from B, and the flammable one stays: each centre with its price or its reason."""
    told = runner.invoke(app, ["explain", "assignment", "new"])
    assert told.exit_code == 0, told.output
    for said in (
        "order new, plan of 2026-01-06",
        "line 1: 2 x P to DE",
        "A 1 pieces by A:DE (truck, P90 3 days): 1.0000 a piece - chosen",
        "B 1 pieces by B:DE (truck, P90 3 days): 3.0000 a piece - chosen",
        "line 2: 1 x F to DE",
        "unserved: 1 pieces, RESTRICTED_ITEM: FLAMMABLE: not by road (no lane reaches DE)",
        "B:DE: 1 containers from B to DE, 3.0000 each, 1 pieces, 100% of the payload, 1% of the room",
    ):
        assert said in told.output, told.output


def test_what_changed_since_the_day_before(runner: CliRunner) -> None:
    """Yesterday all came from A; today its stock is used up."""
    told = runner.invoke(app, ["explain", "plan", "2026-01-06"])
    assert told.exit_code == 0, told.output
    assert "plan of 2026-01-06 against 2026-01-05" in told.output
    rows = [line.split("│")[1:-1] for line in told.output.splitlines() if line.startswith("│")]
    shares = {(row[0].strip(), row[1].strip()): (row[4].strip(), row[5].strip()) for row in rows}
    assert shares["DE", "A"] == ("100%", "33%")
    assert shares["DE", "B"] == ("0%", "33%")
    assert "containers of 2026-01-06:\nB:DE: 1 containers from B to DE" in told.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["assignment", "nobody"], "there is no order nobody among the facts"),
        (["plan", "2026-01-09"], "no plan was made for 2026-01-09: run the job logistics for that day"),
        (["plan", "2026-01-05"], "no plan was made for 2026-01-04"),
    ],
)
def test_what_is_not_there_is_said(runner: CliRunner, words: list[str], said: str) -> None:
    """With the code of missing data and the next step."""
    told = runner.invoke(app, ["explain", *words])
    assert told.exit_code == 3
    assert said in told.output
