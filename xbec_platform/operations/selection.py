"""Which assets a backfill means: a selection in Dagster's own syntax, checked term by term. Days are elsewhere."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster import AssetSelection

from xbec_platform.asset_keys import RAW
from xbec_platform.automation.jobs import DECISION_GROUPS, DECISIONS, FACT_GROUPS, INTAKE_AND_FACTS
from xbec_platform.operations.landing_state import NO_TABLE

if TYPE_CHECKING:
    from dagster import AssetKey, Definitions

# `key:"a/b"`, `group:x`, `a/b`; names of functions and operators are no terms.
_TERM = re.compile(r'(?:(?P<kind>\w+):)?(?P<text>"[^"]*"|[\w./*=:-]+)(?P<call>\s*\()?')
_WORDS = frozenset({"and", "or", "not", ""})
# Dagster keeps the type of the asset graph private.
_Graph = Any
EVERYTHING = "*"
_INTAKE = "intake"
_SHOWN = 5


class UnknownAssetError(ValueError):
    """A selection that names nothing there is, or nothing with days; the message lists what comes close."""


@dataclass(frozen=True)
class Selected:
    """An asset of a backfill.

    Attributes:
        key: As `a/b`.
        job: The job that runs it.
        is_partitioned: Counts by day; the others run along once.
        sources: Raw sources whose rows change it.
        is_intake: Filled from the landed files themselves, not from tables.
    """

    key: str
    job: str
    is_partitioned: bool
    sources: frozenset[str]
    is_intake: bool = False

    @property
    def asset_key(self) -> AssetKey:
        """As Dagster has it."""
        return dg.AssetKey(self.key.split("/"))


def selected_assets(definitions: Definitions, selection: str = EVERYTHING) -> list[Selected]:
    """The assets a backfill covers, in order of their keys.

    Assets that one operation fills together come together. Everything means both jobs whole, the models without
    days included, as the UI runs them.

    Raises:
        UnknownAssetError: The selection cannot be read, a term matches nothing, or nothing of it has days.
    """
    graph = definitions.resolve_asset_graph()
    groups = {key: graph.get(key).group_name for key in graph.materializable_asset_keys}
    jobs = {key: _job(group) for key, group in groups.items()}
    everything = {key for key, job in jobs.items() if job}
    chosen = everything if selection == EVERYTHING else _resolved(graph, jobs, selection)
    lost = sorted("/".join(key.path) for key in chosen - everything)
    if lost:
        raise UnknownAssetError(f"{', '.join(lost)}: no job of the backfill runs it; leave it out")
    partitioned = {key for key in chosen if graph.get(key).is_partitioned}
    if not partitioned:
        raise UnknownAssetError(
            f"nothing of {selection!r} counts by day, so there is nothing to backfill: materialize it in the UI"
        )
    sources = _sources(graph, groups)
    return [
        Selected(
            "/".join(key.path), jobs[key] or "", key in partitioned, sources[key], groups[key] == _INTAKE
        )
        for key in sorted(chosen)
    ]


def _job(group: str) -> str | None:
    """The job that runs the assets of a group."""
    if group in FACT_GROUPS:
        return INTAKE_AND_FACTS
    return DECISIONS if group in DECISION_GROUPS else None


def _resolved(graph: _Graph, known: Iterable[AssetKey], selection: str) -> set[AssetKey]:
    """Keys of a selection whose every term matches something."""
    names = sorted("/".join(key.path) for key in known)
    groups = sorted({*FACT_GROUPS, *DECISION_GROUPS})
    for kind, text in _terms(selection):
        if kind == "group" and text not in groups:
            raise UnknownAssetError(f"no group is named {text!r}; known are {', '.join(groups)}")
        if kind == "key" and not _matches(text, names):
            raise UnknownAssetError(f"no asset is named {text!r}{_hint(text, names)}")
    try:
        with warnings.catch_warnings():
            # Parts of the syntax are marked beta; the upper bound of Dagster's version is the answer to that.
            warnings.simplefilter("ignore")
            asked = AssetSelection.from_string(selection)
            return set(asked.required_multi_asset_neighbors().resolve(graph)) & set(known)
    except dg.DagsterError as error:
        cause = str(error).splitlines()[0]
        raise UnknownAssetError(
            f"{selection!r} is no asset selection: {cause}. Write as in the UI, for example "
            'group:customers, key:"marts/*" or marts/fct_order'
        ) from error


def _terms(selection: str) -> Iterable[tuple[str, str]]:
    """(kind, text) of the keys and groups a selection names."""
    for match in _TERM.finditer(selection):
        kind = match["kind"] or "key"
        # Without a kind a star is a direction (all that follows), as is a plus.
        text = match["text"].strip('"') if match["kind"] else match["text"].strip('"*')
        if not match["call"] and text not in _WORDS:
            yield kind, text


def _matches(text: str, names: Sequence[str]) -> bool:
    pattern = re.compile(".*".join(re.escape(part) for part in text.split("*")))
    return any(pattern.fullmatch(name) for name in names)


def _hint(text: str, names: Sequence[str]) -> str:
    """What may have been meant: the same last part first, then similar spelling."""
    last = text.replace(".", "/").rsplit("/", 1)[-1]
    same = [name for name in names if name.rsplit("/", 1)[-1] == last]
    by_last = {name.rsplit("/", 1)[-1]: name for name in names}
    close = get_close_matches(text, names, _SHOWN) + [
        by_last[one] for one in get_close_matches(last, list(by_last), _SHOWN)
    ]
    found = list(dict.fromkeys([*same, *close]))[:_SHOWN]
    return f"; did you mean {', '.join(found)}?" if found else '; for a pattern write key:"marts/*"'


def _sources(graph: _Graph, groups: Mapping[AssetKey, str]) -> dict[AssetKey, frozenset[str]]:
    """Raw sources whose rows change each asset; the intake's own accounts know all of them."""
    raw = {key: key.path[-1] for key in groups if key.path[0] == RAW}
    found: dict[AssetKey, set[str]] = {key: set() for key in groups}
    for key, source in raw.items():
        for one in AssetSelection.assets(key).downstream().resolve(graph):
            found[one].add(source)
    accounts = [key for key, group in groups.items() if group == _INTAKE and key not in raw]
    return {key: frozenset(some) for key, some in found.items()} | dict.fromkeys(
        accounts, frozenset({*raw.values(), NO_TABLE})
    )
