"""Settings: file, variables and defaults in that order; what is unknown or wrong is named."""

from datetime import date
from pathlib import Path

import pytest

from xbec_platform.settings import Settings, SettingsError, postgres_url


def test_variable_overrides_file_overrides_default(tmp_path: Path) -> None:
    """The home's own choice holds for every later command unless a variable says otherwise."""
    Settings(home=tmp_path, base_currency="GBP", start_date=date(2010, 12, 1)).save()
    read = Settings.from_env({"XBEC_HOME": str(tmp_path)})
    assert (read.base_currency, read.start_date) == ("GBP", date(2010, 12, 1))
    assert Settings.from_env({"XBEC_HOME": str(tmp_path), "XBEC_BASE_CURRENCY": "USD"}).base_currency == "USD"


@pytest.mark.parametrize(
    ("variables", "cause"),
    [
        ({"XBEC_HOEM": "x"}, "unknown variable XBEC_HOEM"),
        ({"XBEC_START_DATE": "01/02/2026"}, "XBEC_START_DATE"),
        ({"XBEC_BASE_CURRENCY": "euro"}, "ISO 4217"),
        ({"XBEC_END_DATE": "2025-01-01"}, "must be after"),
        ({"XBEC_LOCK_WAIT_S": "0"}, "at least 1"),
        ({"XBEC_LOG_FORMAT": "xml"}, "neither text nor json"),
        ({"XBEC_MEMORY_LIMIT": "2 gigs"}, "memory_limit '2 gigs' is no size such as 2GB"),
        ({"XBEC_HOME": "shops/#1"}, "its path holds # or [?], with which dbt looks elsewhere"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, variables: dict[str, str], cause: str) -> None:
    """A typo must not leave a default in force unnoticed."""
    with pytest.raises(SettingsError, match=cause):
        Settings.from_env({"XBEC_HOME": str(tmp_path), **variables})


@pytest.mark.parametrize("text", ["a: [", "- EUR"])
def test_home_file_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    """A broken file must end in a sentence, not in a parser's stack."""
    (tmp_path / "home.yml").write_text(text)
    with pytest.raises(SettingsError, match=r"home\.yml: .*mend it or delete it"):
        Settings.from_env({"XBEC_HOME": str(tmp_path)})


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_the_address_of_postgresql_gets_the_one_driver(scheme: str) -> None:
    """Whatever an administrator writes: SQLAlchemy alone would look for psycopg 3, which is not there."""
    variables = {"XBEC_POSTGRES_URL": f"{scheme}://xbec:a%40b@127.0.0.1:5432/xbec"}
    assert postgres_url(variables) == "postgresql+psycopg2://xbec:a%40b@127.0.0.1:5432/xbec"


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("", "set XBEC_POSTGRES_URL=postgresql://user"),
        ("127.0.0.1:5432", "set XBEC_POSTGRES_URL=postgresql://user"),
        ("postgresql+psycopg://a@b/c", "driver is always psycopg2"),
        ("mysql://a@b/c", r"begins with mysql://"),
    ],
)
def test_an_address_that_cannot_be_used_is_named(url: str, cause: str) -> None:
    """Three services would start and fail one after the other, each with the stack of a library."""
    with pytest.raises(SettingsError, match=cause):
        postgres_url({"XBEC_POSTGRES_URL": url})
