"""The page of platform health: how fresh, how slow, how large, what failed. No database, no new numbers but sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from xbec_platform.publish.formats import count, day, plural, text
from xbec_platform.publish.page_parts import Cell, Table, Tile, cells, columns, cut, scaled
from xbec_platform.publish.pages import environment

SHOWN_DAYS, SHOWN_ASSETS = 14, 25
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class HealthInput:
    """What the page shows.

    Attributes:
        shop: Name shown to people.
        now: When the page was made, UTC.
        health: `operations.platform_health.SCHEMA`.
        incidents: root_asset, failures, first_failed_ts, last_failed_ts, error; open ones.
        alerts: kind, open, raised, newest_ts.
    """

    shop: str
    now: datetime
    health: pl.DataFrame
    incidents: pl.DataFrame
    alerts: pl.DataFrame


def render_health(data: HealthInput) -> str:
    """Render the page: one HTML document without scripts or outside references. Equal input gives equal bytes."""
    today = data.health.filter(pl.col("health_date") == data.health["health_date"].max())
    context = {
        "shop": text(data.shop),
        "made": f"{data.now:%Y-%m-%d %H:%M} UTC",
        "tiles": _tiles(data, today),
        "days": _days(data.health),
        "assets": _assets(data.health, today),
        "freshness": _freshness(today),
        "incidents": _incidents(data.incidents),
        "alerts": _alerts(data.alerts),
    }
    return environment().get_template("platform_health.html.j2").render(context)


def _tiles(data: HealthInput, today: pl.DataFrame) -> tuple[Tile, ...]:
    newest = today["newest_partition"].max()
    failures = int(today["failures"].sum())
    size = int(today["size_bytes"].sum()) / MEGABYTE
    failed_note = f"{plural(failures, 'step', 'steps')} failed today"
    return (
        Tile(label="Newest day", value=day(newest if isinstance(newest, date) else None)),
        Tile(label="Open incidents", value=count(data.incidents.height), notes=(failed_note,)),
        Tile(label="Open alerts", value=count(int(data.alerts["open"].sum()))),
        Tile(
            label="Tables",
            value=count(today["size_bytes"].drop_nulls().len()),
            notes=(f"they touch {_tenths(size)} MB",),
        ),
    )


def _days(health: pl.DataFrame) -> Table:
    """What the last days cost. A step of several assets stands in the row of each: the longest says more than a sum."""
    first = health["health_date"].max()
    shown = health
    if isinstance(first, date):
        shown = health.filter(pl.col("health_date") > first - timedelta(days=SHOWN_DAYS))
    by_day = (
        shown.group_by("health_date")
        .agg(
            pl.col("runs").max().alias("runs"),
            pl.col("failures").sum(),
            pl.col("step_s").max(),
            pl.col("queue_wait_s").max(),
        )
        .sort("health_date", descending=True)
    )
    largest = _largest(by_day["step_s"])
    rows = tuple(
        (
            Cell(text=day(moment)),
            Cell(text=count(runs)),
            Cell(text=count(failures), alert=failures > 0),
            scaled(_tenths(step_s), step_s, largest),
            Cell(text=_tenths(wait)),
        )
        for moment, runs, failures, step_s, wait in by_day.rows()
    )
    return Table(
        caption=f"The last {SHOWN_DAYS} days with runs",
        columns=columns("Day", "Most runs", "Failed steps", "Most seconds of a step", "Longest queue wait, s"),
        rows=rows,
    )  # fmt: skip


def _assets(health: pl.DataFrame, today: pl.DataFrame) -> Table:
    """The assets that cost most, with their size today."""
    last = health["health_date"].max()
    week = (
        health.filter(pl.col("health_date") > last - timedelta(days=7)) if isinstance(last, date) else health
    )
    spent = (
        week.group_by("asset_key")
        .agg(pl.col("runs").sum(), pl.col("failures").sum(), pl.col("step_s").sum())
        .join(today.select("asset_key", "own_s", "rows", "size_bytes"), on="asset_key", how="left")
        .select(
            "asset_key",
            "runs",
            "failures",
            # A step of several assets knows their sum only; dbt tells the time of each model.
            pl.coalesce("own_s", pl.col("step_s") / pl.col("runs").clip(1)).alias("build_s"),
            "rows",
            "size_bytes",
            # Tables of one step with one time are one line, named by the first.
            pl.when(pl.col("own_s").is_null()).then("step_s").alias("shared_s"),
            pl.col("asset_key").str.split("/").list.first().alias("layer"),
        )
        .with_columns(
            pl.when(pl.col("shared_s") > 0)
            .then(pl.format("{} {}", "layer", "shared_s"))
            .otherwise("asset_key")
            .alias("step")
        )
        .sort("asset_key")
        .group_by("step", maintain_order=True)
        .agg(
            pl.col("asset_key").first()
            + pl.when(pl.len() > 1).then(pl.format(" and {} more", pl.len() - 1)).otherwise(pl.lit("")),
            pl.col("runs", "failures", "build_s").max(),
            pl.col("rows", "size_bytes").sum(),
        )
        .drop("step")
        .sort(["build_s", "asset_key"], descending=[True, False])
    )
    slowest, biggest = _largest(spent["build_s"]), _largest(spent["size_bytes"])
    rows = tuple(
        (
            Cell(text=text(name)),
            Cell(text=count(runs)),
            Cell(text=count(failures), alert=failures > 0),
            scaled(_tenths(build_s), build_s, slowest),
            Cell(text=count(n_rows)),
            scaled(_tenths((size or 0) / MEGABYTE), float(size or 0), biggest),
        )
        for name, runs, failures, build_s, n_rows, size in spent.rows()
    )
    shown, note = cut(rows, SHOWN_ASSETS)
    return Table(
        caption="Assets by the seconds of a build; runs and failures of the last seven days",
        columns=columns("Asset", "Runs", "Failed", "Seconds a build", "Rows", "MB"),
        rows=shown,
        note=note,
    )


def _freshness(today: pl.DataFrame) -> Table:
    """Newest day by how many assets have it; who is behind is named."""
    newest = today["newest_partition"].max()
    behind = today.filter(pl.col("newest_partition") < newest) if isinstance(newest, date) else today.clear()
    ordered = behind.select("asset_key", "newest_partition", "last_built_ts").sort(
        "newest_partition", "asset_key"
    )
    rows = tuple(
        (Cell(text=text(name)), Cell(text=day(last), alert=True), Cell(text=_moment(moment)))
        for name, last, moment in ordered.rows()
    )
    shown, note = cut(rows, SHOWN_ASSETS)
    have = today.filter(pl.col("newest_partition") == newest).height if isinstance(newest, date) else 0
    return Table(
        caption=f"Behind the newest day; {plural(have, 'asset has', 'assets have')} it",
        columns=columns("Asset", "Newest day", "Last built"),
        rows=shown,
        note=note,
    )


def _incidents(incidents: pl.DataFrame) -> Table:
    chosen = incidents.select("root_asset", "failures", "first_failed_ts", "last_failed_ts", "error")
    rows = tuple(
        (
            Cell(text=text(root)),
            Cell(text=count(n), alert=True),
            *cells(_moment(first), _moment(last), text(error)),
        )
        for root, n, first, last, error in chosen.rows()
    )
    shown, note = cut(rows, SHOWN_ASSETS)
    heads = columns("Began in", "Failed runs", numeric_from=1) + columns(
        "First", "Last", "Cause", numeric_from=3
    )
    return Table(caption="Open incidents", columns=heads, rows=shown, note=note)


def _alerts(alerts: pl.DataFrame) -> Table:
    rows = tuple(
        (Cell(text=text(kind)), Cell(text=count(n), alert=n > 0), *cells(count(raised), _moment(newest)))
        for kind, n, raised, newest in alerts.select("kind", "open", "raised", "newest_ts").rows()
    )
    return Table(
        caption="Alerts by kind", columns=columns("Kind", "Open", "Raised so far", "Newest"), rows=rows
    )


def _largest(values: pl.Series) -> float | None:
    top = values.max()
    return float(top) if isinstance(top, int | float) else None


def _tenths(value: float | None) -> str:
    return f"{value or 0.0:,.1f}"


def _moment(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else "never"
