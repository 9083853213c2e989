"""`xbec portrait`: what is known of a person who agreed to it, or of a segment, group or market."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from xbec_platform.commands.home import NO_DATA, USAGE, console, require_table, settings

if TYPE_CHECKING:
    import duckdb

    from xbec_platform.settings import Settings

_AGGREGATES = "portraits of groups know no single person: xbec portrait --market CODE, or --segment NAME"


def portrait(
    person: Annotated[str | None, typer.Argument(help="customer of the shop")] = None,
    segment: Annotated[str | None, typer.Option(help="an RFM segment, such as Loyal")] = None,
    cluster: Annotated[str | None, typer.Option(help="a group of ml.customer_clusters, by its name")] = None,
    interest: Annotated[
        str | None, typer.Option(help="a group of ml.customer_interests, by its name")
    ] = None,
    market: Annotated[str | None, typer.Option(help="a country, such as DE")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="as JSON, without anything that names a person")
    ] = False,
) -> None:
    """Show a consumption portrait: tags with the observations they rest on and how sure they are."""
    from xbec_platform.customers.portrait_document import Portrait
    from xbec_platform.customers.portrait_tags import CLUSTER, INTEREST, MARKET, PERSON, SEGMENT
    from xbec_platform.operations.read_only import looking
    from xbec_platform.run_report import print_portrait
    from xbec_platform.warehouse.database import read_frame

    wanted = {PERSON: person, SEGMENT: segment, CLUSTER: cluster, INTEREST: interest, MARKET: market}
    given = {kind: name for kind, name in wanted.items() if name is not None}
    if len(given) != 1:
        typer.echo("xbec: give one of PERSON, --segment, --cluster, --interest, --market", err=True)
        raise typer.Exit(USAGE)
    ((kind, name),) = given.items()
    home = settings()
    require_table(home, "ml.portrait_tags", "portraits", "decisions")
    with looking(home, "xbec portrait") as connection:
        newest = "as_of_date = (SELECT max(as_of_date) FROM ml.portrait_tags)"
        account, name = name, _person(connection, name, newest) if kind == PERSON else name
        tags = read_frame(
            connection,
            f"SELECT * FROM ml.portrait_tags WHERE {newest} AND subject_type = ? AND subject_id = ?",
            [kind, name],
        )
        if tags.is_empty():
            day = read_frame(connection, "SELECT max(as_of_date) AS day FROM ml.portrait_tags")["day"].item()
            cause = (
                _why_no_person(home, connection, account, day)
                if kind == PERSON
                else _known(connection, kind, name)
            )
            typer.echo(f"xbec: {cause}", err=True)
            raise typer.Exit(NO_DATA)
    found = Portrait(kind=kind, subject=name, as_of=tags["as_of_date"][0], tags=tags.drop("as_of_date"))
    if as_json:
        typer.echo(found.to_json())
    else:
        print_portrait(found, console())


def _person(connection: "duckdb.DuckDBPyConnection", account: str, newest: str) -> str:
    """The person behind an account; the account itself where it is not known to be one of several."""
    from xbec_platform.operations.read_only import tables_there
    from xbec_platform.warehouse.database import read_frame

    if "ml.identity_map" not in tables_there(connection):
        return account
    found = read_frame(
        connection,
        f"SELECT person_id FROM ml.identity_map WHERE {newest} AND kind = 'customer' AND source_id = ?",
        [account],
    )
    return str(found["person_id"][0]) if found.height else account


def _why_no_person(
    home: "Settings", connection: "duckdb.DuckDBPyConnection", name: str, day: "date | None"
) -> str:
    """Why there is no portrait of a person, with what to do."""
    from xbec_platform.ingest.suppression import TOMBSTONE
    from xbec_platform.ingest.suppression_file import load_suppression
    from xbec_platform.warehouse.database import read_frame

    suppression = load_suppression(home.home)
    if name.startswith(TOMBSTONE) or suppression.hash(name) in suppression.personal_hashes:
        return f"{name} asked to be forgotten: nothing is kept"
    known = read_frame(
        connection, "SELECT consent_profiling FROM marts.dim_customer WHERE customer_id = ?", [name]
    )
    if known.is_empty():
        return f"no customer {name} as of {day}; ids are those of marts.dim_customer"
    consent = known["consent_profiling"].item()
    if consent:
        return (
            f"{name} was not known or had not consented as of {day}, or another account of the same person has not; "
            "run the job decisions for a later day"
        )
    why = "does not consent to profiling" if consent is False else "has not said whether profiling is allowed"
    return f"{name} {why}, so there is no portrait; {_AGGREGATES}"


def _known(connection: "duckdb.DuckDBPyConnection", kind: str, name: str) -> str:
    """Which groups there are instead."""
    from xbec_platform.warehouse.database import read_frame

    names = read_frame(
        connection,
        """SELECT DISTINCT subject_id FROM ml.portrait_tags WHERE subject_type = ?
        AND as_of_date = (SELECT max(as_of_date) FROM ml.portrait_tags) ORDER BY 1""",
        [kind],
    )["subject_id"].to_list()
    there = ", ".join(names) or "none: every one has fewer than 30 people"
    return f"no portrait of the {kind} '{name}'; there are: {there}"
