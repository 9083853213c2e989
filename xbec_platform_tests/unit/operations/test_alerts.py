"""Alerts: two limits, one ring, files that a crash cannot lose, a webhook that may be down."""

import json
import math
from collections.abc import Iterator
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbec_platform.automation.watches import delay_readings, rate_readings
from xbec_platform.operations.alerts.ledger import Kind, raised_since, record
from xbec_platform.operations.alerts.levels import Reading, decide
from xbec_platform.operations.alerts.outbox import deliver, hand_on
from xbec_platform.operations.alerts.shifts import CLEAR_AT, share_shift
from xbec_platform.settings import Settings, SettingsError
from xbec_platform.warehouse.database import Warehouse

DAY, NOW = date(2026, 1, 5), datetime(2026, 1, 5, 12)
PRICE = Kind("price", is_absence_good=False)
PARCEL = Kind("parcel", is_absence_good=True, rings_once=True)


def reading(value: float, subject: str = "P1", stage: str = "undercut") -> Reading:
    return Reading(subject, stage, DAY, value, raise_at=0.25, clear_at=0.2, text=f"{subject} {value}")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_alert_is_open_from_the_upper_to_the_lower_limit(values: list[float]) -> None:
    """Between the limits nothing happens, whatever the course."""
    is_open = False
    for value in values:
        found = decide(
            [reading(value)],
            is_open=[("P1", "undercut")] if is_open else [],
            is_absence_good=False,
            limit=9,
        )
        assert bool(found.raised) == (value >= 0.25 and not is_open)
        assert bool(found.cleared) == (value < 0.2 and is_open)
        is_open = (is_open and not found.cleared) or bool(found.raised)


def test_worst_first_and_bounded() -> None:
    """A flood is told in portions."""
    found = decide(
        [reading(0.3, "A"), reading(0.9, "B"), reading(0.5, "C")], is_open=[], is_absence_good=False, limit=2
    )
    assert ([one.subject for one in found.raised], found.waiting) == (["B", "C"], 1)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def look(home: Settings, kind: Kind, *readings: Reading) -> tuple[int, int]:
    """Raised and cleared in one look."""
    with Warehouse.of(home).transaction("test") as connection:
        found = record(connection, kind, readings, now=NOW, limit=10)
    return len(found.raised), len(found.cleared)


def stored(home: Settings, kind: Kind) -> pl.DataFrame:
    with Warehouse.of(home).connect("test") as connection:
        return raised_since(connection, kind, NOW)


def test_second_episode_is_a_second_alert(home: Settings) -> None:
    """A price that came back and fell again is news; a product nobody looked at is not."""
    assert look(home, PRICE, reading(0.3)) == (1, 0)
    assert look(home, PRICE, reading(0.22)) == (0, 0)
    assert look(home, PRICE) == (0, 0)
    assert look(home, PRICE, reading(0.1)) == (0, 1)
    assert look(home, PRICE, reading(0.3)) == (1, 0)
    alerts = stored(home, PRICE)
    assert (alerts.height, alerts["alert_id"].n_unique(), alerts["cleared_ts"].null_count()) == (2, 2, 1)


def test_a_parcel_rings_once_per_stage(home: Settings) -> None:
    """It is over when the parcel moves on, and the same stage never rings again."""
    assert look(home, PARCEL, reading(0.5, "parcel", "departed")) == (1, 0)
    assert look(home, PARCEL) == (0, 1)
    assert look(home, PARCEL, reading(0.5, "parcel", "departed"), reading(0.5, "parcel", "arrived")) == (1, 0)


def test_file_that_a_crash_kept_from_being_written_is_made_good(home: Settings) -> None:
    """Rows first, then the file: each row is in exactly one file, as it was raised."""
    look(home, PRICE, reading(0.3, "A"), reading(0.4, "B"))
    (path,) = hand_on(home, stored(home, PRICE))
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(one["text"] for one in told) == ["A 0.3", "B 0.4"]
    assert hand_on(home, stored(home, PRICE)) == []
    look(home, PRICE, reading(0.3, "C"))
    path.unlink()
    assert len(hand_on(home, stored(home, PRICE))) == 2
    assert list(home.outbox.glob("*")) == []


class Receiver(BaseHTTPRequestHandler):
    """Takes parcels, or says that it cannot."""

    taken: list[tuple[str | None, bytes]]
    status: int

    def do_POST(self) -> None:
        """Take it or not."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.status == 200:
            self.taken.append((self.headers["Idempotency-Key"], body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    kind = type("Fresh", (Receiver,), {"taken": [], "status": 503})
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", kind
    server.shutdown()
    thread.join()
    server.server_close()


def test_webhook_gets_a_batch_when_it_is_up_again(
    tmp_path: Path, receiver: tuple[str, type[Receiver]]
) -> None:
    """What is not taken stays in the outbox; what is taken is not sent again."""
    url, kind = receiver
    home = Settings(home=tmp_path, webhook_url=url)
    look(home, PRICE, reading(0.3))
    hand_on(home, stored(home, PRICE))
    assert "1 parcels wait, HTTP Error 503" in deliver(home)
    kind.status = 200
    assert deliver(home) == ""
    assert deliver(home) == ""
    ((key, body),) = kind.taken
    parcel = json.loads(body)
    assert key == f"price-{parcel['batch']}"
    assert parcel["alerts"][0]["text"] == "P1 0.3"


def test_webhook_must_be_a_web_address(tmp_path: Path) -> None:
    """A file address would be read, not posted to."""
    with pytest.raises(SettingsError, match="must start with https"):
        Settings(home=tmp_path, webhook_url="file:///etc/passwd")


def test_share_shift_by_hand() -> None:
    """10 % of 28 x 100 against 20 % of 7 x 100: pooled .12, z = .1 / sqrt(.12 x .88 x (1/2800 + 1/700)) = 7.28."""
    found = share_shift([(100, 10)] * 28 + [(100, 20)] * 7)
    assert found is not None
    assert found.z == pytest.approx(7.2822, abs=1e-3)
    assert found.size == pytest.approx(math.log(2))


def test_days_that_differ_by_themselves_prove_less() -> None:
    """Alternating 0 and 20 % spread 11.1 times as far as chance: z shrinks by its root, and no alert is raised."""
    wild = share_shift([(100, 0), (100, 20)] * 14 + [(100, 20)] * 7)
    assert wild is not None
    dispersion = 28 * 10**2 / (100 * 0.1 * 0.9) / 27
    assert wild.z == pytest.approx(7.2822 / math.sqrt(dispersion), abs=1e-3)
    assert wild.size == CLEAR_AT


@pytest.mark.parametrize("days", [[(100, 10)] * 34, [(100, 0)] * 35, [(0, 0)] * 35])
def test_nothing_to_compare(days: list[tuple[int, int]]) -> None:
    """Short, without a hit, without a trial."""
    assert share_shift(days) is None


def test_days_without_rows_count_as_empty() -> None:
    """A slot that was switched off for a week has no shift, a gap moves no day into another week."""
    rows = [("slot", date.fromordinal(DAY.toordinal() - back), 100, 10) for back in range(34, 6, -1)]
    assert rate_readings([*rows, ("other", DAY, 100, 10)]) == []
    (one,) = rate_readings([*rows, ("slot", DAY, 700, 140)])
    assert (one.as_of, one.value) == (DAY, pytest.approx(math.log(2)))


def test_delayed_parcel_is_measured_by_its_worse_fault(home: Settings) -> None:
    """50 h of silence against 40 are 1.25; six days against four promised are 1.5."""
    with Warehouse.of(home).connect("test") as connection:
        connection.execute("""CREATE SCHEMA ml; CREATE TABLE ml.delayed_shipments AS
            SELECT DATE '2026-01-05' AS as_of_date,
            'P1' AS parcel_id, 'departed' AS stage, NULL::VARCHAR AS carrier, 50.0::DOUBLE AS silent_hours,
            40.0::DOUBLE AS silent_p95_hours, true AS is_silent, true AS is_predicted_late,
            TIMESTAMP '2026-01-01' AS shipped_ts, TIMESTAMP '2026-01-07' AS predicted_p90_ts,
            TIMESTAMP '2026-01-05' AS promised_ts""")
        (one,) = delay_readings(connection)
    assert (one.key, one.value) == (("P1", "departed"), 1.5)
    assert one.text == (
        "parcel P1 of an unknown carrier, last seen departed: silent for 50 h; expected by 2026-01-07, promised for "
        "2026-01-05"
    )
