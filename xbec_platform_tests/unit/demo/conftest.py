"""A small generated shop for the tests of this folder, and a reading of its files that knows the contracts."""

import gzip
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
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
from xbec_platform.demo.shop import ShopSummary, generate_shop

LAST_DAY = date(2026, 6, 30)
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


@dataclass(frozen=True)
class Landed:
    """A landing folder and ways to read it."""

    out: Path
    summary: ShopSummary

    def files(self, source: str) -> list[str]:
        """Return the readable files of a source, below the landing folder."""
        faults = self.summary.faults
        rejected = {f.file for f in faults if f.expect == "file_rejected" or f.kind == "broken_json_line"}
        found = (str(path.relative_to(self.out)) for path in self.out.glob(f"{source}/*/*"))
        return sorted(set(found) - rejected)

    def rows_of(self, file: str) -> list[Row]:
        """Return the rows of one file below the landing folder."""
        return read_rows(self.out / file)

    def rows(self, source: str) -> list[Row]:
        """Return all rows of the readable files of a source."""
        return [row for file in self.files(source) for row in read_rows(self.out / file)]

    def clean(self, source: str) -> pl.DataFrame:
        """Return what a correct intake keeps (before the correction), without orphans, as text."""
        rows = self.rows(source)
        broken = {id(row) for row in broken_rows(source, rows)}
        frame = pl.DataFrame([row for row in rows if id(row) not in broken], infer_schema_length=None)
        frame = frame.unique(maintain_order=True)
        if source == "order_lines":
            # The orphan, and the conflicting twin of a real row.
            frame = frame.filter(pl.col("order_id") != "O900009", pl.col("unit_price") != "999.9900")
        return frame


@pytest.fixture(scope="session")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    """A shop of 30 days and 200 customers."""
    out = tmp_path_factory.mktemp("landing")
    return Landed(out, generate_shop(out=out, seed=7, last_day=LAST_DAY, days=30, customers=200))


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
