"""What a world is generated from: its size, its period and its parameters. Nothing is drawn here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any

import yaml

SECONDS_PER_DAY = 86_400
LEAST_DAYS, LEAST_CUSTOMERS = 20, 100
# 11.11, Black Friday, Cyber Monday and 12.12 lie within the default period.
DEFAULT_LAST_DAY = date(2025, 12, 13)


@dataclass(frozen=True, kw_only=True)
class WorldSpec:
    """The arguments of a world; equal ones give equal bytes.

    Attributes:
        seed: Decides everything that is drawn; not negative.
        last_day: Last day of sales.
        days: Length of the period, numbered 0 to days - 1.
        customers: Registered customers at its end, at scale 1.
        scale: Factor on everything that grows with people; distributions stay as they are.

    Raises:
        ValueError: A number is too small for the world's parts to be placed.
    """

    seed: int
    last_day: date = DEFAULT_LAST_DAY
    days: int = 60
    customers: int = 3000
    scale: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be generated."""
        for name, least in (("seed", 0), ("days", LEAST_DAYS), ("customers", LEAST_CUSTOMERS), ("scale", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be {least} or more, got {getattr(self, name)}")

    @property
    def people(self) -> int:
        """Number of customers."""
        return self.customers * self.scale

    @property
    def first_day(self) -> date:
        """Day number 0."""
        return self.day(0)

    @property
    def epoch(self) -> int:
        """Seconds since 1970 (UTC) at the start of day 0."""
        return self.midnight(0)

    def day(self, number: int) -> date:
        """Return the date of a day number."""
        return self.last_day - timedelta(days=self.days - 1 - number)

    def midnight(self, number: int) -> int:
        """Return the start of a day in seconds since 1970 (UTC)."""
        return int(datetime.combine(self.day(number), time(), tzinfo=UTC).timestamp())


@cache
def parameters(area: str) -> Mapping[str, Any]:
    """Return the parameters of an area (`data/<area>.yml`)."""
    source = resources.files("xbec_platform.world") / "data" / f"{area}.yml"
    return dict(yaml.safe_load(source.read_text(encoding="utf-8")))
