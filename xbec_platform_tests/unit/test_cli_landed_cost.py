"""`xbec explain landed-cost` and `xbec whatif tariff` on a home with three orders."""

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xbec_platform.cli import app
from xbec_platform.ingest.store import create_tables
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform.world.tariffs import tariff_rules

HEADER = "order_id, order_ts, updated_ts, status, channel, market, ship_country, currency, incoterm"
# A: to Germany. B: in a currency without a rate on its day. C: cancelled the day after.
ORDERS = """
CREATE SCHEMA marts; CREATE SCHEMA intermediate;
CREATE TABLE marts.fct_order AS SELECT * FROM (VALUES
    ('A', 'K', DATE '2026-01-05', TIMESTAMP '2026-01-05 10:00:00', 'DE', 'DE', 'EUR', 'paid', 100::DECIMAL(18, 4)),
    ('B', 'K', DATE '2026-01-05', TIMESTAMP '2026-01-05 11:00:00', 'DE', 'DE', 'USD', 'paid', 100::DECIMAL(18, 4)),
    ('C', 'K', DATE '2026-01-05', TIMESTAMP '2026-01-05 12:00:00', 'DE', 'DE', 'EUR', 'cancelled', 9::DECIMAL(18, 4))
) AS t(order_id, customer_id, order_date, order_ts, market, ship_country, currency, status, goods_total);
ALTER TABLE marts.fct_order ADD COLUMN shipping_fee DECIMAL(18, 4) DEFAULT 0;
ALTER TABLE marts.fct_order ADD COLUMN discount DECIMAL(18, 4) DEFAULT 0;
CREATE TABLE marts.fct_order_line AS SELECT order_id, order_date, 1::BIGINT AS line_no, 'P' AS product_id, 1 AS qty,
    goods_total AS line_total, true AS is_product FROM marts.fct_order;
CREATE TABLE intermediate.int_fx_daily AS SELECT * FROM (VALUES
    (DATE '2026-01-05', 'EUR', 1::DECIMAL(18, 8)), (DATE '2026-01-02', 'USD', 0.8::DECIMAL(18, 8))
) AS t(fx_date, currency, rate_to_base);
"""


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    """A home whose rules are those of the demonstration."""
    settings = Settings(home=tmp_path, start_date=date(2026, 1, 1), end_date=date(2026, 1, 31))
    settings.save()
    rules = tariff_rules()  # noqa: F841
    with Warehouse.of(settings).transaction("test") as connection:
        create_tables(connection)
        connection.execute(ORDERS)
        connection.execute(
            "INSERT INTO raw.tariff_rules BY NAME SELECT *, DATE '2026-01-01' AS _drop_date FROM rules"
        )
        for order, version, status in (
            ("A", 5, "paid"),
            ("B", 5, "paid"),
            ("C", 5, "paid"),
            ("C", 6, "cancelled"),
        ):
            connection.execute(
                f"INSERT INTO raw.orders ({HEADER}) VALUES (?, '2026-01-05', ?, ?, 's', 'DE', 'DE', 'EUR', 'DDP')",
                [order, f"2026-01-{version:02d}", status],
            )
    return CliRunner(env={"XBEC_HOME": str(tmp_path), "COLUMNS": "200"})


def test_explained(runner: CliRunner) -> None:
    """Step by step; a currency without a rate is said, not left out; an order that was cancelled later had its cost."""
    told = runner.invoke(app, ["explain", "landed-cost", "A"])
    assert told.exit_code == 0, told.output
    assert "tax line 1: 100.00 x 19 % = 19.00 (VAT or GST) [DE-IOSS]" in told.output
    assert (
        "no exchange rate of USD on 2026-01-05" in runner.invoke(app, ["explain", "landed-cost", "B"]).output
    )
    assert "[DE-IOSS]" in runner.invoke(app, ["explain", "landed-cost", "C"]).output
    unknown = runner.invoke(app, ["explain", "landed-cost", "Z"])
    assert unknown.exit_code == 3
    assert "there is no order Z" in unknown.output


def test_other_rules_on_past_orders(runner: CliRunner, tmp_path: Path) -> None:
    """21 % instead of 19: two euros more; a file with faults is refused with the way to see them."""
    rule = tariff_rules().filter(tariff_rules()["rule_id"] == "DE-IOSS")
    rule.with_columns(vat_rate_pct=21.0).write_csv(tmp_path / "rules.csv")
    told = runner.invoke(app, ["whatif", "tariff", str(tmp_path / "rules.csv")])
    assert told.exit_code == 0, told.output
    assert "2.0000" in told.output
    rule.with_columns(currency=rule["currency"] + "?").write_csv(tmp_path / "bad.csv")
    bad = runner.invoke(app, ["whatif", "tariff", str(tmp_path / "bad.csv")])
    assert bad.exit_code == 1
    assert "xbec validate" in bad.output
