"""The identity map as an asset: read the keys seen by a day, resolve, store."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import bars
from xbec_platform.settings import Settings

STAGING, INTERMEDIATE = "staging", "intermediate"

_VERSIONS = "staging.stg_customer_versions WHERE updated_ts::DATE <= $day AND customer_id NOT LIKE 'erased:%'"
QUERIES = {
    "accounts": f"""SELECT customer_id, arg_max(birth_year, updated_ts)::INTEGER AS birth_year,
            arg_max(gender, updated_ts) AS gender, min(coalesce(registered_ts, updated_ts)::DATE) AS valid_from
        FROM {_VERSIONS} GROUP BY ALL""",
    "keys": f"""SELECT customer_id, 'email' AS kind, email_hash AS key_value, min(updated_ts::DATE) AS valid_from
        FROM {_VERSIONS} AND email_hash IS NOT NULL GROUP BY ALL UNION ALL
        SELECT customer_id, 'phone', phone_hash, min(updated_ts::DATE)
        FROM {_VERSIONS} AND phone_hash IS NOT NULL GROUP BY ALL UNION ALL
        SELECT customer_id, 'device', anonymous_id, min(event_date)
        FROM intermediate.int_device_logins WHERE event_date <= $day GROUP BY ALL""",
}


def build_identity_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Who is who among accounts and devices."""
    spec = partial(
        model_spec,
        group="customers",
        owner="team:customer-data",
        kinds={"scipy"},
        deps=[
            dg.AssetKey([STAGING, "stg_customer_versions"]),
            dg.AssetKey([INTERMEDIATE, "int_device_logins"]),
        ],
    )

    @decided_step(
        settings,
        name="identity_map",
        specs=[
            spec(
                asset_keys.IDENTITY_MAP,
                "The person behind every account and device. Join a table by its customer_id: "
                "`JOIN ml.identity_map AS i ON i.kind = 'customer' AND i.source_id = customer_id AND "
                "i.as_of_date = D`; "
                "anonymous events by anonymous_id with `kind = 'device' AND NOT is_shared`. person_id is the smallest "
                "customer_id of the person. Nothing is carried over from day to day: a merge ends with its keys. "
                "Grain: account or device and person. Key: as_of_date, kind, source_id, person_id.",
            ),
            spec(
                asset_keys.IDENTITY_LINKS,
                "Pairs of accounts with a key in common, accepted as one person or refused, and why. "
                "Grain: pair of accounts. Key: as_of_date, customer_id, other_customer_id.",
            ),
            spec(
                asset_keys.IDENTITY_CUT_KEYS,
                "Keys of more than 5 accounts, which link nobody: resellers, hotlines, public computers. "
                "Grain: key. Key: as_of_date, kind, key_value.",
            ),
        ],
    )
    def identity_map(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from xbec_platform.customers.identity import IdentityParams, resolve

        chosen = as_of_days(context)
        for day in chosen:
            found = read_as_of(warehouse.file, QUERIES, day, purpose="identity: read")
            result = resolve(found["accounts"], found["keys"], IdentityParams())
            tables = {
                asset_keys.IDENTITY_MAP: result.map,
                asset_keys.IDENTITY_LINKS: result.links,
                asset_keys.IDENTITY_CUT_KEYS: result.cut_keys,
            }
            write_as_of(warehouse.file, tables, day, purpose=f"identity {day}")
        rules = result.links["rule"].value_counts().sort("rule")
        shown: dict[dg.AssetKey, dict[str, Any]] = {
            asset_keys.IDENTITY_MAP: {"persons": result.map["person_id"].n_unique()},
            asset_keys.IDENTITY_LINKS: {"pairs by rule": bars(dict(rules.iter_rows()), unit="pairs")},
        }
        yield from results(tables, chosen[-1], shown)

    return [identity_map]
