"""`xbec target`: who buys a product, or what has attributes, more often than everybody."""

from typing import Annotated

import typer

from xbec_platform.commands.home import NO_DATA, USAGE, console, require_table, settings


def target(
    product: Annotated[str | None, typer.Argument(help="product of the catalogue")] = None,
    attributes: Annotated[
        str | None, typer.Option(help="of a product not sold yet: category=baby,age_group=newborn")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Show the target groups of a product, or of attributes of one that is not sold yet; never fewer than 30 people."""
    from xbec_platform.operations.read_only import looking
    from xbec_platform.run_report import print_targets
    from xbec_platform.warehouse.database import read_frame

    if (product is None) == (attributes is None):
        typer.echo("xbec: give a product, or --attributes name=value,...", err=True)
        raise typer.Exit(USAGE)
    home = settings()
    require_table(home, "ml.product_target_groups", "target groups", "decisions")
    with looking(home, "xbec target") as connection:
        table = "ml.product_target_groups" if product else "ml.attribute_target_groups"
        rows = read_frame(
            connection, f"SELECT * FROM {table} WHERE as_of_date = (SELECT max(as_of_date) FROM {table})"
        )
    day = rows["as_of_date"][0].isoformat() if rows.height else "any day"
    if product:
        found = rows.filter(rows["item_id"] == product).sort("rank")
        if found.is_empty():
            typer.echo(
                f"xbec: no product {product} as of {day}; is it in the catalogue or has it been sold?",
                err=True,
            )
            raise typer.Exit(NO_DATA)
    else:
        from xbec_platform.customers.target_groups import for_attributes

        try:
            found = for_attributes(rows, _parsed(attributes or ""))
        except ValueError as error:
            typer.echo(f"xbec: {error}", err=True)
            raise typer.Exit(USAGE) from error
    if as_json:
        typer.echo(found.drop("as_of_date", strict=False).write_json())
    else:
        print_targets(found, str(product or attributes), day, console())


def _parsed(text: str) -> dict[str, str]:
    """Attributes of `name=value,name=value`.

    Raises:
        ValueError: A part is no pair.
    """
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if bad := [name for name, sign, value in pairs if not (sign and name.strip() and value.strip())]:
        raise ValueError(f"'{bad[0]}' is not name=value")
    return {name.strip(): value.strip() for name, _, value in pairs}
