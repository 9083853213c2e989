"""Contracts and verdicts on files as a person at a terminal reads them. Nothing is checked here."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xbec_platform.catalogue.contract_facts import promises

if TYPE_CHECKING:
    from xbec_platform.ingest.accounting import Account
    from xbec_platform.ingest.contracts import Column, Contract

EXAMPLES = 3


def contracts_json(contracts: Iterable["Contract"]) -> str:
    """All contracts as one JSON document, by source; options a column does not use are left out."""
    document = {
        contract.source: {
            "description": contract.description,
            "domain": contract.domain,
            "owner": contract.owner,
            "grain": contract.grain,
            "key": list(contract.key),
            "event_time": contract.event_time,
            "looks_ahead": contract.looks_ahead,
            "columns": {name: _options(column) for name, column in contract.columns.items()},
        }
        for contract in contracts
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _options(column: "Column") -> dict[str, object]:
    return {name: value for name, value in asdict(column).items() if name != "name" and value is not None}


def print_contracts(contracts: Iterable["Contract"], console: Console) -> None:
    """One line a source: grain, key, event time, number of columns and personal ones."""
    table = Table(title="Contracts", title_justify="left", header_style="bold")
    for name in ("source", "owner", "grain", "key", "event time", "columns", "personal"):
        table.add_column(name, overflow="fold", no_wrap=name == "source")
    for contract in contracts:
        personal = [name for name, column in contract.columns.items() if column.pii != "none"]
        table.add_row(
            contract.source,
            contract.owner,
            contract.grain,
            ", ".join(contract.key),
            contract.event_time or "",
            str(len(contract.columns)),
            ", ".join(personal),
        )
    console.print(table)


def print_contract(contract: "Contract", console: Console) -> None:
    """All columns of one source with their rules."""
    console.print(f"[bold]{contract.source}[/bold]: {escape(contract.description)}", highlight=False)
    console.print(f"{contract.grain}; key {', '.join(contract.key)}; owner {contract.owner}", highlight=False)
    table = Table(header_style="bold")
    for name in ("column", "type", "unit", "null", "rules", "personal", "description"):
        table.add_column(name, overflow="fold", no_wrap=name in {"column", "type"})
    for name, column in contract.columns.items():
        table.add_row(
            name,
            column.type,
            column.unit or "",
            "yes" if column.nullable else "no",
            escape("; ".join(promises(column))),
            "" if column.pii == "none" else column.pii,
            escape(column.description or ""),
        )
    console.print(table)


def print_verdicts(accounts: Iterable["Account"], console: Console) -> bool:
    """Print what is wrong where, file by file; whether nothing is."""
    files = rows = bad = 0
    for account in accounts:
        files, rows = files + 1, rows + account.rows_in
        if account.error:
            bad += 1
            console.print(
                f"[red]rejected whole[/red] {escape(account.error)}", highlight=False, soft_wrap=True
            )
            continue
        bad += account.rows_quarantined
        if account.rows_quarantined or account.rows_duplicate:
            _print_account(account, console)
    console.print(f"{files:,} files, {rows:,} records: " + ("all good" if not bad else f"{bad:,} faults"))
    return not bad


def _print_account(account: "Account", console: Console) -> None:
    counts = f"{account.rows_quarantined:,} to quarantine, {account.rows_duplicate:,} exact duplicates"
    console.print(
        f"[bold]{escape(account.file.path)}[/bold]: {account.rows_in:,} records, {counts}", soft_wrap=True
    )
    rows_of: dict[str, list[int]] = {}
    reasons: Counter[str] = Counter()
    for row, causes in account.quarantined.select("_row_no", "reasons").iter_rows():
        for cause in causes:
            reasons[cause] += 1
            rows_of.setdefault(cause, []).append(row)
    for cause, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        first = ", ".join(str(row) for row in rows_of[cause][:EXAMPLES])
        console.print(
            f"  {count:>7,}  {escape(cause)} (record {first}{' ...' if count > EXAMPLES else ''})",
            soft_wrap=True,
        )
