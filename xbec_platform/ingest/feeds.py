"""What a home knows of its feeds: contracts, mappings, how files are read, who is suppressed. No file is read here.

A feed is a folder below `landing/`: a contract's source, or a mapping. Together with the rules, this is all that
decides what becomes of a landed file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from xbec_platform.ingest.contracts import Column, Contract, contracts
from xbec_platform.ingest.declared_reading import read_readings
from xbec_platform.ingest.formats.records import Expectation, FileRejectedError, Reading
from xbec_platform.ingest.mapping_model import SourceMapping
from xbec_platform.ingest.mappings import mappings
from xbec_platform.ingest.rules import rules_hash
from xbec_platform.ingest.suppression import Suppression
from xbec_platform.ingest.suppression_file import load_suppression

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
        own = cls(folder if folder.is_dir() else None, suppression=load_suppression(home))
        declared = home / READING_FILE
        return replace(own, readings=read_readings(declared, own.names)) if declared.is_file() else own

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
        """What decides on files of the feed, how the home has them read included; equal hashes, equal verdicts."""
        mapping, reading = self.mapping(feed), self.readings.get(feed)
        return rules_hash(feed, mapping.text if mapping else "", asdict(reading) if reading else None)


def _is_number(column: Column) -> bool:
    return column.type in {"integer", "double"} or column.type.startswith("decimal")
