"""How a sensor asks for runs without asking twice. Dagster's own records are its memory: a lost cursor costs nothing.

Dagster never forgets a run key and drops a repeat without a word. So the key holds what is wanted, the hash of the
content that asks for it, and how often it was asked for; what was asked for is found by a tag.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile

import dagster as dg

# A run that failed so often in a row is left to a person.
ATTEMPTS = 3
ENDED = frozenset({dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED})
OPEN = tuple(status for status in dg.DagsterRunStatus if status not in ENDED)


@dataclass(frozen=True)
class Want:
    """A run that is wanted.

    Attributes:
        label: What for, in a few words; the tag of the run.
        state: Hash of the content that asks; empty where the same label may be wanted again and again.
        tags: Further tags of the run, its days above all.
        job: None for the sensor's own.
    """

    label: str
    state: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    job: str | None = None

    @property
    def identity(self) -> str:
        """Equal for equal wants."""
        return f"{self.label}@{self.state}" if self.state else self.label


@dataclass(frozen=True)
class Asked:
    """What became of wants: requests, and the labels of the others by the reason why none is made."""

    requests: tuple[dg.RunRequest, ...]
    running: tuple[str, ...]
    done: tuple[str, ...]
    failed: tuple[str, ...]

    def why_none(self, nothing: str) -> str:
        """What is said when there is no request."""
        parts = [
            f"{reason}: {', '.join(labels)}"
            for reason, labels in (
                ("asked for and not ended", self.running),
                (f"failed {ATTEMPTS} times, now waiting for a person", self.failed),
                ("done", self.done),
            )
            if labels
        ]
        return "; ".join(parts) or nothing


def ask(
    instance: dg.DagsterInstance,
    sensor: str,
    wants: Iterable[Want],
    *,
    limit: int,
    is_done_final: bool = True,
) -> Asked:
    """Requests for the wants that nobody works on.

    Args:
        instance: Dagster's storage.
        sensor: Its name, part of the tag.
        wants: In order of urgency.
        limit: Most requests of one tick.
        is_done_final: A want whose run succeeded is never asked for again. Otherwise the sensor sees by itself what
            is still to do, and a repeat is a new want.
    """
    requests: list[dg.RunRequest] = []
    running, done, failed = [], [], []
    for want in wants:
        if len(requests) == limit:
            break
        filters = dg.RunsFilter(tags={tag(sensor): want.identity})
        latest = instance.get_runs(filters=filters, limit=ATTEMPTS)
        failures = list(takewhile(lambda run: run.status == dg.DagsterRunStatus.FAILURE, latest))
        if any(run.status not in ENDED for run in latest):
            running.append(want.label)
        elif latest and latest[0].status != dg.DagsterRunStatus.FAILURE and is_done_final:
            # What somebody cancelled stays cancelled.
            done.append(want.label)
        elif len(failures) == ATTEMPTS:
            failed.append(want.label)
        else:
            number = instance.get_runs_count(filters=filters)
            requests.append(
                dg.RunRequest(
                    run_key=f"{sensor}:{want.identity}:{number}",
                    job_name=want.job,
                    tags={**want.tags, tag(sensor): want.identity},
                )
            )
    return Asked(tuple(requests), tuple(running), tuple(done), tuple(failed))


def tag(sensor: str) -> str:
    """The tag of a sensor's runs."""
    return f"xbec/{sensor}"


def is_running(instance: dg.DagsterInstance, sensor: str) -> bool:
    """Whether a run this sensor asked for has not ended."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=list(OPEN)), limit=100)
    return any(tag(sensor) in run.tags for run in runs)
