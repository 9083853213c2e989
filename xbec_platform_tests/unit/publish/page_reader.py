"""Reads a rendered page back: tables by caption, text, tags and attributes. For tests only, no assertions."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Page(HTMLParser):
    """What a browser would find in the page, without one.

    Attributes:
        tables: caption to rows of cell texts, heads first.
        tags: names of all tags, in order.
        attributes: (tag, name, value) of all attributes.
        text: all text outside `style`.
    """

    source: str
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self._caption = ""
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag; open a row or a cell."""
        self.tags.append(tag)
        self._open.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "table":
            self._caption = ""
        elif tag == "tr":
            self.tables[self._caption.strip()].append([])
        elif tag in ("td", "th"):
            self.tables[self._caption.strip()][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Close the tag; a finished caption names its table."""
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "caption":
            self.tables[self._caption.strip()] = []

    def handle_data(self, data: str) -> None:
        """Add text to the page and to the open cell or caption."""
        if "style" in self._open:
            return
        self.text += data
        if "caption" in self._open:
            self._caption += data
        elif "td" in self._open or "th" in self._open:
            row = self.tables[self._caption.strip()][-1]
            row[-1] = (row[-1] + data).strip()
