"""`xbec serve`: the parts of Dagster, and the service for shops, as processes of their own."""

import os
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import yaml

from xbec_platform.commands.home import NO_DATA
from xbec_platform.commands.home import settings as _settings
from xbec_platform.settings import Settings
from xbec_platform.whole_files import replace_text

HOST = "127.0.0.1"
CODE_PORT, WEB_PORT = 4000, 3000


class Part(StrEnum):
    """What runs on its own."""

    CODE = "code"
    DAEMON = "daemon"
    WEB = "web"
    API = "api"


def serve(
    part: Annotated[
        Part,
        typer.Argument(help="code server, daemon (schedules, sensors, queue), web; or api, for shops"),
    ],
    port: Annotated[int, typer.Option(help="of web (3000), code (4000) or api (8700); 0: the usual one")] = 0,
    code_port: Annotated[int, typer.Option(help="where web and daemon find the code server")] = CODE_PORT,
    host: Annotated[
        str,
        typer.Option(help="of api; anything but this machine asks for the token in api.token of the home"),
    ] = HOST,
) -> None:
    """Run one part in the foreground, for a service manager: xbec serve code, then daemon and web; or xbec serve api.

    Each may be restarted or killed alone: runs go on without web and daemon, and a killed run is started again.
    """
    settings = _settings()
    if part is Part.API:
        _serve_api(settings, host, port)
        return
    from xbec_platform.instance import prepare_instance

    settings.announce()
    prepare_instance(settings)
    become(command_line(settings, part, port=port, code_port=code_port))


def become(command: list[str]) -> NoReturn:
    """Go on as another program of this environment, which Ctrl-C and SIGTERM end.

    What a script starts in its background is born deaf to Ctrl-C; Dagster gives SIGTERM the meaning of Ctrl-C, and
    would be deaf to both.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 - our own interpreter's programs, no shell


def _serve_api(settings: Settings, host: str, port: int) -> None:
    """Serve the snapshot, and say where."""
    from xbec_platform.service.run import PORT, is_loopback, serve_api
    from xbec_platform.service.snapshot import SnapshotMissingError

    where = f"http://{host}:{port or PORT}/openapi.json"
    who = "this machine" if is_loopback(host) else f"who has the token in {settings.home / 'api.token'}"
    typer.echo(f"xbec: the published snapshot on {where} for {who}", err=True)
    try:
        serve_api(settings, host=host, port=port or PORT)
    except SnapshotMissingError as error:
        typer.echo(f"xbec: {error}", err=True)
        raise typer.Exit(NO_DATA) from error


def command_line(settings: Settings, part: Part, *, port: int, code_port: int) -> list[str]:
    """The program of a part with its arguments; web and daemon find the code server in a file of the home."""
    programs, logs = Path(sys.executable).parent, log_options(settings)
    if part is Part.CODE:
        module = ["-m", "xbec_platform.definitions"]
        where = ["-h", HOST, "-p", str(port or CODE_PORT)]
        return [str(programs / "dagster"), "code-server", "start", *module, *where, *logs]
    workspace = settings.dagster_home / "code_server.yaml"
    server = {"host": HOST, "port": code_port, "location_name": "xbec_platform"}
    replace_text(workspace, yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
    if part is Part.DAEMON:
        return [str(programs / "dagster-daemon"), "run", "-w", str(workspace), *logs]
    return [
        str(programs / "dagster-webserver"),
        "-w",
        str(workspace),
        "-h",
        HOST,
        "-p",
        str(port or WEB_PORT),
        *logs,
    ]


def log_options(settings: Settings) -> list[str]:
    """What Dagster's own programs are told about their logs."""
    return ["--log-format", "json"] if settings.log_format == "json" else []
