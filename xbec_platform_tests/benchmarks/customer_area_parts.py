"""The models of the customer area, one callable each, as the assets call them; `bench_customer_area` times them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from xbec_platform import asset_keys
from xbec_platform.assets import identity, interests, preference_queries, preferences
from xbec_platform.assets.cluster_models import described, model_tables, models
from xbec_platform.assets.model_tables import read_as_of, write_as_of
from xbec_platform.assets.target_groups import target_input
from xbec_platform.assets.user_database import segmented_user_database, user_database
from xbec_platform.customers.cluster_model import ClusterParams
from xbec_platform.customers.cluster_profile import PROFILE_FEATURES
from xbec_platform.customers.clusters import assign
from xbec_platform.customers.identity import IdentityParams, resolve
from xbec_platform.customers.lifetime_value import LifetimeParams, fit_lifetime, score_lifetime
from xbec_platform.customers.target_groups import attribute_index, product_groups
from xbec_platform.settings import Settings
from xbec_platform.warehouse.database import Warehouse


def parts(settings: Settings, day: date) -> dict[str, Callable[[], object]]:
    """The parts in the order they depend on each other; the day is a search day of clusters."""
    warehouse = Warehouse.of(settings)

    def clusters() -> None:
        people = user_database(warehouse, day)
        model = models(lambda _, __: people, lambda _: ClusterParams(), day)(day)
        tables = {**model_tables(model, "cluster"), asset_keys.CUSTOMER_CLUSTERS: assign(model, people)}
        write_as_of(
            warehouse,
            {**tables, **described(model, people, PROFILE_FEATURES, "cluster")},
            day,
            purpose="benchmark",
        )

    def likes() -> None:
        model = interests._models(warehouse, day)(day)
        write_as_of(warehouse, interests.interest_tables(warehouse, day, model), day, purpose="benchmark")

    def lifetime() -> None:
        people, params = segmented_user_database(warehouse, day), LifetimeParams()
        scores = score_lifetime(fit_lifetime(people, params), people, params)
        write_as_of(warehouse, {asset_keys.CLV: scores}, day, purpose="benchmark")

    def likings() -> None:
        frames = read_as_of(warehouse, preference_queries.QUERIES, day, purpose="benchmark")
        found = preferences._scored(frames)
        write_as_of(warehouse, {asset_keys.ATTRIBUTE_PREFERENCE: found.scores}, day, purpose="benchmark")

    def persons() -> None:
        keys = read_as_of(warehouse, identity.QUERIES, day, purpose="benchmark")
        found = resolve(keys["accounts"], keys["keys"], IdentityParams())
        write_as_of(warehouse, {asset_keys.IDENTITY_MAP: found.map}, day, purpose="benchmark")

    def targets() -> None:
        # Of four weeks before there are no marts: the groups of the day stand in, of the same size.
        found = target_input(warehouse, day)
        data = replace(found, before=found.now)
        product_groups(data, attribute_index(data))

    return {
        "clusters": clusters,
        "interests": likes,
        "preferences": likings,
        "lifetime value": lifetime,
        "identity": persons,
        "target groups": targets,
    }
