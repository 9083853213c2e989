"""A plan of the trade half with made-up parcels, so that these tests do not depend on the network."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import yaml

from xbec_platform.world.buying import build_buying
from xbec_platform.world.catalogue import build_catalogue
from xbec_platform.world.competitors import build_competitors
from xbec_platform.world.orders import build_orders
from xbec_platform.world.payments import build_payments
from xbec_platform.world.people import build_people
from xbec_platform.world.presales import build_presales
from xbec_platform.world.returns import build_returns
from xbec_platform.world.reviews import build_reviews
from xbec_platform.world.spec import DEFAULT_LAST_DAY, WorldSpec
from xbec_platform.world.trade import build_trade

DAY = 86_400
CONTRACTS = Path(__file__).parents[3] / "xbec_platform" / "ingest" / "contracts"
# Days late by order number modulo 4; the last of the four never arrives.
LATE_DAYS = (-1, 0, 6, None)


def parcels_of(orders):
    """One parcel per order that is paid and not cancelled; the delay follows from the number of the order."""
    shipped = orders.frame.with_row_index("order").filter(
        pl.col("paid_ts").is_not_null(), pl.col("cancelled_ts").is_null()
    )
    late = pl.col("order").cast(pl.Int64) % 4
    delay = late.replace_strict(dict(enumerate(LATE_DAYS)), return_dtype=pl.Int64)
    # The promise counts from the payment, so that even an early parcel arrives after it was shipped.
    promised = pl.col("paid_ts") + pl.col("promised_days").cast(pl.Int64) * DAY
    parcels = shipped.select(
        "order",
        (pl.col("paid_ts") + DAY).alias("shipped_ts"),
        promised.alias("promised_ts"),
        (promised + delay * DAY).alias("delivered_ts"),
    )
    numbered = parcels.select(pl.col("order").cast(pl.Int32)).with_row_index("parcel")
    contents = orders.lines.select("order").join(numbered, on="order", how="left", maintain_order="left")
    return SimpleNamespace(parcels=parcels, contents=contents.select("parcel"))


@cache
def trade_plan(seed=7, scale=1, days=60, last_day=DEFAULT_LAST_DAY):
    """Build the plan; nobody changes it, so that tests share it."""
    spec = WorldSpec(seed=seed, scale=scale, days=days, last_day=last_day)
    plan = SimpleNamespace(spec=spec, catalogue=build_catalogue(spec), trade=build_trade(spec))
    plan.people = build_people(spec, plan.catalogue.categories, plan.trade.markets)
    plan.buying = build_buying(spec, plan.people)
    plan.orders = build_orders(spec, plan.people, plan.buying, plan.catalogue, plan.trade)
    plan.presales = build_presales(plan.orders)
    plan.fulfilment = parcels_of(plan.orders)
    plan.returns = build_returns(spec, plan.orders, plan.catalogue, plan.fulfilment)
    plan.reviews = build_reviews(spec, plan.orders, plan.catalogue, plan.fulfilment)
    plan.payments = build_payments(spec, plan.orders, plan.returns, plan.trade)
    plan.competitors = build_competitors(spec, plan.catalogue, plan.trade)
    return plan


def everything(plan, rows):
    """Return the rows of all days of a source."""
    return pl.concat([rows(plan, day) for day in range(plan.spec.days)])


def contract(source):
    """Return the contract of a source."""
    return yaml.safe_load((CONTRACTS / f"{source}.yml").read_text(encoding="utf-8"))
