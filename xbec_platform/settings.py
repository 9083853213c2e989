"""Where a home lies and how its shop counts: every environment variable is read here and nowhere else.

A home (`XBEC_HOME`, default `./.xbec`) keeps its own choices in `home.yml`, so that the UI, the command
line and the sensors agree on them without any variable being set. A variable overrides the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from xbec_platform.whole_files import replace_text
from xbec_platform.yaml_files import read_yaml

HOME_FILE = "home.yml"
# Sizes as DuckDB reads them.
_MEMORY = re.compile(r"\d+(\.\d+)? ?([KMGT](i?B)?|B)", re.IGNORECASE)
# Read by dbt's profile, Dagster's configuration and the tests, never by the platform itself.
POSTGRES_URL = "XBEC_POSTGRES_URL"
FOREIGN = frozenset(
    {
        "XBEC_WAREHOUSE_PATH",
        "XBEC_SHARED_DATA",
        "XBEC_CHROMIUM",
        "XBEC_TEST_UI",
        "XBEC_TEST_SPARK",
        POSTGRES_URL,
    }
)
# SQLAlchemy 2.1 takes psycopg 3 where an address names no driver. dagster-postgres installs psycopg2 and asks errors
# for its `pgcode`, which psycopg 3 does not have: services that start at the same moment fail with it.
POSTGRES_DRIVER = "postgresql+psycopg2"


_MONEY = re.compile(r"\d{1,6}(\.\d{1,4})?")


class SettingsError(ValueError):
    """A setting that cannot be used, with its place and what to do."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All choices of one home.

    Attributes:
        home: Folder that holds everything of this home.
        shop: Name shown to people.
        base_currency: ISO 4217 code all `_base` columns are in.
        start_date: First drop, event and as-of day (UTC).
        end_date: Day after the last partition; None means that partitions grow with the clock.
        is_sample_network: The logistics network was made up for a shop that has none.
        rebuild_days: Days before its own window that a run rebuilds along when late rows changed them.
        lock_wait_s: Longest wait for the database file before a run gives up, in seconds.
        dbt_threads: Threads of dbt and DuckDB.
        memory_limit: DuckDB's memory limit, beyond it DuckDB spills to disk.
        dagster_storage: Where Dagster keeps runs and events: sqlite (in the home) or postgres (XBEC_POSTGRES_URL).
        automation: Schedules and sensors are on unless a person stopped them in the UI.
        webhook_url: Where alerts are posted to; empty for nowhere.
        order_splits: free (an order may leave from several warehouses), single (from one; what that lacks stays), or
            what each further parcel of an order costs, in base currency, say 4.50.
        log_format: What commands, services and runs write to their terminal: text, or json (one object a line).
    """

    home: Path = Path(".xbec")
    shop: str = "Demo shop (generated)"
    base_currency: str = "EUR"
    start_date: date = date(2026, 1, 1)
    end_date: date | None = None
    is_sample_network: bool = False
    rebuild_days: int = 30
    lock_wait_s: int = 1800
    dbt_threads: int = 2
    memory_limit: str = "2GB"
    dagster_storage: str = "sqlite"
    automation: bool = False
    webhook_url: str = ""
    order_splits: str = "free"
    log_format: str = "text"

    def __post_init__(self) -> None:
        # dbt-duckdb reads the database's path as an address: what follows these signs would be lost.
        if set("#?") & set(str(self.home)):
            raise SettingsError(
                f"home {self.home}: its path holds # or ?, with which dbt looks elsewhere: choose another"
            )
        if len(self.base_currency) != 3 or not self.base_currency.isupper():
            raise SettingsError(f"base_currency {self.base_currency!r} is not an ISO 4217 code such as EUR")
        if self.end_date is not None and self.end_date <= self.start_date:
            raise SettingsError(f"end_date {self.end_date} must be after start_date {self.start_date}")
        if min(self.lock_wait_s, self.dbt_threads) < 1 or self.rebuild_days < 0:
            raise SettingsError("lock_wait_s and dbt_threads must be at least 1, rebuild_days at least 0")
        if not _MEMORY.fullmatch(self.memory_limit):
            raise SettingsError(f"memory_limit {self.memory_limit!r} is no size such as 2GB or 500MB")
        if self.dagster_storage not in {"sqlite", "postgres"}:
            raise SettingsError(f"dagster_storage {self.dagster_storage!r} is neither sqlite nor postgres")
        # YAML reads an amount as a number.
        object.__setattr__(self, "order_splits", str(self.order_splits))
        if self.order_splits not in {"free", "single"} and not _MONEY.fullmatch(self.order_splits):
            raise SettingsError(
                f"order_splits {self.order_splits!r} is neither free, single nor an amount such as 4.50"
            )
        if self.log_format not in {"text", "json"}:
            raise SettingsError(f"log_format {self.log_format!r} is neither text nor json")
        if self.webhook_url and not self.webhook_url.startswith(("https://", "http://")):
            raise SettingsError(f"webhook_url {self.webhook_url!r} must start with https:// or http://")

    @property
    def landing(self) -> Path:
        """Folder the sources deliver into."""
        return self.home / "landing"

    @property
    def warehouse(self) -> Path:
        """The live DuckDB file: one process at a time, see `warehouse.lock`."""
        return self.home / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The read-only snapshot for people and dashboards."""
        return self.home / "published.duckdb"

    @property
    def reports(self) -> Path:
        """Folder of the HTML pages."""
        return self.home / "reports"

    @property
    def exports(self) -> Path:
        """Folder of the Parquet and CSV exports."""
        return self.home / "exports"

    @property
    def alerts(self) -> Path:
        """Folder of the alerts' files."""
        return self.home / "alerts"

    @property
    def outbox(self) -> Path:
        """Alerts that the webhook has not taken yet."""
        return self.home / "outbox"

    @property
    def logs(self) -> Path:
        """Folder of the structured logs."""
        return self.home / "logs"

    @property
    def dbt_target(self) -> Path:
        """What dbt parsed and reported in runs of this home."""
        return self.home / "dbt"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage for this home."""
        return self.home / "dagster"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read `XBEC_*` variables over the home's file over the defaults.

        Raises:
            SettingsError: A variable or a key of the file is unknown or has a value of the wrong type.
        """
        env = os.environ if environ is None else environ
        home = Path(env.get("XBEC_HOME", ".xbec")).expanduser().absolute()
        values: dict[str, Any] = dict(_home_file(home / HOME_FILE))
        known = {f"XBEC_{field.name.upper()}": field.name for field in fields(cls)}
        for name in sorted(env):
            if not name.startswith("XBEC_") or name in FOREIGN or name.startswith("XBEC_VAR_"):
                continue
            if name not in known:
                raise SettingsError(f"unknown variable {name}; known are {', '.join(sorted(known))}")
            values[known[name]] = env[name]
        values["home"] = home
        return cls(**{name: _typed(name, value) for name, value in values.items()})

    def announce(self) -> None:
        """Tell programs that this process starts (dbt) which home they work for."""
        os.environ["XBEC_WAREHOUSE_PATH"] = str(self.warehouse)
        os.environ["XBEC_DBT_THREADS"] = str(self.dbt_threads)
        os.environ["XBEC_MEMORY_LIMIT"] = self.memory_limit

    def save(self) -> None:
        """Write the home's choices to its file, so that every later command agrees."""
        self.home.mkdir(parents=True, exist_ok=True)
        values = {name: value for name, value in asdict(self).items() if name not in {"home"}}
        text = "# Choices of this home; a variable XBEC_<NAME> overrides a line.\n" + yaml.safe_dump(values)
        target = self.home / HOME_FILE
        if target.is_file() and target.read_text() == text:
            return
        replace_text(target, text)


def postgres_url(environ: Mapping[str, str] | None = None) -> str:
    """The address of Dagster's database with the driver that fits, from `XBEC_POSTGRES_URL`.

    Raises:
        SettingsError: The extra is not installed, or the variable is missing, is no address of PostgreSQL, or names
            another driver.
    """
    if find_spec("dagster_postgres") is None:
        raise SettingsError(
            "dagster_storage is postgres: install the extra, .venv/bin/uv pip install --editable '.[postgres]'"
        )
    url = (os.environ if environ is None else environ).get(POSTGRES_URL, "")
    scheme, mark, rest = url.partition("://")
    if not mark or not rest:
        raise SettingsError(
            f"dagster_storage is postgres: set {POSTGRES_URL}=postgresql://user:password@host:port/database"
        )
    if scheme not in {"postgresql", "postgres", POSTGRES_DRIVER}:
        raise SettingsError(
            f"{POSTGRES_URL} begins with {scheme}://; write postgresql://, the driver is always psycopg2"
        )
    return f"{POSTGRES_DRIVER}://{rest}"


def _home_file(path: Path) -> dict[str, Any]:
    """Values of a home file, checked for unknown keys; nothing when there is no file."""
    if not path.is_file():
        return {}
    try:
        values = read_yaml(path) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is no YAML; mend it or delete it: {error}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: holds no settings by name; mend it or delete it")
    unknown = sorted(set(values) - {field.name for field in fields(Settings)})
    if unknown:
        raise SettingsError(f"{path}: unknown keys {', '.join(unknown)}")
    return dict(values)


def _typed(name: str, value: Any) -> Any:
    """Turn the text of a variable into the type of the setting."""
    kind = str({field.name: field.type for field in fields(Settings)}[name])
    try:
        if not isinstance(value, str) or kind in {"str", "Path"}:
            return value
        if kind == "int":
            return int(value)
        if kind == "bool":
            return {"true": True, "false": False}[value.lower()]
        return date.fromisoformat(value) if value else None
    except (ValueError, KeyError) as error:
        raise SettingsError(f"XBEC_{name.upper()}={value!r} is not a valid {kind}") from error
