"""`xbec promote`: which groups of customers are published from a day on, decided by a person. A landed file says it."""

import csv
import hashlib
import io
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from xbec_platform.commands.home import USAGE, require_table, settings
from xbec_platform.whole_files import replace_text

if TYPE_CHECKING:
    from xbec_platform.customers.cluster_promotion import Promotion
    from xbec_platform.settings import Settings

SOURCE = "cluster_promotions"
_COLUMNS = ("groups", "valid_from", "decided_ts", "method", "k", "reason")
_TABLES = {"habits": "cluster", "interests": "interest"}


class Groups(StrEnum):
    """Groups by habits are those of ml.customer_clusters, by interest those of ml.customer_interests."""

    HABITS = "habits"
    INTERESTS = "interests"


def promote(
    method: Annotated[
        str, typer.Argument(help="k-means, gaussian_mixture or hdbscan; automatic goes back to the rule")
    ],
    valid_from: Annotated[
        datetime, typer.Option("--from", help="first as-of day it holds for", formats=["%Y-%m-%d"])
    ],
    why: Annotated[str, typer.Option(help="reason, kept with the decision and shown with the groups")],
    groups: Annotated[Groups, typer.Option(help="which groups")] = Groups.HABITS,
    k: Annotated[int | None, typer.Option(help="number of groups, of k-means and of a mixture")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show how the methods compare")] = False,
) -> None:
    """Publish the groups of another method or number from a day on, or go back to the automatic ones.

    The decision is a landed file, so that a replay makes the same groups. The next decision on the same groups ends it;
    `xbec withdraw` takes it back as if it had never been.
    """
    from xbec_platform.customers.cluster_promotion import Promotion

    home = settings()
    try:
        decision = Promotion(valid_from=valid_from.date(), method=method, k=k, reason=why.strip())
    except ValueError as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(USAGE) from error
    if not decision.reason:
        typer.echo("xbec: give a reason with --why: people will ask", err=True)
        raise typer.Exit(USAGE)
    if dry_run:
        _compare(home, groups)
        return
    landed = land(home, groups, decision, datetime.now(UTC))
    drop = landed.partition("dt=")[2][:10]
    typer.echo(
        f"{landed} says it. Next: xbec backfill --from {min(drop, decision.valid_from.isoformat())} takes the "
        f"file in and decides again; with automation on, sensors do. xbec withdraw {landed} takes it back"
    )


def land(home: "Settings", groups: str, decision: "Promotion", now: datetime) -> str:
    """Write the decision as a landed file, under its own name; the path below the landing folder.

    Args:
        home: where to; its last day is the drop day where today lies after it.
        groups: `habits` or `interests`.
        decision: what was decided.
        now: with zone.
    """
    drop = min(now.date(), home.end_date - timedelta(days=1)) if home.end_date else now.date()
    said = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    row = (groups, decision.valid_from, said, decision.method, decision.k, decision.reason)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_COLUMNS, row])
    digest = hashlib.sha256(text.getvalue().encode()).hexdigest()[:8]
    name = f"{SOURCE}/dt={drop.isoformat()}/{groups}-{decision.valid_from}-{digest}.csv"
    replace_text(home.landing / name, text.getvalue())
    return name


def _compare(home: "Settings", groups: str) -> None:
    """How the methods fare on the customers of the newest search."""
    from xbec_platform.commands.home import console
    from xbec_platform.operations.read_only import looking
    from xbec_platform.run_report import print_table
    from xbec_platform.warehouse.database import read_frame

    prefix = _TABLES[groups]
    require_table(home, f"ml.{prefix}_challengers", "groups", "decisions")
    with looking(home, "xbec promote") as connection:
        newest = f"(SELECT max(as_of_date) FROM ml.{prefix}_model)"
        methods = read_frame(
            connection, f"SELECT * FROM ml.{prefix}_challengers WHERE as_of_date = {newest} ORDER BY method"
        )
        numbers = read_frame(
            connection, f"SELECT * FROM ml.{prefix}_stability WHERE as_of_date = {newest} ORDER BY k"
        )
    print_table(console(), "Methods", methods)
    print_table(console(), "Numbers of groups", numbers)
