"""A reading of landing files that knows the contracts but not the intake."""

import gzip
import io
import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from xbec_platform.demo.files import as_text
from xbec_platform.demo.geography import country_points

CONTRACTS = Path(__file__).parents[3] / "xbec_platform" / "ingest" / "contracts"
COUNTRIES = frozenset(country_points()["iso2"])
CURRENCIES = frozenset({"AUD", "EUR", "GBP", "NOK", "USD"})
Row = dict[str, str | None]


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a landing file as text, whatever its format."""
    if path.name.endswith(".parquet"):
        return as_text(pl.read_parquet(path)).to_dicts()
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if path.name.endswith(".jsonl"):
        parsed = [json.loads(line) for line in content.decode().splitlines()]
        return [{k: None if v is None else str(v) for k, v in row.items()} for row in parsed]
    return pl.read_csv(io.BytesIO(content), infer_schema=False).to_dicts()


PARSERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "json": json.loads,
    "integer": int,
    "double": float,
    "boolean": {"true": True, "false": False}.__getitem__,
    "date": date.fromisoformat,
    "timestamp": lambda text: datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z"),
    "country": lambda text: text if text in COUNTRIES else int("not a country"),
    "currency": lambda text: text if text in CURRENCIES else int("not a currency"),
}


def _problem(value: str | None, rule: dict[str, Any]) -> bool:
    if value is None:
        return rule.get("nullable") is False
    try:
        parsed = PARSERS.get(rule["type"], Decimal)(value)
    except (ValueError, KeyError, ArithmeticError):
        return True
    return (
        ("min" in rule and parsed < rule["min"])
        or ("max" in rule and parsed > rule["max"])
        or ("above" in rule and parsed <= rule["above"])
        or ("allowed" in rule and parsed not in rule["allowed"])
        or ("pattern" in rule and re.match(rule["pattern"], value) is None)
    )


@cache
def contract(source: str) -> dict[str, Any]:
    """Return the contract of a source."""
    return dict(yaml.safe_load((CONTRACTS / f"{source}.yml").read_text(encoding="utf-8")))


def broken_rows(source: str, rows: list[Row]) -> list[Row]:
    """Return the rows that break a column rule of the contract."""
    columns = contract(source)["columns"]
    return [row for row in rows if any(_problem(row.get(name), rule) for name, rule in columns.items())]


@pytest.fixture(scope="session")
def broken_rows_of() -> Callable[[str, list[Row]], list[Row]]:
    """The rows of a source that break a column rule of its contract."""
    return broken_rows


@pytest.fixture(scope="session")
def contract_of() -> Callable[[str], dict[str, Any]]:
    """The contract of a source."""
    return contract


@pytest.fixture(scope="session")
def read_landing() -> Callable[[Path], list[Row]]:
    """The rows of a landing file as text."""
    return read_rows
