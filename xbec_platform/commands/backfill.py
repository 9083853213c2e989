"""`xbec backfill`: run the jobs over a range of days, or say what that would do and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from xbec_platform.commands.home import FAILED, NO_DATA, USAGE
from xbec_platform.commands.home import console as _console
from xbec_platform.commands.home import settings as _settings
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

    from xbec_platform.operations.backfill_plan import PlannedRun, Wish
    from xbec_platform.operations.selection import Selected

_DAY = ["%Y-%m-%d"]
_Seen = TypeVar("_Seen")


class DecisionDays(StrEnum):
    """As of which days decisions are taken."""

    EVERY = "every-day"
    LAST = "last-day"


@dataclass(frozen=True)
class _Order:
    """A backfill that was understood."""

    settings: Settings
    definitions: "dg.Definitions"
    assets: "list[Selected]"
    wish: "Wish"
    select: str


def backfill(
    select: Annotated[
        str, typer.Option(help='assets as in the UI: group:customers, key:"marts/*", marts/fct_order+')
    ] = "*",
    first: Annotated[
        datetime | None, typer.Option("--from", help="first day, included; else the home's", formats=_DAY)
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", help="last day, included; else the home's", formats=_DAY)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only tell what would run and why")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the dry run as JSON, asset by asset")] = False,
    only_due: Annotated[
        bool, typer.Option("--only-due", help="only days that are missing, failed, or changed since")
    ] = False,
    decisions: Annotated[
        DecisionDays, typer.Option(help="clusters, lists, plan and pages as of every day, or of the last")
    ] = DecisionDays.EVERY,
    days_per_run: Annotated[
        int, typer.Option(help="decisions of so many days make a run; 0: all in one, as in the UI", min=0)
    ] = 0,
) -> None:
    """Build a range of days again: files and facts of all days in one run, then the decisions, oldest day first.

    It is what the UI's range backfill does. Days that were stored stay stored whatever happens, and none is half
    written; --only-due goes on where a backfill ended.
    """
    from xbec_platform.operations.backfill_plan import Wish

    if as_json and not dry_run:
        raise typer.BadParameter("--json shows the dry run: give --dry-run along")
    settings = _settings()
    days = _days(settings, first, last)
    wish = Wish(*days, only_due, decisions is DecisionDays.LAST, days_per_run)
    order = _understood(settings, select, wish)
    if dry_run:
        _show(order, as_json=as_json)
    else:
        _run(order)


def _days(settings: Settings, first: datetime | None, last: datetime | None) -> tuple[date, date]:
    from xbec_platform.operations.backfill_plan import DayOutsideError, checked_days

    if not any(settings.landing.glob("*/dt=*/*")):
        _stop(
            f"{settings.landing} holds no delivered files: make run, or let a source deliver first", NO_DATA
        )
    # Today is not over: its day is no partition yet.
    today = datetime.now(UTC).date()
    end = min(settings.end_date or today, today)
    _tell_days_outside(settings)
    try:
        return checked_days(first and first.date(), last and last.date(), settings.start_date, end)
    except DayOutsideError as error:
        _stop(str(error), USAGE)


def _tell_days_outside(settings: Settings) -> None:
    """Files before the home's first day, or from its end on, are read by no run."""
    from xbec_platform.operations.doctor.files_reader import landing

    days = landing(settings, datetime.now(UTC).timestamp()).days
    start, end = settings.start_date, settings.end_date or date.max
    early, late = [day for day in days if day < start], [day for day in days if day >= end]
    for some, way in (
        (early, f"set start_date: {min(early, default=start)} in"),
        (late, "remove end_date from"),
    ):
        if some:
            typer.echo(
                f"xbec: files of {len(some)} days, {min(some)} to {max(some)}, lie outside this home's days and are "
                f"read by no run; to take them, {way} {settings.home / 'home.yml'}",
                err=True,
            )


def _understood(settings: Settings, select: str, wish: "Wish") -> _Order:
    # Dagster and dbt take seconds: a slip in a date is told before they are loaded.
    from xbec_platform.definitions import build_definitions
    from xbec_platform.operations.selection import UnknownAssetError, selected_assets

    definitions = build_definitions(settings)
    try:
        return _Order(settings, definitions, selected_assets(definitions, select), wish, select)
    except UnknownAssetError as error:
        _stop(str(error), USAGE)


def _show(order: _Order, *, as_json: bool) -> None:
    from xbec_platform.operations.backfill_plan import plan, planned_runs, rows_by_day
    from xbec_platform.operations.backfill_report import plan_json, print_plan
    from xbec_platform.operations.backfill_state import known_state
    from xbec_platform.operations.read_only import WAIT_S

    state = _looked(lambda: known_state(order.settings, order.assets, order.wish, wait_s=WAIT_S))
    planned = plan(order.assets, order.wish, state)
    rows, runs = rows_by_day(state.files, order.wish), planned_runs(order.assets, planned, order.wish)
    if as_json:
        typer.echo(plan_json(planned, rows, runs))
    else:
        print_plan(planned, rows, runs, _console())


def _run(order: _Order) -> None:
    from xbec_platform.instance import open_instance
    from xbec_platform.operations.backfill_plan import plan, planned_runs
    from xbec_platform.operations.backfill_report import print_outcome, run_line
    from xbec_platform.operations.backfill_run import DagsterRunner, execute
    from xbec_platform.operations.backfill_state import absent_inputs, known_state, nothing_known

    settings, wish = order.settings, order.wish
    state = (
        _looked(lambda: known_state(settings, order.assets, wish, wait_s=settings.lock_wait_s))
        if wish.only_due
        else nothing_known()
    )
    runs = planned_runs(order.assets, plan(order.assets, wish, state), wish)
    if not runs:
        typer.echo(f"{wish.first} to {wish.last}: nothing is missing, failed or changed; nothing was run")
        return
    absent = _looked(lambda: absent_inputs(settings, order.definitions, order.assets))
    if absent:
        _stop(
            f"what was selected reads {', '.join(absent)}, of which nothing was built in this home yet: "
            "run xbec backfill once without --select, or select what comes before as well, "
            f"--select '+({order.select})'",
            NO_DATA,
        )
    instance = open_instance(settings)
    try:
        outcome = execute(
            runs,
            DagsterRunner(
                order.definitions, instance, lambda run: _obstacle(settings, run), settings.log_format
            ),
            lambda number, run: typer.echo(run_line(number, len(runs), run), err=True),
        )
    finally:
        instance.dispose()
    print_outcome(outcome, _console())
    if not outcome.succeeded:
        raise typer.Exit(FAILED)


def _obstacle(settings: Settings, run: "PlannedRun") -> str:
    from xbec_platform.automation.jobs import DECISIONS
    from xbec_platform.main_job import NO_ORDERS
    from xbec_platform.operations.backfill_state import has_orders

    return "" if run.job != DECISIONS or has_orders(settings) else NO_ORDERS


def _looked(look: Callable[[], _Seen]) -> _Seen:
    """What a look brings; a file that cannot be looked into ends the command with its cause."""
    import duckdb

    from xbec_platform.warehouse.lock import WarehouseBusyError

    try:
        return look()
    except WarehouseBusyError as error:
        _stop(f"the plan needs a look into the warehouse: {error}", FAILED)
    except (duckdb.BinderException, duckdb.CatalogException):
        _stop(
            "the tables are of an older version of the platform; a run (xbec backfill) brings them up to date",
            FAILED,
        )
    except duckdb.Error as error:
        _stop(f"the warehouse cannot be read, xbec doctor says more: {error}", FAILED)


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(f"xbec: {message}", err=True)
    raise typer.Exit(code)
