"""Models and the contests between them: trained when their features ask, crowned when a version is new.

Training and judging are done in `learning/`; what is kept of them is the model IO manager's.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from s2p_assets.graph.automation import when_its_sources_changed, when_the_features_ask
from s2p_assets.graph.house import House
from s2p_assets.graph.instance import version_of
from s2p_assets.graph.made_assets import asset_options, say_not_yet
from s2p_assets.graph.metadata import markdown_table
from s2p_assets.learning import registry
from s2p_assets.learning.model import Contest, Model
from s2p_assets.learning.scale import workers
from s2p_assets.learning.versions import Champion, ModelVersion, crown, train
from s2p_assets.shelves import NotYet


def model_asset(house: House, declared: Model) -> dg.AssetsDefinition:
    """The asset of a candidate: backtested and fitted, one version per change of its features' content."""
    contest = house.contest_of(declared)
    features = house.inputs_of(declared)["history"]

    @dg.asset(
        **asset_options(house, declared),
        kinds={"python"},
        tags={"s2p/contest": contest.thing},
        io_manager_key="models",
        required_resource_keys={"workers"},
        automation_condition=when_the_features_ask(),
    )
    def trained(
        context: dg.AssetExecutionContext, history: pd.DataFrame
    ) -> Iterator[dg.MaterializeResult[ModelVersion]]:
        try:
            with workers(context.resources.workers):
                version = train(
                    declared,
                    contest,
                    history,
                    feature_version=version_of(context.instance, features) or "unknown",
                    trained_at=dt.datetime.now(dt.UTC),
                    run_id=context.run.run_id,
                )
        except NotYet as reason:
            say_not_yet(context, declared, reason)
            return
        yield dg.MaterializeResult(
            value=version,
            data_version=dg.DataVersion(version.version),
            metadata={
                "version": version.version,
                "how good": version.says,
                "feature version": version.feature_version,
                "rows learned from": len(history),
                "why": _why(context, house, declared),
                "scores": markdown_table(version.scores.round(4)),
            },
        )

    return trained


def contest_asset(house: House, declared: Contest) -> dg.AssetsDefinition:
    """The asset of a contest: the champion, and why it is."""

    @dg.asset(
        **asset_options(house, declared),
        kinds={"python"},
        io_manager_key="models",
        required_resource_keys={"models_folder"},
        automation_condition=when_its_sources_changed(),
    )
    def champion(context: dg.AssetExecutionContext, **inputs: Any) -> Iterator[dg.MaterializeResult[Champion]]:
        versions: dict[str, ModelVersion] = {name: made for name, made in inputs.items() if name != "history"}
        standing = registry.standing(context.resources.models_folder, declared.domain, declared.thing)
        crowned = crown(declared, versions, standing)
        yield dg.MaterializeResult(
            value=crowned,
            data_version=dg.DataVersion(f"{crowned.name}-{crowned.version}"),
            metadata={
                "champion": crowned.name,
                "version": crowned.version,
                "why": crowned.why,
                "scores": markdown_table(crowned.scores.round(4)),
            },
        )

    return champion


def _why(context: dg.AssetExecutionContext, house: House, declared: Model) -> str:
    """The workbooks whose newest load came after the last training, for the question why it ran."""
    before = context.instance.get_latest_materialization_event(context.asset_key)
    since = before.timestamp if before else 0.0
    changed = []
    for workbook in house.workbooks_under(context.asset_key):
        event = context.instance.get_latest_materialization_event(dg.AssetKey([workbook.domain, workbook.thing]))
        if event and event.timestamp > since:
            changed.append(workbook.name)
    first = "first training" if before is None else "its features changed"
    return f"{first}; loaded since: {', '.join(changed) or 'nothing'}"
