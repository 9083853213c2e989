"""Customers of the generated world: market, segment, taste, registration and consent; what they buy is in `buying`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import timestamp
from xbec_platform.world.identity import Identity, contact_hashes, draw_devices, draw_identity
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.streams import categorical, stream

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

IntArray = npt.NDArray[np.int64]

# About 8 km around the centre: the places of a city's customers.
PLACE_SPREAD_DEG = 0.07
LEAST_CUSTOMER_ID_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class People:
    """Customers by index (row number), in the order of their registration.

    Attributes:
        frame: customer_id; person, household (truth); segment, market (indices); country, region, city,
            postal_code, lat, lon (deg), language; created_ts (s), joined_day (negative: before the period);
            email_hash, phone_hash, birth_year, gender (null where unknown), acquisition_channel, id_verified,
            consent_marketing, consent_profiling (at the registration); price_sensitivity, delivery_sensitivity
            (0..1, truth); days of later changes or null: verified_day, flip_day (of the consent to marketing),
            move_day, erased_day.
        taste: Probability of each category, float32 [customers x categories].
        devices: See `identity.draw_devices`.
        categories: Names of the columns of `taste`.
        segments: Names of the segments.
        markets: Names of the markets, and `utc_offset_h` of each.
        cities: city, region, postal prefix, lat, lon and weight of every city, with its market.
    """

    frame: pl.DataFrame
    taste: npt.NDArray[np.float32]
    devices: pl.DataFrame
    categories: tuple[str, ...]
    segments: tuple[str, ...]
    markets: tuple[str, ...]
    utc_offset_h: npt.NDArray[np.float64]
    cities: pl.DataFrame


def build_people(spec: WorldSpec, categories: Sequence[str], markets: Mapping[str, Any]) -> People:
    """Return all customers who register by the end of the period.

    Args:
        spec: Size, period and seed.
        categories: Names of the product categories, the columns of the taste.
        markets: `markets` of trade.yml: `share`, `cities`, `language` and `utc_offset_h` of each.
    """
    rule = parameters("people")
    created = _created(spec)
    identity = draw_identity(spec)
    cities = city_table(markets)
    segment = _segments(spec, identity)
    email, phone = contact_hashes(spec, identity)
    joined_day = (created - spec.epoch) // SECONDS_PER_DAY
    frame = pl.DataFrame(
        {
            "customer_id": _customer_ids(spec.people),
            "person": pl.Series(identity.person, dtype=pl.Int32),
            "household": pl.Series(identity.household, dtype=pl.Int32),
            "segment": pl.Series(segment, dtype=pl.Int8),
            **_places(spec, identity, markets, cities),
            "created_ts": created,
            "joined_day": pl.Series(joined_day, dtype=pl.Int32),
            "email_hash": email,
            "phone_hash": phone,
            **_traits(spec, identity, segment),
            **_changes(spec, joined_day),
        }
    )
    return People(
        frame=frame,
        taste=_tastes(spec, segment, categories),
        devices=draw_devices(spec, identity),
        categories=tuple(categories),
        segments=tuple(rule["segments"]),
        markets=tuple(markets),
        utc_offset_h=np.array([market["utc_offset_h"] for market in markets.values()], dtype=np.float64),
        cities=cities,
    )


def city_table(markets: Mapping[str, Any]) -> pl.DataFrame:
    """Return the cities of all markets: market (index), city, region, postal, lat, lon (deg) and weight."""
    rows = [
        {"market": number, **city}
        for number, market in enumerate(markets.values())
        for city in market["cities"]
    ]
    schema = {"market": pl.Int64, "city": pl.String, "region": pl.String, "postal": pl.String}
    numbers = dict.fromkeys(("lat", "lon", "weight"), pl.Float64)
    return pl.DataFrame(rows, schema={**schema, **numbers})


def place_columns(
    cities: pl.DataFrame, city: IntArray, number: IntArray, uniform: npt.NDArray[np.float64]
) -> dict[str, pl.Series]:
    """Return region, city, postal_code, lat and lon of places around cities.

    Args:
        cities: Table of `city_table`.
        city: Row of the city of each place.
        number: Decides the last digits of the postal code.
        uniform: Two uniform numbers per place, [places x 2].
    """
    chosen = pl.Series(city)
    shift = (uniform - 0.5) * 2 * PLACE_SPREAD_DEG
    digits = pl.Series(number % 900 + 100).cast(pl.String)
    return {
        "region": _as_enum(cities["region"]).gather(chosen),
        "city": _as_enum(cities["city"]).gather(chosen),
        "postal_code": cities["postal"].gather(chosen) + digits,
        "lat": pl.Series(np.round(cities["lat"].to_numpy()[city] + shift[:, 0], 3)),
        "lon": pl.Series(np.round(cities["lon"].to_numpy()[city] + shift[:, 1], 3)),
    }


def _as_enum(names: pl.Series) -> pl.Series:
    return names.cast(pl.Enum(names.unique(maintain_order=True)))


def _customer_ids(size: int) -> pl.Series:
    digits = max(LEAST_CUSTOMER_ID_DIGITS, len(str(size)))
    number = pl.int_range(1, size + 1, dtype=pl.Int64).cast(pl.String).str.zfill(digits)
    return pl.select(pl.lit("C") + number).to_series()


def _created(spec: WorldSpec) -> IntArray:
    """Return the sorted times of registration."""
    rule = parameters("people")
    rng = stream(spec.seed, "registered")
    late = rng.random(spec.people) < rule["joins_in_period"]
    age = rng.integers(SECONDS_PER_DAY, rule["longest_age_days"] * SECONDS_PER_DAY, spec.people)
    within = rng.integers(0, spec.days * SECONDS_PER_DAY, spec.people)
    return np.sort(np.where(late, spec.epoch + within, spec.epoch - age))


def _segments(spec: WorldSpec, identity: Identity) -> IntArray:
    rule = parameters("people")
    rng = stream(spec.seed, "segments")
    shares = [segment["share"] for segment in rule["segments"].values()]
    own = categorical(rng.random(identity.persons), shares)[identity.person]
    common = categorical(rng.random(identity.persons), shares)[identity.household]
    takes_over = rng.random(identity.persons)[identity.person] < rule["households"]["same_segment"]
    return np.where(takes_over, common, own)


def _places(
    spec: WorldSpec, identity: Identity, markets: Mapping[str, Any], cities: pl.DataFrame
) -> dict[str, pl.Series]:
    rng = stream(spec.seed, "places")
    homes = identity.persons
    shares = np.array([rule["share"] for rule in markets.values()])
    # One draw for both: a city's share is its part of the market's.
    part = cities.select(pl.col("weight") / pl.col("weight").sum().over("market")).to_series().to_numpy()
    city = categorical(rng.random(homes), shares[cities["market"].to_numpy()] * part)
    market = cities["market"].to_numpy()[city]
    around = rng.random((homes, 2))
    home = identity.household
    index = pl.Series(market[home])
    country = pl.Series(list(markets), dtype=pl.Enum(list(markets)))
    languages = pl.Series([rule["language"] for rule in markets.values()])
    return {
        "market": index.cast(pl.Int8),
        "country": country.gather(index),
        **place_columns(cities, city[home], home, around[home]),
        "language": _as_enum(languages).gather(index),
    }


def _traits(spec: WorldSpec, identity: Identity, segment: IntArray) -> dict[str, pl.Series]:
    rule = parameters("people")
    rng = stream(spec.seed, "traits")
    size, persons, person = spec.people, identity.persons, identity.person
    genders, channels = rule["genders"], rule["acquisition_channels"]
    gender = pl.Series(categorical(rng.random(persons), list(genders.values()))[person])
    gender_names = pl.Series([name if name != "unknown" else None for name in genders])
    channel = pl.Series(categorical(rng.random(size), list(channels.values())))
    oldest, youngest = rule["birth_years"]
    born = rng.integers(oldest, youngest, persons)[person]
    born_known = pl.Series(rng.random(size) < rule["birth_year_known"])
    consent = rule["consent"]
    return {
        "birth_year": pl.select(pl.when(born_known).then(pl.Series(born, dtype=pl.Int16))).to_series(),
        "gender": _as_enum(gender_names.drop_nulls()).extend_constant(None, 1).gather(gender),
        "acquisition_channel": _as_enum(pl.Series(list(channels))).gather(channel),
        "consent_marketing": pl.Series(rng.random(size) < consent["marketing"]),
        "consent_profiling": pl.Series(rng.random(size) < consent["profiling"]),
        "price_sensitivity": _sensitivity(rng, person, segment, "price"),
        "delivery_sensitivity": _sensitivity(rng, person, segment, "delivery"),
    }


def _sensitivity(rng: np.random.Generator, person: IntArray, segment: IntArray, kind: str) -> pl.Series:
    """Return a Beta draw around the mean of the segment, once per person."""
    rule = parameters("people")
    mean = np.array([rule["segments"][name][kind] for name in rule["segments"]])
    of_person = np.zeros(int(person.max()) + 1, dtype=np.int64)
    of_person[person] = segment
    strength = rule["sensitivity_concentration"]
    drawn = rng.beta(mean[of_person] * strength, (1 - mean[of_person]) * strength)
    return pl.Series(np.round(drawn[person], 4), dtype=pl.Float32)


def _changes(spec: WorldSpec, joined_day: IntArray) -> dict[str, pl.Series]:
    """Return the days of later changes; each comes at least one day after the registration."""
    rule = parameters("people")
    rng = stream(spec.seed, "changes")
    size = len(joined_day)
    first = np.maximum(joined_day, 0) + 1
    verified, erased = rule["id_verified"], rule["erasures"]
    chance = rng.random(size)
    soonest, latest = verified["later_days"]
    wait = rng.integers(soonest, latest, size, endpoint=True)
    at_once = chance < verified["at_once"]
    later = chance < verified["at_once"] + verified["later"]
    verified_day = np.where(at_once, joined_day, first - 1 + wait)
    early = np.flatnonzero(joined_day < erased["from_share"] * spec.days)
    leavers = rng.choice(early, max(erased["least"], round(size * erased["share"])), replace=False)
    leaves = np.zeros(size, dtype=bool)
    leaves[leavers] = True
    earliest = round(erased["from_share"] * spec.days) + 1
    erased_day = rng.integers(min(earliest, spec.days - 1), spec.days, size)

    def a_day(happens: npt.NDArray[np.bool_]) -> pl.Series:
        day = first + (rng.random(size) * (spec.days - first)).astype(np.int64)
        return _where(happens & (day < spec.days), day)

    return {
        "id_verified": pl.Series(at_once),
        "verified_day": _where(later, verified_day),
        "flip_day": a_day(rng.random(size) < rule["consent"]["flips"]),
        "move_day": a_day(rng.random(size) < rule["moves"]),
        "erased_day": _where(leaves, erased_day),
    }


def _where(condition: npt.NDArray[np.bool_], day: IntArray) -> pl.Series:
    return pl.select(pl.when(pl.Series(condition)).then(pl.Series(day, dtype=pl.Int32))).to_series()


def _tastes(spec: WorldSpec, segment: IntArray, categories: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return a Dirichlet draw around the taste of the segment: people of one segment are alike, not equal."""
    alpha = segment_tastes(categories)
    drawn = stream(spec.seed, "tastes").gamma(alpha[segment])
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True), dtype=np.float32)


def segment_tastes(categories: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the weight of each category in each segment, [segments x categories]."""
    rule = parameters("people")
    tastes = [segment["taste"] for segment in rule["segments"].values()]
    return np.array([[rule["taste_base"] + taste.get(name, 0.0) for name in categories] for taste in tastes])


def truth_people(plan: "Plan") -> pl.DataFrame:
    """Return what no model may see of people: segment, person, household, sensitivities and taste."""
    names = pl.Series(plan.people.segments)
    taste = {
        f"taste_{name}": plan.people.taste[:, number] for number, name in enumerate(plan.people.categories)
    }
    return plan.people.frame.select(
        "customer_id",
        "person",
        "household",
        names.gather(plan.people.frame["segment"].cast(pl.UInt32)).alias("segment"),
        "price_sensitivity",
        "delivery_sensitivity",
        timestamp(pl.col("created_ts")),
        "joined_day",
        "erased_day",
    ).with_columns(pl.Series(name, column) for name, column in taste.items())
