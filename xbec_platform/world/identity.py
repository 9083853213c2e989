"""Who is who: persons, households, their devices and the keys they share. What people like does not belong here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.streams import categorical, stream

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

IntArray = npt.NDArray[np.int64]

# Fewer than this many users would not make the shared computer of an internet cafe stand out.
LEAST_CAFE_USERS = 30
HASH_BYTES = 16
ANONYMOUS_ID_BYTES = 8
HEX_DIGITS = np.frombuffer(b"".join(f"{byte:02x}".encode() for byte in range(256)), dtype=np.uint8).reshape(
    256, 2
)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Accounts of persons in households; arrays have one entry per customer (account).

    Attributes:
        person: Person behind the account; a few have two.
        household: Household of the person.
        crowded: True where the household has two or more persons.
    """

    person: IntArray
    household: IntArray
    crowded: npt.NDArray[np.bool_]

    @property
    def persons(self) -> int:
        """Number of persons."""
        return int(self.person.max()) + 1


def draw_identity(spec: WorldSpec) -> Identity:
    """Return persons and households of all accounts, in no order of time."""
    rule = parameters("people")
    rng = stream(spec.seed, "identity")
    seconds = round(spec.people * rule["identity"]["second_accounts"])
    persons = spec.people - seconds
    sizes_of = rule["households"]["sizes"]
    kinds = categorical(rng.random(persons), list(sizes_of.values()))
    sizes = np.array(list(sizes_of), dtype=np.int64)[kinds]
    household_of = np.repeat(np.arange(persons), sizes)[:persons]
    person = np.concatenate([np.arange(persons), rng.choice(persons, seconds, replace=False)])
    person = rng.permutation(person)
    household = household_of[person]
    return Identity(person=person, household=household, crowded=np.bincount(household_of)[household] > 1)


def hex_text(values: npt.NDArray[np.uint8]) -> pl.Series:
    """Return each row of bytes as lower-case hexadecimal text."""
    rows, width = values.shape
    text = HEX_DIGITS[values].reshape(-1)
    offsets = np.arange(rows + 1, dtype=np.int64) * 2 * width
    array = pa.LargeStringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(text))
    return pl.Series(pl.from_arrow(array))


def random_hex(rng: np.random.Generator, rows: int, width: int) -> pl.Series:
    """Return random texts of `2 * width` hexadecimal digits."""
    return hex_text(np.frombuffer(rng.bytes(rows * width), dtype=np.uint8).reshape(rows, width))


def contact_hashes(spec: WorldSpec, identity: Identity) -> tuple[pl.Series, pl.Series]:
    """Return the salted hashes of e-mail addresses and of telephone numbers (null where none is known)."""
    rule = parameters("people")["identity"]
    rng = stream(spec.seed, "contacts")
    size, persons = len(identity.person), identity.persons
    own_email = np.where(
        _is_second(identity) & (rng.random(size) >= rule["second_account_same_email"]),
        2 * persons + np.arange(size),
        identity.person,
    )
    email = _shared_keys(rng, own_email, identity, rule["household_email"], rule["reseller_email"])
    phone = _shared_keys(rng, identity.person, identity, rule["household_phone"], rule["hotline_phone"])
    known = pl.Series(rng.random(persons)[identity.person] < rule["phone_known"])
    phones = pl.select(pl.when(known).then(_hashes(rng, phone))).to_series()
    return _hashes(rng, email), phones


def _is_second(identity: Identity) -> npt.NDArray[np.bool_]:
    first = np.full(identity.persons, -1)
    # Assigned from the end, so that the first account of a person stays.
    first[identity.person[::-1]] = np.arange(len(identity.person))[::-1]
    return np.asarray(first[identity.person] != np.arange(len(identity.person)))


def _shared_keys(
    rng: np.random.Generator, own: IntArray, identity: Identity, in_household: float, by_far_too_many: float
) -> IntArray:
    persons = identity.persons
    shared = identity.crowded & (rng.random(persons)[identity.person] < in_household)
    key = np.where(shared, persons + identity.household, own)
    return np.where(rng.random(len(own)) < by_far_too_many, -1, key)


def _hashes(rng: np.random.Generator, key: IntArray) -> pl.Series:
    distinct, index = np.unique(key, return_inverse=True)
    return random_hex(rng, len(distinct), HASH_BYTES).gather(pl.Series(index))


def draw_devices(spec: WorldSpec, identity: Identity) -> pl.DataFrame:
    """Return who uses which device.

    Returns:
        One row per account and device by customer: device_no, person, customer, anonymous_id, device (mobile,
        desktop, tablet), app (web, ios, android), user_agent_class (browser, mobile_browser, app). A device
        shared in a household, or standing in an internet cafe, has several rows.
    """
    rule: Mapping[str, Any] = parameters("people")
    kinds = list(rule["devices"])
    rng = stream(spec.seed, "devices")
    used, key = _links(rng, identity, rule)
    customer, kind = np.nonzero(used)
    distinct, number = np.unique(key[used], return_inverse=True)
    kind_of = np.empty(len(distinct), dtype=np.int64)
    kind_of[number] = np.where(kind < len(kinds), kind, kinds.index("desktop"))
    apps = _apps(rng, kind_of, rule["devices"])
    chosen = pl.Series(number)
    device = pl.Series(kind_of).cast(pl.UInt8).cat.to(pl.Enum(kinds))
    return pl.DataFrame(
        {
            "device_no": pl.Series(number, dtype=pl.Int32),
            "person": pl.Series(identity.person[customer], dtype=pl.Int32),
            "customer": pl.Series(customer, dtype=pl.Int32),
            "anonymous_id": random_hex(rng, len(distinct), ANONYMOUS_ID_BYTES).gather(chosen),
            "device": device.gather(chosen),
            "app": apps.gather(chosen),
        }
    ).with_columns(user_agent_class=user_agent_class(pl.col("device"), pl.col("app")))


def user_agent_class(device: pl.Expr, app: pl.Expr) -> pl.Expr:
    """Return the class of the user agent that a device and an app give."""
    classes = pl.Enum(parameters("behaviour")["user_agent_classes"])
    in_browser = pl.when(device == "mobile").then(pl.lit("mobile_browser")).otherwise(pl.lit("browser"))
    return pl.when(app == "web").then(in_browser).otherwise(pl.lit("app")).cast(classes)


def _links(
    rng: np.random.Generator, identity: Identity, rule: Mapping[str, Any]
) -> tuple[npt.NDArray[np.bool_], IntArray]:
    """Return which device kinds an account uses and the key of each; the last column is the internet cafe."""
    size, persons = len(identity.person), identity.persons
    kinds = list(rule["devices"].values())
    chance = rng.random((persons, len(kinds), 2))[identity.person]
    owned = chance[:, :, 0] < [kind["owned"] for kind in kinds]
    owned[:, 0] |= ~owned.any(axis=1)
    shared = identity.crowded[:, None] & (chance[:, :, 1] < [kind["shared"] for kind in kinds])
    place = np.arange(len(kinds))
    owner = np.where(shared, persons + identity.household[:, None], identity.person[:, None])
    users = min(max(LEAST_CAFE_USERS, round(size * rule["identity"]["cafe_device"])), size)
    in_cafe = np.zeros(size, dtype=bool)
    in_cafe[rng.choice(size, users, replace=False)] = True
    used = np.column_stack([owned, in_cafe])
    return used, np.column_stack([owner * len(kinds) + place, np.full(size, -1)])


def _apps(rng: np.random.Generator, kind: IntArray, devices: Mapping[str, Any]) -> pl.Series:
    names = list(devices["mobile"]["apps"])
    share = np.array([[rule["apps"].get(name, 0.0) for name in names] for rule in devices.values()])
    passed = rng.random(len(kind))[:, None] >= np.cumsum(share, axis=1)[kind][:, :-1]
    return pl.Series(passed.sum(axis=1)).cast(pl.UInt8).cat.to(pl.Enum(names))


def truth_identity(plan: "Plan") -> pl.DataFrame:
    """Return the person and household behind every account and device: kind, identifier, person, household.

    A shared device has a row per person who uses it.
    """
    accounts = plan.people.frame.select(
        pl.lit("customer").alias("kind"), pl.col("customer_id").alias("identifier"), "person", "household"
    )
    homes = plan.people.frame.select("person", "household").unique(
        "person", keep="first", maintain_order=True
    )
    devices = plan.people.devices.select("anonymous_id", "person").unique(maintain_order=True)
    linked = devices.join(homes, on="person", maintain_order="left").select(
        pl.lit("device").alias("kind"), pl.col("anonymous_id").alias("identifier"), "person", "household"
    )
    return pl.concat([accounts, linked])
