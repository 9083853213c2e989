"""`python -m xbec_platform_tests.benchmarks.world_statistics`: the generated world against real data, as Markdown.

The README's table is what this prints. The world is a consumer shop: where it must differ from a wholesaler
(Online Retail) or a merchandise store (GA4) it does, and the README says so.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from xbec_platform.world.arrivals import parts_of_day
from xbec_platform.world.events import session_ids
from xbec_platform.world.feeds import feeds
from xbec_platform.world.plan import Plan, build_plan
from xbec_platform.world.sessions import HEARTBEAT, TRACKER, draw_sessions
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform_tests.benchmarks.world_freight import freight

CHECKOUT = Path(__file__).parents[2]
SAMPLED_DAYS = (3, 10, 17, 24, 31, 38, 45, 52)
GAP_S = 1800
# What GA4 sends by itself and the world's tracker does not.
AUTOMATIC = ("session_start", "first_visit", "scroll")
NOTES = """
\\* without `session_start`, `first_visit` and `scroll`, which GA4 sends by itself.
\\*\\* SCMS counts from the order to the vendor, so with production; the world from hand-over to the door.
\\*\\*\\* Of SCMS: deliveries. In the world light parcels go by truck where that is cheapest, and some bulky orders.
"""
Row = tuple[str, object, object]


def main() -> None:
    """Print one table."""
    shared = Path(os.environ.get("XBEC_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
    if not (shared / "README.md").is_file():
        sys.exit(f"needs ../shared/data: {shared} is absent (set XBEC_SHARED_DATA to its place)")
    plan = build_plan(WorldSpec(seed=1))
    sys.stdout.write("| figure | world | real | real data |\n|---|---|---|---|\n")
    for source, rows in (
        ("online_retail", _trade(plan, shared)),
        ("ga4", _behaviour(plan, shared)),
        ("scms", freight(plan, shared)),
    ):
        for name, ours, real in rows:
            sys.stdout.write(f"| {name} | {_text(ours)} | {_text(real)} | `{source}` |\n")
    sys.stdout.write(NOTES)


def _text(value: object) -> str:
    return f"{value:,.3g}" if isinstance(value, float) else str(value)


def _trade(plan: Plan, shared: Path) -> Iterator[Row]:
    real = pl.read_parquet(shared / "online_retail" / "online_retail.parquet")
    names = {name.lower().replace(" ", "").replace("_", ""): name for name in real.columns}
    column = {
        key: pl.col(names[key]) for key in ("invoiceno", "stockcode", "quantity", "customerid", "invoicedate")
    }
    price = pl.col(names.get("unitprice", names.get("price", "")))
    lines = real.select(
        order=column["invoiceno"].cast(pl.String),
        product=column["stockcode"].cast(pl.String),
        qty=column["quantity"].cast(pl.Float64),
        value=column["quantity"].cast(pl.Float64) * price.cast(pl.Float64),
        customer=column["customerid"].cast(pl.String),
        ts=column["invoicedate"],
    ).filter(pl.col("qty") > 0, pl.col("value") > 0)
    ours = plan.orders.lines.join(
        plan.orders.frame.with_row_index("order").select(
            pl.col("order").cast(plan.orders.lines.schema["order"]), "customer", "order_ts", "market"
        ),
        on="order",
    ).with_columns(qty=pl.col("qty").cast(pl.Float64), value=_eur(plan))
    for label, share in (("orders with one line, share", _one_line), ("lines per order, median", _lines)):
        yield label, share(ours), share(lines)
    yield "order value, 95th percentile / median", _value_tail(ours), _value_tail(lines)
    yield "best 20 % of products, share of value", _head_share(ours), _head_share(lines)
    last = _as_datetime(lines["ts"]).max()
    recent = lines.with_columns(ts=_as_datetime(lines["ts"])).filter(
        pl.col("ts") > pl.lit(last) - pl.duration(days=plan.spec.days), pl.col("customer").is_not_null()
    )
    yield (
        f"buyers with two orders or more within {plan.spec.days} days, share",
        _repeat(ours.filter(pl.col("customer") >= 0)),
        _repeat(recent),
    )


def _eur(plan: Plan) -> pl.Expr:
    """Value of a line in EUR at the first day's rates: enough for shares and percentiles."""
    rates = dict(enumerate(plan.trade.eur_per_unit[0].tolist()))
    rate = pl.col("market").cast(pl.Int64).replace_strict(rates, return_dtype=pl.Float64)
    return pl.col("qty") * pl.col("unit_price_cents") / 100 * rate


def _as_datetime(values: pl.Series) -> pl.Series:
    return values if values.dtype.is_temporal() else values.str.to_datetime()


def _one_line(lines: pl.DataFrame) -> float:
    return float((lines.group_by("order").len()["len"] == 1).mean() or 0)


def _lines(lines: pl.DataFrame) -> float:
    return float(np.median(lines.group_by("order").len()["len"].to_numpy()))


def _value_tail(lines: pl.DataFrame) -> float:
    value = lines.group_by("order").agg(pl.col("value").sum())["value"].to_numpy()
    return float(np.quantile(value, 0.95) / np.median(value))


def _head_share(lines: pl.DataFrame) -> float:
    value = np.sort(lines.group_by("product").agg(pl.col("value").sum())["value"].to_numpy())[::-1]
    return float(value[: max(round(len(value) / 5), 1)].sum() / value.sum())


def _repeat(lines: pl.DataFrame) -> float:
    return float((lines.group_by("customer").agg(pl.col("order").n_unique())["order"] > 1).mean() or 0)


def _behaviour(plan: Plan, shared: Path) -> Iterator[Row]:
    events = pl.read_parquet(shared / "ga4" / "events.parquet").select(
        session=pl.format("{}-{}", "user_pseudo_id", "ga_session_id"),
        s=pl.col("event_timestamp") / 1e6,
        kind=pl.col("event_name"),
        is_page=pl.col("event_name") == "page_view",
        engaged_s=pl.col("engagement_time_msec").cast(pl.Float64) / 1000,
    )
    ours = _our_events(plan)
    # Sessions of one page are known by it, not by what GA4 sends by itself.
    real = events.filter(~pl.col("kind").is_in(AUTOMATIC))
    yield "events per session, mean *", _per_session(ours), _per_session(real)
    yield (
        "events per session with a purchase, median *",
        _per_purchase(ours),
        _per_purchase(real),
    )
    yield "sessions with at most one page, share", _short(ours), _short(events)
    yield "seconds between two pages, median", _page_s(ours, 0.5), _page_s(real, 0.5)
    yield "seconds between two pages, 90th percentile", _page_s(ours, 0.9), _page_s(real, 0.9)
    beats = ours.filter("by_heartbeat")
    yield "engaged seconds per session, median", _engaged(beats, 0, 0.5), _engaged(events, 0, 0.5)
    reported = ours.filter("by_tracker")
    for level, name in ((0.5, "median"), (0.9, "90th percentile")):
        yield (
            f"engaged seconds, two pages or more, {name}",
            _engaged(reported, 2, level),
            _engaged(events, 2, level),
        )
    yield "sessions with a cart, share", _with(ours, "add_to_cart"), _with(real, "add_to_cart")
    yield "sessions with a purchase, share", _with(ours, "purchase"), _with(real, "purchase")
    yield "sessions with a cart that have a purchase, share", _cart_to_purchase(ours), _cart_to_purchase(real)


def _our_events(plan: Plan) -> pl.DataFrame:
    """Events of people on the sampled days, with how their time on pages is known."""
    drawn = []
    for day in SAMPLED_DAYS:
        for part in range(parts_of_day(plan.behaviour, day)):
            found = draw_sessions(plan.behaviour, day, part)
            drawn.append(
                pl.DataFrame(
                    {
                        "session": session_ids(day, found.first_number, len(found.kind)),
                        "is_bot": found.is_bot,
                        "by_heartbeat": found.dwell == HEARTBEAT,
                        "by_tracker": found.dwell == TRACKER,
                    }
                )
            )
    kind = pl.col("event_type").cast(pl.String)
    beat_s = float(parameters("behaviour")["heartbeat_s"])
    return (
        pl.concat([feeds()["events"].rows(plan, day) for day in SAMPLED_DAYS])
        .select(
            session="session_id",
            s=pl.col("ts").dt.epoch("us") / 1e6,
            kind=kind,
            is_page=kind.is_in(["view", "search"]),
            engaged_s=pl.when(kind == "ping").then(beat_s).otherwise(pl.col("dwell_s")),
        )
        .join(pl.concat(drawn), on="session")
        .filter(~pl.col("is_bot"))
    )


def _per_session(events: pl.DataFrame) -> float:
    return events.height / events["session"].n_unique()


def _per_purchase(events: pl.DataFrame) -> float:
    bought = events.filter(pl.col("kind") == "purchase")["session"].unique()
    length = events.filter(pl.col("session").is_in(bought.implode())).group_by("session").len()["len"]
    return float(np.median(length.to_numpy()))


def _short(events: pl.DataFrame) -> float:
    return float((events.group_by("session").agg(pl.col("is_page").sum())["is_page"] <= 1).mean() or 0)


def _page_s(events: pl.DataFrame, share: float) -> float:
    pages = events.filter("is_page").sort("session", "s")
    gap = pages.select(gap=pl.col("s").diff().over("session"))["gap"].drop_nulls()
    return float(np.quantile(gap.filter((gap > 0) & (gap <= GAP_S)).to_numpy(), share))


def _engaged(events: pl.DataFrame, pages: int, level: float) -> float:
    sessions = events.group_by("session").agg(pl.col("engaged_s").sum(), pl.col("is_page").sum())
    return float(np.quantile(sessions.filter(pl.col("is_page") >= pages)["engaged_s"].to_numpy(), level))


def _with(events: pl.DataFrame, kind: str) -> float:
    return events.filter(pl.col("kind") == kind)["session"].n_unique() / events["session"].n_unique()


def _cart_to_purchase(events: pl.DataFrame) -> float:
    carts, bought = (
        events.filter(pl.col("kind") == kind)["session"].unique() for kind in ("add_to_cart", "purchase")
    )
    return float(carts.is_in(bought.implode()).mean() or 0)


if __name__ == "__main__":
    main()
