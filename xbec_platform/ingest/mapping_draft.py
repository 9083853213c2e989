"""A first draft of a mapping from a sample file: what can be told from names and values, and what a person must say.

The draft is a complete mapping: it loads and reads its sample. Guesses are marked as such.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import polars as pl
import yaml

from xbec_platform.ingest.contracts import Column, Contract, contracts
from xbec_platform.ingest.formats.numbers import detect_styles
from xbec_platform.ingest.formats.records import ROW, FileRejectedError, Reading, Records, as_text
from xbec_platform.ingest.native import typed_columns

# Tried in this order; the first type that reads every value of a column is taken.
_TYPES = ("integer", "decimal(18,4)", "double", "date", "timestamp", "boolean", "currency", "country", "json")
_TIME_FORMATS = {
    "date": ("%d-%b-%y", "%d-%b-%Y", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d"),
    "timestamp": (
        "%Y-%m-%d %H:%M:%S %z",
        "%m/%d/%Y %H:%M",
        "%d/%m/%Y %H:%M",
        "%d.%m.%Y %H:%M:%S",
        "%d.%m.%Y %H:%M",
    ),
}
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
# First match counts: a "Default Address City" is a city.
_PERSONAL = (
    (
        "identifier",
        ("customer_id", "customerid", "user_id", "client_id", "cookie", "device_id", "ip_address"),
    ),
    (
        "quasi",
        (
            "zip",
            "postal",
            "postcode",
            "city",
            "province",
            "region",
            "birth",
            "gender",
            "latitude",
            "longitude",
        ),
    ),
    (
        "contact",
        ("email", "e_mail", "phone", "mobile", "fax", "street", "address", "first_name", "last_name"),
    ),
    ("contact", ("full_name", "billing_name", "shipping_name", "customer_name", "recipient", "buyer_name")),
)
# Endings that say how a column is kept, not what it is.
_FORMS = {"ts", "hash", "date", "code"}
_MAX_KEY = 3


@dataclass(frozen=True)
class Guess:
    """What a column of the sample looks like.

    Attributes:
        name: Column of the file.
        type: Type of a contract's column.
        formats: Patterns that read its dates; several when the sample fits all of them.
        nullable: A value is missing.
        pii: Class of personal data, by name and values.
        hash: `email` or `phone` when the values are such.
    """

    name: str
    type: str
    formats: tuple[str, ...]
    nullable: bool
    pii: str
    hash: str | None


def name_of(path: Path) -> str:
    """A name for the mapping of a file such as `Orders 2026.csv.gz`: small letters, digits and underscores."""
    return _plain(path.name.split(".")[0]) or "export"


def draft_mapping(records: Records, name: str) -> str:
    """A mapping file as text.

    Args:
        records: The sample.
        name: Name of the mapping and of its landing folder.
    """
    texts = as_text(records.frame.drop(ROW))
    guesses = [_guess(texts[column]) for column in texts.columns]
    key = _candidate_key(texts, guesses)
    times = [guess.name for guess in guesses if guess.type in {"timestamp", "date"} and not guess.nullable]
    contract = _most_similar(guesses, name)
    ordinals = "" if key else "\nordinals:\n  row_of_file: []\n"
    return (
        f"mapping: {name}\n"
        f"# TODO say what the export is and where it comes from.\ndescription: Drafted from a sample of {name}.\n"
        f"# TODO name of the shop on pages, currency it counts in, IANA zone of times without an offset.\n"
        f"shop: {name}\nbase_currency: EUR\ntime_zone: UTC\n"
        f"{_deliver_by(times, guesses)}"
        f"# What is not named below stays out of the warehouse; `keep` puts it into _extra, people's data included.\n"
        f"extra: drop\n\nfile:\n{_key_lines(key)}{_event_time(times)}  columns:\n"
        + "".join(_column_line(guess) for guess in guesses)
        + f"{ordinals}\n{_table_lines(contract, guesses, name)}"
    )


def _guess(values: pl.Series) -> Guess:
    given = values.drop_nulls()
    pii, hashed = _personal(values.name, given)
    type_, formats = ("text", ()) if hashed or given.is_empty() else _type_of(given)
    if type_ in {"boolean", "country", "currency", "date", "timestamp"} and "birth" not in _plain(
        values.name
    ):
        pii = "none"
    return Guess(values.name, type_, formats, given.len() < values.len(), pii, hashed)


def _personal(name: str, given: pl.Series) -> tuple[str, str | None]:
    """PII class and hash by the values where they tell, else by the name."""
    plain = _plain(name)
    # One slip of a source must not leave all other addresses unguarded.
    addresses = given.str.strip_chars().str.contains(_EMAIL).sum()
    if addresses * 2 > given.len() or (addresses and any(word in plain for word in ("email", "e_mail"))):
        return "contact", "email"
    if any(word in plain for word in ("phone", "mobile")) and not given.str.contains("[A-Za-z]").any():
        return "contact", "phone"
    for pii, words in _PERSONAL:
        if any(word in plain for word in words):
            return pii, None
    return "none", None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _type_of(given: pl.Series) -> tuple[str, tuple[str, ...]]:
    # Digits with a zero in front are codes: as numbers they would lose it.
    if given.str.contains(r"^0\d+$").any():
        return "text", ()
    # 17850.0 is how tools that know only floats write whole numbers; 20.00 is an amount.
    is_amount = given.str.contains(r"\.\d*[1-9]|\.\d\d").any()
    for type_ in _TYPES[1:] if is_amount else _TYPES:
        column = Column(name=given.name, type=type_)
        if typed_columns(given.to_frame(), [column], "UTC", {})[given.name].null_count() == 0:
            return type_, ()
    for type_, patterns in _TIME_FORMATS.items():
        fitting = [one for one in patterns if given.str.to_datetime(one, strict=False).null_count() == 0]
        if fitting:
            return type_, tuple(fitting)
    return _spelt_number(given) or "text", ()


def _spelt_number(given: pl.Series) -> str | None:
    """Type of numbers in a spelling of their own, as 1.234,56; None where they are none, or have two readings."""
    frame, column = given.to_frame(), Column(name=given.name, type="decimal(18,4)")
    try:
        styles = detect_styles(frame, [given.name], Reading())
    except FileRejectedError:
        return None
    is_read = typed_columns(frame, [column], "UTC", styles)[given.name].null_count() == 0
    return column.type if styles and is_read else None


def _candidate_key(texts: pl.DataFrame, guesses: Sequence[Guess]) -> tuple[str, ...]:
    """The smallest, then leftmost set of complete columns without repeated values; empty when there is none."""
    exact = {"integer", "text", "date", "timestamp"}
    names = [one.name for one in guesses if not one.nullable and one.type in exact and one.hash is None][:12]
    for size in range(1, _MAX_KEY + 1):
        for key in combinations(names, size):
            if texts.height and texts.select(key).n_unique() == texts.height:
                return key
    return ()


def _most_similar(guesses: Sequence[Guess], name: str) -> Contract:
    """The contract whose columns the names speak of most, required ones twice; long contracts need more of them."""
    words = {word for one in [name, *(guess.name for guess in guesses)] for word in _plain(one).split("_")}

    def likeness(contract: Contract) -> tuple[float, str]:
        weights = {one: 1 if column.nullable else 2 for one, column in contract.columns.items()}
        named = sum(weight for one, weight in weights.items() if set(one.split("_")) - _FORMS <= words)
        named += 4 * len(set(contract.source.split("_")) & words)
        return -(named**2) / sum(weights.values()), contract.source

    return min(contracts().values(), key=likeness)


def _deliver_by(times: Sequence[str], guesses: Sequence[Guess]) -> str:
    stamps = [guess.name for guess in guesses if guess.type == "timestamp" and guess.name in times]
    if not stamps:
        return (
            "# TODO deliver_by: the timestamp column that cuts a history into daily drops, if there is one.\n"
        )
    return f"# Cuts a history file into daily drops.\ndeliver_by: {_text(stamps[0])}\n"


def _key_lines(key: Sequence[str]) -> str:
    if not key:
        why = "no columns of the sample tell its records apart: the row number stands in"
        return f"  # TODO {why}.\n  key: [row_of_file]\n"
    listed = ", ".join(_text(name) for name in key)
    return f"  # TODO unique in the sample; is it what identifies a record?\n  key: [{listed}]\n"


def _event_time(times: Sequence[str]) -> str:
    if not times:
        return "  # TODO event_time: the column that says when it happened.\n"
    return (
        f"  # TODO the first complete time column; is it when it happened?\n  event_time: {_text(times[0])}\n"
    )


def _column_line(guess: Guess) -> str:
    options: dict[str, object] = {"type": guess.type}
    if not guess.nullable:
        options["nullable"] = False
    if guess.pii != "none":
        options["pii"] = guess.pii
    if guess.hash:
        options["hash"] = guess.hash
    if guess.formats:
        options["format"] = guess.formats[0]
    todo = (
        f"    # TODO the sample also fits {', '.join(guess.formats[1:])}.\n" if len(guess.formats) > 1 else ""
    )
    return f"{todo}    {_text(guess.name)}: {_text(options)}\n"


def _table_lines(contract: Contract, guesses: Sequence[Guess], name: str) -> str:
    """The route to the most similar table; without its required columns nothing goes there yet."""
    found = _matches(contract, guesses)
    missing = [one for one, column in contract.columns.items() if not column.nullable and one not in found]
    columns = "".join(
        f"    {'' if not missing else '# '}{one}: {_text(_quoted(of))}\n" for one, of in sorted(found.items())
    )
    if not missing:
        route = f"routes:\n  - {{to: {contract.source}}}\n\ntables:\n  {contract.source}:\n"
        return f"# TODO most similar by names of columns.\n{route}{columns}"
    return (
        f"# TODO {contract.source} is most similar. It also needs {', '.join(missing)}: give an expression for each,\n"
        f"# uncomment, and lead the route to {contract.source}. Until then records are accounted and make no rows.\n"
        "routes:\n  - {to: undecided}\n\n"
        f"without_row:\n  undecided: nobody has said yet what the records of {name} are\n\n"
        f"tables: {{}}\n  # {contract.source}:\n{columns.replace('    # ', '  #   ')}"
    )


def _matches(contract: Contract, guesses: Sequence[Guess]) -> Mapping[str, str]:
    """Contract column -> file column with the same name, spelling aside, and a type that fits."""
    by_name = {_plain(guess.name): guess for guess in guesses}
    found = {}
    for name, column in contract.columns.items():
        guess = (
            by_name.get(name)
            or by_name.get(name.removesuffix("_ts"))
            or by_name.get(name.removesuffix("_hash"))
        )
        if guess and _fits(guess, column) and (column.nullable or not guess.nullable):
            found[name] = guess.name
    return found


def _fits(guess: Guess, column: Column) -> bool:
    if column.name.endswith("_hash") or guess.hash:
        return guess.hash is not None and column.name.endswith("_hash")
    if column.allowed is not None or column.pattern is not None:
        return False
    numbers = {
        "integer": ("double", "decimal"),
        "decimal(18,4)": ("double", "decimal"),
        "date": ("timestamp",),
    }
    return guess.type == column.type or column.type.startswith(numbers.get(guess.type, ("?",)))


def _quoted(name: str) -> str:
    """A column's name as SQL says it."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def _text(value: object) -> str:
    """A value on one line of YAML."""
    dumped = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False)
    return dumped.removesuffix("...\n").strip()
