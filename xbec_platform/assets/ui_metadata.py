"""What people see in the Dagster UI: small tables, small plots, column schemas. No business number is made here."""

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform.ingest.contracts import Contract

if TYPE_CHECKING:
    import polars as pl

TABLE_ROWS = 20


def markdown_table(frame: "pl.DataFrame") -> dg.MetadataValue:
    """The first rows of a frame as Markdown; pipes and line ends in values stay text."""
    head = frame.head(TABLE_ROWS)
    lines = [
        "| " + " | ".join(head.columns) + " |",
        "|" + "|".join("---:" if dtype.is_numeric() else "---" for dtype in head.dtypes) + "|",
    ]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in head.rows()]
    if frame.height > TABLE_ROWS:
        lines.append(f"\n{frame.height - TABLE_ROWS:,} more rows")
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")[:120]


def sparkline(values: Sequence[float], *, label: str) -> dg.MetadataValue:
    """A small line chart of a series as an inline SVG image (a few hundred bytes, no request)."""
    width, height, margin = 320, 64, 4
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    span = (high - low) or 1.0
    step = (width - 2 * margin) / max(len(values) - 1, 1)
    points = " ".join(
        f"{margin + index * step:.1f},{height - margin - (value - low) / span * (height - 2 * margin):.1f}"
        for index, value in enumerate(values)
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<polyline points="{points}" fill="none" stroke="#0072B2" stroke-width="1.5"/></svg>'
    )
    image = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(
        f"![{label}](data:image/svg+xml;base64,{image})\n\n{label}: {low:,.6g} to {high:,.6g}, {len(values)} points"
    )


def bars(shares: Mapping[str, float], *, unit: str) -> dg.MetadataValue:
    """A small bar chart in text: one row per name, at most 20."""
    top = max(shares.values(), default=0.0) or 1.0
    rows = [
        f"| {_cell(name)} | {value:,.6g} | {'█' * max(1, round(24 * value / top)) if value > 0 else ''} |"
        for name, value in list(shares.items())[:TABLE_ROWS]
    ]
    return dg.MetadataValue.md("\n".join([f"| | {unit} | |", "|---|---:|---|", *rows]))


def column_schema(contract: Contract) -> dg.TableSchema:
    """A contract as the UI's column schema."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                column.type,
                description=" · ".join(
                    filter(
                        None,
                        [
                            column.description,
                            column.unit,
                            f"PII: {column.pii}" if column.pii != "none" else "",
                        ],
                    )
                ),
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=contract.key == (name,)
                ),
            )
            for name, column in contract.columns.items()
        ]
    )
