"""A home of a few landed files in which it is plain by eye who is mentioned where."""

import io
from datetime import datetime
from pathlib import Path

import polars as pl

from xbec_platform.ingest.feeds import Feeds
from xbec_platform.ingest.intake import run_intake
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse

PERSON, OTHER = "C000001", "C000002"
EMAIL, PHONE = "aaaa1111bbbb2222", "family-phone-77"
DEVICE, FAMILY_DEVICE, CAFE = "device-0001", "device-family", "device-cafe"


def land(settings: Settings, path: str, data: str | bytes) -> Path:
    target = settings.landing / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data.encode() if isinstance(data, str) else data)
    return target


def events() -> bytes:
    """The person on three devices, before and after the login; others on two of them."""
    rows = [
        ("e1", "session-before", DEVICE, None),
        ("e2", "session-login", DEVICE, PERSON),
        ("e3", "session-family", FAMILY_DEVICE, PERSON),
        ("e4", "session-other", FAMILY_DEVICE, OTHER),
        ("e5", "session-nobody", FAMILY_DEVICE, None),
        ("e6", "session-cafe", CAFE, PERSON),
        *((f"f{number}", f"cafe-{number}", CAFE, f"C10000{number}") for number in range(6)),
        ("e7", "session-stranger", CAFE, None),
    ]
    frame = pl.DataFrame(rows, schema=["event_id", "session_id", "anonymous_id", "customer_id"], orient="row")
    whole = frame.with_columns(ts=pl.lit(datetime(2026, 1, 1, 12)), event_type=pl.lit("view"))
    buffer = io.BytesIO()
    whole.write_parquet(buffer)
    return buffer.getvalue()


def make_home(home: Path) -> Settings:
    """Landed and loaded."""
    settings = Settings(home=home)
    day = "dt=2026-01-01"
    land(
        settings,
        f"customers/{day}/a.csv",
        "customer_id,updated_ts,email_hash,phone_hash,city\n"
        f"{PERSON},2026-01-01T00:00:00Z,{EMAIL},{PHONE},Lyon\n"
        f"{OTHER},2026-01-01T00:00:00Z,cccc3333dddd4444,{PHONE},Oslo\n"
        f"{PERSON},yesterday,{EMAIL},,Lyon\n",
    )
    land(settings, f"events/{day}/a.parquet", events())
    header = "order_id,customer_id,order_ts,updated_ts,status,channel,ship_postal,currency,goods_total\n"
    times = "2026-01-01T10:00:00Z,2026-01-01T10:00:00Z"
    land(
        settings,
        f"orders/{day}/a.csv",
        f"{header}O1,{PERSON},{times},paid,site,69001,EUR,12.50\nO2,{OTHER},{times},paid,site,0150,EUR,1.00\n",
    )
    land(
        settings,
        f"reviews/{day}/a.jsonl",
        '{"review_id":"V1","order_id":"O1","product_id":"P1","rating":5,"text":"Ann","ts":"2026-01-01T11:00:00Z"}\n'
        '{"review_id":"V2","order_id":"O2","product_id":"P1","rating":4,"text":"ok","ts":"2026-01-01T11:00:00Z"}\n',
    )
    land(
        settings,
        f"deletion_requests/{day}/a.csv",
        f"request_id,customer_id,email_hash,requested_ts\nD1,,{EMAIL},2026-01-01T12:00:00Z\n",
    )
    assert load(settings)
    return settings


def load(settings: Settings) -> bool:
    """The part of a rebuild that these tests need: raw tables from the landed files under the list."""
    feeds = Feeds.of_home(settings.home)
    return not run_intake(Warehouse.of(settings), settings.landing, feeds=feeds).rejected
