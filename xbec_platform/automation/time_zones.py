"""The time zone of a market: that of its people. Tables count in UTC days; local time is for what people are told."""

from zoneinfo import ZoneInfo

# The tz database lists some countries by geography: the zone of the most people is not their first.
_MOST_PEOPLE = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "RU": "Europe/Moscow",
}


def zone_of(market: str) -> ZoneInfo:
    """The zone of a country (ISO 3166 alpha-2); UTC for what is no country."""
    import pytz  # type: ignore[import-untyped]

    zones = pytz.country_timezones.get(market, ["UTC"])
    return ZoneInfo(_MOST_PEOPLE.get(market, zones[0]))
