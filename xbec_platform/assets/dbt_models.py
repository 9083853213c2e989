"""The dbt project as assets: unpartitioned seeds, views and dimensions, and facts and marts by event day.

The SQL lives in `dbt/`. Here: which models run together, which window they get, and the wait for the file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from xbec_platform.assets.column_lineage import is_known, lineage_metadata, note_lineage, read_lineage
from xbec_platform.assets.dbt_cli import DbtProcess, dbt_project, dbt_variables
from xbec_platform.assets.dbt_integration import (
    DagsterDbtTranslator,
    DbtProject,
    validate_manifest,
)
from xbec_platform.assets.dbt_results import advice, built_before, checks_of, row_counts, unchanged, with_rows
from xbec_platform.assets.resources import WarehouseResource
from xbec_platform.assets.ui_metadata import asset_tags, classified, personal_names, table_schema
from xbec_platform.catalogue.classify import Classifier
from xbec_platform.catalogue.contract_facts import contract_facts
from xbec_platform.catalogue.dbt_facts import RELATIONS, dbt_facts
from xbec_platform.catalogue.declared import declared
from xbec_platform.catalogue.facts import TableFacts, by_table
from xbec_platform.dbt_program import project_hash
from xbec_platform.ingest.contracts import contracts
from xbec_platform.partitions import daily, window
from xbec_platform.settings import Settings
from xbec_platform.warehouse.dbt_builds import MODELS, Build, end, note

if TYPE_CHECKING:
    from xbec_platform.catalogue.column_lineage import Lineage


@dataclass(frozen=True)
class Rebuild:
    """The event days `[start, end)` a run rebuilds; `asked_from` is the first day it was asked for."""

    start: date
    end: date
    asked_from: date


def rebuild_window(
    asked: tuple[date, date], pending: Sequence[date], built_until: date | None, *, days_back: int
) -> Rebuild:
    """The days a run must rebuild so that tables do not depend on the order of runs.

    Args:
        asked: The run's own window `[start, end)`.
        pending: Event days whose raw rows changed since they were built (late, corrected or new files).
        built_until: The last as-of day there is. As-of tables know all days before theirs, so a change on an
            earlier day moves every later one that has been built.
        days_back: How far before its own window a run rebuilds along; older days stay in the ledger until the
            `late_data` sensor or a person asks for them.
    """
    start, end = asked
    day = timedelta(days=1)
    near = [one for one in pending if one >= start - days_back * day]
    if not near:
        return Rebuild(start, end, start)
    ends = [end, max(near) + day, *([built_until + day] if built_until else [])]
    return Rebuild(min(start, *near), max(ends), start)


# Unit tests bring their own rows and windows: the test suite runs them, not every load. Dagster keeps what the
# artifacts would say; writing them costs 1 CPU s a call.
BUILD = ("build", "--exclude-resource-type", "unit_test", "--no-write-json")
# What dbt says of failed models, shown in the UI.
_LONGEST_ERROR = 8_000


def window_variables(window: Rebuild) -> dict[str, str]:
    """Variables of `dbt build` for a window of event days."""
    return {
        "min_date": window.start.isoformat(),
        "max_date": window.end.isoformat(),
        "checked_from": window.asked_from.isoformat(),
        "known_until": window.end.isoformat(),
    }


class Translator(DagsterDbtTranslator):
    """Adds what every asset of the platform shows: kinds, owners, grain, key, domain, and each column's class."""

    def __init__(self, by_day: dg.PartitionsDefinition[str], lineage: "Lineage | None" = None) -> None:
        super().__init__()
        self._by_day = by_day
        self._lineage = lineage or {}
        self._specs: dict[tuple[int, str], dg.AssetSpec] = {}
        self._known: dict[int, tuple[Mapping[str, TableFacts], Classifier]] = {}

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """The parent's spec, completed from the model's own `meta` and from the catalogue's rules.

        The parent asks again for every dependency of every model; each spec is made once.
        """
        memo = (id(manifest), unique_id)
        if memo not in self._specs:
            spec = super().get_asset_spec(manifest, unique_id, project)
            node = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
            folder = node["original_file_path"].split("/")[1] if node["resource_type"] == "model" else "seeds"
            spec = spec.replace_attributes(
                kinds={"duckdb", "dbt"},
                owners=list(spec.owners) or ["team:platform"],
                group_name=spec.group_name if spec.group_name not in {None, "default"} else folder,
                partitions_def=self._by_day if "event_day" in node["tags"] else None,
            )
            described_here = node["resource_type"] in RELATIONS
            self._specs[memo] = self._classified(manifest, node, spec) if described_here else spec
        return self._specs[memo]

    def _classified(
        self, manifest: Mapping[str, Any], node: Mapping[str, Any], spec: dg.AssetSpec
    ) -> dg.AssetSpec:
        """The spec with grain, key, domain and classified columns.

        A model that declares no columns counts as personal when a table it is made from is; its columns are
        known when it has been built (see `live_schemas`).
        """
        tables, classifier = self._facts(manifest)
        table = classified(tables[f"{node['schema']}.{node['name']}"], classifier)
        shown: dict[str, Any] = {"grain": table.grain, "key": ", ".join(table.key)}
        tags = asset_tags(table)
        if table.columns:
            shown |= {"dagster/column_schema": table_schema(table), "personal columns": personal_names(table)}
        if table.name in self._lineage:
            shown |= lineage_metadata(self._lineage[table.name])
        if not table.columns and any(
            personal_names(tables[f"raw.{source}"]) != "none" for source in table.sources or ()
        ):
            tags["pii"] = "true"
        return spec.merge_attributes(
            tags=tags, metadata={name: value for name, value in shown.items() if value}
        )

    def _facts(self, manifest: Mapping[str, Any]) -> tuple[Mapping[str, TableFacts], Classifier]:
        if id(manifest) not in self._known:
            known = by_table(contract_facts(contracts().values()), dbt_facts(manifest, contracts()))
            self._known[id(manifest)] = known, Classifier(known, declared().names)
        return self._known[id(manifest)]


def dbt_specs(
    project: DbtProject, translator: DagsterDbtTranslator
) -> tuple[list[dg.AssetSpec], list[dg.AssetCheckSpec]]:
    """What `dagster_dbt.dbt_assets` makes of a whole project: an asset per table, a check per test of a table.

    `dbt_assets` asks dbt's selection engine which nodes there are, even for all of them: .25 CPU s, most
    of it imports, in every process that loads the code location.
    """
    manifest = validate_manifest(project.manifest_path)
    nodes = sorted(manifest["nodes"].items())
    specs = {
        unique_id: translator.get_asset_spec(manifest, unique_id, project)
        for unique_id, node in nodes
        if node["resource_type"] in RELATIONS and node["config"]["materialized"] != "ephemeral"
    }
    checks = [
        translator.get_asset_check_spec(specs[parent], manifest, unique_id, project)
        for unique_id, node in nodes
        if node["resource_type"] == "test"
        for parent in sorted(specs.keys() & set(node["depends_on"]["nodes"]))
    ]
    return list(specs.values()), [check for check in checks if check]


def build_dbt_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """All models in one operation, so that a run calls dbt once: a call costs 3 CPU s before the first statement.

    Facts and marts rebuild a window of days and have partitions; seeds, views and dimensions have none.
    """
    project = dbt_project()
    translator = Translator(daily(settings), read_lineage(Path(project.manifest_path).parent))
    specs, check_specs = dbt_specs(project, translator)

    @dg.multi_asset(
        name="dbt_models",
        specs=specs,
        check_specs=check_specs,
        can_subset=True,
        op_tags={"dagster_dbt/select": "fqn:*"},
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
        allow_arbitrary_check_specs=True,
    )
    def dbt_models(
        context: dg.AssetExecutionContext, dbt: DbtProcess, warehouse: WarehouseResource
    ) -> Iterator[Any]:
        from xbec_platform.ingest.ledger import clear_pending

        # The context knows the chosen assets only.
        by_day = {key for key, spec in dbt_models.specs_by_key.items() if spec.partitions_def}
        chosen = by_day & context.selected_asset_keys
        build = Build(MODELS, f"{settings.base_currency}:{project_hash()}", run_id=context.run_id)
        if not chosen:
            yield from _build(context, dbt, warehouse, settings, {}, build)
            return
        rebuild = _rebuild(warehouse, window(context), settings.rebuild_days)
        context.log.info(f"facts and marts: event days {rebuild.start} to {rebuild.end}, end excluded")
        build = replace(build, start=rebuild.start, end=rebuild.end)
        clear = partial(clear_pending, start=rebuild.start, end=rebuild.end) if chosen == by_day else None
        yield from _build(context, dbt, warehouse, settings, window_variables(rebuild), build, clear)

    return [dbt_models]


def _note_lineage(context: dg.AssetExecutionContext, connection: Any, settings: Settings) -> None:
    """What the SQL of this run tells about columns, once for a version of the models and for all homes."""
    manifest_path = Path(dbt_project().manifest_path)
    if is_known(manifest_path.parent):
        return
    compiled = {
        f"{node['schema']}.{node['name']}": settings.dbt_target
        / "compiled"
        / node["package_name"]
        / node["original_file_path"]
        for node in validate_manifest(manifest_path)["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] != "ephemeral"
    }
    from sqlglot.errors import SqlglotError

    try:
        note_lineage(connection, manifest_path.parent, compiled)
    except (SqlglotError, OSError) as error:
        # The tables are right all the same: a run must not fail for what is shown of them.
        context.log.warning(f"the columns' lineage is not known: {error}")


def _rebuild(warehouse: WarehouseResource, asked: tuple[date, date], days_back: int) -> Rebuild:
    """The window of a run, from the ledger of changed days and what has been built so far."""
    from xbec_platform.ingest.ledger import pending_days
    from xbec_platform.ingest.store import create_tables
    from xbec_platform.warehouse.database import missing_tables

    with warehouse.file.transaction("dbt: days to rebuild") as connection:
        create_tables(connection)
        pending = pending_days(connection)
        built = (
            None
            if missing_tables(connection, ["marts.mart_user_database"])
            else connection.execute("SELECT max(as_of_date) FROM marts.mart_user_database").fetchall()[0][0]
        )
    return rebuild_window(asked, pending, built, days_back=days_back)


def _build(
    context: dg.AssetExecutionContext,
    dbt: DbtProcess,
    warehouse: WarehouseResource,
    settings: Settings,
    variables: Mapping[str, str],
    build: Build,
    when_built: Callable[[Any], None] | None = None,
) -> Iterator[Any]:
    """Run dbt while the file is reserved for it, then report its results with the rows of each table.

    dbt is left out when its tables would be the same (see `warehouse.dbt_builds`). `when_built` is called after a
    success; not when raw rows moved meanwhile, which dbt may not have seen.

    `fetch_row_counts` of dagster-dbt is not used: it polls in a busy loop (4 CPU s here) and takes the
    database's name from the manifest, which was parsed for another home. What dbt parsed stays in the home, where
    the next call finds it and parses nothing.
    """
    before = built_before(context, warehouse, build)
    if before:
        yield from unchanged(context, *before)
        return
    purpose = f"dbt: {build.selection}"
    given = {"base_currency": settings.base_currency, "keeps_notes": "yes", **variables}
    with warehouse.file.lent(purpose):
        with dbt_variables(given):
            invocation = dbt.cli(
                BUILD, context=context, raise_on_error=False, target_path=settings.dbt_target
            )
        events = list(invocation.stream())
        error = invocation.get_error()
    with warehouse.file.transaction(f"{purpose}: row counts") as connection:
        counts = row_counts(connection)
        is_undisturbed = end(connection, build)
        if error is None and is_undisturbed and when_built is not None:
            when_built(connection)
        if error is None and is_undisturbed and not context.is_subset:
            note(connection, replace(build, checks=checks_of(events)), counts)
        if error is None and not context.is_subset:
            _note_lineage(context, connection, settings)
    yield from with_rows(context, events, counts)
    if error is not None:
        said = str(error)
        raise dg.Failure(
            f"{purpose}: dbt failed{advice(said)}",
            metadata={"errors": dg.MetadataValue.text(said[:_LONGEST_ERROR])},
        )
    if not is_undisturbed:
        context.log.warning("raw rows moved while dbt ran: the ledger of changed days stays as it is")
    elif when_built is None:
        context.log.info("part of the models only: the ledger of changed days stays as it is")
