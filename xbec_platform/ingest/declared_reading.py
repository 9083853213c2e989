"""What people declare about the reading of files, checked: `read:` of a mapping, `reading.yml` of a home.

What an option means is in `formats.records.Reading`; nothing is read here but YAML.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path

import yaml

from xbec_platform.ingest.contracts import ContractError
from xbec_platform.ingest.formats.records import Reading
from xbec_platform.yaml_files import read_yaml

_COUNTS = ("header_row", "header_rows")
# Options of one character, and whether none at all is a choice.
_SIGNS = {"delimiter": False, "quote": True, "decimal": False, "thousands": True}
_CHOICES = {"decimal": (".", ","), "escape": ("double", "backslash")}


def parse_reading(raw: object, place: str) -> Reading:
    """The declaration of one feed; what it leaves out is detected.

    Args:
        raw: As YAML gives it.
        place: Where it stands, for the message.

    Raises:
        ContractError: An option is unknown or cannot be used.
    """
    known = [option.name for option in fields(Reading)]
    if not isinstance(raw, Mapping):
        raise ContractError(f"{place}: {raw!r} is no mapping of options; known are {', '.join(known)}")
    unknown = sorted(str(name) for name in set(raw) - set(known))
    if unknown:
        raise ContractError(f"{place}: unknown keys {unknown}; known are {', '.join(known)}")
    for name, value in raw.items():
        _check(name, value, f"{place}: {name}")
    return Reading(**raw)


def _check(name: str, value: object, place: str) -> None:
    if name in _COUNTS:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ContractError(f"{place} is {value!r}; it is a number from 1")
        return
    if not isinstance(value, str):
        raise ContractError(f"{place} is {value!r}; it is a text: put it in quotes")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ContractError(f"{place} is {value!r}; allowed are {' and '.join(map(repr, _CHOICES[name]))}")
    if name in _SIGNS and len(value) != 1 and not (_SIGNS[name] and not value):
        none = ", or none" if _SIGNS[name] else ""
        raise ContractError(f"{place} is {value!r}; it is one character{none}")


def read_readings(path: Path, feeds: Collection[str]) -> dict[str, Reading]:
    """What a home's `reading.yml` declares, by feed.

    Args:
        path: The file.
        feeds: Those that there are.

    Raises:
        ContractError: It says something that is not understood, or of a feed that is none.
    """
    try:
        document = read_yaml(path)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}: is no YAML: {error}") from error
    if not isinstance(document or {}, Mapping):
        raise ContractError(f"{path}: is no mapping of feeds, such as `orders: {{encoding: cp1252}}`")
    declared = {str(feed): options for feed, options in (document or {}).items()}
    strangers = sorted(set(declared) - set(feeds))
    if strangers:
        raise ContractError(
            f"{path}: no contract or mapping is named {', '.join(strangers)}; known are {', '.join(sorted(feeds))}"
        )
    return {feed: parse_reading(options, f"{path}: {feed}") for feed, options in declared.items()}
