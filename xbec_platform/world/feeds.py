"""How each source delivers: format, cadence, and the clock it writes. What the rows say does not belong here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Literal

import polars as pl

from xbec_platform.demo.files import TIMESTAMP_FORMAT
from xbec_platform.world.spec import parameters

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

Cadence = Literal["daily", "changes", "hourly"]


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One source's way to deliver.

    Attributes:
        source: Landing folder and contract.
        module: Module of this package that makes its rows.
        suffix: Format of its files.
        cadence: One file a day, one on days with rows, or one for each hour with rows.
        clock: Column that says when a row happened; needed for hourly files.
        key: Columns that name a planted row.
    """

    source: str
    module: str
    suffix: str
    key: tuple[str, ...]
    cadence: Cadence = "daily"
    clock: str | None = None

    def rows(self, plan: "Plan", day: int) -> pl.DataFrame:
        """Return the rows the source delivers on a day."""
        maker: Callable[[Plan, int], pl.DataFrame] = getattr(
            import_module(f"xbec_platform.world.{self.module}"), f"{self.source}_rows"
        )
        return maker(plan, day)


@cache
def feeds() -> Mapping[str, Feed]:
    """Return all feeds by source (`data/feeds.yml`), sorted by name."""
    found = parameters("feeds")["feeds"]
    return {
        source: Feed(source=source, **{**rule, "key": tuple(rule["key"])})
        for source, rule in sorted(found.items())
    }


def daily_files(feed: Feed, frame: pl.DataFrame, day: date) -> Iterator[tuple[str, pl.DataFrame]]:
    """Cut a day's rows into its files: (file name, rows).

    A row goes into the file of the hour of its clock; one of an earlier day comes with the first hour, as
    sources send what they could not send before, one of a later day with the last. JSON lines cannot say
    "no rows".
    """
    if feed.cadence != "hourly" or feed.clock is None:
        if frame.height or (feed.cadence == "daily" and not feed.suffix.startswith("jsonl")):
            yield f"{feed.source}.{feed.suffix}", frame
        return
    since = pl.col(feed.clock) - pl.lit(datetime.combine(day, time(), tzinfo=UTC))
    hours = since.dt.total_hours().clip(0, 23).alias("_hour")
    parts = frame.with_columns(hours).partition_by("_hour", as_dict=True, include_key=False)
    for (hour,), part in sorted(parts.items()):
        yield f"{feed.source}_{hour:02d}.{feed.suffix}", part


def with_offsets(source: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Write times as the source's own clock shows them: marketplaces and carriers use local time.

    The text carries its offset (2025-11-11T00:00:05+08:00); some carriers write UTC. Frames that are
    text already stay as they are.
    """
    if source == "tracking_events":
        return frame.with_columns(_local("ts", pl.col("tz_offset").fill_null("+00:00")))
    if source == "orders" and frame.schema["order_ts"] != pl.String:
        offsets = {
            market: _offset(rule["utc_offset_h"]) for market, rule in parameters("trade")["markets"].items()
        }
        own = pl.col("channel") == "own_site"
        abroad = pl.col("market").replace_strict(offsets, default="+00:00", return_dtype=pl.String)
        offset = pl.when(own).then(pl.lit("+00:00")).otherwise(abroad)
        return frame.with_columns(_local("order_ts", offset), _local("updated_ts", offset))
    return frame


def _offset(hours: float) -> str:
    sign, minutes = ("-" if hours < 0 else "+"), round(abs(hours) * 60)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def _local(column: str, offset: pl.Expr) -> pl.Expr:
    minutes = offset.str.slice(1, 2).cast(pl.Int32) * 60 + offset.str.slice(4, 2).cast(pl.Int32)
    signed = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes)
    local = pl.col(column) + pl.duration(minutes=signed)
    text = local.dt.strftime(TIMESTAMP_FORMAT.removesuffix("Z"))
    return (text + pl.when(offset == "+00:00").then(pl.lit("Z")).otherwise(offset)).alias(column)
