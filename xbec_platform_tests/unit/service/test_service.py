"""The service as a process: answers, bounds, who may ask, and new snapshots under load without a failed request."""

import http.client
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from xbec_platform.service.run import is_loopback, token_of
from xbec_platform_tests.integration.services.processes import PATIENCE_S, eventually, free_port


def publish(home: Path, best: str, *, customers: int = 1) -> None:
    """A published file in which everybody is shown one product, swapped in by rename as the platform does."""
    part = home / ".published.part"
    with duckdb.connect(str(part)) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE SCHEMA ml")
        connection.execute(
            """CREATE TABLE marts.dim_product AS SELECT * FROM (VALUES
            ('A', 'Espresso machine', 'Bialetti', 'kitchen/coffee', true), ('B', 'Tea pot', NULL, 'kitchen/tea', true)
            ) AS t (product_id, title, brand, category_path, is_product)"""
        )
        connection.execute(
            f"""CREATE TABLE ml.recs_discover AS SELECT DATE '2026-01-02' - day AS as_of_date, 'C' || n AS customer_id,
            1 AS rank, CASE day WHEN 0 THEN '{best}' ELSE 'old' END AS product_id, 0.5 AS score, 'ease' AS generator,
            'bought' AS reason_kind, 'B' AS reason_product_id
            FROM range({customers}) AS c(n), (SELECT unnest([0, 1])::INTEGER AS day)"""
        )
        connection.execute(
            """CREATE TABLE marts.dim_customer AS SELECT * FROM (VALUES ('yes', true), ('no', false), ('silent', NULL))
            AS t (customer_id, consent_profiling)"""
        )
        connection.execute(
            """CREATE TABLE ml.portrait_tags AS SELECT DATE '2026-01-02' AS as_of_date, 'person' AS subject_type,
            customer_id AS subject_id, 'orders' AS tag, 1 AS position, '3' AS value, 3.0 AS number, 3 AS evidence_n,
            1.0 AS confidence FROM marts.dim_customer"""
        )
    part.replace(home / "published.duckdb")


class Service:
    """A served home."""

    def __init__(self, home: Path, host: str = "127.0.0.1") -> None:
        self.port = free_port()
        code = (
            "import sys\nfrom pathlib import Path\nfrom xbec_platform.service.run import serve_api\n"
            "from xbec_platform.settings import Settings\n"
            "serve_api(Settings(home=Path(sys.argv[1])), host=sys.argv[2], port=int(sys.argv[3]))"
        )
        self.process = subprocess.Popen([sys.executable, "-c", code, str(home), host, str(self.port)])
        eventually(self.is_up, "the service", every_s=0.1)

    def is_up(self) -> bool:
        """Whether it listens; its end is an error."""
        assert self.process.poll() is None, "the service did not start"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def get(self, path: str, **headers: str) -> tuple[int, object]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text.startswith(("{", "[")) else text

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a snapshot."""
    folder = tmp_path_factory.mktemp("served")
    publish(folder, "A")
    return folder


@pytest.fixture(scope="module")
def service(home: Path) -> Iterator[Service]:
    """The home, served to this machine."""
    served = Service(home)
    yield served
    served.stop()


def test_lists_come_from_the_newest_day_with_titles_and_reasons(service: Service) -> None:
    """The day before is in the snapshot too and is not shown."""
    status, body = service.get("/v1/recommendations/C0")
    assert status == 200
    (row,) = body  # type: ignore[misc]
    assert (row["product_id"], row["title"], row["reason_product_id"]) == ("A", "Espresso machine", "B")


def test_search_forgives_a_slip(service: Service) -> None:
    """The catalogue of the snapshot is indexed."""
    _, body = service.get("/v1/search?q=" + quote("espreso"))
    assert [row["product_id"] for row in body["products"]] == ["A"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/v1/recommendations/nobody", 404, "no list"),
        ("/v1/recommendations/C0?limit=101", 422, "less than or equal to 100"),
        ("/v1/recommendations/C0?kind=all", 422, "discover"),
        ("/v1/recommendations/" + "x" * 101, 422, "100 characters"),
        ("/v1/search?q=" + "x" * 201, 422, "200 characters"),
        ("/v1/search?q=tea&in_stock=true", 422, "market"),
        ("/v1/similar/A", 404, "run the job decisions"),
        ("/v1/portrait/no", 403, "has not agreed"),
        ("/v1/portrait/silent", 403, "has not agreed"),
        ("/v1/recommendations/" + quote("' OR 1=1 --"), 404, "no list"),
    ],
)
def test_what_cannot_be_answered_says_why(service: Service, path: str, status: int, says: str) -> None:
    """Bounds, missing tables, missing consent, and no way into the SQL."""
    found, body = service.get(path)
    assert found == status
    assert says in json.dumps(body)


def test_a_portrait_needs_consent(service: Service) -> None:
    """Who said yes has one."""
    status, body = service.get("/v1/portrait/yes")
    assert (status, body[0]["tag"]) == (200, "orders")  # type: ignore[index]


def test_openapi_describes_every_endpoint(service: Service) -> None:
    """Each path has a summary; nothing but reading is offered."""
    _, body = service.get("/openapi.json")
    for path, methods in body["paths"].items():  # type: ignore[index]
        assert set(methods) == {"get"}, path
        assert methods["get"]["summary"], path


def test_pages_of_strangers_are_refused(service: Service) -> None:
    """A name of theirs may point at this machine: the Host header gives them away."""
    assert service.get("/v1/health", Host="shop.example")[0] == 400


def test_new_snapshots_are_served_without_a_failed_request(service: Service, home: Path) -> None:
    """Three swaps while four readers ask all the time: all get 200, each one state, in the end the newest."""
    stop = threading.Event()
    answers: list[tuple[int, Any]] = []

    def ask() -> None:
        while not stop.is_set():
            answers.append(service.get("/v1/recommendations/C0"))

    readers = [threading.Thread(target=ask) for _ in range(4)]
    for reader in readers:
        reader.start()

    def seen(best: str) -> bool:
        return bool(answers) and answers[-1][1][0]["product_id"] == best

    try:
        eventually(lambda: seen("A"), "the first state", every_s=0.05)
        for best in ("B", "A", "B"):
            publish(home, best, customers=2000)
            eventually(lambda best=best: seen(best), "the new snapshot", every_s=0.05)  # type: ignore[misc]
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert {status for status, _ in answers} == {200}
    assert {body[0]["product_id"] for _, body in answers} == {"A", "B"}
    assert service.get("/v1/recommendations/C1999")[0] == 200


def test_no_request_waits_for_an_import(tmp_path: Path) -> None:
    """DuckDB imports pandas where it first binds a value: a third of a second, which opening the snapshot takes."""
    publish(tmp_path, "A")
    code = (
        "import sys\nfrom pathlib import Path\nfrom xbec_platform.service.snapshot import Snapshot\n"
        "opened = Snapshot(Path(sys.argv[1]) / 'published.duckdb')\nbefore = set(sys.modules)\n"
        "opened.rows('SELECT * FROM ml.recs_discover WHERE as_of_date = ? AND customer_id = ?', [opened.as_of, 'C0'])\n"
        "opened.search.search('tea', limit=5)\nprint(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"


def test_a_broken_file_leaves_the_old_state(service: Service, home: Path) -> None:
    """The service goes on with what it has and says that a newer file cannot be read."""
    part = home / ".broken"
    part.write_bytes(b"no database")
    part.replace(home / "published.duckdb")
    eventually(
        lambda: service.get("/v1/health")[1]["status"] != "ok",  # type: ignore[index]
        "that the broken file is noticed",
        every_s=0.1,
    )
    assert service.get("/v1/recommendations/C0")[0] == 200
    publish(home, "A")


def test_others_need_the_token(tmp_path: Path) -> None:
    """On an address others reach every path asks for it, the description too."""
    publish(tmp_path, "A")
    served = Service(tmp_path, "0.0.0.0")  # noqa: S104 - what is tested
    try:
        assert served.get("/v1/health")[0] == 401
        assert served.get("/openapi.json")[0] == 401
        assert served.get("/v1/health", Authorization="Bearer wrong")[0] == 401
        token = (tmp_path / "api.token").read_text().strip()
        assert served.get("/v1/health", Authorization=f"Bearer {token}")[0] == 200
    finally:
        served.stop()


def test_the_token_is_kept_and_private(tmp_path: Path) -> None:
    """Made once, for its owner's eyes."""
    token = token_of(tmp_path)
    assert token_of(tmp_path) == token
    assert len(token) >= 32
    assert (tmp_path / "api.token").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("shop", False)],  # noqa: S104
)
def test_only_addresses_of_this_machine_need_no_token(host: str, own: bool) -> None:
    """A name nobody knows may be anything."""
    assert is_loopback(host) is own
