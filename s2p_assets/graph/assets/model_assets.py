"""Models: trained when a signal on their features fails, and stored with what each was trained on and why.

Training itself is done in `learning/`; which version is in service, in `contest_assets`.
"""

import datetime as dt
import math
from collections.abc import Iterator

import dagster as dg
import pandas as pd

from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.model import Model
from s2p_assets.graph.asset_keys import asset_key
from s2p_assets.graph.assets.derived_assets import asset_options, log_not_yet
from s2p_assets.graph.assets.metadata import markdown_table
from s2p_assets.graph.automation import on_retraining_signal
from s2p_assets.graph.checks.retraining_signals import failed_signals
from s2p_assets.graph.running.instance import materialized_at, version_of
from s2p_assets.learning.parallel import workers
from s2p_assets.learning.registry.mlflow_writer import NOT_MEASURES
from s2p_assets.learning.training import train
from s2p_assets.learning.training_reason import TrainingReason
from s2p_assets.learning.versions import ModelVersion
from s2p_assets.services.context import Context
from s2p_assets.services.training_reasons import training_reason

SOURCES_SHOWN = 20


def model_asset(ctx: Context, declared: Model) -> dg.AssetsDefinition:
    """The asset of a candidate: backtested and fitted, one version per change of its features' content."""
    contest = ctx.catalog.contest_of(declared)
    features = asset_key(ctx.catalog.inputs_of(declared)["history"])

    @dg.asset(
        **asset_options(ctx.catalog, declared),
        kinds={"python", "mlflow"},
        tags={"s2p/contest": contest.name},
        io_manager_key="models",
        required_resource_keys={"workers"},
        automation_condition=on_retraining_signal(),
    )
    def trained(
        context: dg.AssetExecutionContext, history: pd.DataFrame
    ) -> Iterator[dg.MaterializeResult[ModelVersion]]:
        made = materialized_at(context.instance, features)
        cause = training_reason(ctx, declared, history, failed_signals(context.instance, features), made)
        try:
            with workers(context.resources.workers):
                version = train(
                    declared,
                    contest,
                    history,
                    feature_version=version_of(context.instance, features) or "unknown",
                    trained_at=dt.datetime.now(dt.UTC),
                    run_id=context.run.run_id,
                    reason=cause,
                )
        except NotYet as reason:
            log_not_yet(context, declared, reason)
            return
        yield dg.MaterializeResult(
            value=version,
            data_version=dg.DataVersion(version.version),
            metadata={
                "version": version.version,
                "how good": version.description,
                "loss": version.loss,
                **_overall(version),
                "feature version": version.feature_version,
                "rows learned from": version.reason.rows,
                "rows new or changed": version.reason.changed,
                "why": version.reason.description,
                "left out as leaks": "; ".join(version.reason.left_out_because) or "nothing",
                "workbooks": ", ".join(version.reason.workbooks) or "none",
                "loaded since": _sources(version.reason),
                "scores": markdown_table(version.scores.round(4)),
            },
        )

    return trained


def _overall(version: ModelVersion) -> dict[str, float]:
    """Every score over all, the mean of the folds, as a number that Dagster plots from version to version."""
    scores = version.scores.loc[version.scores["series"] == "all"].select_dtypes("number")
    named = {str(name): float(scores[name].mean()) for name in scores if name not in NOT_MEASURES}
    return {f"score: {name}": value for name, value in named.items() if math.isfinite(value)}


def _sources(reason: TrainingReason) -> dg.MetadataValue:
    """The files loaded since the version before, newest first."""
    rows = [
        (file.path, file.workbook, file.sha256[:12], file.loaded_at[:16], file.rows, file.before)
        for file in reason.sources[:SOURCES_SHOWN]
    ]
    return markdown_table(pd.DataFrame(rows, columns=["file", "workbook", "hash", "loaded", "rows", "rows before"]))
