"""Tables, feature sets and reports: an asset for each declaration on their shelves.

What comes from the share is in `workbook_assets`, what is learned is in `model_assets`.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd
from dagster_pandera import pandera_schema_to_dagster_type
from dagster_shared.utils.warnings import BetaWarning

from s2p_assets.columns import as_declared, broken_rules
from s2p_assets.graph.automation import when_its_sources_changed
from s2p_assets.graph.drift_checks import check_features, check_forecast, drift_spec, foretold_by
from s2p_assets.graph.feature_building import features_of, recomputed
from s2p_assets.graph.house import House, MadeThing
from s2p_assets.graph.keys import asset_key
from s2p_assets.graph.metadata import column_lineage, declared_metadata, frame_metadata
from s2p_assets.graph.shards import shard_options, shards_asked
from s2p_assets.graph.signals import signal_specs, signals
from s2p_assets.learning.feature_set import FeatureSet
from s2p_assets.publishing.report import Document, Report
from s2p_assets.publishing.wording import written_for
from s2p_assets.shelves import Made, NotYet
from s2p_assets.warehouse.content_version import content_version
from s2p_assets.warehouse.table import Table

WAITS = "waits for more data"
CONTRACT = "contract_holds"


def table_asset(
    house: House, declared: Table | FeatureSet, *, shards: int = 0, pod_each: bool = False
) -> dg.AssetsDefinition:
    """The asset of a table or feature set: made, brought to its declared types, checked, and only then stored.

    `shards`, `pod_each`: as of `shards.shard_options`.
    """
    features = declared if isinstance(declared, FeatureSet) else None
    key, champion = asset_key(declared), foretold_by(house, declared)
    checks = [dg.AssetCheckSpec(CONTRACT, asset=key, blocking=True, description="every rule of its declaration holds")]
    if features or champion:
        checks.append(drift_spec(declared))
    if features:
        checks += signal_specs(key)

    @dg.asset(
        **asset_options(house, declared),
        **shard_options(declared, shards, pod_each=pod_each),
        kinds={"pandas", "postgres"},
        io_manager_key="features" if features else "tables",
        dagster_type=_frame_type(declared),
        check_specs=checks,
        automation_condition=when_its_sources_changed(),
        required_resource_keys={"registry", "warehouse"},
    )
    def asset(context: dg.AssetExecutionContext, **inputs: Any) -> Iterator[Any]:
        said: dict[str, Any] = {}
        try:
            if features:
                asked = shards_asked(context, shards)
                made = features_of(context.resources.warehouse, features, inputs, shards=asked, count=shards)
                frame, said = made.frame, recomputed(features, made)
            else:
                frame = as_declared(declared.build(**inputs), declared.rows)
        except NotYet as reason:
            say_not_yet(context, declared, reason)
            for spec in checks:
                yield dg.AssetCheckResult(check_name=spec.name, passed=True, metadata={"waits": str(reason)})
            return
        broken = broken_rules(frame, declared.rows)
        yield dg.AssetCheckResult(
            check_name=CONTRACT, passed=not broken, metadata={"broken": "\n".join(broken) or "none"}
        )
        if broken:
            raise dg.Failure(f"{declared.name} breaks its declaration, nothing was stored: {broken[0]}")
        if features:
            yield from signals(house, features, frame, context.resources.registry)
            yield check_features(house, features, frame, context.resources.registry)
        elif champion:
            yield check_forecast(frame, inputs[champion])
        yield dg.MaterializeResult(
            value=frame,
            data_version=dg.DataVersion(content_version(frame)),
            metadata=frame_metadata(frame) | said | {"dagster/column_lineage": column_lineage(declared)},
        )

    return asset


def _frame_type(declared: Table | FeatureSet) -> dg.DagsterType:
    """dagster-pandera's type of the declared rows; that it is beta is said once, in the docs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BetaWarning)
        return pandera_schema_to_dagster_type(declared.rows)


def report_asset(house: House, declared: Report, locale: str) -> dg.AssetsDefinition:
    """The asset of a report: an edition per day of data, its numbers and dates written for `locale`."""

    @dg.asset(
        **asset_options(house, declared),
        kinds={"html", "excel"},
        io_manager_key="reports",
        automation_condition=when_its_sources_changed(),
    )
    def made(context: dg.AssetExecutionContext, **inputs: pd.DataFrame) -> Iterator[dg.MaterializeResult[Document]]:
        try:
            with written_for(locale):
                document = declared.build(**inputs)
        except NotYet as reason:
            say_not_yet(context, declared, reason)
            return
        yield dg.MaterializeResult(value=document)

    return made


def say_not_yet(context: dg.AssetExecutionContext, declared: Made, reason: NotYet) -> None:
    """Nothing is made, what is above is left as it is, and the run goes on."""
    context.log.warning(f"{declared.name} {WAITS}: {reason}")


def asset_options(house: House, declared: MadeThing) -> dict[str, Any]:
    """What every asset made on a shelf is told from its declaration."""
    return {
        "key": asset_key(declared),
        "ins": {parameter: dg.AssetIn(asset_key(key)) for parameter, key in house.inputs_of(declared).items()},
        "group_name": declared.domain,
        "owners": [declared.owner],
        "description": declared.says,
        "code_version": declared.code_version,
        "metadata": declared_metadata(declared),
        "output_required": False,
    }
