"""Rules: what data must be beyond the promises of its contract, as data under `rules/`. No row is read here.

A contract says what one column holds; a rule relates columns, mends values by an explicit decision, or warns.
Conditions and values are SQL as Polars reads it, over the columns of the contract and `_drop_date`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from xbec_platform.ingest.contracts import Contract, ContractError, contracts
from xbec_platform.ingest.predicates import PREDICATES
from xbec_platform.yaml_files import read_yaml

FOLDER = Path(__file__).parent / "rules"
REJECT, REPAIR, WARN = "reject", "repair", "warn"
SEVERITIES = (REJECT, REPAIR, WARN)
# Columns of the intake that a condition may name beside those of the contract.
CONTEXT = ("_drop_date",)


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Validity windows of a file that may not overlap: rows equal in `within`, `start` to `end` inclusive.

    Attributes:
        within: Columns that name what is valid; two missing values count as equal.
        start: First day.
        end: Last day; missing means open.
    """

    within: tuple[str, ...]
    start: str
    end: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        id: Unique name; verdicts and logs carry it.
        source: Contract or mapping whose rows it judges.
        severity: reject (row to quarantine, or the file for `overlap`), repair (values are set, with before and
            after on record) or warn (row is loaded and counted).
        message: What is wrong, for the person who mends it.
        owner: Team that answers for the rule.
        reason: Where the rule comes from.
        when: Condition of a violation, in SQL; null counts as no violation.
        predicate: Instead of `when`: name of a test in `predicates` that SQL cannot express.
        on: Column the predicate looks at.
        overlap: Instead of `when`: windows that may not overlap within a file.
        set: Column -> value in SQL, for repairs; all are computed from the row before any of them is set.
        reads: `values` (typed) or, for repairs only, `text`: the cells as the file has them, before they are
            parsed. Only such a rule can mend what no type can read.
    """

    id: str
    source: str
    severity: str
    message: str
    owner: str
    reason: str
    when: str | None = None
    predicate: str | None = None
    on: str | None = None
    overlap: Overlap | None = None
    set: Mapping[str, str] = field(default_factory=dict)
    reads: str = "values"

    def __post_init__(self) -> None:
        """Refuse a rule that could not do what it says."""
        kinds = [kind for kind in (self.when, self.predicate, self.overlap) if kind is not None]
        faults = [
            (
                self.severity not in SEVERITIES,
                f"severity {self.severity!r} is none of {', '.join(SEVERITIES)}",
            ),
            (len(kinds) != 1, "needs exactly one of when, predicate and overlap"),
            (bool(self.set) != (self.severity == REPAIR), "`set` belongs to severity repair, and only to it"),
            (self.overlap is not None and self.severity != REJECT, "overlap can only reject"),
            ((self.predicate is None) != (self.on is None), "predicate and `on` belong together"),
            (
                self.predicate is not None and self.predicate not in PREDICATES,
                f"predicate {self.predicate!r} is none of {', '.join(sorted(PREDICATES))}",
            ),
            (self.reads not in {"values", "text"}, f"reads {self.reads!r} is neither values nor text"),
            (self.reads == "text" and self.severity != REPAIR, "only a repair can read the text"),
        ]
        for is_fault, what in faults:
            if is_fault:
                raise ContractError(f"rule {self.id}: {what}")
        for expression in [self.when, *self.set.values()]:
            _require_sql(self.id, expression)

    @property
    def condition(self) -> pl.Expr:
        """True for rows that violate the rule, never null."""
        if self.predicate is not None and self.on is not None:
            return PREDICATES[self.predicate](pl.col(self.on)).fill_null(value=False)
        return pl.sql_expr(self.when or "false").fill_null(value=False)

    @property
    def columns(self) -> frozenset[str]:
        """All columns the rule names."""
        named = {*self.set}
        if self.overlap is not None:
            return frozenset({*self.overlap.within, self.overlap.start, self.overlap.end})
        for expression in [self.condition, *(pl.sql_expr(value) for value in self.set.values())]:
            named |= set(expression.meta.root_names())
        return frozenset(named)


def _require_sql(rule: str, expression: str | None) -> None:
    if expression is None:
        return
    try:
        pl.sql_expr(expression)
    except pl.exceptions.PolarsError as error:
        raise ContractError(f"rule {rule}: {expression!r} is no expression Polars reads: {error}") from error


def load_rules(path: Path) -> tuple[Rule, ...]:
    """Read the rules of one source, in the order of the file.

    Raises:
        ContractError: The file says something that is not understood, or names a column the source lacks.
    """
    raw = read_yaml(path)
    try:
        rules = [_rule(raw["source"], raw["owner"], options) for options in raw["rules"]]
    except (ContractError, KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"{path.name}: {error}") from error
    _require_columns(path, raw["source"], rules)
    return tuple(rules)


def _rule(source: str, owner: str, options: Mapping[str, Any]) -> Rule:
    known = {one.name for one in fields(Rule)} - {"source", "owner"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise ContractError(f"rule {options.get('id')}: unknown options {unknown}; known are {sorted(known)}")
    overlap = options.get("overlap")
    windows = Overlap(**{**overlap, "within": tuple(overlap["within"])}) if overlap else None
    return Rule(source=source, owner=owner, **{**options, "overlap": windows})


def _require_columns(path: Path, source: str, rules: list[Rule]) -> None:
    """A typing error in a column's name is found when rules are read, not when a bad row comes."""
    contract = contracts().get(source)
    if contract is None:
        return
    for rule in rules:
        unknown = sorted(rule.columns - {*contract.columns, *CONTEXT})
        if unknown:
            raise ContractError(f"{path.name}: rule {rule.id}: {source} has no columns {', '.join(unknown)}")


@cache
def load_folder(folder: Path) -> Mapping[str, tuple[Rule, ...]]:
    """All rules of a folder by source.

    Raises:
        ContractError: Two rules share an id, or a file is not understood.
    """
    found: dict[str, tuple[Rule, ...]] = {}
    owners: dict[str, str] = {}
    for path in sorted(folder.glob("*.yml")):
        for rule in load_rules(path):
            if rule.id in owners:
                raise ContractError(f"{path.name}: rule {rule.id} is also in {owners[rule.id]}")
            owners[rule.id] = path.name
            found[rule.source] = (*found.get(rule.source, ()), rule)
    return found


def rules() -> Mapping[str, tuple[Rule, ...]]:
    """All rules of the platform by source."""
    return load_folder(FOLDER)


def rules_of(source: str) -> tuple[Rule, ...]:
    """Rules of one contract or mapping, in file order; none when there is no file."""
    return rules().get(source, ())


def rules_hash(feed: str, mapping_text: str = "", reading: Mapping[str, Any] | None = None) -> str:
    """What files of a feed are screened by, as 16 hex digits: equal hashes, equal verdicts.

    Args:
        feed: Contract or mapping.
        mapping_text: Content of the mapping file, for a mapped feed. It may lead to any table, hence all
            contracts and rules count then.
        reading: How the home declares the feed's files are read; None when it declares nothing.
    """
    sources = sorted(contracts()) if mapping_text else [feed]
    names = [*sources, *([feed] if mapping_text else [])]
    stated = {
        "contracts": {name: _contract_state(contracts()[name]) for name in sources if name in contracts()},
        "rules": {name: [asdict(rule) for rule in rules_of(name)] for name in names if rules_of(name)},
        "mapping": mapping_text,
        **({"reading": reading} if reading else {}),
    }
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()[:16]


def _contract_state(contract: Contract) -> dict[str, Any]:
    """The promises of a contract; texts for people change no verdict."""
    for_people = {"description", "unit", "pii"}
    columns = {
        name: {key: value for key, value in asdict(column).items() if key not in for_people}
        for name, column in contract.columns.items()
    }
    return {
        "key": contract.key,
        "event_time": contract.event_time,
        "looks_ahead": contract.looks_ahead,
        "columns": columns,
    }
