"""Who is who: accounts and devices of one person, from keys they share; deterministic, and undone by taking a key away.

Nothing is learned and nothing is kept from day to day: the persons of a day follow from the keys seen by that day, so a
merge ends with the key it rests on. Where keys come from does not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

EMAIL, PHONE, DEVICE = "email", "phone", "device"
KINDS = (EMAIL, PHONE, DEVICE)
ACCOUNT = "customer"

MAP_SCHEMA = pl.Schema(
    [
        ("kind", pl.String),
        ("source_id", pl.String),
        ("person_id", pl.String),
        ("link_rule", pl.String),
        ("valid_from", pl.Date),
        ("is_shared", pl.Boolean),
    ]
)
LINK_SCHEMA = pl.Schema(
    [
        ("customer_id", pl.String),
        ("other_customer_id", pl.String),
        ("rule", pl.String),
        ("is_accepted", pl.Boolean),
        ("shared_keys", pl.String),
        ("valid_from", pl.Date),
    ]
)
CUT_SCHEMA = pl.Schema([("kind", pl.String), ("key_value", pl.String), ("n_customers", pl.Int64)])


@dataclass(frozen=True, kw_only=True)
class IdentityParams:
    """Settings of the identity graph.

    Attributes:
        max_customers_per_key: a key of more accounts links nobody: a reseller's address, a hotline typed in as phone,
            the computer of an internet cafe.
    """

    max_customers_per_key: int = 5

    def __post_init__(self) -> None:
        """Refuse a limit that would link nobody at all."""
        if self.max_customers_per_key < 2:
            raise ValueError(f"max_customers_per_key is {self.max_customers_per_key}: give 2 or more")


@dataclass(frozen=True, kw_only=True)
class Identities:
    """The persons of a day.

    Attributes:
        map: `MAP_SCHEMA`. Every account once: `link_rule` says what ties it to its person (`own` for the account that
            names the person). A device for every person who has logged in on it; `is_shared` where they are several.
        links: `LINK_SCHEMA`, one row per pair of accounts with a key in common, accepted or refused, and why.
        cut_keys: `CUT_SCHEMA`, keys of too many accounts.
    """

    map: pl.DataFrame
    links: pl.DataFrame
    cut_keys: pl.DataFrame


def resolve(accounts: pl.DataFrame, keys: pl.DataFrame, params: IdentityParams) -> Identities:
    """Return the persons behind accounts and devices.

    Households share telephones and computers, so a key alone does not make two accounts one person:

    - a year of birth or a gender that both accounts state and state differently refuses any link;
    - an e-mail address links;
    - a telephone or a device links accounts with the same stated year of birth;
    - where a year of birth is not stated, a telephone and a device together link.

    A person is named by the smallest account id ever in it. A group that contradicts itself through a third account
    keeps its e-mail links only, and none where these contradict too.

    Args:
        accounts: customer_id (unique), birth_year, gender (null = not stated), valid_from (day it is known from).
        keys: customer_id, kind (`email`, `phone`, `device`), key_value, valid_from (day the key was first seen with the
            account), one row each. Keys of unknown accounts are left out.
        params: settings.

    Raises:
        ValueError: an account is listed twice, or a kind of key is unknown.
    """
    people = accounts.sort("customer_id")
    if people["customer_id"].n_unique() != people.height:
        raise ValueError("an account has several rows: give the latest version of each")
    unknown = sorted(set(keys["kind"].unique()) - set(KINDS))
    if unknown:
        raise ValueError(f"kinds of key {unknown} are unknown: give {', '.join(KINDS)}")
    known = (
        keys.join(people.select("customer_id"), on="customer_id", how="semi")
        .drop_nulls("key_value")
        .group_by("customer_id", "kind", "key_value")
        .agg(pl.col("valid_from").min())
        .sort("kind", "key_value", "customer_id")
    )
    users = known.group_by("kind", "key_value").agg(n_customers=pl.len().cast(pl.Int64))
    cut = users.filter(pl.col("n_customers") > params.max_customers_per_key).sort("kind", "key_value")
    kept = known.join(cut, on=["kind", "key_value"], how="anti", maintain_order="left")
    links = _without_contradictions(_judged(_pairs(kept), people), people)
    persons = _persons(people, links.filter("is_accepted"))
    return Identities(
        map=pl.concat([_account_rows(people, persons, links), _device_rows(kept, persons)]),
        links=links.select(LINK_SCHEMA.names()).sort("customer_id", "other_customer_id"),
        cut_keys=cut.select(CUT_SCHEMA.names()),
    )


def _pairs(kept: pl.DataFrame) -> pl.DataFrame:
    """Pairs of accounts with the kinds of key they share; at most 10 pairs a key, as keys of many are cut."""
    shared = kept.filter(pl.len().over("kind", "key_value") > 1)
    return (
        shared.join(shared, on=["kind", "key_value"], suffix="_other")
        .filter(pl.col("customer_id") < pl.col("customer_id_other"))
        .with_columns(seen=pl.max_horizontal("valid_from", "valid_from_other"))
        .group_by("customer_id", pl.col("customer_id_other").alias("other_customer_id"))
        .agg(
            kinds=pl.col("kind").unique().sort(),
            valid_from=pl.col("seen").min(),
        )
        .sort("customer_id", "other_customer_id")
    )


def _judged(pairs: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    stated = people.select("customer_id", "birth_year", "gender")
    both = pairs.join(stated, on="customer_id", how="left", maintain_order="left").join(
        stated,
        left_on="other_customer_id",
        right_on="customer_id",
        how="left",
        suffix="_other",
        maintain_order="left",
    )
    has = {kind: pl.col("kinds").list.contains(kind) for kind in KINDS}
    differs = (pl.col("birth_year") != pl.col("birth_year_other")) | (
        pl.col("gender") != pl.col("gender_other")
    )
    # A comparison with an unstated value is null: neither a contradiction nor an agreement.
    rule = (
        pl.when(differs.fill_null(value=False))
        .then(pl.lit("refused: different person by year of birth or gender"))
        .when(has[EMAIL])
        .then(pl.lit("email"))
        .when((pl.col("birth_year") == pl.col("birth_year_other")) & has[PHONE])
        .then(pl.lit("phone and year of birth"))
        .when((pl.col("birth_year") == pl.col("birth_year_other")) & has[DEVICE])
        .then(pl.lit("device and year of birth"))
        .when(has[PHONE] & has[DEVICE])
        .then(pl.lit("phone and device"))
        .otherwise(pl.lit("refused: a household may share it"))
    )
    return both.with_columns(rule=rule, shared_keys=pl.col("kinds").list.join(", ")).with_columns(
        is_accepted=~pl.col("rule").str.starts_with("refused")
    )


def _without_contradictions(links: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    for survives in (pl.col("rule") == "email", pl.lit(value=False)):
        persons = _persons(people, links.filter("is_accepted"))
        told = people.select("customer_id", "birth_year", "gender").join(persons, on="customer_id")
        torn = (
            told.group_by("person_id")
            .agg(pl.col("birth_year", "gender").drop_nulls().n_unique())
            .filter((pl.col("birth_year") > 1) | (pl.col("gender") > 1))
        )
        if torn.is_empty():
            return links
        members = persons.join(torn, on="person_id", how="semi")["customer_id"].implode()
        dropped = pl.col("is_accepted") & pl.col("customer_id").is_in(members) & ~survives
        links = links.with_columns(
            is_accepted=pl.col("is_accepted") & ~dropped,
            rule=pl.when(dropped)
            .then(pl.lit("refused: contradicts another link of the group"))
            .otherwise("rule"),
        )
    return links


def _persons(people: pl.DataFrame, accepted: pl.DataFrame) -> pl.DataFrame:
    """customer_id and person_id of every account of `people`; they come by id, so the first member is the smallest."""
    ids = people["customer_id"]
    ends = [ids.search_sorted(accepted[name]).to_numpy() for name in ("customer_id", "other_customer_id")]
    graph = coo_array((np.ones(accepted.height, dtype=bool), ends), shape=(len(ids), len(ids)))
    label = connected_components(graph, directed=False)[1] if len(ids) else np.zeros(0, dtype=np.int32)
    return people.select("customer_id", label=pl.Series(label, dtype=pl.Int32)).select(
        "customer_id", person_id=pl.col("customer_id").first().over("label")
    )


def _account_rows(people: pl.DataFrame, persons: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    ends = pl.concat(
        [
            links.filter("is_accepted").select(pl.col(name).alias("customer_id"), "rule", "valid_from")
            for name in ("customer_id", "other_customer_id")
        ]
    )
    first = (
        ends.sort("customer_id", "valid_from", "rule").group_by("customer_id", maintain_order=True).first()
    )
    rows = people.select("customer_id", "valid_from").join(persons, on="customer_id", maintain_order="left")
    rows = rows.join(first, on="customer_id", how="left", suffix="_link", maintain_order="left")
    is_own = pl.col("customer_id") == pl.col("person_id")
    return rows.select(
        kind=pl.lit(ACCOUNT),
        source_id="customer_id",
        person_id="person_id",
        link_rule=pl.when(is_own).then(pl.lit("own")).otherwise("rule"),
        valid_from=pl.when(is_own).then("valid_from").otherwise("valid_from_link"),
        is_shared=pl.lit(value=False),
    )


def _device_rows(kept: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    return (
        kept.filter(pl.col("kind") == DEVICE)
        .join(persons, on="customer_id")
        .group_by("key_value", "person_id")
        .agg(pl.col("valid_from").min())
        .sort("key_value", "person_id")
        .select(
            kind=pl.lit(DEVICE),
            source_id="key_value",
            person_id="person_id",
            link_rule=pl.lit("login"),
            valid_from="valid_from",
            is_shared=pl.len().over("key_value") > 1,
        )
    )
