"""Non-blocking checks that show, column by column, how far newer rows and forecasts lie from what a model knows.

How drift is measured is in `learning/drift.py`; a failed one on a feature set asks for training, as `automation` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
import numpy as np
import pandas as pd

from s2p_assets.graph.house import House
from s2p_assets.graph.keys import asset_key
from s2p_assets.graph.metadata import markdown_table, picture
from s2p_assets.learning.change import row_hashes
from s2p_assets.learning.drift import DRIFTED, Drift, Verdict, asks_for_training, compare, stretches_of, summary
from s2p_assets.learning.feature_set import FeatureSet
from s2p_assets.learning.forecasting.series import told
from s2p_assets.learning.kinds import kind_of
from s2p_assets.learning.model import Contest
from s2p_assets.learning.registry.model_registry import Registry
from s2p_assets.learning.versions import Champion
from s2p_assets.publishing.charts.shift_picture import Shift, png_of
from s2p_assets.warehouse.table import Table

DRIFT = "nothing_drifted"
NOT_MEASURED = frozenset({"day", "moment", "code"})


@dataclass(frozen=True)
class ContestDrift:
    """What can be said for one contest: the model in service, how many rows are new to it, and each column's drift."""

    model: str
    new_rows: int
    drifts: tuple[Drift, ...]

    @property
    def asks(self) -> bool:
        return asks_for_training(self.drifts)


def drift_spec(declared: FeatureSet | Table) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        DRIFT,
        asset=asset_key(declared),
        description="fails when newer values lie far from those its model learned from",
    )


def feature_drift(
    house: House, declared: FeatureSet, frame: pd.DataFrame, registry: Registry
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
    for contest in house.contests.values():
        if (contest.domain, contest.features) != (declared.domain, declared.thing):
            continue
        champion = registry.standing(contest.domain, contest.thing).champion
        known = registry.learned_from(contest.domain, contest.thing, champion) if champion else None
        if champion is None or known is None:
            continue
        rows = told(frame, contest.problem)
        seen = np.isin(row_hashes(rows), known)
        if not seen.any():
            continue
        times = rows.loc[seen, declared.event_time]
        stretches = stretches_of(times, contest.problem.stretch(times.nunique()))
        measured = [name for name in columns if name not in contest.problem.not_features]
        reference = summary(rows[seen], measured, stretches=stretches)
        found[contest.thing] = ContestDrift(champion.model, int((~seen).sum()), tuple(compare(reference, rows[~seen])))
    return found


def check_features(house: House, declared: FeatureSet, frame: pd.DataFrame, registry: Registry) -> dg.AssetCheckResult:
    """The check of a feature set; failed when any contest's features have drifted."""
    found = feature_drift(house, declared, frame, registry)
    if not found:
        return _result([], "no model is in service on these features yet")
    lines = [
        f"{drift.new_rows:,} rows are new to {drift.model}, which is in service for {contest}"
        for contest, drift in found.items()
    ]
    return _result([one for drift in found.values() for one in drift.drifts], "; ".join(lines))


def foretold_by(house: House, declared: Table | FeatureSet) -> str | None:
    """The parameter that brings its champion to a table of forecasts by entity, in the columns of a prediction."""
    columns = {column.name for column in declared.columns}
    for name, key in house.inputs_of(declared).items():
        contest = house.by_key.get(key)
        if isinstance(contest, Contest):
            problem = contest.problem
            if {kind_of(problem).foretold, "model_version", problem.entity} <= columns:
                return name
    return None


def check_forecast(frame: pd.DataFrame, champion: Champion) -> dg.AssetCheckResult:
    """The check of a table of predictions: against what the same version foretold in its backtest, fold by fold.

    One value per entity, its mean over what was foretold of it at once: that says nearly the same.
    """
    foretold = kind_of(champion.problem).foretold
    folds = champion.model.backtest.groupby(["fold", "entity"])[foretold].mean().reset_index()
    reference = summary(folds, [foretold], stretches=folds["fold"])
    newest = frame.groupby(champion.problem.entity)[foretold].mean().reset_index()
    return _result(compare(reference, newest), f"against what {champion.model_name} foretold in its backtest")


def _result(drifts: Sequence[Drift], says: str) -> dg.AssetCheckResult:
    metadata: dict[str, dg.MetadataValue] = {"compared": dg.MetadataValue.text(says)}
    if drifts:
        metadata |= {"columns": markdown_table(_table(drifts)), "picture": _picture(drifts)}
    return dg.AssetCheckResult(
        check_name=DRIFT,
        passed=not asks_for_training(drifts),
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(drift.says for drift in drifts if drift.verdict is Verdict.DRIFTED) or None,
        metadata=metadata,
    )


def _table(drifts: Sequence[Drift]) -> pd.DataFrame:
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


def _picture(drifts: Sequence[Drift]) -> dg.MetadataValue:
    shifts = [
        Shift(drift.column, drift.psi, drift.verdict is Verdict.DRIFTED, drift.labels, drift.then, drift.now)
        for drift in drifts
    ]
    drawn = png_of(shifts, limit=DRIFTED, index_title="population stability index")
    return picture(drawn, "drift by column")
