"""Who leaves a deposit in a pre-sale and pays the balance, with the true probability. Offers are in presales."""

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.world.baskets import GUEST, segments
from xbec_platform.world.catalogue import Catalogue
from xbec_platform.world.people import People
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.streams import stream

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

CHUNK = 100_000
# Most who pay the balance do so early: mean time after it opens.
BALANCE_MEAN_S = 7 * 3600
# Bounds of the match's logarithm, so that no single product decides.
LOG_MATCH = 1.5
TYPICAL_PRICE_CENTS = 4000
DEPOSIT_SCHEMA = {
    "order": pl.Int32,
    "presale": pl.Int16,
    "days_to_balance": pl.Float64,
    "segment_match": pl.Float64,
    "probability": pl.Float64,
    "is_paid": pl.Boolean,
    "balance_ts": pl.Int64,
}


def draw_deposits(
    spec: WorldSpec, people: People, catalogue: Catalogue, offers: pl.DataFrame, visits: pl.DataFrame
) -> pl.DataFrame:
    """Return which orders are pre-sale orders, see `presales.Presales.deposits`.

    Some customers who order while deposits are taken reserve an offer instead; when they order is left as it is.

    Args:
        spec: Seed and period.
        people: Tastes and sensitivities.
        catalogue: Products.
        offers: See `presales.presale_offers`.
        visits: customer (GUEST: none), market (index) and order_ts of each order.
    """
    share = np.array([terms["presale_share"] for terms in parameters("trade")["markets"].values()])
    customer = visits["customer"].to_numpy().astype(np.int64)
    stays = people.frame["erased_day"].is_null().to_numpy()
    chance = stream(spec.seed, "presale-visits").random(len(customer))
    wants = (customer != GUEST) & stays[customer] & (chance < share[visits["market"].to_numpy()])
    ts = visits["order_ts"].to_numpy()
    numbered = offers.with_row_index("presale")
    frames = [pl.DataFrame(schema=DEPOSIT_SCHEMA)]
    for number, (_, offered) in enumerate(
        numbered.group_by("promotion", "balance_open_ts", maintain_order=True)
    ):
        here = (ts >= offered["deposit_open_ts"][0]) & (ts <= offered["deposit_close_ts"][0])
        order = np.flatnonzero(wants & here)
        # Those who reserved in one pre-sale do not reserve with the same order in the next.
        wants[order] = False
        rng = stream(spec.seed, "deposits", number)
        frames.append(_deposits(rng, people, catalogue, offered, order, customer[order], ts[order]))
    return pl.concat(frames).sort("order")


def _deposits(
    rng: np.random.Generator,
    people: People,
    catalogue: Catalogue,
    offered: pl.DataFrame,
    order: IntArray,
    customer: IntArray,
    ts: IntArray,
) -> pl.DataFrame:
    """Return the deposits of one pre-sale."""
    chosen = _choose_offers(rng, people, catalogue, offered, customer)
    product = offered["product"].to_numpy()[chosen]
    match = catalogue.segment_weight[segments(people, customer), product].astype(np.float64)
    days = np.round((offered["balance_open_ts"][0] - ts) / SECONDS_PER_DAY, 4)
    sensitivity = people.frame["price_sensitivity"].to_numpy()[customer].astype(np.float64)
    probability = conversion_probability(
        segment_match=match,
        days_to_balance=days,
        price_sensitivity=sensitivity,
        discount_depth=offered["discount_depth"].to_numpy()[chosen],
        deposit_share=(offered["deposit_cents"] / offered["final_cents"]).to_numpy()[chosen],
        final_cents=offered["final_cents"].to_numpy()[chosen],
    )
    paid = rng.random(len(order)) < probability
    return pl.DataFrame(
        {
            "order": order,
            "presale": offered["presale"].to_numpy()[chosen],
            "days_to_balance": days,
            "segment_match": np.round(match, 4),
            "probability": probability,
            "is_paid": paid,
            "balance_ts": _balance_ts(rng, offered, len(order)),
        }
    ).select(
        pl.when("is_paid").then(name).alias(name) if name == "balance_ts" else pl.col(name).cast(dtype)
        for name, dtype in DEPOSIT_SCHEMA.items()
    )


def _balance_ts(rng: np.random.Generator, offered: pl.DataFrame, size: int) -> IntArray:
    """Return times of payment in the balance window: exponential, cut off at its end."""
    opens = int(offered["balance_open_ts"][0])
    window = int(offered["balance_close_ts"][0]) - opens
    wait = -np.log1p(-rng.random(size) * -np.expm1(-window / BALANCE_MEAN_S)) * BALANCE_MEAN_S
    return np.asarray(opens + np.clip(np.round(wait), 30, window).astype(np.int64))


def _choose_offers(
    rng: np.random.Generator, people: People, catalogue: Catalogue, offered: pl.DataFrame, customer: IntArray
) -> IntArray:
    """Return the offer each customer reserves: by taste, segment and the square root of popularity."""
    product = offered["product"].to_numpy().astype(np.int64)
    category = catalogue.frame["category"].to_numpy()[product]
    wish = catalogue.segment_weight[:, product] * np.sqrt(catalogue.frame["popularity"].to_numpy()[product])
    segment = segments(people, customer)
    chosen = np.empty(len(customer), dtype=np.int64)
    for first in range(0, len(customer), CHUNK):
        part = slice(first, first + CHUNK)
        weight = people.taste[customer[part]][:, category] * wish[segment[part]]
        edges = np.cumsum(weight, axis=1, dtype=np.float64)
        point = rng.random(len(edges)) * edges[:, -1]
        chosen[part] = np.minimum((edges <= point[:, None]).sum(axis=1), edges.shape[1] - 1)
    return chosen


def conversion_probability(
    *,
    segment_match: FloatArray,
    days_to_balance: FloatArray,
    price_sensitivity: FloatArray,
    discount_depth: FloatArray,
    deposit_share: FloatArray,
    final_cents: npt.ArrayLike,
) -> FloatArray:
    """Return the true probability that the balance is paid: logistic in the arguments (`conversion` in trade.yml).

    A deep discount matters more to those who are sensitive to prices; a higher deposit binds; days of waiting
    and a high price cost. Centred on a typical deposit, so that the intercept is its logit.
    """
    rule = parameters("trade")["presales"]["conversion"]
    sensitive, deep = price_sensitivity - 0.5, discount_depth - 0.25
    logit = (
        rule["intercept"]
        + rule["segment_match"] * np.clip(np.log(segment_match), -LOG_MATCH, LOG_MATCH)
        + rule["discount_depth"] * deep
        + rule["price_sensitivity"] * sensitive
        + rule["sensitivity_by_discount"] * sensitive * deep
        + rule["days_to_balance"] * (days_to_balance - rule["typical_days"])
        + rule["deposit_share"] * (deposit_share - 0.14)
        + rule["log_price"] * np.log(np.asarray(final_cents) / TYPICAL_PRICE_CENTS)
    )
    return np.asarray(np.round(1 / (1 + np.exp(-logit)), 6))
