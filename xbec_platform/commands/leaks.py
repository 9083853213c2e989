"""`xbec leaks`: which features know the outcome, in a file or in the home's own user database."""

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xbec_platform.commands.home import FAILED, NO_DATA, USAGE, console, require_table, settings

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.customers.leakage import LeakReport

WINDOW_DAYS = 28
# Of the home: who they are and when it is are no features.
NO_FEATURES = ("as_of_date", "customer_id", "first_order_date", "last_order_date")


def leaks(
    file: Annotated[
        Path | None, typer.Argument(help="CSV or Parquet; default: the home's user database")
    ] = None,
    outcome: Annotated[
        str | None, typer.Option(help="column that says whether it happened: 0/1, true/false")
    ] = None,
) -> None:
    """Flag features that rank the outcome better alone than all others together: they were written when it happened."""
    from xbec_platform.customers.leakage import find_leaks

    if (file is None) != (outcome is None):
        typer.echo("xbec: give a file and --outcome, or neither for the home's user database", err=True)
        raise typer.Exit(USAGE)
    try:
        if file is not None:
            features, happened, what = _of_file(file, str(outcome))
        else:
            features, happened, what = _of_home()
        report = find_leaks(features, happened)
    except (ValueError, OSError) as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(USAGE) from error
    _print(report, what)
    if report.leaks:
        raise typer.Exit(FAILED)


def _of_file(file: Path, outcome: str) -> "tuple[pl.DataFrame, pl.Series, str]":
    """Features and outcome of a table.

    Raises:
        ValueError: The file has no such column, or its values do not say yes or no.
    """
    import polars as pl

    table = (
        pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, infer_schema_length=None)
    )
    if outcome not in table.columns:
        raise ValueError(f"{file} has no column {outcome}; it has: {', '.join(table.columns)}")
    words = table[outcome].cast(pl.String).str.to_lowercase()
    yes, no = ("1", "true", "yes"), ("0", "false", "no")
    if strange := words.filter(~words.is_in([*yes, *no])).unique().sort().to_list():
        raise ValueError(f"{outcome} is {strange[0]!r} in a row: give 0 and 1, true and false, or yes and no")
    return table.drop(outcome), words.is_in(yes), f"{outcome} in {file}"


def _of_home() -> "tuple[pl.DataFrame, pl.Series, str]":
    """The user database 28 days before its last day, and who has bought since."""
    import polars as pl

    from xbec_platform.operations.read_only import looking
    from xbec_platform.warehouse.database import read_frame

    home = settings()
    require_table(home, "marts.mart_user_database", "user database", "intake_and_facts")
    with looking(home, "xbec leaks") as connection:
        newest = read_frame(connection, "SELECT max(as_of_date) AS day FROM marts.mart_user_database").item()
        day: date = newest - timedelta(days=WINDOW_DAYS)
        people = read_frame(connection, f"SELECT * FROM marts.mart_user_database WHERE as_of_date = '{day}'")
        buyers = read_frame(
            connection,
            f"""SELECT DISTINCT customer_id FROM marts.fct_order
            WHERE is_paid AND order_date > '{day}' AND order_date <= '{newest}' AND customer_id IS NOT NULL""",
        )
    if people.is_empty():
        typer.echo(f"xbec: the user database has no {day}, 28 days before its last day {newest}", err=True)
        raise typer.Exit(NO_DATA)
    people = people.sort("customer_id")
    happened = people["customer_id"].is_in(buyers["customer_id"].implode())
    features = people.drop(NO_FEATURES).select(~pl.selectors.temporal())
    return features, happened, f"bought in the 28 days after {day}, by the user database of that day"


def _print(report: "LeakReport", what: str) -> None:
    from rich.table import Table

    table = Table(title=f"{what}: AUC {report.auc:.3f} of all features", title_justify="left")
    table.add_column("feature")
    table.add_column("AUC alone", justify="right")
    table.add_column("")
    for feature, auc, is_leak in report.verdicts.iter_rows():
        table.add_row(feature, f"{auc:.3f}", "knows the outcome" if is_leak else "")
    console().print(table)
    if report.leaks:
        console().print(
            f"{', '.join(report.leaks)}: alone better than all others together (AUC {report.auc_without_leaks:.3f}). "
            "Find out when the value is known; what is written with the outcome is no feature."
        )
