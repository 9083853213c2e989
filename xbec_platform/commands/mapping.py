"""`xbec mapping`: real exports without Python: list the mappings, draft one from a sample, try one on a file."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xbec_platform.commands.home import FAILED, NO_DATA, USAGE, Commands, settings
from xbec_platform.commands.home import console as _console

if TYPE_CHECKING:
    from xbec_platform.ingest.mapping_sample import Sample

app = typer.Typer(cls=Commands, no_args_is_help=True, help=__doc__)


@app.command("list")
def list_mappings() -> None:
    """List the mappings of the platform and of this home (its folder `mappings`), and the tables they fill."""
    from xbec_platform.ingest.mappings import mappings

    known = mappings(settings().home / "mappings")
    table = Table(title="Mappings", title_justify="left", header_style="bold")
    for name in ("mapping", "fills", "key of the file", "description"):
        table.add_column(name, overflow="fold", no_wrap=name == "mapping")
    for name, mapping in sorted(known.items()):
        cells = name, ", ".join(mapping.filled), ", ".join(mapping.records.key), mapping.description
        table.add_row(*map(escape, cells))
    _console().print(table)


@app.command()
def new(
    sample: Annotated[Path, typer.Argument(help="an export to draft from", exists=True, dir_okay=False)],
    name: Annotated[str | None, typer.Option(help="name of the mapping and its landing folder")] = None,
    out: Annotated[Path | None, typer.Option(help="file to write; must not exist yet; else printed")] = None,
) -> None:
    """Draft a mapping from a sample: types, key, time, personal data, likely table; TODO where a person decides.

    Where a mapping of the platform or the home fits already, it is named instead; --name drafts one all the same.
    """
    from xbec_platform.ingest.formats.reading import read_records
    from xbec_platform.ingest.formats.records import FileRejectedError
    from xbec_platform.ingest.mapping_draft import draft_mapping, name_of
    from xbec_platform.ingest.mappings import fitting, mappings

    if out is not None and out.exists():
        typer.echo(f"xbec: {out} exists already; choose another --out or remove it", err=True)
        raise typer.Exit(USAGE)
    try:
        records = read_records(sample)
        there = None if name else fitting(records.frame.columns, mappings(settings().home / "mappings"))
        if there is not None:
            typer.echo(
                f"mapping {there.name} fits {sample.name} already, nothing to write: land the file as "
                f"landing/{there.name}/dt=YYYY-MM-DD/{sample.name} of the home, then xbec backfill; xbec validate "
                f"{sample} --source {there.name} tries it first. For a mapping of your own give --name"
            )
            return
        draft = draft_mapping(records, name or name_of(sample))
    except FileRejectedError as error:
        typer.echo(f"xbec: {sample}: {error}", err=True)
        raise typer.Exit(NO_DATA) from error
    if out is None:
        typer.echo(draft)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(draft, encoding="utf-8")
    typer.echo(f"wrote {out}; settle its TODO lines, then: xbec mapping check {out} {sample}", err=True)


@app.command()
def check(
    mapping: Annotated[Path, typer.Argument(help="mapping file", exists=True, dir_okay=False)],
    sample: Annotated[Path, typer.Argument(help="an export it is for", exists=True, dir_okay=False)],
    day: Annotated[
        datetime | None, typer.Option(help="drop day, today if not given", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """Try a mapping on a file without loading it: the account of its records, and rows by table."""
    from xbec_platform.ingest.formats.records import FileRejectedError
    from xbec_platform.ingest.mapping_document import load_mapping
    from xbec_platform.ingest.mapping_sample import read_sample

    try:
        result = read_sample(sample, load_mapping(mapping), (day or datetime.now(UTC)).date())
    except FileRejectedError as error:
        typer.echo(f"xbec: {sample}: {error}", err=True)
        raise typer.Exit(FAILED) from error
    _print_sample(result, _console())
    if result.quarantined.height:
        raise typer.Exit(FAILED)


def _print_sample(sample: "Sample", console: Console) -> None:
    """The account, rows by table, and every reason with the first record that has it."""
    console.print(
        f"{escape(sample.format)}: {sample.rows_in:,} records = {sample.rows_loaded:,} loaded "
        f"+ {sample.quarantined.height:,} to quarantine + {sample.rows_duplicate:,} exact duplicates",
        highlight=False,
        soft_wrap=True,
    )
    for table, rows in sorted(sample.tables.items()):
        console.print(f"  {table}: {rows.height:,} rows", highlight=False)
    reasons: Counter[str] = Counter()
    first: dict[str, int] = {}
    for row, causes in sample.quarantined.select("_row_no", "reasons").iter_rows():
        reasons.update(causes)
        for cause in causes:
            first.setdefault(cause, row)
    for cause, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        console.print(f"  {count:>7,}  {escape(cause)} (first: record {first[cause]})", soft_wrap=True)
