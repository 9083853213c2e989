"""Runs and events in PostgreSQL, configured as docs/operations.md says, on a real server that the test starts."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from xbec_platform.instance import open_instance
from xbec_platform.settings import POSTGRES_URL, Settings
from xbec_platform_tests.integration.services.processes import PATIENCE_S, free_port

# Debian keeps the server's programs outside PATH, and makes this user for it.
DEBIAN = Path("/usr/lib/postgresql")
USER = "postgres"


def programs() -> Path | None:
    """Folder of the server's programs; None where no server can be started."""
    newest = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(newest[-1]) if newest else shutil.which("initdb")
    has_user = os.geteuid() != 0 or any(entry.pw_name == USER for entry in pwd.getpwall())
    return Path(found).parent if found and has_user else None


@pytest.fixture
def address() -> Iterator[str]:
    """Of an empty database, as an administrator would write it."""
    binaries = programs()
    if binaries is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    # The server refuses root, and pytest's folders are closed to other users: hence a folder beside them.
    folder, port = Path(tempfile.mkdtemp(prefix="xbec-postgres-")), free_port()
    user = USER if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)

    def run(program: str, *words: str) -> None:
        command = [str(binaries / program), *words]
        subprocess.run(command, check=True, cwd=folder, user=user, stdout=subprocess.DEVNULL)

    data = str(folder / "data")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    try:
        run("initdb", "-D", data, "-A", "trust", "-U", "xbec", "--no-sync", "-E", "UTF8", "--locale=C")
        run(
            "pg_ctl",
            "-D",
            data,
            "-o",
            options,
            "-l",
            str(folder / "log"),
            "-w",
            "-t",
            str(PATIENCE_S),
            "start",
        )
        try:
            yield f"postgresql://xbec@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


@dg.asset
def orders() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"dagster/row_count": 7})


def test_a_run_and_its_events_are_there_for_the_next_process(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address names no driver; nothing is left in files of the home."""
    monkeypatch.setenv(POSTGRES_URL, address)
    monkeypatch.setenv("DAGSTER_HOME", "")
    settings = Settings(home=tmp_path, dagster_storage="postgres")
    with open_instance(settings) as instance:
        made = dg.materialize([orders], instance=instance)
    with open_instance(settings) as instance:
        run = instance.get_run_by_id(made.run_id)
        event = instance.get_latest_materialization_event(dg.AssetKey("orders"))
    assert run is not None
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert event is not None
    assert event.run_id == made.run_id
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["dagster/row_count"].value == 7
    assert not list(tmp_path.rglob("*.db"))
