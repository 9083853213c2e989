"""Pre-sales as assets: chances, pre-positioning, outcome. Read as of a day, decide, store; no model here."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import AS_OF, as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.presale_queries import CLOSED, OUTCOME_ORDERS, QUERIES
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.route_queries import terms_of
from xbec_platform.assets.ui_metadata import bars, markdown_table
from xbec_platform.partitions import days
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.logistics.presale_day import PresaleDay

# Days after the end of a balance window on which its outcome is measured: at once, and when parcels have arrived.
MEASURED_AFTER = (0, 14)

_DEPS = [
    asset_keys.raw("presales"),
    asset_keys.raw("payments"),
    asset_keys.raw("orders"),
    asset_keys.raw("products"),
    asset_keys.raw("calendar"),
    asset_keys.raw("restricted_items"),
    asset_keys.mart("fct_order"),
    asset_keys.mart("fct_order_line"),
    asset_keys.mart("fct_inventory"),
    asset_keys.mart("fct_shipment"),
    asset_keys.mart("fct_shipment_stage"),
    asset_keys.mart("dim_product"),
    asset_keys.mart("dim_lane"),
    asset_keys.mart("dim_warehouse"),
]


def build_presale_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """What every deposit will become, what is sent before it is known, and what that came to."""
    spec = partial(
        model_spec, group="logistics", owner="team:logistics", kinds={"ortools", "scikitlearn"}, deps=_DEPS
    )

    @decided_step(
        settings,
        name="presales",
        specs=[
            spec(
                asset_keys.PRESALE_CONVERSION,
                "Chance that the balance of each deposit of the running pre-sales is paid, as of the deposit and with "
                "what is known now; method says whether a model or a share serves. Grain: order. "
                "Key: as_of_date, order_id.",
            ),
            spec(
                asset_keys.PRESALE_MODEL,
                "The model that scored the day: method, deposits it was fitted on, log losses on unseen blocks of "
                "time. Grain: day. Key: as_of_date.",
            ),
            spec(
                asset_keys.PRESALE_CALIBRATION,
                "Predicted against observed shares of the last balance windows, each predicted by what had closed "
                "before its first deposit. Grain: balance window x bin. Key: as_of_date, balance_open_date, bin.",
            ),
            spec(
                asset_keys.PREPOSITION_PLAN,
                "Pieces of each pre-sale to send to each centre before balances are paid (newsvendor, coupled by room "
                "and stock, audited); is_last_call where they must leave the next morning. "
                "Grain: pre-sale x centre. Key: as_of_date, presale_id, warehouse_id.",
            ),
            spec(
                asset_keys.PREPOSITION_ORDERS,
                "The centre each deposit is planned for, or the one reason why it has none. "
                "Grain: order. Key: as_of_date, order_id.",
            ),
            spec(
                asset_keys.PREPOSITION_SUMMARY,
                "The plan in one row: pieces, hours saved, cost against sending nothing and against sending all to "
                "the nearest centres. Grain: day. Key: as_of_date.",
            ),
            spec(
                asset_keys.PRESALE_OUTCOME,
                "What was sent against who paid, on the day a balance window closed and two weeks later: pieces used "
                "and misplaced, hours saved, cost against shipping all after the balance. "
                "Grain: pre-sale x centre. Key: as_of_date, presale_id, warehouse_id.",
            ),
        ],
    )
    def presales(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = as_of_days(context)
        for day in chosen:
            tables = _tables(_planned(warehouse, day))
            tables[asset_keys.PRESALE_OUTCOME] = _outcomes(warehouse, day, settings.start_date)
            write_as_of(warehouse.file, tables, day, purpose=f"pre-sales {day}")
            context.log.info(f"pre-sales {day}: {tables[asset_keys.PRESALE_CONVERSION].height} deposits")
        yield from _report(tables, chosen[-1])

    return [presales]


def _planned(warehouse: WarehouseResource, day: date) -> "PresaleDay":
    from xbec_platform.demo.geography import country_points
    from xbec_platform.logistics.presale_day import presale_day

    frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"pre-sales {day}: read")
    places = {"destinations": country_points().rename({"iso2": "country"})}
    return presale_day(frames | places, day, terms=terms_of(frames, day))


def _tables(result: "PresaleDay") -> "dict[dg.AssetKey, pl.DataFrame]":
    return {
        asset_keys.PRESALE_CONVERSION: result.scores.scores,
        asset_keys.PRESALE_MODEL: result.scores.model,
        asset_keys.PRESALE_CALIBRATION: result.scores.calibration,
        asset_keys.PREPOSITION_PLAN: result.plan.plan,
        asset_keys.PREPOSITION_ORDERS: result.plan.homes,
        asset_keys.PREPOSITION_SUMMARY: result.summary,
    }


def _outcomes(warehouse: WarehouseResource, day: date, start: date) -> "pl.DataFrame":
    """Outcomes of the windows that closed on the day or two weeks before."""
    import polars as pl

    from xbec_platform.logistics.presale_outcome import OUTCOME_SCHEMA, committed_plans, presale_outcome

    found = [pl.DataFrame(schema=OUTCOME_SCHEMA)]
    for after in MEASURED_AFTER:
        queries = {"closed": CLOSED.format(days=after), "orders": OUTCOME_ORDERS}
        frames = read_as_of(warehouse.file, queries, day, purpose=f"pre-sales {day}: outcome")
        closed = frames["closed"]
        if closed.is_empty():
            continue
        first, last = max(min(closed["opened_on"]), start), max(closed["balance_on"])
        plans, homes = _plans_of(warehouse, first, last)
        orders = frames["orders"].filter(pl.col("presale_id").is_in(closed["presale_id"].implode()))
        committed = committed_plans(plans).filter(pl.col("presale_id").is_in(closed["presale_id"].implode()))
        found.append(presale_outcome(committed, homes, orders, days_after_close=after))
    return pl.concat(found)


def _plans_of(warehouse: WarehouseResource, first: date, last: date) -> "tuple[pl.DataFrame, pl.DataFrame]":
    """Plans and their orders of some days, `sent_on` the day; days that were never planned are planned now.

    A day's plan follows from what was known on it: it does not matter when it is made.
    """
    import polars as pl

    from xbec_platform.warehouse.database import missing_tables, read_frame

    names = {
        "done": asset_keys.PREPOSITION_SUMMARY,
        "plans": asset_keys.PREPOSITION_PLAN,
        "homes": asset_keys.PREPOSITION_ORDERS,
    }
    tables = {name: asset_keys.table(key) for name, key in names.items()}
    within = f"{AS_OF} BETWEEN DATE '{first}' AND DATE '{last}'"
    stored: dict[str, pl.DataFrame] = {}
    with warehouse.file.connect("pre-sales: plans of earlier days") as connection:
        if not missing_tables(connection, list(tables.values())):
            stored = {
                name: read_frame(connection, f"SELECT * FROM {table} WHERE {within}").rename(
                    {AS_OF: "sent_on"}
                )
                for name, table in tables.items()
            }
    done = set(stored["done"]["sent_on"]) if stored else set()
    plans, homes = ([stored[name]] if stored else [] for name in ("plans", "homes"))
    for day in days(first, last + timedelta(days=1)):
        if day not in done:
            result = _planned(warehouse, day).plan
            plans.append(result.plan.with_columns(sent_on=pl.lit(day)))
            homes.append(result.homes.with_columns(sent_on=pl.lit(day)))
    both = []
    for parts in (plans, homes):
        columns = parts[0].columns
        both.append(pl.concat([part.select(columns).cast(parts[-1].schema) for part in parts]))
    return both[0], both[1]


def _report(tables: "dict[dg.AssetKey, pl.DataFrame]", day: date) -> Iterator[dg.MaterializeResult[Any]]:
    """The last day in numbers that the UI plots over time."""
    shown: dict[dg.AssetKey, dict[str, Any]] = {
        asset_keys.PRESALE_CONVERSION: {
            "states": bars(_counts(tables[asset_keys.PRESALE_CONVERSION], "state"), unit="deposits")
        },
        asset_keys.PREPOSITION_PLAN: {
            "states": bars(_counts(tables[asset_keys.PREPOSITION_PLAN], "status"), unit="rows")
        },
        asset_keys.PREPOSITION_SUMMARY: {"summary": markdown_table(tables[asset_keys.PREPOSITION_SUMMARY])},
        asset_keys.PRESALE_OUTCOME: {"outcome": markdown_table(tables[asset_keys.PRESALE_OUTCOME])},
    }
    yield from results(tables, day, shown)


def _counts(table: "pl.DataFrame", column: str) -> dict[str, int]:
    return dict(table[column].value_counts(name="n").sort("n", column, descending=True).iter_rows())
