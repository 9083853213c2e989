"""What a column's name alone says: PII class and unit, by explicit rules in one place.

A rule here is the last resort before "nobody classified this": contracts, dbt and `tables.yml` count first.
"""

from __future__ import annotations

import re

# Names are read from their end: `matched_customer_id` is a customer_id, `ship_postal` a postal code.
_DIRECT = (
    ("contact", re.compile(r"(^|_)(email|e_mail|phone|mobile|msisdn)(_(hash|address|number))?$")),
    ("contact", re.compile(r"(^|_)((first|last|full|family|given|contact|recipient)_name|street|address(_line)?\d?)$")),
    (
        "identifier",
        re.compile(
            r"(^|_)(customer|person|buyer|user|visitor|anonymous|session|device|client|household)"
            r"(_pseudo)?_(id|key|hash)$"
        ),
    ),
    ("identifier", re.compile(r"(^|_)(ip|ip_address|passport_no|tax_id|iban)$")),
)  # fmt: skip
# These point at a person only together with others, hence only in a table that speaks of persons: the place of
# a warehouse is no secret.
_TOGETHER = re.compile(
    r"(^|_)(postal|postal_code|postcode|zip|zip_code|city|region|lat|lon|latitude|longitude|"
    r"birth_year|birth_date|birthday|age|gender|search_query)$"
)
_NUMBER = re.compile(r"(U|HUGE|TINY|SMALL|BIG)*INT|DECIMAL|DOUBLE|FLOAT|REAL|NUMERIC", re.IGNORECASE)
_NOT_TEXT = re.compile(
    r"((U|HUGE|TINY|SMALL|BIG)*INT(EGER)?|DECIMAL.*|DOUBLE|FLOAT|REAL|NUMERIC.*|BOOLEAN|DATE|TIME.*|INTERVAL)",
    re.IGNORECASE,
)
_UNITS = (
    (re.compile(r"_base(_|$)"), "base currency"),
    (re.compile(r"_per_kg$"), "currency per kg"),
    (re.compile(r"_per_cbm$"), "currency per m3"),
    (re.compile(r"(^|_)kg$"), "kg"),
    (re.compile(r"_cm$"), "cm"),
    (re.compile(r"_km$"), "km"),
    (re.compile(r"_m3$"), "m3"),
    (re.compile(r"_days$|_d$"), "days"),
    (re.compile(r"_s$"), "s"),
    (re.compile(r"_ms$"), "ms"),
    (re.compile(r"_bytes$"), "bytes"),
    (re.compile(r"_pct$"), "percent"),
    (re.compile(r"(^|_)(lat|lon)$"), "deg"),
    (re.compile(r"(^|_)(share|rate)$"), "1"),
    (re.compile(r"(^|_)(qty|units|items)(_\d+d)?$"), "pieces"),
    (re.compile(r"^n_|^rows(_|$)"), "count"),
)


def direct_class(name: str) -> str | None:
    """Class of a name that identifies or reaches a person by itself, in any table; None for other names."""
    return next((pii for pii, rule in _DIRECT if rule.search(name)), None)


def quasi_class(name: str) -> str | None:
    """`quasi` for a name that identifies together with others; holds only in tables that speak of persons."""
    return "quasi" if _TOGETHER.search(name) else None


def unit_of(name: str, data_type: str | None) -> str | None:
    """Unit that a number's name says; None for text, days and times, and for names that say none."""
    if not data_type or not _NUMBER.match(data_type):
        return None
    return next((unit for rule, unit in _UNITS if rule.search(name)), None)


def is_text(data_type: str | None) -> bool:
    """Whether values of a type can hold words: text, JSON, lists and records; an unknown type may."""
    return not data_type or not _NOT_TEXT.fullmatch(data_type)
