"""`xbec explain landed-cost` and `xbec whatif tariff`: questions about duty and tax; nothing is stored."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from xbec_platform.commands.home import FAILED, NO_DATA, console, require_table
from xbec_platform.commands.home import settings as home_settings

if TYPE_CHECKING:
    import polars as pl

explain = typer.Typer(no_args_is_help=True, help="Why a decision is as it is.")
whatif = typer.Typer(no_args_is_help=True, help="What other rules would have changed.")


@explain.callback()
def _explain() -> None:
    """Why a decision is as it is."""


@whatif.callback()
def _whatif() -> None:
    """What other rules would have changed."""


@explain.command("landed-cost")
def explain_order(order: Annotated[str, typer.Argument(help="order_id")]) -> None:
    """Duty, taxes and fees of an order step by step, with the rule of each step."""
    from xbec_platform.landed_cost_inputs import read_inputs
    from xbec_platform.logistics.landed_cost_tables import landed_costs
    from xbec_platform.logistics.landed_cost_text import explain_landed_cost
    from xbec_platform.warehouse.database import Warehouse

    settings = home_settings()
    require_table(settings, "marts.fct_order", "orders", "intake_and_facts")
    days = Warehouse.of(settings).read_frame(
        "SELECT order_date FROM marts.fct_order WHERE order_id = ?",
        purpose="explain landed cost",
        parameters=[order],
    )
    if days.is_empty():
        typer.echo(f"xbec: there is no order {order} among the facts", err=True)
        raise typer.Exit(NO_DATA)
    day = days["order_date"][0]
    result = landed_costs(read_inputs(Warehouse.of(settings), day, day))
    text = explain_landed_cost(result.costs, result.trace, order)
    if text is None:
        typer.echo(f"xbec: order {order} is cancelled: it crosses no border", err=True)
        raise typer.Exit(NO_DATA)
    typer.echo(text)


@whatif.command("tariff")
def whatif_tariff(
    file: Annotated[Path, typer.Argument(help="rules in the form of the source tariff_rules", exists=True)],
    since: Annotated[
        datetime | None, typer.Option("--from", help="first day of the orders", formats=["%Y-%m-%d"])
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", help="last day of the orders", formats=["%Y-%m-%d"])
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="the file instead of today's rules, not on top")
    ] = False,
) -> None:
    """Apply other tariff rules to past orders and print what would have changed; nothing is stored.

    A rule of the file replaces today's rule with its rule_id; others stay. To end a rule, give it a valid_to.
    """
    from dataclasses import replace as with_changes

    import polars as pl

    from xbec_platform.landed_cost_inputs import read_inputs
    from xbec_platform.logistics.landed_cost_tables import compare_rules, landed_costs
    from xbec_platform.warehouse.database import Warehouse

    settings = home_settings()
    rules = _rules_of(file)
    require_table(settings, "marts.fct_order", "orders", "intake_and_facts")
    first = since.date() if since else settings.start_date
    last = until.date() if until else settings.end_date or datetime.now(UTC).date()
    inputs = read_inputs(Warehouse.of(settings), first, last)
    kept = inputs.rules.clear() if replace else inputs.rules.join(rules, on="rule_id", how="anti")
    columns = rules.columns
    changed = with_changes(inputs, rules=pl.concat([kept.select(columns), rules], how="vertical_relaxed"))
    before, after = landed_costs(inputs), landed_costs(changed)
    table = Table(
        title=f"import cost of orders from {first} to {last} with {file.name}, base currency",
        title_justify="left",
    )
    difference = compare_rules(before, after)
    for name in difference.columns:
        table.add_column(
            name.replace("_", " "), justify="right" if name.startswith(("n_", "import", "change")) else "left"
        )
    for row in difference.iter_rows():
        table.add_row(*("" if value is None else escape(f"{value}") for value in row))
    console().print(table)
    for rule_id, reason in after.refused.iter_rows():
        console().print(escape(f"rule {rule_id} is not applied: {reason}"))
    if after.refused.height:
        raise typer.Exit(FAILED)


def _rules_of(file: Path) -> "pl.DataFrame":
    """Rules of a file that keep the contract; a file with a fault ends the command with all of them."""
    from xbec_platform.ingest.contracts import contracts
    from xbec_platform.ingest.validate import validate

    source = "tariff_rules"
    account = next(iter(validate(file, source=source, day=datetime.now(UTC).date())))
    if account.error or account.rows_quarantined:
        typer.echo(
            f"xbec: {file.name}: {account.error or f'{account.rows_quarantined} rows break the contract'}",
            err=True,
        )
        typer.echo(f"xbec validate {file} --source {source} shows what is wrong where", err=True)
        raise typer.Exit(FAILED)
    return account.tables[source].select(*contracts()[source].columns)
