"""Consumption portraits as an asset: read what is known as of a day, make the tags, store."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform import asset_keys
from xbec_platform.assets.decided_steps import decided_step
from xbec_platform.assets.model_tables import as_of_days, model_spec, read_as_of, results, write_as_of
from xbec_platform.assets.portrait_queries import QUERIES
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import markdown_table, report_links
from xbec_platform.publish.page_names import PORTRAIT
from xbec_platform.settings import Settings

if TYPE_CHECKING:
    import polars as pl

    from xbec_platform.customers.portrait import PortraitInput


def build_portrait_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """What is known of persons, segments, clusters and markets."""
    spec = partial(
        model_spec,
        group="customers",
        owner="team:customer-data",
        kinds={"scipy"},
        deps=[
            asset_keys.IDENTITY_MAP,
            asset_keys.mart("mart_user_database"),
            asset_keys.mart("mart_rfm"),
            asset_keys.mart("fct_order"),
            asset_keys.mart("fct_order_line"),
            asset_keys.CUSTOMER_CLUSTERS,
            asset_keys.CUSTOMER_INTERESTS,
            asset_keys.CLV,
            asset_keys.ATTRIBUTE_PREFERENCE,
            asset_keys.ATTRIBUTE_TARGETS,
            asset_keys.RECS_DISCOVER,
        ],
    )

    @decided_step(
        settings,
        name="portrait_tags",
        specs=[
            spec(
                asset_keys.PERSON_DATABASE,
                "The user database by person: what all accounts of a person (ml.identity_map) bought together; a "
                "person may be profiled where every account agrees. Grain: person. Key: as_of_date, person_id.",
            ),
            spec(
                asset_keys.PORTRAIT_TAGS,
                "Consumption portraits of persons, RFM segments, groups and markets, one tag a row, with the number "
                "of observations it rests on and how sure it is: value, habits, likes, sensitivity to price, coupon "
                "and delivery, life stage, next purchase, recommendations. Persons, not accounts, and only where "
                "each of their accounts consents to profiling, "
                "groups only of 30 people or more; what rests on too little is left out. `xbec portrait` shows "
                "one as text or JSON. Grain: subject x tag x position. "
                "Key: as_of_date, subject_type, subject_id, tag, position.",
            ),
        ],
    )
    def portrait_tags(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        import polars as pl

        from xbec_platform.customers.persons import by_person, person_database
        from xbec_platform.customers.portrait import PortraitInput
        from xbec_platform.customers.portrait_tags import PERSON

        chosen = as_of_days(context)
        for day in chosen:
            frames = read_as_of(warehouse.file, QUERIES, day, purpose=f"portraits {day}: read")
            accounts = frames.pop("accounts")
            data = PortraitInput(as_of=day, **frames)
            persons = person_database(data, accounts)
            tags = all_portraits(by_person(data, accounts))
            tables = {asset_keys.PERSON_DATABASE: persons, asset_keys.PORTRAIT_TAGS: tags}
            write_as_of(warehouse.file, tables, day, purpose=f"portraits {day}")
            context.log.info(f"portraits {day}: {tags.height} tags")
        by_tag = tags.group_by("subject_type", "tag").agg(
            rows=pl.len(),
            median_evidence=pl.col("evidence_n").median(),
            mean_confidence=pl.col("confidence").mean(),
        )
        shown: dict[dg.AssetKey, dict[str, Any]] = {
            asset_keys.PERSON_DATABASE: {
                "persons with several accounts": int((persons["n_accounts"] > 1).sum())
            },
            asset_keys.PORTRAIT_TAGS: {
                "persons": tags.filter(pl.col("subject_type") == PERSON)["subject_id"].n_unique(),
                "tags": markdown_table(
                    by_tag.sort("rows", "subject_type", "tag", descending=[True, False, False])
                ),
                **report_links(settings, {"portraits": PORTRAIT}),
            },
        }
        yield from results(tables, chosen[-1], shown)

    return [portrait_tags]


def all_portraits(data: "PortraitInput") -> "pl.DataFrame":
    """Tags of persons and groups."""
    import polars as pl

    from xbec_platform.customers.portrait import person_portraits
    from xbec_platform.customers.portrait_groups import group_portraits
    from xbec_platform.customers.portrait_tags import PERSON, PortraitParams

    params = PortraitParams()
    persons = person_portraits(data, params)
    groups = group_portraits(data, persons, params)
    # Both are sorted, and the many persons stand between two kinds of groups.
    is_before = pl.col("subject_type") < PERSON
    return pl.concat([groups.filter(is_before), persons, groups.filter(~is_before)])
