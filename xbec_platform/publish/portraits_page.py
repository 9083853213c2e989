"""The page of portraits: groups, and a few persons who agreed to it, one at a time. No tag is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from xbec_platform.publish.formats import clean, count, percent, plural, text
from xbec_platform.publish.page_names import PORTRAIT
from xbec_platform.publish.pages import customer_page
from xbec_platform.publish.scripts import script, script_policy

SCRIPT = "portraits.js"
KINDS = ("segment", "cluster", "interest", "market", "person")
KIND_LABELS = ("RFM segments", "Groups by habits", "Groups by interest", "Markets", "Persons, a sample")
# Bounds the page: 200 portraits of 20 tags are half a megabyte.
MOST_PORTRAITS = 200


@dataclass(frozen=True, kw_only=True)
class ShownPortrait:
    """A portrait on the page.

    Attributes:
        kind: One of `KINDS`.
        name: Of the group; the id of a person.
        sections: Heading, and tags with label, value, evidence_n, evidence_of, confidence.
        omitted: Labels of what is left out.
    """

    kind: str
    name: str
    sections: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]
    omitted: Sequence[str]


def render_portraits(portraits: Sequence[ShownPortrait], *, shop: str, as_of: date) -> str:
    """Render the page; its only script shows one portrait at a time, without it all are below each other.

    Raises:
        ValueError: There are more portraits than the page can bear.
    """
    if len(portraits) > MOST_PORTRAITS:
        raise ValueError(f"{len(portraits)} portraits; a page shows at most {MOST_PORTRAITS}")
    order = sorted(portraits, key=lambda one: (KINDS.index(one.kind), one.name))
    persons = sum(one.kind == "person" for one in portraits)
    return customer_page(
        "portraits.html.j2",
        PORTRAIT,
        shop=shop,
        as_of=as_of,
        facts={"Portraits": count(len(portraits))},
        portraits=[_shown(one, number) for number, one in enumerate(order)],
        persons=plural(persons, "person", "persons"),
        script=script(SCRIPT),
        policy=script_policy(SCRIPT),
    )


def _shown(one: ShownPortrait, number: int) -> dict[str, object]:
    kind_no = KINDS.index(one.kind)
    titles = ("Segment", "Group", "Interest", "Market", "Person")
    return {
        "anchor": f"portrait-{number}",
        "kind_no": kind_no,
        "kind_label": KIND_LABELS[kind_no],
        "name": text(one.name),
        "title": f"{titles[kind_no]}: {text(one.name)}",
        "sections": [(heading, [_tag(tag) for tag in tags]) for heading, tags in one.sections if tags],
        "omitted": "; ".join(map(clean, one.omitted)),
    }


def _tag(tag: Mapping[str, Any]) -> dict[str, object]:
    confidence = float(tag["confidence"])
    counted = confidence == 1
    rests_on = f"{tag['evidence_of']}: {count(tag['evidence_n'])}"
    return {
        "label": text(tag["label"]),
        "value": text(tag["value"]),
        "percent": None if counted else round(100 * confidence, 1),
        "sure": f"known, {rests_on}" if counted else f"{percent(confidence)} sure, {rests_on}",
    }
