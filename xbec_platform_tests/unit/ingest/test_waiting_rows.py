"""Rows whose parent has not come: declared by contracts, counted by a mart, gone from it when the parent arrives."""

import re
from pathlib import Path

import jinja2

from xbec_platform.ingest.contracts import contracts
from xbec_platform.ingest.intake import run_intake
from xbec_platform.warehouse.database import Warehouse

MODEL = Path(__file__).parents[3] / "dbt" / "models" / "marts" / "quality" / "mart_waiting_rows.sql"


def test_parents_are_columns_of_other_contracts() -> None:
    """A typing error would make every row wait for ever."""
    for contract in contracts().values():
        for parent in contract.parents.values():
            source, _, column = parent.partition(".")
            assert column in contracts()[source].columns, (contract.source, parent)


def test_the_mart_looks_at_all_parents_of_the_contracts() -> None:
    """The list in the SQL and the contracts say the same; only events are left to the mapping of their source."""
    listed = re.findall(r"\('(\w+)', '(\w+)', '(\w+)', '(\w+)'\)", MODEL.read_text())
    promised = [
        (contract.source, column, *parent.split("."))
        for contract in contracts().values()
        for column, parent in contract.parents.items()
    ]
    assert sorted(listed) == sorted(promised)


def waiting(warehouse: Warehouse) -> list[tuple[object, ...]]:
    """The model's rows, its SQL rendered for the raw tables."""
    sql = jinja2.Template(MODEL.read_text()).render(
        config=lambda **_: "", source=lambda schema, table: f"{schema}.{table}"
    )
    return warehouse.read_frame(sql, purpose="test").rows()


def test_a_row_waits_until_its_parent_comes(tmp_path: Path) -> None:
    """Two payments wait since the first of their days; the order that comes later ends it, no row moves."""
    landing, warehouse = tmp_path / "landing", Warehouse(tmp_path / "w.duckdb")

    def land(path: str, text: str) -> None:
        target = landing / path
        target.parent.mkdir(parents=True)
        target.write_text(text)
        run_intake(warehouse, landing)

    header = "payment_id,order_id,kind,amount,currency,status,paid_ts\n"
    land("payments/dt=2026-01-03/a.csv", header + "Y1,O1,full,1,EUR,succeeded,2026-01-03\n")
    land("payments/dt=2026-01-02/a.csv", header + "Y2,O1,full,2,EUR,failed,2026-01-02\n")
    ((source, parent, column, key, rows, since),) = waiting(warehouse)
    assert (source, parent, column, key, rows, str(since)) == (
        "payments",
        "orders",
        "order_id",
        "O1",
        2,
        "2026-01-02",
    )
    land(
        "orders/dt=2026-01-04/a.csv",
        "order_id,order_ts,updated_ts,status,channel,currency\nO1,2026-01-01,2026-01-01,paid,site,EUR\n",
    )
    assert waiting(warehouse) == []
