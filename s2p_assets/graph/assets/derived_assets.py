"""Tables, feature sets and reports: an asset for each declaration on their shelves.

What comes from the share is in `workbook_assets`, what is learned is in `model_assets`.
"""

import copy
import warnings
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd
from dagster_pandera import pandera_schema_to_dagster_type
from dagster_shared.utils.warnings import BetaWarning

from s2p_assets.catalog.catalog import Catalog, Derived, Key, key_of
from s2p_assets.contracts.derivation import Derivation, NotYet
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.model import Contest, Model
from s2p_assets.contracts.report import Document, Report
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.validation import conform, declaration_violations, pandera_schema
from s2p_assets.graph.asset_keys import asset_key, group_name
from s2p_assets.graph.assets.freshness import derived_freshness
from s2p_assets.graph.assets.metadata import column_lineage, declared_metadata, frame_metadata
from s2p_assets.graph.assets.shards import selected_shards, shard_options
from s2p_assets.graph.automation import on_source_change
from s2p_assets.graph.checks.drift import champion_parameter, check_features, check_forecast, drift_spec
from s2p_assets.graph.checks.retraining_signals import signal_specs, signals
from s2p_assets.graph.executor import MADE_OF_ITS_INPUTS, PRIORITY
from s2p_assets.graph.running.report_pages import page_address
from s2p_assets.publishing.document.wording import use_locale
from s2p_assets.publishing.editions.published import folder_name
from s2p_assets.services.features import build_or_reuse_features, recomputed_metadata
from s2p_assets.settings import Settings
from s2p_assets.warehouse.tables.content_versions import content_version

WAITS_FOR_DATA = "waits for more data"
CONTRACT_HOLDS = "contract_holds"


def table_asset(
    catalog: Catalog, declared: Table | FeatureSet, *, shards: int = 0, pod_each: bool = False
) -> dg.AssetsDefinition:
    """The asset of a table or feature set: made, brought to its declared types, checked, and only then stored.

    `shards`, `pod_each`: as of `shards.shard_options`.
    """
    features = declared if isinstance(declared, FeatureSet) else None
    key, champion = asset_key(declared), champion_parameter(catalog, declared)
    in_shards = shard_options(declared, shards, pod_each=pod_each)
    checks = [
        dg.AssetCheckSpec(CONTRACT_HOLDS, asset=key, blocking=True, description="every rule of its declaration holds")
    ]
    if features or champion:
        checks.append(drift_spec(declared))
    if features:
        checks += signal_specs(key)

    @dg.asset(
        **asset_options(catalog, declared),
        **in_shards,
        kinds={"pandas", "postgres"},
        io_manager_key="features" if features else "tables",
        dagster_type=_frame_type(declared),
        check_specs=checks,
        automation_condition=on_source_change(partitioned=bool(in_shards)),
        required_resource_keys={"registry", "warehouse"},
    )
    def asset(context: dg.AssetExecutionContext, **inputs: Any) -> Iterator[Any]:
        recomputed: dict[str, Any] = {}
        try:
            if features:
                selected = selected_shards(context, shards)
                made = build_or_reuse_features(
                    context.resources.warehouse, features, inputs, shards=selected, count=shards
                )
                frame, recomputed = made.frame, recomputed_metadata(features, made)
            else:
                frame = conform(declared.build(**inputs), declared.rows)
        except NotYet as reason:
            require_never_made(context, declared, reason)
            log_not_yet(context, declared, reason)
            for spec in checks:
                yield dg.AssetCheckResult(check_name=spec.name, passed=True, metadata={"waits": str(reason)})
            return
        broken = declaration_violations(frame, declared.rows)
        yield dg.AssetCheckResult(
            check_name=CONTRACT_HOLDS, passed=not broken, metadata={"broken": "\n".join(broken) or "none"}
        )
        if broken:
            raise dg.Failure(f"{declared.full_name} breaks its declaration, nothing was stored: {broken[0]}")
        if features:
            yield from signals(catalog, features, frame, context.resources.registry)
            yield check_features(catalog, features, frame, context.resources.registry)
        elif champion:
            yield check_forecast(frame, inputs[champion])
        yield dg.MaterializeResult(
            value=frame,
            data_version=dg.DataVersion(content_version(frame)),
            metadata=frame_metadata(frame) | recomputed | {"dagster/column_lineage": column_lineage(declared)},
        )

    return asset


def _frame_type(declared: Table | FeatureSet) -> dg.DagsterType:
    """dagster-pandera's type of the declared rows, by the table's name, as Dagster wants one type of a name.

    It is beta, which the docs say once.
    """
    schema = copy.copy(pandera_schema(declared.rows))
    schema.title = declared.full_name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BetaWarning)
        return pandera_schema_to_dagster_type(schema)


def report_asset(catalog: Catalog, declared: Report, settings: Settings) -> dg.AssetsDefinition:
    """The asset of a report: an edition per day of data, its numbers and dates written for the settings' locale.

    Its page in Dagster begins with what the report looks like and the ways to it.
    """

    @dg.asset(
        **asset_options(catalog, declared) | {"description": _with_links(settings, declared)},
        kinds={"html", "excel"},
        io_manager_key="reports",
        automation_condition=on_source_change(),
    )
    def made(context: dg.AssetExecutionContext, **inputs: pd.DataFrame) -> Iterator[dg.MaterializeResult[Document]]:
        try:
            with use_locale(settings.locale):
                document = declared.build(**inputs)
        except NotYet as reason:
            require_never_made(context, declared, reason)
            log_not_yet(context, declared, reason)
            return
        yield dg.MaterializeResult(value=document)

    return made


def _with_links(settings: Settings, declared: Report) -> str:
    """A report's description, after its picture, where it was made before, and links to its newest edition."""
    picture = settings.reports / folder_name(declared.full_name) / "latest.png"
    links = " · ".join(
        f"[{name}]({page_address(settings, picture.with_suffix(suffix))})"
        for name, suffix in (("Newest edition", ".html"), ("Excel", ".xlsx"), ("PDF", ".pdf"))
    )
    shown = [f"![{declared.title}]({page_address(settings, picture)})"] if picture.exists() else []
    return "\n\n".join([*shown, links, declared.description])


def require_never_made(context: dg.AssetExecutionContext, declared: Derivation, reason: NotYet) -> None:
    """Raise dg.Failure where there is too little data for what was made before: its data was taken away.

    What was made of it still stands, so what is above must say that it is not renewed, and why.
    """
    if context.instance.get_latest_materialization_event(asset_key(declared)):
        raise dg.Failure(f"{declared.full_name} can no longer be made: {reason}; what was made before is out of date")


def log_not_yet(context: dg.AssetExecutionContext, declared: Derivation, reason: NotYet) -> None:
    """Nothing is made, what is above is left as it is, and the run goes on."""
    context.log.warning(f"{declared.full_name} {WAITS_FOR_DATA}: {reason}")


def asset_options(catalog: Catalog, declared: Derived) -> dict[str, Any]:
    """What every asset made on a shelf is told from its declaration."""
    return {
        "key": asset_key(declared),
        "ins": {parameter: dg.AssetIn(asset_key(key)) for parameter, key in catalog.inputs_of(declared).items()},
        "group_name": group_name(declared),
        "owners": [declared.owner],
        "freshness_policy": _freshness(catalog, declared),
        "description": declared.description,
        "code_version": declared.code_version,
        "metadata": declared_metadata(declared),
        "output_required": False,
        "op_tags": urgency(catalog, key_of(declared)) | ({} if isinstance(declared, Model) else MADE_OF_ITS_INPUTS),
    }


def _freshness(catalog: Catalog, declared: Derived) -> dg.FreshnessPolicy | None:
    """None for models: what they learn from may be as it was for long."""
    return None if isinstance(declared, Model | Contest) else derived_freshness(catalog, key_of(declared))


def urgency(catalog: Catalog, key: Key) -> dict[str, str]:
    """The priority of what an awaited report is made from, itself included; none for what only others are made from."""
    awaited = (report for report in catalog.reports.values() if report.awaited)
    return {PRIORITY: "1"} if any(key in catalog.upstream(key_of(report)) for report in awaited) else {}
