"""Which identifiers are a person's own: the small home says it by eye."""

import pytest

from xbec_platform.erasure.identity import (
    AmbiguousPersonError,
    Identifier,
    Person,
    UnknownPersonError,
    find_person,
)
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse
from xbec_platform_tests.unit.erasure.small_home import (
    CAFE,
    DEVICE,
    EMAIL,
    FAMILY_DEVICE,
    PERSON,
    PHONE,
    load,
)
from xbec_platform_tests.unit.erasure.small_home import land as land_file


def find(settings: Settings, name: str) -> Person:
    with Warehouse.of(settings).connect("test") as connection:
        return find_person(connection, name)


@pytest.mark.parametrize("name", [PERSON, EMAIL])
def test_person_by_account_or_mail(untouched: Settings, name: str) -> None:
    """Six others in the cafe say nothing; the family shares a computer and a telephone; the rest is the person's."""
    person = find(untouched, name)
    assert {one.value for one in person.own} == {
        PERSON,
        EMAIL,
        DEVICE,
        "session-before",
        "session-login",
        "session-family",
        "session-cafe",
    }
    assert person.shared == (Identifier("phone_hash", PHONE), Identifier("anonymous_id", FAMILY_DEVICE))
    assert person.dropped == (Identifier("anonymous_id", CAFE),)
    assert person.orders == ("O1",)
    assert Person.from_json(person.to_json()) == person


def test_unknown_name_changes_nothing(untouched: Settings) -> None:
    """A slip of the pen must not end as a successful erasure."""
    with pytest.raises(UnknownPersonError, match="C999999"):
        find(untouched, "C999999")


def test_mail_of_several_accounts_is_for_a_human(copied: Settings) -> None:
    """Households share an address: which of them asks, the platform must not guess."""
    land_file(
        copied,
        "customers/dt=2026-01-02/b.csv",
        f"customer_id,updated_ts,email_hash\nC000003,2026-01-02T00:00:00Z,{EMAIL}\n",
    )
    assert load(copied)
    with pytest.raises(AmbiguousPersonError, match="C000001, C000003"):
        find(copied, EMAIL)
    # By the account it is clear, and the shared address is nobody's own any more.
    assert Identifier("email_hash", EMAIL) in find(copied, PERSON).shared
