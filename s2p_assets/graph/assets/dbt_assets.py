"""The models, seeds and snapshots of a company's dbt project: assets of this graph, their tests checks of them.

What the project holds is read in `catalog/dbt_shelf.py`; nothing of dbt is loaded where no project is set.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
from dagster_shared.record import replace
from psycopg import conninfo

from s2p_assets.catalog.catalog import Catalog, Key
from s2p_assets.catalog.dbt_shelf import (
    PROFILE,
    QUIET,
    dbt_program,
    has_own_profiles,
    manifest_of,
    node_place,
    write_profile,
)
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.graph.asset_keys import DBT_STEP, ENGINEERS
from s2p_assets.graph.automation import on_new_code, on_source_change, with_its_asset
from s2p_assets.services.context import Context
from s2p_assets.settings import Settings
from s2p_assets.warehouse.server.roles import create_schema
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.dbt_tables import dbt_version

DOCS = dg.AssetKey(["s2p", "dbt_docs"])
log = logging.getLogger(__name__)


def dbt_project_assets(ctx: Context) -> list[dg.AssetsDefinition]:
    """All that dbt makes, in one step that `dbt build` does, and the page of its docs; none without models."""
    if not ctx.catalog.dbt_models:
        return []
    from dagster_dbt import dbt_assets
    from dagster_dbt.errors import DagsterDbtCliRuntimeError

    settings = ctx.settings
    text = manifest_of(settings.dbt_folder).read_text(encoding="utf-8")
    manifest, translator = json.loads(text), _translator(ctx.catalog)

    named: dict[str, Any] = {"name": DBT_STEP, "io_manager_key": "tables"}

    @dbt_assets(manifest=manifest, dagster_dbt_translator=translator, **named)
    def made(context: dg.AssetExecutionContext) -> Iterator[Any]:
        _make_schemas(ctx)
        place = _target(settings, "build")
        try:
            yield from _dbt(ctx).cli(["build"], context=context, target_path=place).stream()
        except DagsterDbtCliRuntimeError as failure:
            raise dg.Failure(failed_line(str(failure), place)) from None
        finally:
            _note_content(ctx)

    return [made, _docs_asset(ctx, sorted(made.keys), _written(manifest))]


def failed_line(said: str, place: Path) -> str:
    """What dbt said of models and tests that failed, on one line, and where all of it is."""
    told = " ".join(said.rpartition("Errors parsed from dbt logs:")[2].split())[:600]
    return f"dbt failed, and what is above it is not made: {told}; all that it said is in {place / 'dbt.log'}"


def _docs_asset(ctx: Context, made: list[dg.AssetKey], text_digest: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=DOCS,
        deps=made,
        owners=[ENGINEERS],
        group_name="dbt",
        kinds={"dbt", "html"},
        description="dbt's own docs of the project: models, columns, tests and lineage, on one page, offline too.",
        code_version=text_digest,
        automation_condition=on_new_code(),
    )
    def docs() -> dg.MaterializeResult[Any]:
        place = _target(ctx.settings, "docs")
        _dbt(ctx).cli(["docs", "generate", "--static"], target_path=place).wait()
        return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(place / "static_index.html")})

    return docs


def _written(manifest: Mapping[str, Any]) -> str:
    """A short hash of what the project's files say, which its docs follow from."""
    said = [(name, node.get("checksum"), node.get("patch_path")) for name, node in sorted(manifest["nodes"].items())]
    return hashlib.sha256(json.dumps([said, manifest["docs"], manifest["sources"]]).encode()).hexdigest()[:12]


def _make_schemas(ctx: Context) -> None:
    """The schemas that dbt makes tables in, so that who reads s2p's tables reads those too."""
    with ctx.warehouse.connect() as connection:
        for schema in sorted({one.domain for one in ctx.catalog.dbt_models.values()}):
            create_schema(connection, schema)


def _note_content(ctx: Context) -> None:
    """Note what the models hold now, and since when, for who looks at the list of tables."""
    with ctx.warehouse.connect() as connection:
        for one in ctx.catalog.readable():
            if not isinstance(one, DbtModel):
                continue
            try:
                with connection.transaction():
                    found = dbt_version(connection, one)
            except (psycopg.errors.UndefinedColumn, psycopg.errors.CannotCoerce, psycopg.DataError) as error:
                log.warning("%s is not as the project's yml tells: %s", one.full_name, error.diag.message_primary)
                continue
            if found and found[0] != store.stored_version(connection, one.domain, one.name):
                store.set_version(connection, one, *found)


def _dbt(ctx: Context) -> Any:
    """dbt's command line for the project, by its own profiles or by one of the home that only this user can read."""
    from dagster_dbt import DbtCliResource

    project, folder = ctx.settings.dbt_project, ctx.settings.dbt_folder
    assert project is not None
    own: dict[str, Any] = {"profiles_dir": str(project)}
    if not has_own_profiles(project):
        write_profile(folder / "profiles.yml", profile_parts(ctx.warehouse.url))
        own = {"profiles_dir": str(folder), "profile": PROFILE}
    return DbtCliResource(
        project_dir=str(project), dbt_executable=dbt_program(), global_config_flags=list(QUIET), **own
    )


def profile_parts(url: str) -> dict[str, Any]:
    """A libpq address as dbt's profiles name its parts; what dbt would take for a template is taken as it stands."""
    parts = conninfo.conninfo_to_dict(url)
    found: dict[str, Any] = {
        "host": parts.get("host", "localhost"),
        "port": int(parts.get("port") or 5432),
        "user": parts.get("user", ""),
        "password": parts.get("password", ""),
        "dbname": parts.get("dbname", ""),
        **{name: parts[name] for name in ("sslmode", "sslrootcert", "sslcert", "sslkey") if name in parts},
    }
    return {name: _as_it_stands(value) if isinstance(value, str) else value for name, value in found.items()}


def _as_it_stands(text: str) -> str:
    return f"{{% raw %}}{text}{{% endraw %}}" if any(mark in text for mark in ("{{", "{%", "{#")) else text


def _target(settings: Settings, what: str) -> Path:
    """Where dbt writes, which is not the project: that may be a checkout that nobody writes to."""
    place = settings.dbt_folder / what
    place.mkdir(parents=True, exist_ok=True)
    return place


def _translator(catalog: Catalog) -> Any:
    from dagster_dbt import DagsterDbtTranslator

    class InThisGraph(DagsterDbtTranslator):
        """dbt's names in this graph: by schema and table, so that s2p's tables are what dbt's sources mean."""

        def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
            place = node_place(dbt_resource_props)
            return (
                dg.AssetKey(list(place)) if Key(*place) in catalog.by_key else super().get_asset_key(dbt_resource_props)
            )

        def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
            """Sources that are not of this graph are left out, as nobody says when they change."""
            spec = super().get_asset_spec(manifest, unique_id, project)
            ours = [
                one for one in spec.deps if len(one.asset_key.path) == 2 and Key(*one.asset_key.path) in catalog.by_key
            ]
            return spec.replace_attributes(deps=ours)

        def get_asset_check_spec(self, asset_spec: dg.AssetSpec, *about: Any, **named: Any) -> dg.AssetCheckSpec | None:
            """A test is asked for with its model: what is above waits for it, and would wait for ever."""
            spec = super().get_asset_check_spec(asset_spec, *about, **named)
            return spec and replace(spec, automation_condition=with_its_asset(asset_spec.key))

        def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
            return "dbt"

        def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
            return [*(super().get_owners(dbt_resource_props) or [ENGINEERS])]

        def get_automation_condition(self, dbt_resource_props: Mapping[str, Any]) -> Any:
            return on_source_change()

    return InThisGraph()
