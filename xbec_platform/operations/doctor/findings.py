"""A finding: what is wrong, why it matters, what to do next; and the order in which they are told. No check is here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How bad it is: an error stops work or loses trust in numbers, a warning will, an info is good to know."""

    ERROR = 0
    WARNING = 1
    INFO = 2


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or worth knowing.

    Attributes:
        severity: See `Severity`.
        check: Name of the check that found it.
        what: What is the case, with names and numbers.
        why: Why it matters.
        next: The exact command, or what to do where no command does it.
    """

    severity: Severity
    check: str
    what: str
    why: str
    next: str


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Worst first, then by check."""
    return sorted(findings, key=lambda one: (one.severity, one.check, one.what))


def is_healthy(findings: Iterable[Finding]) -> bool:
    """Nothing is wrong: what is only worth knowing does not count."""
    return all(one.severity is Severity.INFO for one in findings)
