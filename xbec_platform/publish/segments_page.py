"""The page of segments and groups: size, sales, names with evidence, movements, and the way in: registration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from xbec_platform.publish.formats import MISSING, count, day, money, percent, text
from xbec_platform.publish.overview_input import MIN_GROUP
from xbec_platform.publish.page_names import SEGMENTS
from xbec_platform.publish.page_parts import Cell, Column, Table, cells, columns, cut, scaled
from xbec_platform.publish.pages import customer_page

MOVED_DAYS, FUNNEL_DAYS, SHOWN_MOVES = 28, 60, 20
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, kw_only=True)
class SegmentsInput:
    """What the page shows; frames may be empty.

    Attributes:
        shop: Name shown to people.
        as_of: The day.
        currency: Of all amounts.
        segments: segment, meaning, sort_order, n_customers, net_base (365 days), n_came, n_went (28 days).
        clusters: name, evidence, distinguishing, n_customers, net_base: groups by habits.
        interests: The same of groups by interest.
        moves: from_segment, to_segment, n_customers, net_base_change: sums of 28 days.
        funnel: stage_no, stage_name, n_entered, n_passed, n_abandoned, n_open, n_skipped, n_duplicates, n_out_of_order,
            step_p50_s, step_p90_s: attempts to register of 60 days.
        funnel_parts: part (market, channel, device), name, stage_no, stage_name, n_attempts, n_passed.
    """

    shop: str
    as_of: date
    currency: str
    segments: pl.DataFrame
    clusters: pl.DataFrame
    interests: pl.DataFrame
    moves: pl.DataFrame
    funnel: pl.DataFrame
    funnel_parts: pl.DataFrame


def render_segments(data: SegmentsInput) -> str:
    """Render the page: one HTML document without scripts or outside references. Equal input gives equal bytes."""
    no_segments = "No customer has been graded yet: there are no orders with a customer id, or too few."
    no_clusters = "No groups were formed: clustering has not run, or there are too few customers."
    no_moves = f"Nobody changed the segment in the last {MOVED_DAYS} days."
    no_funnel = f"No attempt to register is known from the last {FUNNEL_DAYS} days (registration_events)."
    segments = _large(data.segments)
    sections: list[tuple[str, str, str, list[Table | str]]] = [
        (
            "segments",
            "RFM segments",
            (
                "Fifths of recency, frequency and money make the segments; who came and went is counted over "
                f"{MOVED_DAYS} days."
            ),
            [_segments(segments, data) if segments.height else no_segments],
        ),
        (
            "groups",
            "Groups",
            "Groups of customers who are alike, named by what they do and by what interests them.",
            [*_groups(data)] or [no_clusters],
        ),
        (
            "movements",
            "Movements",
            f"From one segment to another in the last {MOVED_DAYS} days; a customer may move more than once.",
            [_moves(data.moves, data.currency) if data.moves.height else no_moves],
        ),
        (
            "registration",
            "Registration",
            (
                f"Attempts of the last {FUNNEL_DAYS} days, as far as known: entered = passed + abandoned + open. "
                "Times are since the stage before; those of a verification are its delay."
            ),
            [_funnel(data.funnel), *_parts(data.funnel_parts)] if data.funnel.height else [no_funnel],
        ),
    ]
    return customer_page(
        "segments.html.j2",
        SEGMENTS,
        shop=data.shop,
        as_of=data.as_of,
        facts={"Base currency": data.currency},
        sections=sections,
    )


def _large(groups: pl.DataFrame) -> pl.DataFrame:
    return groups.filter(pl.col("n_customers") >= MIN_GROUP) if groups.height else groups


def _share(part: object, whole: float) -> float | None:
    return float(str(part)) / whole if part is not None and whole > 0 else None


def _segments(large: pl.DataFrame, data: SegmentsInput) -> Table:
    people, sales = _totals(data.segments)
    rows = []
    for row in large.sort("sort_order", "segment").iter_rows(named=True):
        share, revenue = _share(row["n_customers"], people), _share(row["net_base"], sales)
        rows.append(
            (
                *cells(text(row["segment"]), text(row["meaning"]), count(row["n_customers"])),
                scaled(percent(share), share, 1.0),
                scaled(percent(revenue), revenue, 1.0),
                *cells(money(row["net_base"]), count(row["n_came"]), count(row["n_went"])),
            )
        )
    heads = (
        *columns("Segment", "What it means", numeric_from=2),
        *columns("Customers", "Of customers", "Of net sales", f"Net sales, {data.currency}", numeric_from=0),
        *columns("Came", "Went", numeric_from=0),
    )
    return Table(caption=f"Segments as of {day(data.as_of)}", columns=heads, rows=tuple(rows))


def _totals(groups: pl.DataFrame) -> tuple[float, float]:
    return float(groups["n_customers"].sum()), float(groups["net_base"].cast(pl.Float64).sum())


def _groups(data: SegmentsInput) -> Sequence[Table]:
    """One table for each kind of groups that has any of 30 people."""
    kinds = (
        ("Groups by habits, by net sales", data.clusters),
        ("Groups by interest, by net sales", data.interests),
    )
    return [_group_table(caption, groups) for caption, groups in kinds if _large(groups).height]


def _group_table(caption: str, groups: pl.DataFrame) -> Table:
    people, sales = _totals(groups)
    rows = []
    for row in _large(groups).sort(["net_base", "name"], descending=[True, False]).iter_rows(named=True):
        share, revenue = _share(row["n_customers"], people), _share(row["net_base"], sales)
        rows.append(
            (
                *cells(text(row["name"]), text(row["evidence"]), text(row["distinguishing"])),
                Cell(text=count(row["n_customers"])),
                scaled(percent(share), share, 1.0),
                scaled(percent(revenue), revenue, 1.0),
            )
        )
    heads = (
        *columns("Group", "Evidence", "Sets it apart (standard deviations)", numeric_from=3),
        *columns("Customers", "Of customers", "Of net sales", numeric_from=0),
    )
    return Table(caption=caption, columns=heads, rows=tuple(rows))


def _moves(moves: pl.DataFrame, currency: str) -> Table:
    order = moves.sort(["n_customers", "from_segment", "to_segment"], descending=[True, False, False])
    largest = float(order["n_customers"].max() or 0)  # type: ignore[arg-type]
    rows = tuple(
        (
            *cells(text(row["from_segment"]), text(row["to_segment"])),
            scaled(count(row["n_customers"]), float(row["n_customers"]), largest),
            Cell(text=money(row["net_base_change"])),
        )
        for row in order.iter_rows(named=True)
    )
    shown, note = cut(rows, SHOWN_MOVES)
    heads = (
        *columns("From", "To", numeric_from=2),
        *columns("Moves", f"Net sales of 365 days, change in {currency}", numeric_from=0),
    )
    return Table(caption="Moves, most frequent first", columns=heads, rows=shown, note=note)


def _funnel(funnel: pl.DataFrame) -> Table:
    order = funnel.sort("stage_no")
    largest = float(order["n_entered"].max() or 0)  # type: ignore[arg-type]
    rows = []
    for row in order.iter_rows(named=True):
        conversion = _share(row["n_passed"], row["n_entered"])
        rows.append(
            (
                Cell(text=text(row["stage_name"])),
                scaled(count(row["n_entered"]), float(row["n_entered"]), largest),
                *cells(*(count(row[name]) for name in ("n_passed", "n_abandoned", "n_open", "n_skipped"))),
                *cells(percent(conversion), _duration(row["step_p50_s"]), _duration(row["step_p90_s"])),
                *cells(count(row["n_duplicates"]), count(row["n_out_of_order"])),
            )
        )
    heads = columns(
        "Stage", "Entered", "Passed", "Abandoned", "Open", "Skipped", "Conversion", "Median time", "P90 time",
        "Duplicates", "Out of order",
    )  # fmt: skip
    note = (
        "Skipped: went on without it, as the stage is optional or its event never came. Duplicates: people who have an "
        "account already. Out of order: passed after a stage that should follow it; no time counts for them."
    )
    return Table(caption="Stages of registration", columns=heads, rows=tuple(rows), note=note)


def _parts(parts: pl.DataFrame) -> Sequence[Table]:
    """For each part of the attempts, the share that passed each stage; parts of fewer than 30 attempts are left out."""
    return [
        _part(part, parts.filter(pl.col("part") == part, pl.col("n_attempts") >= MIN_GROUP))
        for part in ("market", "channel", "device")
        if parts.filter(pl.col("part") == part, pl.col("n_attempts") >= MIN_GROUP).height
    ]


def _part(part: str, rows_of: pl.DataFrame) -> Table:
    stages = rows_of.select("stage_no", "stage_name").unique().sort("stage_no")["stage_name"].to_list()
    found: dict[str, Mapping[str, str]] = {}
    size: dict[str, int] = {}
    for row in rows_of.sort("name", "stage_no").iter_rows(named=True):
        size[row["name"]] = row["n_attempts"]
        shares = dict(found.get(row["name"], {}))
        found[row["name"]] = shares | {row["stage_name"]: percent(_share(row["n_passed"], row["n_attempts"]))}
    rows = tuple(
        cells(text(name), count(size[name]), *(found[name].get(stage, MISSING) for stage in stages))
        for name in sorted(found, key=lambda name: (-size[name], name))
    )
    heads = (Column(label=part.capitalize()), *columns("Attempts", *map(text, stages), numeric_from=0))
    return Table(caption=f"Share of attempts that passed each stage, by {part}", columns=heads, rows=rows)


def _duration(seconds: float | None) -> str:
    """Return seconds in the largest unit that leaves a number above 1."""
    if seconds is None:
        return MISSING
    for length, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
