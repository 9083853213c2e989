"""`xbec doctor`: what is wrong with a home, why it matters, and the next command."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from xbec_platform.commands.home import FAILED
from xbec_platform.commands.home import console as _console


def doctor(as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False) -> None:
    """Look at the home and say what is wrong, why it matters and what to do next; nothing is changed.

    Exit code 1 when there is an error or a warning.
    """
    from xbec_platform.operations.doctor import examine
    from xbec_platform.operations.doctor.findings import is_healthy
    from xbec_platform.operations.doctor.gather import gather

    facts = gather(datetime.now(UTC).replace(tzinfo=None))
    findings = examine.examine(facts)
    if as_json:
        typer.echo(examine.as_json(facts, findings))
    else:
        examine.print_findings(facts, findings, _console())
    if not is_healthy(findings):
        raise typer.Exit(FAILED)
