"""A portrait as a document: sections of tags as JSON, without anything that names a person. Nothing is computed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from xbec_platform.customers.portrait_tags import PERSON, SECTIONS, TAGS

DOCUMENT = "xbec.portrait/1"


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """The portrait of one subject.

    Attributes:
        kind: person, segment, cluster, interest or market.
        subject: Name of a group, or id of a person, which the document leaves out.
        as_of: Day up to whose end everything is known.
        tags: Rows of `portrait_tags.SCHEMA` of the subject.
    """

    kind: str
    subject: str
    as_of: date
    tags: pl.DataFrame

    @property
    def omitted(self) -> tuple[str, ...]:
        """Tags the subject could have and does not: too little is known."""
        groups_only = {"n_people", "share_of_people", "share_of_sales"}
        persons_only = {"market", "rfm_segment", "cluster", "clv_band", "delivery_setting", "next_date"}
        others = groups_only if self.kind == PERSON else persons_only
        known = set(self.tags["tag"])
        return tuple(name for name in TAGS if name not in known and name not in others)

    def sections(self) -> dict[str, list[dict[str, Any]]]:
        """Tags by section in the order of TAGS; numbers rounded to four places."""
        order = {name: place for place, name in enumerate(TAGS)}
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in SECTIONS}
        listed = sorted(self.tags.iter_rows(named=True), key=lambda row: (order[row["tag"]], row["position"]))
        for row in listed:
            number, tag = row["number"], TAGS[row["tag"]]
            found[tag.section].append(
                {
                    "tag": row["tag"],
                    "label": tag.label,
                    "value": row["value"],
                    "number": None if number is None else round(number, 4),
                    "evidence_n": row["evidence_n"],
                    "evidence_of": tag.of_person if self.kind == PERSON else tag.of_group,
                    "confidence": round(row["confidence"], 3),
                }
            )
        return found

    def document(self) -> dict[str, Any]:
        """The portrait as JSON values."""
        return {
            "document": DOCUMENT,
            "portrait_of": self.kind,
            **({} if self.kind == PERSON else {"name": self.subject}),
            "as_of": self.as_of.isoformat(),
            **self.sections(),
            "omitted": list(self.omitted),
        }

    def to_json(self) -> str:
        """The document as JSON text; equal portraits give equal text."""
        return json.dumps(self.document(), ensure_ascii=False, indent=2)


def portraits(tags: pl.DataFrame, as_of: date) -> list[Portrait]:
    """Portraits of all subjects among tags, by kind and name."""
    parts: Mapping[tuple[Any, ...], pl.DataFrame] = tags.partition_by(
        ["subject_type", "subject_id"], as_dict=True, include_key=True
    )
    return [
        Portrait(kind=kind, subject=name, as_of=as_of, tags=part)
        for (kind, name), part in sorted(parts.items())
    ]
