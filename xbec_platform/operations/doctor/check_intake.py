"""Checks of what was delivered: the landing folder, rejected files, quarantine, days that wait, erasures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from xbec_platform.erasure.log import LIMIT_DAYS
from xbec_platform.ingest.quarantine import SHARE_LIMIT
from xbec_platform.operations.backfill_plan import stretches
from xbec_platform.operations.doctor.findings import Finding, Severity

if TYPE_CHECKING:
    from xbec_platform.operations.doctor.facts import HomeFacts

# A file that has not grown for so long will not be finished by its writer.
BROKEN_OFF_S = 3600.0
_SHOWN = 3
# A cause may list all columns of a file; `xbec validate` shows the whole of it.
_LONGEST = 160


def landing(facts: HomeFacts) -> Iterator[Finding]:
    """Everything that lies in the landing folder can be read."""
    found = facts.landing
    if found.problem:
        yield Finding(
            Severity.ERROR,
            "landing",
            f"How files are read cannot be told: {found.problem}.",
            "No file is loaded until it can.",
            f"mend the file named above in {facts.home}, then xbec doctor",
        )
    if found.misplaced:
        yield Finding(
            Severity.WARNING,
            "landing",
            _some([f"{path} ({cause})" for path, cause in found.misplaced], "entries are never read"),
            "Rows you believe delivered are in no table.",
            f"move them to {facts.home}/landing/<feed>/dt=YYYY-MM-DD/, links as copies",
        )
    broken = [path for path, idle_s in found.unfinished if idle_s > BROKEN_OFF_S]
    if broken:
        yield Finding(
            Severity.WARNING,
            "landing",
            _some(broken, "unfinished files have not grown for an hour"),
            "A delivery broke off: these rows are missing and nobody is told.",
            "deliver again, then remove the unfinished file",
        )
    if found.unknown_feeds:
        yield Finding(
            Severity.WARNING,
            "landing",
            _some(found.unknown_feeds, "folders are named like no contract and no mapping"),
            "Their files are rejected whole.",
            "xbec contracts, xbec mapping list; then rename the folder, or xbec mapping new FILE",
        )


def rejected_files(facts: HomeFacts) -> Iterator[Finding]:
    """No file was rejected whole."""
    rejected = facts.warehouse.rejected
    if rejected:
        days = sorted({day for day, _, _ in rejected})
        yield Finding(
            Severity.ERROR,
            "rejected files",
            _some([cause for _, _, cause in rejected], "files were rejected whole"),
            "None of their rows is in any table.",
            f"xbec validate {facts.home}/landing/{rejected[0][1]}; mend it, then "
            f"{_backfill(days[0], days[-1])}",
        )


def quarantine(facts: HomeFacts) -> Iterator[Finding]:
    """No feed loses more than a few records to the quarantine."""
    above = {feed: share for feed, share in facts.warehouse.quarantine_shares.items() if share > SHARE_LIMIT}
    for feed, share in sorted(above.items()):
        yield Finding(
            Severity.WARNING,
            "quarantine",
            f"{share:.1%} of the records of {feed} are in quarantine, more than {SHARE_LIMIT:.0%}.",
            "Sums and counts made from them are too low.",
            f"xbec quarantine list --source {feed}",
        )


def waiting_days(facts: HomeFacts) -> Iterator[Finding]:
    """Late and corrected rows are in the facts, or will be with the next run."""
    if facts.settings is None or not facts.warehouse.waiting:
        return
    start = facts.settings.start_date
    last = min(facts.settings.end_date or facts.now.date(), facts.now.date()) - timedelta(days=1)
    inside = [day for day in facts.warehouse.waiting if start <= day <= last]
    near = last - timedelta(days=facts.settings.rebuild_days)
    old = [day for day in inside if day < near]
    if old:
        yield Finding(
            Severity.WARNING,
            "waiting days",
            f"{len(old)} event days have late or corrected rows that their facts do not know: {spans(old)}.",
            f"A run rebuilds {facts.settings.rebuild_days} days back; these are older and wait until somebody asks.",
            f"{_backfill(old[0], old[-1])} --decisions last-day, or switch on the sensor late_data",
        )
    recent = [day for day in inside if day >= near]
    if recent:
        yield Finding(
            Severity.INFO,
            "waiting days",
            f"{len(recent)} recent event days have late rows: {spans(recent)}.",
            "The next run rebuilds them along.",
            f"{_backfill(last, last)}, or wait for it",
        )
    outside = [day for day in facts.warehouse.waiting if not start <= day <= last]
    if outside:
        yield Finding(
            Severity.WARNING,
            "waiting days",
            f"Rows of {len(outside)} event days lie outside the home's days {start} to {last}: {spans(outside)}.",
            "They are in raw tables and in no fact.",
            f"change start_date or end_date in {facts.home}/home.yml, or have the source mend its dates",
        )


def erasures(facts: HomeFacts) -> Iterator[Finding]:
    """Whoever asked to be forgotten is."""
    if facts.erasure_orders:
        yield Finding(
            Severity.ERROR,
            "erasure",
            f"{facts.erasure_orders} erasures were begun and are not finished.",
            "These people are still in files or tables, and their identifiers lie in the work orders.",
            "run the job erase: .venv/bin/dagster job launch -w workspace.yaml -j erase, or the same in the UI",
        )
    if facts.warehouse.open_requests:
        oldest = facts.warehouse.oldest_request
        age = (facts.now - oldest).days if oldest else 0
        yield Finding(
            Severity.ERROR if age > LIMIT_DAYS else Severity.WARNING,
            "erasure",
            f"{facts.warehouse.open_requests} landed requests to be forgotten are open, the oldest for {age} days.",
            f"The law gives {LIMIT_DAYS} days.",
            "run the job erase, or switch on the sensor erasure_requests",
        )


def spans(days: Sequence[date]) -> str:
    """Days as ranges, the first few of them."""
    found = [f"{first}" if first == last else f"{first} to {last}" for first, last in stretches(days)]
    return ", ".join(found[:_SHOWN]) + (
        f" and {len(found) - _SHOWN} more ranges" if len(found) > _SHOWN else ""
    )


def _some(names: Sequence[str], what: str) -> str:
    more = f"; and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    shown = (name if len(name) <= _LONGEST else f"{name[:_LONGEST]} …" for name in names[:_SHOWN])
    return f"{len(names)} {what}: {'; '.join(shown)}{more}."


def _backfill(first: date, last: date) -> str:
    return f"xbec backfill --from {first} --to {last}"
