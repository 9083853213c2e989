"""What a home knows of its feeds: contracts, mappings, how files are read, who is suppressed. No file is read here.

A feed is a folder below `landing/`: a contract's source, or a mapping. Together with the rules, this is all that
decides what becomes of a landed file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from xbec_platform.ingest.contracts import Column, Contract, ContractError, contracts
from xbec_platform.ingest.formats.records import Expectation, FileRejectedError, Reading
from xbec_platform.ingest.mappings import SourceMapping, mappings
from xbec_platform.ingest.rules import rules_hash
from xbec_platform.ingest.suppression import Suppression
from xbec_platform.ingest.suppression_file import load_suppression
from xbec_platform.yaml_files import read_yaml

MAPPINGS_FOLDER, READING_FILE = "mappings", "reading.yml"


@dataclass(frozen=True)
class Feeds:
    """All feeds of a home; without arguments those of the package.

    Attributes:
        folder: Mappings of the home's own, beside those of the package.
        readings: Feed -> what the home declares about its files.
        suppression: People who were erased.
    """

    folder: Path | None = None
    readings: Mapping[str, Reading] = field(default_factory=dict)
    suppression: Suppression = field(default_factory=Suppression)

    @classmethod
    def of_home(cls, home: Path) -> Feeds:
        """Read `mappings/`, `reading.yml` and the suppression list of a home.

        Raises:
            ContractError: `reading.yml` says something that is not understood.
            SuppressionError: The list is damaged.
        """
        folder = home / MAPPINGS_FOLDER
        return cls(
            folder if folder.is_dir() else None,
            _readings(home / READING_FILE),
            load_suppression(home),
        )

    @property
    def names(self) -> list[str]:
        """All feeds, sorted."""
        return sorted({*contracts(), *mappings(self.folder)})

    def mapping(self, feed: str) -> SourceMapping | None:
        """The mapping of that name; None for a contract's own feed."""
        return None if feed in contracts() else mappings(self.folder).get(feed)

    def contract(self, feed: str) -> Contract:
        """What the files of a feed promise.

        Raises:
            FileRejectedError: No feed has that name.
        """
        mapping = self.mapping(feed)
        if mapping is not None:
            return mapping.file
        if feed not in contracts():
            raise FileRejectedError(
                f"no contract or mapping is named {feed}; known are {', '.join(self.names)}"
            )
        return contracts()[feed]

    def expectation(self, feed: str) -> Expectation:
        """What is known of a file of the feed before it is opened."""
        contract, mapping = self.contract(feed), self.mapping(feed)
        declared = mapping.reading if mapping else Reading()
        return Expectation(
            required=tuple(name for name, column in contract.columns.items() if not column.nullable),
            known=tuple(contract.columns),
            numeric=tuple(name for name, column in contract.columns.items() if _is_number(column)),
            reading=self.readings.get(feed, declared),
        )

    def rules_hash(self, feed: str) -> str:
        """What decides on files of the feed; equal hashes, equal verdicts."""
        mapping = self.mapping(feed)
        return rules_hash(feed, mapping.text if mapping else "")


def _is_number(column: Column) -> bool:
    return column.type in {"integer", "double"} or column.type.startswith("decimal")


def _readings(path: Path) -> dict[str, Reading]:
    if not path.is_file():
        return {}
    known = {option.name for option in fields(Reading)}
    readings = {}
    for feed, options in (read_yaml(path) or {}).items():
        if not isinstance(options, dict) or set(options) - known:
            raise ContractError(f"{path}: {feed}: known options are {', '.join(sorted(known))}")
        readings[str(feed)] = Reading(**options)
    return readings
