"""The service as a process: where it listens, who may ask, how much at a time. Endpoints live in `app`."""

import gc
import ipaddress
import os
import secrets
from contextlib import suppress
from pathlib import Path

from xbec_platform.settings import Settings

PORT = 8700
# Requests at a time and waiting; more are told to come back instead of piling up.
MOST_AT_A_TIME = 256


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach a host's address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def token_of(home: Path) -> str:
    """The home's token, made on first use; only its owner may read the file."""
    file = home / "api.token"
    if not file.is_file():
        # Private from the first byte, and never half there: two starts at once agree on whichever comes first.
        part = file.with_name(f".{file.name}.{os.getpid()}.part")
        part.touch(mode=0o600)
        part.write_text(secrets.token_urlsafe(32) + "\n")
        with suppress(FileExistsError):
            file.hardlink_to(part)
        part.unlink()
    return file.read_text().strip()


def serve_api(settings: Settings, *, host: str, port: int) -> None:
    """Serve the published snapshot until the process is told to stop.

    Raises:
        SnapshotMissingError: Nothing has been published yet.
    """
    import uvicorn

    from xbec_platform.service.app import build_app
    from xbec_platform.service.snapshot import CurrentSnapshot

    current = CurrentSnapshot(settings.published)
    try:
        app = build_app(current, token=None if is_loopback(host) else token_of(settings.home))
        # What is loaded by now stays: a collection that looks at all of it stops every request for 50 ms.
        gc.collect()
        gc.freeze()
        uvicorn.run(
            app,
            host=host,
            port=port,
            # Queries may hold what people should not type.
            access_log=False,
            log_level="warning",
            limit_concurrency=MOST_AT_A_TIME,
            timeout_keep_alive=30,
            h11_max_incomplete_event_size=16_384,
        )
    finally:
        current.close()
