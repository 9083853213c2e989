"""All checks on all facts, and what they found as text or JSON. Each check has a module of its topic."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.markup import escape

from xbec_platform.operations.doctor import check_environment, check_intake, check_operation
from xbec_platform.operations.doctor.facts import HomeFacts
from xbec_platform.operations.doctor.findings import Finding, Severity, is_healthy, ordered

if TYPE_CHECKING:
    from rich.console import Console

Check = Callable[[HomeFacts], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    check_environment.versions,
    check_environment.settings,
    check_environment.disk,
    check_environment.first_steps,
    check_intake.landing,
    check_intake.rejected_files,
    check_intake.quarantine,
    check_intake.waiting_days,
    check_intake.erasures,
    check_operation.database,
    check_operation.queue,
    check_operation.runs,
    check_operation.partitions,
    check_operation.definitions,
    check_operation.daemon,
    check_operation.storage,
    check_operation.snapshot,
    check_operation.dbt_manifest,
)
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


def examine(facts: HomeFacts) -> list[Finding]:
    """Findings of all checks, worst first."""
    return ordered(finding for check in CHECKS for finding in check(facts))


def as_json(facts: HomeFacts, findings: Sequence[Finding]) -> str:
    """For programs: the same findings."""
    return json.dumps(
        {
            "home": str(facts.home) if facts.home else None,
            "looked_at_ts": facts.now.isoformat() + "Z",
            "is_healthy": is_healthy(findings),
            "findings": [
                {
                    "severity": one.severity.name.lower(),
                    "check": one.check,
                    "what": one.what,
                    "why": one.why,
                    "next": one.next,
                }
                for one in findings
            ],
            "not_looked_at": list(facts.not_looked_at),
        },
        indent=2,
    )


def print_findings(facts: HomeFacts, findings: Sequence[Finding], console: Console) -> None:
    """For people: each finding with its reason and the next command."""

    def line(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    for one in findings:
        line(
            f"[{_COLOURS[one.severity]}]{one.severity.name.lower():<7}[/] [bold]{one.check}[/bold]: {escape(one.what)}"
        )
        line(f"        {escape(one.why)}")
        line(f"        next: {escape(one.next)}")
    for sentence in facts.not_looked_at:
        line(f"[dim]{escape(sentence)}[/dim]")
    counts = {level: sum(one.severity is level for one in findings) for level in Severity}
    if is_healthy(findings):
        line(f"{facts.home}: nothing is wrong ({len(CHECKS)} checks)")
    else:
        line(f"{facts.home or 'home'}: {counts[Severity.ERROR]} errors, {counts[Severity.WARNING]} warnings")
