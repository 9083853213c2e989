"""Customers of the generated shop, their segments and their feed; what they buy does not belong here."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import timestamp
from xbec_platform.demo.world import SECONDS_PER_DAY, Period, shop_world

# Registered before the period.
BEFORE = -1
CHANGES_PER_DAY = 0.01
DELETIONS = 3
CHANNELS = ("search", "social", "referral", "marketplace", "newsletter")


@dataclass(frozen=True, kw_only=True)
class People:
    """Customers by index; arrays have one entry per customer unless said.

    Attributes:
        frame: customer_id, latent segment and what never changes.
        segment: Index into the segments of `shop.yml`.
        market: Index into the markets.
        city: Index into the cities of the market.
        joined: Day number of the registration, BEFORE when earlier.
        taste: Probability of each category, customers x categories.
    """

    frame: pl.DataFrame
    segment: npt.NDArray[np.int64]
    market: npt.NDArray[np.int64]
    city: npt.NDArray[np.int64]
    joined: npt.NDArray[np.int64]
    taste: npt.NDArray[np.float64]


def generate_people(period: Period, size: int, rng: np.random.Generator) -> People:
    """Return customers with a market, a segment, a taste and a day of registration."""
    world = shop_world()
    segments, markets = world["segments"], world["markets"]
    segment = rng.choice(len(segments), size, p=_shares(segments))
    market = rng.choice(len(markets), size, p=_shares(markets))
    cities = np.array([len(rule["cities"]) for rule in markets.values()])
    joins_late = np.array([rule["joins_late"] for rule in segments.values()])
    active_days = np.array([rule["active_until"] for rule in segments.values()]) * period.days
    late = rng.random(size) < joins_late[segment]
    joined = np.where(late, (rng.random(size) * active_days[segment]).astype(np.int64), BEFORE)
    return People(
        frame=_frame(period, segment, joined, rng),
        segment=segment,
        market=market,
        city=(rng.random(size) * cities[market]).astype(np.int64),
        joined=joined,
        taste=_tastes(segment, rng),
    )


def _shares(rules: dict[str, dict[str, float]]) -> npt.NDArray[np.float64]:
    shares = np.array([rule["share"] for rule in rules.values()])
    return np.asarray(shares / shares.sum())


def _tastes(segment: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a Dirichlet draw around the taste of the segment: people of one segment are alike, not equal."""
    world = shop_world()
    alpha = np.array(
        [
            [0.25 + rule["tastes"].get(category, 0) for category in world["categories"]]
            for rule in world["segments"].values()
        ]
    )
    drawn = rng.gamma(alpha[segment])
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _frame(
    period: Period,
    segment: npt.NDArray[np.int64],
    joined: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> pl.DataFrame:
    size = len(segment)
    numbers = range(1, size + 1)
    names = list(shop_world()["segments"])
    # In the first hour of its day: the first order comes later (see orders.FIRST_ORDER_SECOND).
    within = period.epoch + np.maximum(joined, 0) * SECONDS_PER_DAY + rng.integers(0, 3600, size)
    earlier = period.epoch - rng.integers(SECONDS_PER_DAY, 700 * SECONDS_PER_DAY, size)
    created = pl.Series("created", np.where(joined == BEFORE, earlier, within))
    born = rng.integers(1950, 2006, size)
    gender = rng.choice(["f", "m", "x", ""], size, p=[0.45, 0.35, 0.02, 0.18])
    with_phone = rng.random(size) < 0.6
    return pl.DataFrame(
        {
            "customer_id": [f"C{number:05d}" for number in numbers],
            "segment": [names[index] for index in segment],
            "created_ts": created,
            "email_hash": [_digest(f"c{number:05d}@example.org") for number in numbers],
            "phone_hash": [
                _digest(f"+49 000 {number}") if has else None
                for number, has in zip(numbers, with_phone, strict=True)
            ],
            "birth_year": [int(year) if known else None for year, known in zip(born, born % 5, strict=True)],
            "gender": [str(value) or None for value in gender],
            "acquisition_channel": rng.choice(CHANNELS, size),
            "id_verified": rng.random(size) < 0.7,
            "consent_marketing": rng.random(size) < 0.65,
            "consent_profiling": rng.random(size) < 0.85,
        },
    ).with_columns(timestamp(pl.col("created_ts")))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def customer_feed(people: People, period: Period, rng: np.random.Generator) -> dict[int, pl.DataFrame]:
    """Return the customer files by day: everyone on the first day, then registrations and changes.

    A change flips the consent to marketing; a few customers delete their account half-way.
    """
    size = people.frame.height
    consent = people.frame["consent_marketing"].to_numpy().copy()
    silent = [rule["active_until"] < 0.5 for rule in shop_world()["segments"].values()]
    # Only people who no longer buy by then, or the shop would sell to deleted accounts.
    leavers = np.flatnonzero(np.array(silent)[people.segment] & (people.joined == BEFORE))[:DELETIONS]
    feed = {}
    for day in range(period.days):
        here = (people.joined < day) if day else (people.joined == BEFORE)
        changed = here & (rng.random(size) < CHANGES_PER_DAY) & (day > 0)
        changed[leavers] &= day < period.days // 2
        consent = consent ^ changed
        known = np.flatnonzero(here if day == 0 else changed)
        joining = np.flatnonzero(people.joined == day)
        leaving = leavers if day == period.days // 2 else leavers[:0]
        # 04:00 for changes, midnight for the first full file, the registration itself for new customers.
        change = period.epoch + day * SECONDS_PER_DAY + (4 * 3600 if day else 0)
        feed[day] = pl.concat(
            [
                _versions(people, known, consent, pl.lit(change)),
                _versions(people, joining, consent, None),
                _versions(people, leaving, consent, pl.lit(change), deleted=True),
            ]
        ).sort("customer_id", "updated_ts")
    return feed


def _versions(
    people: People,
    index: npt.NDArray[np.int64],
    consent: npt.NDArray[np.bool_],
    changed: pl.Expr | None,
    *,
    deleted: bool = False,
) -> pl.DataFrame:
    markets = list(shop_world()["markets"].items())
    places = [markets[people.market[i]][1]["cities"][people.city[i]] for i in index]
    updated = pl.col("created_ts") if changed is None else timestamp(changed)
    return people.frame[index].select(
        "customer_id",
        "created_ts",
        updated.alias("updated_ts"),
        "email_hash",
        "phone_hash",
        pl.Series("country", [markets[people.market[i]][0] for i in index], dtype=pl.String),
        pl.Series("region", [place[1] for place in places], dtype=pl.String),
        pl.Series("city", [place[0] for place in places], dtype=pl.String),
        pl.Series(
            "postal_code",
            [f"{place[2]}{i % 900 + 100}" for i, place in zip(index, places, strict=True)],
            dtype=pl.String,
        ),
        pl.Series("lat", [place[3] for place in places], dtype=pl.Float64),
        pl.Series("lon", [place[4] for place in places], dtype=pl.Float64),
        pl.Series("language", [markets[people.market[i]][1]["language"] for i in index], dtype=pl.String),
        "birth_year",
        "gender",
        "acquisition_channel",
        pl.lit("deleted" if deleted else "active").alias("registration_status"),
        "id_verified",
        pl.Series("consent_marketing", consent[index]) & (not deleted),
        "consent_profiling",
        (updated if deleted else pl.lit(None, dtype=pl.Datetime("us", "UTC"))).alias("deleted_ts"),
    )
