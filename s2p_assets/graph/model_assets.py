"""Models: trained when their features ask, with all that made them written down.

Training itself is done in `learning/`; which version is in service, in `contest_assets`.
"""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import pandas as pd

from s2p_assets.graph.automation import when_the_features_ask
from s2p_assets.graph.causes import cause_of
from s2p_assets.graph.context import Context
from s2p_assets.graph.instance import materialized_at, version_of
from s2p_assets.graph.keys import asset_key
from s2p_assets.graph.made_assets import asset_options, say_not_yet
from s2p_assets.graph.metadata import markdown_table
from s2p_assets.graph.signals import what_asked
from s2p_assets.learning.cause import Cause
from s2p_assets.learning.model import Model
from s2p_assets.learning.scale import workers
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import ModelVersion
from s2p_assets.shelves import NotYet

SOURCES_SHOWN = 20


def model_asset(ctx: Context, declared: Model) -> dg.AssetsDefinition:
    """The asset of a candidate: backtested and fitted, one version per change of its features' content."""
    contest = ctx.house.contest_of(declared)
    features = asset_key(ctx.house.inputs_of(declared)["history"])

    @dg.asset(
        **asset_options(ctx.house, declared),
        kinds={"python", "mlflow"},
        tags={"s2p/contest": contest.thing},
        io_manager_key="models",
        required_resource_keys={"workers"},
        automation_condition=when_the_features_ask(),
    )
    def trained(
        context: dg.AssetExecutionContext, history: pd.DataFrame
    ) -> Iterator[dg.MaterializeResult[ModelVersion]]:
        made = materialized_at(context.instance, features)
        cause = cause_of(ctx, declared, history, what_asked(context.instance, features), made)
        try:
            with workers(context.resources.workers):
                version = train(
                    declared,
                    contest,
                    history,
                    feature_version=version_of(context.instance, features) or "unknown",
                    trained_at=dt.datetime.now(dt.UTC),
                    run_id=context.run.run_id,
                    cause=cause,
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
                "rows learned from": version.cause.rows,
                "rows new or changed": version.cause.changed,
                "why": version.cause.says,
                "workbooks": ", ".join(version.cause.workbooks) or "none",
                "loaded since": _sources(version.cause),
                "scores": markdown_table(version.scores.round(4)),
            },
        )

    return trained


def _sources(cause: Cause) -> dg.MetadataValue:
    """The files loaded since the version before, newest first."""
    rows = [
        (file.path, file.workbook, file.sha256[:12], file.loaded_at[:16], file.rows, file.before)
        for file in cause.sources[:SOURCES_SHOWN]
    ]
    return markdown_table(pd.DataFrame(rows, columns=["file", "workbook", "hash", "loaded", "rows", "rows before"]))
