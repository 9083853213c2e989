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

from xbec_platform.world.feeds import feeds
from xbec_platform.world.plan import Plan, build_plan
from xbec_platform.world.spec import WorldSpec, parameters

CHECKOUT = Path(__file__).parents[2]
SAMPLED_DAYS = (3, 10, 17, 24, 31, 38, 45, 52)
GAP_S = 1800
MODES = {"air": "Air", "air_charter": "Air Charter", "truck": "Truck", "sea": "Ocean"}
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
        ("scms", _freight(plan, shared)),
    ):
        for name, ours, real in rows:
            sys.stdout.write(f"| {name} | {_text(ours)} | {_text(real)} | `{source}` |\n")


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
    real = pl.read_parquet(shared / "ga4" / "events.parquet").select(
        session=pl.format("{}-{}", "user_pseudo_id", "ga_session_id"),
        s=pl.col("event_timestamp") / 1e6,
        kind=pl.col("event_name"),
        is_page=pl.col("event_name") == "page_view",
    )
    ours = pl.concat([feeds()["events"].rows(plan, day) for day in SAMPLED_DAYS]).select(
        session="session_id",
        s=pl.col("ts").dt.epoch("us") / 1e6,
        kind=pl.col("event_type").cast(pl.String),
        is_page=pl.col("event_type").cast(pl.String).is_in(["view", "search"]),
    )
    yield "events per session, mean", _per_session(ours), _per_session(real)
    yield "sessions with at most one page, share", _short(ours), _short(real)
    yield "seconds between two pages, median", _page_s(ours, 0.5), _page_s(real, 0.5)
    yield "seconds between two pages, 90th percentile", _page_s(ours, 0.9), _page_s(real, 0.9)
    yield "sessions with a purchase, share", _with(ours, "purchase"), _with(real, "purchase")


def _per_session(events: pl.DataFrame) -> float:
    return events.height / events["session"].n_unique()


def _short(events: pl.DataFrame) -> float:
    return float((events.group_by("session").agg(pl.col("is_page").sum())["is_page"] <= 1).mean() or 0)


def _page_s(events: pl.DataFrame, share: float) -> float:
    pages = events.filter("is_page").sort("session", "s")
    gap = pages.select(gap=pl.col("s").diff().over("session"))["gap"].drop_nulls()
    return float(np.quantile(gap.filter((gap > 0) & (gap <= GAP_S)).to_numpy(), share))


def _with(events: pl.DataFrame, kind: str) -> float:
    return events.filter(pl.col("kind") == kind)["session"].n_unique() / events["session"].n_unique()


def _freight(plan: Plan, shared: Path) -> Iterator[Row]:
    real = pl.read_csv(
        shared / "scms" / "scms_delivery_history.tsv", separator="\t", encoding="latin-1", infer_schema=False
    ).select(
        mode="Shipment Mode",
        kg=pl.col("Weight (Kilograms)").cast(pl.Float64, strict=False),
        usd=pl.col("Freight Cost (USD)").cast(pl.Float64, strict=False),
        sent=pl.col("PO Sent to Vendor Date").str.to_date("%m/%d/%Y", strict=False),
        arrived=pl.col("Delivered to Client Date").str.to_date("%d-%b-%y", strict=False),
    )
    eur_per_usd = parameters("logistics")["eur_per_usd"]
    for mode, theirs in MODES.items():
        lanes = plan.network.lanes.filter(pl.col("mode") == mode, pl.col("dest_node").str.len_chars() > 2)
        shipped = real.filter(pl.col("mode") == theirs, pl.col("kg") > 0, pl.col("usd") > 0)
        usd = float(lanes["rate_per_kg_eur"].median()) / eur_per_usd  # type: ignore[arg-type]
        yield f"{mode}: freight, median USD per kg", usd, float((shipped["usd"] / shipped["kg"]).median())  # type: ignore[arg-type]
        days = real.filter(pl.col("mode") == theirs).select(
            (pl.col("arrived") - pl.col("sent")).dt.total_days()
        )
        spread = days.to_series().drop_nulls()
        ours = float((lanes["transit_p90_days"] / lanes["transit_p50_days"]).median())  # type: ignore[arg-type]
        theirs_spread = float(spread.quantile(0.9)) / float(spread.median()) if spread.len() > 30 else "-"  # type: ignore[arg-type]
        yield f"{mode}: days, 90th percentile / median", ours, theirs_spread


if __name__ == "__main__":
    main()
