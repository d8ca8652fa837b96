"""Checks on feature sets that do not gate but ask: should the models learn from what is new?

When a model then runs is decided in `automation`; what is measured, in `learning/`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pandas as pd

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.model import Contest, ForecastTask
from s2p_assets.learning.fingerprint import fingerprint_of
from s2p_assets.learning.forecasting.series import with_target
from s2p_assets.learning.learned_targets import StoredHistory
from s2p_assets.learning.monitoring.retraining_gain import RetrainingGain, retraining_gain
from s2p_assets.learning.registry.learner_files import ModelDamaged
from s2p_assets.learning.registry.mlflow_tables import ContestState
from s2p_assets.learning.registry.model_registry import Registry
from s2p_assets.learning.row_hashes import count_new_rows
from s2p_assets.learning.serving import service_of

ENOUGH_NEW_ROWS, CODE_CHANGED, ERROR_ABOVE_BAND = "models_know_enough", "models_know_the_code", "error_within_its_band"
DRIFT = "nothing_drifted"
SIGNALS = {
    ENOUGH_NEW_ROWS: "fails when learning from what is new is worth it, or some of what was learned from was corrected",
    CODE_CHANGED: "fails when a model's code, parameters or task are not those that it was trained with",
    ERROR_ABOVE_BAND: "fails when a champion errs more on what came since than its backtests let expect",
}
ASKING = (*SIGNALS, DRIFT)


@dataclass(frozen=True)
class Signal:
    """Whether it asks for training, its figures by model in words, and as numbers that Dagster plots."""

    asks: bool
    figures: dict[str, str]
    numbers: dict[str, float] = field(default_factory=dict)


def signal_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The signals on a feature set. Any non-blocking check that fails there asks for training, `DRIFT` too."""
    return [dg.AssetCheckSpec(name, asset=key, description=description) for name, description in SIGNALS.items()]


def signals(
    catalog: Catalog, declared: FeatureSet, frame: pd.DataFrame, registry: Registry
) -> Iterator[dg.AssetCheckResult]:
    """One result per signal, over all contests on these features."""
    contests = [
        contest
        for contest in catalog.contests.values()
        if (contest.domain, contest.features) == (declared.domain, declared.name)
    ]
    standings = {contest.name: registry.state(contest.domain, contest.name) for contest in contests}
    for name, measure in (
        (ENOUGH_NEW_ROWS, _new_rows),
        (CODE_CHANGED, _changed_code),
        (ERROR_ABOVE_BAND, _recent_error),
    ):
        found = [measure(catalog, contest, standings[contest.name], frame, registry) for contest in contests]
        asks = any(signal.asks for signal in found)
        figures: dict[str, Any] = {model: text for signal in found for model, text in signal.figures.items()}
        figures |= {name: value for signal in found for name, value in signal.numbers.items()}
        yield dg.AssetCheckResult(
            check_name=name,
            passed=not asks,
            severity=dg.AssetCheckSeverity.WARN,
            metadata=figures or {"models": "none"},
        )


def failed_signals(instance: dg.DagsterInstance, features: dg.AssetKey) -> dict[str, str]:
    """The signals on a feature set that failed when it was last made, with their figures."""
    keys = [dg.AssetCheckKey(features, name) for name in ASKING]
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    failed = {}
    for key in keys:
        event = found[key].event if key in found else None
        evaluation = event.asset_check_evaluation if event else None
        if evaluation and not evaluation.passed:
            said = {model: value.value for model, value in evaluation.metadata.items()}
            figures = [f"{model}: {text}" for model, text in said.items() if isinstance(text, str)]
            failed[key.name] = "; ".join(text for text in figures if len(text) < 200) or "see its check"
    return failed


def _new_rows(
    catalog: Catalog, contest: Contest, state: ContestState, frame: pd.DataFrame, registry: Registry
) -> Signal:
    stored, asks, figures = StoredHistory(frame, contest.task), False, {}
    now = stored.hashes
    gain = _gain(contest, state, frame, registry)
    fresh = gain.new_rows if gain else 0
    for model in catalog.candidates(contest):
        record = state.find(model.name)
        known = registry.learned_from(contest.domain, contest.name, record) if record else None
        new = len(now) if known is None else count_new_rows(now, known)
        gone = registry.count_withdrawn(contest.domain, contest.name, record, stored) if record else 0
        asks = asks or known is None or new - fresh > contest.min_new_share * len(now)
        asks = asks or (known is not None and gone > contest.max_withdrawn_share * len(known))
        figures[model.name] = f"{new:,} of {len(now):,} rows are new or changed since it was trained" + (
            f", {gone:,} that it learned from were corrected or withdrawn" if gone else ""
        )
    if gain and state.champion:
        asks = asks or (gain.gain.is_worth_it and fresh > contest.min_new_share * len(now))
        figures[state.champion.model] = f"{figures.get(state.champion.model, '')}; {gain.gain.description}".lstrip("; ")
    return Signal(asks, figures)


@dataclass(frozen=True)
class _Gain:
    """What learning again is worth, and how many rows are of periods that nobody learned from."""

    gain: RetrainingGain
    new_rows: int


def _gain(contest: Contest, state: ContestState, frame: pd.DataFrame, registry: Registry) -> _Gain | None:
    """None where a champion's folds do not tell, so that new rows alone ask."""
    if state.champion is None or not isinstance(contest.task, ForecastTask):
        return None
    try:
        made = registry.load(contest.domain, contest.name, state.champion)
    except ModelDamaged:
        return None
    rows = with_target(frame, contest.task)
    newer = rows[contest.task.time] > made.backtest["time"].max()
    gain = retraining_gain(made, frame) if newer.any() else None
    return _Gain(gain, int(newer.sum())) if gain else None


def _changed_code(
    catalog: Catalog, contest: Contest, state: ContestState, frame: pd.DataFrame, registry: Registry
) -> Signal:
    asks, figures = False, {}
    for model in catalog.candidates(contest):
        record = state.find(model.name)
        changed = record is not None and record.fingerprint != fingerprint_of(model.build(), contest.task)
        asks = asks or changed
        figures[model.name] = "its code, parameters or task changed" if changed else "as it was trained"
    return Signal(asks, figures)


def _recent_error(
    catalog: Catalog, contest: Contest, state: ContestState, frame: pd.DataFrame, registry: Registry
) -> Signal:
    record = state.champion
    if record is None:
        return Signal(False, {contest.name: "no champion yet"})
    try:
        made = registry.load(contest.domain, contest.name, record)
        measured = service_of(made.task).recent_performance(made, frame)
    except ModelDamaged as damage:
        return Signal(True, {record.model: str(damage)})
    if measured is None:
        return Signal(False, {record.model: "nothing newer than what it learned from, or too few folds to say"})
    numbers = {"error": measured.error, "usual error": measured.usual, "highest error": measured.highest}
    named = {f"{contest.full_name}: {name}": float(value) for name, value in numbers.items()}
    return Signal(measured.is_above, {record.model: measured.description}, named)
