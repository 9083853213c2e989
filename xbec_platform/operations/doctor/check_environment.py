"""Checks of what a home stands on: Python and packages, its settings, its folder and disk. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from xbec_platform.operations.doctor.findings import Finding, Severity

if TYPE_CHECKING:
    from xbec_platform.operations.doctor.facts import HomeFacts
    from xbec_platform.settings import Settings

# An erasure writes the database file anew beside the old one; a run needs room for what it spills.
REWRITE_FACTOR = 2


def versions(facts: HomeFacts) -> Iterator[Finding]:
    """Python and every package are within what the platform was made for."""
    found = facts.environment
    why = "Other versions were never tried together: results may differ, or nothing starts."
    if found.python not in SpecifierSet(found.python_wanted):
        yield Finding(
            Severity.ERROR,
            "python",
            f"This is Python {found.python}, the platform wants {found.python_wanted}.",
            why,
            "python3.11 -m venv .venv, then make run",
        )
    wrong = [
        f"{one.name} {one.installed or 'is missing'} (wanted {one.wanted or 'any'})"
        for one in found.packages
        if one.installed is None or not SpecifierSet(one.wanted).contains(one.installed, prereleases=True)
    ]
    if wrong:
        yield Finding(
            Severity.ERROR,
            "packages",
            f"Not as pinned: {', '.join(sorted(wrong))}.",
            why,
            ".venv/bin/python -m pip install --require-hashes -r requirements.lock",
        )


def settings(facts: HomeFacts) -> Iterator[Finding]:
    """The home's choices can be read and its days hold the files."""
    if facts.settings is None:
        yield Finding(
            Severity.ERROR,
            "settings",
            f"The settings cannot be read: {facts.settings_problem}.",
            "No command and no run starts without them.",
            "mend home.yml or the variable named above, then xbec doctor",
        )
        return
    yield from _days(facts, facts.settings)


def _days(facts: HomeFacts, chosen: Settings) -> Iterator[Finding]:
    start, end, today = chosen.start_date, chosen.end_date, facts.now.date()
    early = sorted(day for day in facts.landing.days if day < start)
    if early:
        yield Finding(
            Severity.WARNING,
            "settings",
            f"Files of {len(early)} days, the first {early[0]}, lie before the home's first day {start}.",
            "No run covers those days: their files are never loaded.",
            f"set start_date: {early[0]} in {facts.home}/home.yml, then "
            f"xbec backfill --from {early[0]} --to {early[-1]}",
        )
    late = sorted(day for day in facts.landing.days if end is not None and day >= end)
    if late and end is not None:
        yield Finding(
            Severity.WARNING,
            "settings",
            f"Files of {len(late)} days, the last {late[-1]}, lie on or after the home's end {end}.",
            "No run covers those days: their files are never loaded.",
            f"remove end_date from {facts.home}/home.yml, then xbec backfill --from {late[0]}",
        )
    if end is not None and end <= today:
        is_on = bool(facts.dagster.switched_on)
        yield Finding(
            Severity.WARNING if is_on else Severity.INFO,
            "settings",
            f"The home's days end before {end} (end_date).",
            "Schedules and sensors find no later day to run."
            if is_on
            else "That is right for a closed history such as the demo; a living shop has no end_date.",
            f"for a living shop remove end_date from {facts.home}/home.yml",
        )


def disk(facts: HomeFacts) -> Iterator[Finding]:
    """The folder can be written and the database can be written anew beside itself."""
    if facts.settings is None or not facts.disk.exists:
        return
    if not facts.disk.is_writable:
        yield Finding(
            Severity.ERROR,
            "disk",
            f"{facts.home} cannot be written.",
            "Every run writes there.",
            f"chown -R $USER {facts.home}, or free a read-only disk",
        )
    size, free = facts.disk.database_bytes, facts.disk.free_bytes
    if free < REWRITE_FACTOR * size:
        yield Finding(
            Severity.ERROR if free < size else Severity.WARNING,
            "disk",
            f"{megabytes(free)} are free beside a database of {megabytes(size)}.",
            "An erasure writes the database anew beside the old file, publishing copies it: keep twice its size free.",
            f"du -xh --max-depth=1 {facts.home}, then free space or move the home",
        )


def first_steps(facts: HomeFacts) -> Iterator[Finding]:
    """A home that has nothing to work on yet."""
    if facts.settings is None:
        return
    if not facts.disk.exists or not (facts.landing.days or facts.warehouse.exists):
        state = "holds no delivered files" if facts.disk.exists else "does not exist yet"
        yield Finding(
            Severity.WARNING,
            "first steps",
            f"The home {facts.home} {state}.",
            "Without files there is nothing to build.",
            "make run (the demo), or put files into landing/<feed>/dt=YYYY-MM-DD/ and xbec backfill; "
            "XBEC_HOME names another home",
        )
    elif not facts.warehouse.exists:
        days = sorted(facts.landing.days)
        yield Finding(
            Severity.WARNING,
            "first steps",
            f"Files of {len(days)} days have landed and nothing was loaded yet.",
            "There are no tables.",
            f"xbec backfill --from {days[0]} --to {days[-1]} --decisions last-day",
        )


def megabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
