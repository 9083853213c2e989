"""`xbec`: the platform from a terminal, thin over the same jobs as the UI.

Exit codes: 0 ok, 1 a step or a check failed, 2 usage, 3 data missing.
"""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from xbec_platform.commands import (
    assignment,
    automation,
    backfill,
    dbt,
    doctor,
    erase,
    landed_cost,
    leaks,
    mapping,
    metrics,
    portrait,
    promote,
    quarantine,
    queue,
    retention,
    serve,
    target,
    withdraw,
)
from xbec_platform.commands.home import FAILED, NO_DATA, USAGE, Commands
from xbec_platform.commands.home import console as _console
from xbec_platform.commands.home import settings as _settings

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help=__doc__,
)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(mapping.app, name="mapping")
app.command()(automation.automation)
landed_cost.explain.command("assignment")(assignment.explain_assignment)
landed_cost.explain.command("plan")(assignment.explain_plan)
app.add_typer(landed_cost.explain, name="explain")
app.add_typer(landed_cost.whatif, name="whatif")
app.command()(backfill.backfill)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)(dbt.dbt)
app.command()(doctor.doctor)
app.command()(erase.erase)
app.command()(portrait.portrait)
app.command()(promote.promote)
app.command()(leaks.leaks)
app.command()(metrics.metrics)
app.command()(queue.queue)
app.command()(retention.retention)
app.command()(serve.serve)
app.command()(target.target)
app.command()(withdraw.withdraw)


@app.callback()
def main() -> None:
    """The open data platform for cross-border e-commerce."""


@app.command()
def run(
    source: Annotated[str, typer.Option(help="demo, or the name of a source mapping")] = "demo",
    data: Annotated[Path | None, typer.Option(help="folder of the export, for a mapping")] = None,
) -> None:
    """Run the main job on a source: files, facts, decisions, pages; then say what was made and what was rejected."""
    from xbec_platform.ingest.delivery import DeliveryError
    from xbec_platform.main_job import UnknownSourceError, prepare, run_jobs
    from xbec_platform.run_report import print_report

    settings = _settings()
    typer.echo(f"home {settings.home}: landing files of {source} …", err=True)
    try:
        settings = prepare(settings, source, data)
    except (UnknownSourceError, DeliveryError) as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(NO_DATA if isinstance(error, DeliveryError) else USAGE) from error
    outcome = run_jobs(settings)
    print_report(settings, outcome, _console())
    if not outcome.succeeded:
        raise typer.Exit(FAILED)


@app.command()
def world(
    out: Annotated[
        Path, typer.Option(help="folder to write landing/ and truth/ into; must not hold them yet")
    ],
    seed: Annotated[int, typer.Option(help="decides everything that is drawn", min=0)] = 1,
    days: Annotated[int, typer.Option(help="length of the period", min=20)] = 60,
    customers: Annotated[int, typer.Option(help="registered customers at scale 1", min=100)] = 3000,
    scale: Annotated[int, typer.Option(help="factor on everything that grows with people", min=1)] = 1,
    processes: Annotated[int, typer.Option(help="0: one for each core", min=0)] = 0,
) -> None:
    """Write a generated world: all sources of a shop day by day, planted faults, and the truth for tests."""
    from xbec_platform.run_report import print_world
    from xbec_platform.world.generate import default_processes, generate_world
    from xbec_platform.world.spec import WorldSpec

    taken = [name for name in ("landing", "truth") if (out / name).exists()]
    if taken:
        typer.echo(f"xbec: {out / taken[0]} exists already; choose another --out or remove it", err=True)
        raise typer.Exit(USAGE)
    spec = WorldSpec(seed=seed, days=days, customers=customers, scale=scale)
    began = time.monotonic()
    summary = generate_world(
        out,
        spec,
        processes=processes or default_processes(),
        progress=lambda done, total: typer.echo(f"\rday {done} of {total}", nl=done == total, err=True),
    )
    print_world(summary, out, time.monotonic() - began, _console())


@app.command()
def validate(
    path: Annotated[Path, typer.Argument(help="file or folder to check; nothing is loaded", exists=True)],
    source: Annotated[str | None, typer.Option(help="contract or mapping; else the folder tells")] = None,
    day: Annotated[
        datetime | None, typer.Option(help="drop day, of files in no dt= folder", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """Check files against their contracts without loading them, and print what is wrong where."""
    from xbec_platform.contract_report import print_verdicts
    from xbec_platform.ingest.feeds import Feeds
    from xbec_platform.ingest.validate import UnknownFeedError
    from xbec_platform.ingest.validate import validate as check

    drop_day = (day or datetime.now(UTC)).date()
    try:
        feeds = Feeds.of_home(_settings().home)
        good = print_verdicts(check(path, source=source, day=drop_day, feeds=feeds), _console())
    except UnknownFeedError as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(USAGE) from error
    if not good:
        raise typer.Exit(FAILED)


@app.command()
def contracts(
    source: Annotated[str | None, typer.Argument(help="one source, with all its columns")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="all of them as JSON")] = False,
) -> None:
    """List what each source promises."""
    from xbec_platform.contract_report import contracts_json, print_contract, print_contracts
    from xbec_platform.ingest.contracts import contracts as all_contracts

    known = all_contracts()
    if source is not None and source not in known:
        typer.echo(f"xbec: no contract is named {source}; known are {', '.join(known)}", err=True)
        raise typer.Exit(USAGE)
    chosen = [known[source]] if source is not None else list(known.values())
    if as_json:
        typer.echo(contracts_json(chosen))
    elif source is not None:
        print_contract(known[source], _console())
    else:
        print_contracts(chosen, _console())


@app.command()
def ui(port: Annotated[int, typer.Option(help="port on 127.0.0.1")] = 3000) -> None:
    """Open Dagster on 127.0.0.1 for this home."""
    from xbec_platform.instance import prepare_instance

    settings = _settings()
    prepare_instance(settings)
    dagster = str(Path(sys.executable).parent / "dagster")
    workspace = str(Path(__file__).parents[1] / "workspace.yaml")
    where = ["-w", workspace, "-h", "127.0.0.1", "-p", str(port)]
    serve.become([dagster, "dev", *where, *serve.log_options(settings)])


@app.command()
def fingerprint() -> None:
    """Print rows and content hash of every table: equal tables print equal lines."""
    from xbec_platform.assets.resources import WarehouseResource
    from xbec_platform.warehouse.fingerprint import fingerprints

    with WarehouseResource.of(_settings()).file.connect("fingerprint") as connection:
        for table, (rows, digest) in fingerprints(connection).items():
            typer.echo(f"{table}\t{rows}\t{digest}")
