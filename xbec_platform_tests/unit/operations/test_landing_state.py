"""What the next intake does with landed files: the dry run must say what the intake then does."""

from datetime import date
from pathlib import Path

import pytest

from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.intake import run_intake
from xbec_platform.operations.landing_state import NO_TABLE, Known, known_files, landing_state
from xbec_platform.operations.read_only import looking
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

DAY, NEXT = date(2026, 1, 5), date(2026, 1, 6)
HEAD = "rate_date,currency,rate_to_base,source\n"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def land(home: Settings, name: str, rows: int, rate: str = "1.1", feed: str = "fx_rates") -> Path:
    path = home.landing / feed / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(f"2026-01-{n + 1:02d},USD,{rate},ecb\n" for n in range(rows)))
    return path


def look(
    home: Settings, first: date = DAY, last: date = NEXT
) -> dict[str, tuple[str, list[str], int | None]]:
    """Path -> state, sources, rows."""
    known = Known()
    if home.warehouse.is_file():
        with looking(home, "test") as connection:
            known = known_files(connection)
    frame = landing_state(home.landing, known, Feeds(), first, last)
    return {row["path"]: (row["state"], row["sources"], row["rows"]) for row in frame.iter_rows(named=True)}


def test_first_files_are_landed_and_their_rows_unknown(home: Settings) -> None:
    """Nothing was read yet: a guess would be a made-up number; files of other days are no part of it."""
    land(home, "dt=2026-01-05/a.csv", 3)
    land(home, "dt=2026-01-07/a.csv", 3)
    land(home, "dt=2026-01-06/x.csv", 2, feed="nobody")
    assert look(home) == {
        "fx_rates/dt=2026-01-05/a.csv": ("landed", ["fx_rates"], None),
        "nobody/dt=2026-01-06/x.csv": ("landed", [NO_TABLE], None),
    }


def test_every_state_after_an_intake(home: Settings) -> None:
    """Unchanged, corrected, new, copied, rejected and withdrawn files, as the intake's own plan has them."""
    land(home, "dt=2026-01-05/a.csv", 4)
    corrected = land(home, "dt=2026-01-05/b.csv", 4, rate="1.2")
    withdrawn = land(home, "dt=2026-01-05/c.csv", 4, rate="1.3")
    broken = land(home, "dt=2026-01-06/broken.csv", 1)
    broken.write_text("no,such,columns\n1,2,3\n")
    run_intake(Warehouse.of(home), home.landing)
    size = corrected.stat().st_size
    land(home, "dt=2026-01-05/b.csv", 4, rate="1.9")
    land(home, "dt=2026-01-06/copy.csv", 4)
    land(home, "dt=2026-01-06/new.csv", 8, rate="1.7")
    withdrawn.with_name("c.csv.withdrawn").write_text("wrong month")
    found = look(home)
    assert {path.rsplit("/", 1)[-1]: one[0] for path, one in found.items()} == {
        "a.csv": "loaded",
        "b.csv": "landed",
        "c.csv": "taken back",
        "broken.csv": "tried again",
        "copy.csv": "no rows of its own",
        "new.csv": "landed",
    }
    # Four rows of each file read so far, all of one size: the estimate is their share per byte.
    new_size = (home.landing / "fx_rates/dt=2026-01-06/new.csv").stat().st_size
    assert found["fx_rates/dt=2026-01-06/new.csv"][2] == round(new_size * 4 / size)
    assert found["fx_rates/dt=2026-01-05/a.csv"][2] == 4
    assert found["fx_rates/dt=2026-01-06/copy.csv"][2] == 0


def test_says_what_the_intake_then_does(home: Settings) -> None:
    """After the intake everything it was said to read is in, and nothing is left to do."""
    land(home, "dt=2026-01-05/a.csv", 4)
    assert look(home)["fx_rates/dt=2026-01-05/a.csv"][0] == "landed"
    report = run_intake(Warehouse.of(home), home.landing)
    assert [account.file.path for account in report.accounts] == ["fx_rates/dt=2026-01-05/a.csv"]
    assert look(home) == {"fx_rates/dt=2026-01-05/a.csv": ("loaded", ["fx_rates"], 4)}


def test_a_look_changes_no_byte_and_cannot_write(home: Settings) -> None:
    """A dry run on a production home must be safe whoever types it."""
    import duckdb

    land(home, "dt=2026-01-05/a.csv", 4)
    run_intake(Warehouse.of(home), home.landing)
    before = {path: path.read_bytes() for path in sorted(home.home.rglob("*")) if path.is_file()}
    with looking(home, "test") as connection:
        assert connection.execute("SELECT count(*) FROM raw.fx_rates").fetchall() == [(4,)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            connection.execute("DELETE FROM raw.fx_rates")
    assert before == {path: path.read_bytes() for path in sorted(home.home.rglob("*")) if path.is_file()}
