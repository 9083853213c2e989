"""`xbec explain assignment` and `xbec explain plan`: why the warehouse plan is as it is; nothing is stored."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from xbec_platform.commands.home import NO_DATA, console, require_table
from xbec_platform.commands.home import settings as home_settings

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.warehouse.database import Warehouse

_TABLES = ("warehouse_assignment", "assignment_unserved", "assignment_bottlenecks")


def explain_assignment(order: Annotated[str, typer.Argument(help="order_id")]) -> None:
    """Which warehouse ships each line of an order, what every other would cost, and why it was not taken."""
    from xbec_platform.assignment_day import read_day
    from xbec_platform.logistics.assignment_inputs import AssignmentParams
    from xbec_platform.logistics.assignment_options import explain_options, line_options
    from xbec_platform.logistics.container_plan import container_text
    from xbec_platform.logistics.restricted_items import name_back
    from xbec_platform.warehouse.database import Warehouse

    settings = home_settings()
    require_table(settings, "marts.fct_order", "orders", "intake_and_facts")
    require_table(settings, "ml.assignment_containers", "plan", "logistics")
    warehouse = Warehouse.of(settings)
    days = warehouse.read_frame(
        "SELECT order_date FROM marts.fct_order WHERE order_id = ?",
        purpose="explain assignment",
        parameters=[order],
    )
    if days.is_empty():
        _stop(f"there is no order {order} among the facts")
    day = days["order_date"][0]
    served, left, limits = _plan(warehouse, day)
    allowed = read_day(warehouse, day)
    options = name_back(
        line_options(
            allowed.inputs, AssignmentParams(), served, limits, order, order_splits=settings.order_splits
        )
    )
    if options.is_empty():
        _stop(f"order {order} has no lines with goods on {day}")
    typer.echo(f"order {order}, plan of {day}")
    typer.echo(explain_options(options, left))
    lanes = served.filter(served["order_id"] == order)["lane_id"].unique().to_list()
    boxed = container_text(containers(warehouse, day), lanes)
    if boxed:
        typer.echo(f"shared containers:\n{boxed}")


def explain_plan(
    day: Annotated[datetime, typer.Argument(help="day of the plan", formats=["%Y-%m-%d"])],
) -> None:
    """What the plan of a day does differently from the day before, by country and warehouse, and why."""
    from xbec_platform.logistics.container_plan import container_text
    from xbec_platform.logistics.plan_changes import plan_changes
    from xbec_platform.warehouse.database import Warehouse

    settings = home_settings()
    require_table(settings, "ml.assignment_containers", "plan", "logistics")
    warehouse = Warehouse.of(settings)
    today, yesterday = day.date(), day.date() - timedelta(days=1)
    changes = plan_changes(_plan(warehouse, today), _plan(warehouse, yesterday))
    table = Table(title=f"plan of {today} against {yesterday}", title_justify="left")
    for name in changes.columns:
        number = name.startswith(("pieces", "share", "unit"))
        table.add_column(name.replace("_", " "), justify="right" if number else "left")
    for row in changes.iter_rows():
        table.add_row(*(_cell(value) for value in row))
    console().print(table)
    boxed = container_text(containers(warehouse, today))
    if boxed:
        console().print(f"containers of {today}:\n{escape(boxed)}")


def containers(warehouse: "Warehouse", day: date) -> "pl.DataFrame":
    """CONTAINER_SCHEMA of a day; empty also where its plan was made before there were any."""
    return warehouse.read_frame(
        "SELECT * EXCLUDE (as_of_date) FROM ml.assignment_containers WHERE as_of_date = ?",
        purpose="explain assignment",
        parameters=[day],
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.0%}" if isinstance(value, float) else escape(str(value))


def _plan(warehouse: "Warehouse", day: date) -> "tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]":
    """Stored assignments, unserved lines and bottlenecks of a day."""
    made = warehouse.read_frame(
        "SELECT count(*) FROM ml.assignment_summary WHERE as_of_date = ?",
        purpose="explain assignment",
        parameters=[day],
    ).item()
    if not made:
        _stop(f"no plan was made for {day}: run the job logistics for that day")
    served, left, limits = (
        warehouse.read_frame(
            f"SELECT * EXCLUDE (as_of_date) FROM ml.{name} WHERE as_of_date = ?",
            purpose="explain assignment",
            parameters=[day],
        )
        for name in _TABLES
    )
    return served, left, limits


def _stop(reason: str) -> None:
    typer.echo(f"xbec: {reason}", err=True)
    raise typer.Exit(NO_DATA)
