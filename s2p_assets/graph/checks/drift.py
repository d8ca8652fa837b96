"""Non-blocking checks that show, column by column, how far newer rows and forecasts lie from what a model knows.

How drift is measured is in `learning/monitoring/drift.py`; a failed one on a feature set asks for training, as
`automation` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
import numpy as np
import pandas as pd

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.model import Contest
from s2p_assets.contracts.table import Table
from s2p_assets.graph.asset_keys import asset_key
from s2p_assets.graph.assets.metadata import markdown_table, picture
from s2p_assets.learning.forecasting.series import with_target
from s2p_assets.learning.monitoring.drift import (
    DRIFTED,
    ColumnDrift,
    DriftVerdict,
    measure_drift,
    needs_training,
    summarize_columns,
    time_windows,
)
from s2p_assets.learning.registry.model_registry import Registry
from s2p_assets.learning.row_hashes import row_hashes
from s2p_assets.learning.task_methods import methods_of
from s2p_assets.learning.versions import Champion
from s2p_assets.publishing.charts.drift_picture import ColumnShift, drift_png

DRIFT = "nothing_drifted"
NOT_MEASURED = frozenset({"date", "timestamp", "code"})


@dataclass(frozen=True)
class ContestDrift:
    """What can be said for one contest: the model in service, how many rows are new to it, and each column's drift."""

    model: str
    new_rows: int
    drifts: tuple[ColumnDrift, ...]

    @property
    def asks(self) -> bool:
        return needs_training(self.drifts)


def drift_spec(declared: FeatureSet | Table) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        DRIFT,
        asset=asset_key(declared),
        description="fails when newer values lie far from those its model learned from",
    )


def feature_drift(
    catalog: Catalog, declared: FeatureSet, frame: pd.DataFrame, registry: Registry
) -> dict[str, ContestDrift]:
    """Contest → how far the rows that its standing model has not seen lie from those that it has.

    The rows seen are those of `frame` whose hash is in the version's fingerprint. A contest without a champion,
    or whose model's fingerprint cannot be read, is left out: its models are trained in any case.
    """
    columns = [
        column.name
        for column in declared.columns
        if column.name not in declared.key and column.kind not in NOT_MEASURED
    ]
    found = {}
    for contest in catalog.contests.values():
        if (contest.domain, contest.features) != (declared.domain, declared.name):
            continue
        champion = registry.state(contest.domain, contest.name).champion
        known = registry.learned_from(contest.domain, contest.name, champion) if champion else None
        if champion is None or known is None:
            continue
        rows = with_target(frame, contest.task)
        seen = np.isin(row_hashes(rows), known)
        if not seen.any():
            continue
        times = rows.loc[seen, declared.event_time]
        windows = time_windows(times, contest.task.window_length(times.nunique()))
        measured = [name for name in columns if name not in contest.task.not_features]
        reference = summarize_columns(rows[seen], measured, windows=windows)
        found[contest.name] = ContestDrift(
            champion.model, int((~seen).sum()), tuple(measure_drift(reference, rows[~seen]))
        )
    return found


def check_features(
    catalog: Catalog, declared: FeatureSet, frame: pd.DataFrame, registry: Registry
) -> dg.AssetCheckResult:
    """The check of a feature set; failed when any contest's features have drifted."""
    found = feature_drift(catalog, declared, frame, registry)
    if not found:
        return _result([], "no model is in service on these features yet")
    lines = [
        f"{drift.new_rows:,} rows are new to {drift.model}, which is in service for {contest}"
        for contest, drift in found.items()
    ]
    return _result([one for drift in found.values() for one in drift.drifts], "; ".join(lines))


def champion_parameter(catalog: Catalog, declared: Table | FeatureSet) -> str | None:
    """The parameter that brings its champion to a table of forecasts by entity, in the columns of a prediction."""
    columns = {column.name for column in declared.columns}
    for name, key in catalog.inputs_of(declared).items():
        contest = catalog.by_key.get(key)
        if isinstance(contest, Contest):
            task = contest.task
            if {methods_of(task).predicted_column, "model_version", task.entity} <= columns:
                return name
    return None


def check_forecast(frame: pd.DataFrame, champion: Champion) -> dg.AssetCheckResult:
    """The check of a table of predictions: against what the same version foretold in its backtest, fold by fold.

    One value per entity, its mean over what was foretold of it at once: that says nearly the same.
    """
    predicted_column = methods_of(champion.task).predicted_column
    folds = champion.model.backtest.groupby(["fold", "entity"])[predicted_column].mean().reset_index()
    reference = summarize_columns(folds, [predicted_column], windows=folds["fold"])
    newest = frame.groupby(champion.task.entity)[predicted_column].mean().reset_index()
    return _result(measure_drift(reference, newest), f"against what {champion.model_name} foretold in its backtest")


def _result(drifts: Sequence[ColumnDrift], description: str) -> dg.AssetCheckResult:
    metadata: dict[str, dg.MetadataValue] = {"compared": dg.MetadataValue.text(description)}
    if drifts:
        metadata |= {"columns": markdown_table(_table(drifts)), "picture": _picture(drifts)}
    return dg.AssetCheckResult(
        check_name=DRIFT,
        passed=not needs_training(drifts),
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(drift.description for drift in drifts if drift.verdict is DriftVerdict.DRIFTED) or None,
        metadata=metadata,
    )


def _table(drifts: Sequence[ColumnDrift]) -> pd.DataFrame:
    """All columns, the one that moved most first."""
    rows = pd.DataFrame(
        [
            {
                "column": drift.column,
                "verdict": str(drift.verdict),
                "PSI": drift.psi,
                "usual PSI": drift.usual,
                "KS or Cramér's V": drift.distance,
                "p": drift.p,
                "rows": drift.rows,
                "needed": drift.needed,
            }
            for drift in drifts
        ]
    )
    return rows.sort_values("PSI", ascending=False, kind="stable")


def _picture(drifts: Sequence[ColumnDrift]) -> dg.MetadataValue:
    shifts = [
        ColumnShift(drift.column, drift.psi, drift.verdict is DriftVerdict.DRIFTED, drift.labels, drift.then, drift.now)
        for drift in drifts
    ]
    drawn = drift_png(shifts, limit=DRIFTED, index_title="population stability index")
    return picture(drawn, "drift by column")
