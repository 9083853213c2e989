"""What the shop's systems send about customers: versions, deletion requests and declared preferences."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import timestamp
from xbec_platform.world.people import People, place_columns
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.streams import categorical, stream

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

TIME = pl.Datetime("us", "UTC")
DELETION_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "request_id": pl.String,
    "customer_id": pl.String,
    "email_hash": pl.String,
    "requested_ts": TIME,
    "scope": pl.String,
    "legal_basis": pl.String,
}
# Changes of a day are written in the evening, after any registration of that day's file that they could concern.
CHANGE_SECOND = 18 * 3600
ERASURE_SECOND = 20 * 3600
PRICE_LEVELS = ("high", "mid", "low")


def customers_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the customer file of a day: everyone on day 0, then registrations, changes and deletions.

    Returns:
        The columns of `customers.yml`, one row per customer and version, sorted by its key. Day 0 is the full
        export at midnight; a change (consent to marketing, address, identity verified) is a new version.
    """
    people, spec = plan.people, plan.spec
    frame = people.frame
    changes = [pl.col(name) == day for name in ("flip_day", "move_day", "verified_day")]
    gone = (pl.col("erased_day") <= day).fill_null(value=False)
    joins = (pl.col("joined_day") == day) & ~gone
    changed = pl.any_horizontal(changes).fill_null(value=False) & (pl.col("joined_day") < day) & ~gone
    everyone = (pl.col("joined_day") < 0) & (day == 0)
    leaves = (pl.col("erased_day") == day).fill_null(value=False)
    second = pl.int_range(pl.len(), dtype=pl.Int64) % 3600
    midnight = spec.midnight(day)
    versions = [
        (everyone, pl.lit(midnight, dtype=pl.Int64)),
        (joins, pl.col("created_ts")),
        (changed & (day > 0), midnight + CHANGE_SECOND + second),
        (leaves, midnight + ERASURE_SECOND + second),
    ]
    numbered = frame.with_row_index("customer")
    parts = [numbered.with_columns(updated_ts=updated).filter(chosen) for chosen, updated in versions]
    rows = pl.concat(parts)
    return _customer_columns(people, spec, rows, day).sort("customer_id", "updated_ts")


def _customer_columns(people: People, spec: WorldSpec, rows: pl.DataFrame, day: int) -> pl.DataFrame:
    erased = (pl.col("erased_day") <= day).fill_null(value=False)
    flipped = (pl.col("flip_day") <= day).fill_null(value=False)
    return _with_address(people, spec, rows, day).select(
        "customer_id",
        timestamp(pl.col("created_ts")).alias("created_ts"),
        timestamp(pl.col("updated_ts")).alias("updated_ts"),
        "email_hash",
        "phone_hash",
        *(pl.col(name).cast(pl.String) for name in ("country", "region", "city", "postal_code")),
        "lat",
        "lon",
        pl.col("language").cast(pl.String),
        pl.col("birth_year").cast(pl.Int64),
        pl.col("gender").cast(pl.String),
        pl.col("acquisition_channel").cast(pl.String),
        pl.when(erased).then(pl.lit("deleted")).otherwise(pl.lit("active")).alias("registration_status"),
        (pl.col("verified_day") <= day).fill_null(value=False).alias("id_verified"),
        ((pl.col("consent_marketing") ^ flipped) & ~erased).alias("consent_marketing"),
        "consent_profiling",
        pl.when(erased).then(timestamp(pl.col("updated_ts"))).cast(TIME).alias("deleted_ts"),
    )


def _with_address(people: People, spec: WorldSpec, rows: pl.DataFrame, day: int) -> pl.DataFrame:
    """Return the rows with the address of the day: people who moved live in a drawn city of their market."""
    customer, market = rows["customer"].to_numpy(), rows["market"].to_numpy().astype(np.int64)
    moved = (rows["move_day"] <= day).fill_null(value=False)
    size = people.frame.height
    # Drawn for everyone, so that the new home does not depend on who moves that day.
    uniform = stream(spec.seed, "moves").random((size, 3))[customer]
    count = np.bincount(people.cities["market"].to_numpy(), minlength=len(people.markets))
    first = np.cumsum(count) - count
    city = first[market] + (uniform[:, 0] * count[market]).astype(np.int64)
    home = place_columns(people.cities, city, customer.astype(np.int64) * 7 + 1, uniform[:, 1:])
    return rows.with_columns(
        pl.when(moved).then(series.cast(rows.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, series in home.items()
    )


def deletion_requests_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the requests for erasure received on a day, by request_id; the account is closed that evening."""
    rule = parameters("people")["erasures"]
    asked = plan.people.frame.with_row_index("customer").filter(pl.col("erased_day") == day)
    uniform = stream(plan.spec.seed, "deletion requests", day).random((asked.height, 4))
    requested = plan.spec.midnight(day) + (uniform[:, 0] * ERASURE_SECOND).astype(np.int64)
    # Some write from their mail account without naming the shop's identifier.
    by_mail = pl.Series(uniform[:, 1] < rule["by_mail"])
    return asked.select(
        pl.format(
            "D{}-{}", pl.lit(f"{day:04d}"), pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(4)
        ).alias("request_id"),
        pl.when(~by_mail).then("customer_id").alias("customer_id"),
        "email_hash",
        timestamp(pl.lit(pl.Series(requested, dtype=pl.Int64))).alias("requested_ts"),
        _chosen(uniform[:, 2], rule["scopes"]).alias("scope"),
        _chosen(uniform[:, 3], rule["legal_basis"]).alias("legal_basis"),
    ).select(pl.col(name).cast(dtype) for name, dtype in DELETION_SCHEMA.items())


def _chosen(uniform: npt.NDArray[np.float64], shares: dict[str, float]) -> pl.Series:
    return pl.Series(list(shares)).gather(pl.Series(categorical(uniform, list(shares.values()))))


def preferences_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return what customers declare on a day about themselves, at their registration or in a later survey.

    Returns:
        customer_id, key (favourite_category, delivery, price_level, newsletter), value, source (setting, survey)
        and updated_ts, sorted by the key of the table. Values agree with the taste of the customer only partly.
        Day 0 has all settings made before.
    """
    people, spec = plan.people, plan.spec
    rule = parameters("people")["preferences"]
    uniform = stream(spec.seed, "preferences").random((people.frame.height, 7))
    joined = people.frame["joined_day"].to_numpy().astype(np.int64)
    survey = uniform[:, 1] < rule["survey"]
    wait = (uniform[:, 2] * spec.days).astype(np.int64)
    declared = np.where(survey, np.maximum(joined, 0) + wait, np.maximum(joined, 0))
    erased = people.frame["erased_day"].fill_null(spec.days).to_numpy()
    here = np.flatnonzero((uniform[:, 0] < rule["declared"]) & (declared == day) & (day < erased))
    created = people.frame["created_ts"].to_numpy()[here]
    at_noon = spec.midnight(day) + 12 * 3600 + here % 3600
    updated = np.where(survey[here], np.maximum(at_noon, created + 60), created + 60)
    values = _declared_values(people, here, uniform[here, 3:])
    base = pl.DataFrame(
        {
            "customer_id": people.frame["customer_id"].gather(pl.Series(here)),
            "source": pl.Series(np.where(survey[here], "survey", "setting"), dtype=pl.String),
            "updated": pl.Series(updated, dtype=pl.Int64),
        }
    )
    rows = pl.concat([base.with_columns(key=pl.lit(key), value=column) for key, column in values.items()])
    return rows.select(
        "customer_id", "key", "value", "source", timestamp(pl.col("updated")).alias("updated_ts")
    ).sort("customer_id", "key", "updated_ts")


def _declared_values(
    people: People, customer: npt.NDArray[np.int64], uniform: npt.NDArray[np.float64]
) -> dict[str, pl.Series]:
    rule = parameters("people")["preferences"]
    agrees = rule["agrees"]
    chosen = people.frame[customer] if len(customer) else people.frame.clear()
    delivery, price = (chosen[f"{name}_sensitivity"].to_numpy() for name in ("delivery", "price"))
    level = np.clip((price * len(PRICE_LEVELS)).astype(np.int64), 0, len(PRICE_LEVELS) - 1)
    return {
        "favourite_category": _noisy(
            uniform[:, 0],
            agrees["favourite_category"],
            people.taste[customer].argmax(axis=1),
            people.categories,
        ),
        "delivery": _noisy(
            uniform[:, 1], agrees["delivery"], (delivery > 0.5).astype(np.int64), ("cheap", "fast")
        ),
        "price_level": _noisy(uniform[:, 2], agrees["price_level"], level, PRICE_LEVELS),
        "newsletter": _chosen(uniform[:, 3], rule["newsletter"]),
    }


def _noisy(
    uniform: npt.NDArray[np.float64], agrees: float, true: npt.NDArray[np.int64], names: Sequence[str]
) -> pl.Series:
    """Return the true choice with probability `agrees`, otherwise any choice."""
    left = np.clip((uniform - agrees) / (1 - agrees), 0.0, 0.999_999)
    index = np.where(uniform < agrees, true, (left * len(names)).astype(np.int64))
    return pl.Series(list(names), dtype=pl.String).gather(pl.Series(index))
