"""A mapping file read and checked: every mistake is named with its file, its key and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
import yaml

from xbec_platform.ingest.contracts import Column, Contract, ContractError, parse_columns
from xbec_platform.ingest.declared_reading import parse_reading
from xbec_platform.ingest.mapping_columns import GAP, FileColumn, parse_file_columns
from xbec_platform.ingest.mapping_model import (
    LOOKUPS,
    Entity,
    FillDown,
    ItemList,
    Lookup,
    Route,
    SourceMapping,
)
from xbec_platform.ingest.parsing import iso_currencies
from xbec_platform.ingest.screening import DROP
from xbec_platform.yaml_files import read_yaml

NEEDED = ("mapping", "description", "shop", "base_currency", "file", "routes", "tables")
SECTIONS = (
    *NEEDED, "time_zone", "deliver_by", "read", "extra", "fill_down", "ordinals", "lookups", "derive",
    "erase", "without_row", "entities", "lists",
)  # fmt: skip


def load_mapping(path: Path) -> SourceMapping:
    """Read one mapping file.

    Raises:
        ContractError: The file says something that is not understood.
    """
    try:
        raw = read_yaml(path)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError(f"{path.name}: is no YAML: {error}") from error
    document = _checked(raw, SECTIONS, NEEDED, path.name)
    try:
        mapping = _mapping(document, path)
    except ContractError as error:
        raise ContractError(_placed(path, error)) from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ContractError(f"{path.name}: {error}") from error
    _check_expressions(mapping, path.name)
    return _with_text(mapping, path)


def _placed(path: Path, error: ContractError) -> str:
    text = str(error)
    return text if text.startswith(path.name) else f"{path.name}: {text}"


def _checked(raw: object, known: Iterable[str], needed: Iterable[str], place: str) -> dict[str, Any]:
    """A mapping of YAML with no unknown and no missing keys."""
    if not isinstance(raw, dict):
        raise ContractError(f"{place}: must be keys with values, such as `{', '.join(needed)}`")
    unknown = sorted(str(key) for key in set(raw) - set(known))
    missing = [key for key in needed if key not in raw]
    if unknown:
        raise ContractError(f"{place}: unknown keys {unknown}; known are {', '.join(sorted(known))}")
    if missing:
        raise ContractError(f"{place}: {', '.join(missing)} is missing")
    return raw


def _mapping(raw: Mapping[str, Any], path: Path) -> SourceMapping:
    place = path.name
    file = _checked(raw["file"], ("key", "event_time", "columns"), ("key", "columns"), f"{place}: file")
    columns, treated = parse_file_columns(file["columns"], place)
    ordinals = {name: tuple(within) for name, within in raw.get("ordinals", {}).items()}
    delivered = {name: columns[name] for name in columns if not _is_taken_out(name, treated)}
    gaps = [column.name + GAP for column in treated if column.has_gaps]
    added = {name: {"type": "text"} for name in gaps} | {name: {"type": "integer"} for name in ordinals}
    records = columns | parse_columns(added, place)
    for name in [*file["key"], *([file["event_time"]] if file.get("event_time") else [])]:
        _one_of(name, records, f"{place}: file: key or event_time")
    deliver_by = raw.get("deliver_by", [])
    deliver_by = tuple(deliver_by if isinstance(deliver_by, list) else [deliver_by])
    for name in deliver_by:
        _one_of(name, delivered, f"{place}: deliver_by")
    return SourceMapping(
        name=raw["mapping"],
        description=raw["description"],
        shop=raw["shop"],
        base_currency=_one_of(raw["base_currency"], iso_currencies(), f"{place}: base_currency", "ISO 4217"),
        time_zone=_zone(raw.get("time_zone", "UTC"), place),
        deliver_by=deliver_by,
        reading=parse_reading(raw.get("read", {}), f"{place}: read"),
        file=_contract(raw, delivered, [name for name in file["key"] if name in delivered]),
        records=_contract(raw, records, file["key"]),
        treated=tuple(column for column in treated if not column.is_plain),
        extra=cast("Any", _one_of(raw.get("extra", "keep"), ("keep", "drop"), f"{place}: extra")),
        fill_down=_fill_down(raw.get("fill_down"), delivered, place),
        ordinals=ordinals,
        lookups={name: _lookup(one, path, name) for name, one in raw.get("lookups", {}).items()},
        derive=raw.get("derive", {}),
        routes=tuple(
            Route(**_checked(one, ("to", "when"), ("to",), f"{place}: routes")) for one in raw["routes"]
        ),
        tables=raw["tables"],
        without_row=raw.get("without_row", {}),
        entities={name: _entity(one, f"{place}: {name}") for name, one in raw.get("entities", {}).items()},
        lists={name: _items(one, f"{place}: {name}") for name, one in raw.get("lists", {}).items()},
    )


def _with_text(mapping: SourceMapping, path: Path) -> SourceMapping:
    """The mapping with its own text and that of its tables of codes."""
    tables = sorted({lookup.path for lookup in mapping.lookups.values()})
    return replace(mapping, text="\n".join(one.read_text(encoding="utf-8") for one in [path, *tables]))


def _is_taken_out(name: str, treated: Iterable[FileColumn]) -> bool:
    return any(column.name == name and column.of is not None for column in treated)


def _contract(raw: Mapping[str, Any], columns: Mapping[str, Column], key: Iterable[str]) -> Contract:
    """Of the file as delivered, or of its records with all that is taken out of them."""
    event_time = raw["file"].get("event_time")
    return Contract(
        source=raw["mapping"],
        description=raw["description"],
        domain="mapped",
        owner="team:platform",
        grain="one row per record of the file",
        key=tuple(key),
        event_time=event_time if event_time in columns else None,
        erase=raw.get("erase", "pseudonymise"),
        columns=columns,
    )


def _one_of(value: str, allowed: Iterable[str], place: str, kind: str | None = None) -> str:
    if value not in set(allowed):
        listed = kind or ", ".join(sorted(allowed))
        raise ContractError(f"{place} is {value!r}; allowed are {listed}")
    return value


def _zone(name: str, place: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ContractError(f"{place}: time_zone {name!r} is no IANA zone such as Europe/Berlin") from error


def _fill_down(raw: object, columns: Iterable[str], place: str) -> FillDown | None:
    if raw is None:
        return None
    given = _checked(raw, ("within", "columns"), ("within", "columns"), f"{place}: fill_down")
    for name in [*given["within"], *given["columns"]]:
        _one_of(name, columns, f"{place}: fill_down: column")
    return FillDown(within=tuple(given["within"]), columns=tuple(given["columns"]))


def _lookup(raw: object, path: Path, name: str) -> Lookup:
    """A table of codes lies beside the user's mapping, or among the platform's."""
    keys = ("file", "column", "key", "value")
    given = _checked(raw, keys, keys, f"{path.name}: lookups: {name}")
    file = given["file"]
    places = [folder / file for folder in (path.parent, LOOKUPS) if Path(file).name == file]
    found = [place for place in places if place.is_file()]
    if not found:
        known = ", ".join(sorted(one.name for one in LOOKUPS.glob("*.csv")))
        raise ContractError(
            f"{path.name}: lookups: {name}: no table {file!r} beside it; the platform has {known}"
        )
    header = pl.read_csv(found[0], n_rows=0).columns
    for option in ("key", "value"):
        _one_of(given[option], header, f"{path.name}: lookups: {name}: {option}")
    return Lookup(path=found[0], column=given["column"], key=given["key"], value=given["value"])


def _entity(raw: object, place: str) -> Entity:
    known = ("from", "one_per", "columns", "where")
    given = _checked(raw, known, known[:3], place)
    return Entity(
        sources=tuple(given["from"]),
        one_per=tuple(given["one_per"]),
        columns=given["columns"],
        where=given.get("where", "true"),
    )


def _items(raw: object, place: str) -> ItemList:
    known = ("from", "of", "ordinal", "fields", "columns", "where")
    given = _checked(raw, known, known[:5], place)
    return ItemList(
        sources=tuple(given["from"]),
        of=given["of"],
        ordinal=given["ordinal"],
        fields=parse_columns(given["fields"], place),
        columns=given["columns"],
        where=given.get("where", "true"),
    )


def _check_expressions(mapping: SourceMapping, place: str) -> None:
    """Every expression is SQL that Polars reads, over columns that are there."""
    columns = {*mapping.records.columns, DROP, *mapping.lookups}
    for name, lookup in mapping.lookups.items():
        _one_of(lookup.column, columns - {name}, f"{place}: lookups: {name}: column")
    for name, text in mapping.derive.items():
        _check_expression(text, columns, f"{place}: derive: {name}")
        columns.add(name)
    for route in mapping.routes:
        _check_expression(route.when, columns, f"{place}: routes: {route.to}")
    for table, texts in mapping.tables.items():
        _check_all(texts, columns, f"{place}: {table}")
    for table, entity in mapping.entities.items():
        for name in entity.one_per:
            _one_of(name, columns, f"{place}: {table}: one_per")
        _check_all({**entity.columns, "where": entity.where}, columns, f"{place}: {table}")
    for table, items in mapping.lists.items():
        _one_of(items.of, columns, f"{place}: {table}: of")
        for name in [*items.fields, items.ordinal]:
            if name in columns:
                raise ContractError(
                    f"{place}: {table}: {name} is a column of the file too; a field needs another name"
                )
        inner = {*columns, *items.fields, items.ordinal}
        _check_all({**items.columns, "where": items.where}, inner, f"{place}: {table}")


def _check_all(texts: Mapping[str, str], columns: Iterable[str], place: str) -> None:
    for name, text in texts.items():
        _check_expression(text, columns, f"{place}: {name}")


def _check_expression(text: object, columns: Iterable[str], place: str) -> None:
    try:
        names = pl.sql_expr(str(text)).meta.root_names()
    except pl.exceptions.PolarsError as error:
        raise ContractError(f"{place}: {text!r} is no SQL expression: {error}") from error
    for name in names:
        _one_of(name, columns, f"{place}: column in {str(text)!r}")
