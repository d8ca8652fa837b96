"""Training: a declared model, or an earlier version, backtested and fitted on a history.

What a version is stands in `versions.py`; when to train is for `graph/`.
"""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from s2p_assets.contracts.model import Contest, Learner, Model
from s2p_assets.learning.classification.recalibration import plain_learner
from s2p_assets.learning.fingerprint import code_version, digest, fingerprint_of
from s2p_assets.learning.learned_targets import learned_hashes_once, learned_targets_once
from s2p_assets.learning.memory import give_back
from s2p_assets.learning.registry.learner_files import task_to_json
from s2p_assets.learning.row_hashes import sorted_row_hashes
from s2p_assets.learning.task_methods import methods_of
from s2p_assets.learning.training_reason import TrainingReason
from s2p_assets.learning.versions import ModelVersion


@dataclass(frozen=True)
class _Provenance:
    """On which version of the features, when, in which run and why a version is trained."""

    feature_version: str
    trained_at: dt.datetime
    run_id: str
    reason: TrainingReason | None


def train(
    model: Model,
    contest: Contest,
    history: pd.DataFrame,
    *,
    feature_version: str,
    trained_at: dt.datetime,
    run_id: str,
    reason: TrainingReason | None = None,
) -> ModelVersion:
    """A version of `model`: backtested on the folds of its contest, then fitted on all of `history`.

    Raises TooLittleHistory or UnusableHistory.
    """
    unfitted: Learner = model.build()
    made_by = _Provenance(feature_version, trained_at, run_id, reason)
    return _trained(unfitted, (model.domain, model.name), contest, history, made_by)


def renew(
    old: ModelVersion,
    contest: Contest,
    history: pd.DataFrame,
    *,
    feature_version: str,
    trained_at: dt.datetime,
    run_id: str,
    reason: TrainingReason,
) -> ModelVersion:
    """`old` backtested and fitted anew on `history`, with its own parameters: to be compared on the same folds.

    Raises TooLittleHistory or UnusableHistory.
    """
    made_by = _Provenance(feature_version, trained_at, run_id, reason)
    return _trained(plain_learner(old.learner), (old.domain, old.name), contest, history, made_by)


def _trained(
    learner: Any, named: tuple[str, str], contest: Contest, history: pd.DataFrame, made_by: _Provenance
) -> ModelVersion:
    domain, name = named
    give_back()
    task, learned_from = contest.task, learned_hashes_once(history, contest.task)
    kind, fingerprint = methods_of(task), fingerprint_of(learner, task)
    reason = made_by.reason or TrainingReason(rows=len(learned_from))
    learned_targets = learned_targets_once(history, task)
    if kind.admissible:
        history, task, left_out, let_in = kind.admissible(history, task)
        reason = replace(reason, left_out=left_out, let_in=let_in)
    backtest = kind.backtest(learner, history, task)
    give_back()
    fitted = kind.fit(learner, history, task)
    if kind.recalibrated:
        fitted, backtest = kind.recalibrated(fitted, backtest)
    content = sorted_row_hashes(backtest.round({kind.predicted_column: 6})).tobytes() + learned_from.tobytes()
    identity = [domain, name, task_to_json(task), fingerprint, made_by.feature_version]
    return ModelVersion(
        domain=domain,
        name=name,
        contest=contest.name,
        version=digest(identity, content),
        fingerprint=fingerprint,
        learner=fitted,
        task=task,
        backtest=backtest,
        scores=kind.scores({name: backtest}, history, task),
        losses=kind.losses(backtest, history, task, name),
        feature_version=made_by.feature_version,
        trained_at=made_by.trained_at,
        run_id=made_by.run_id,
        code_version=code_version(type(learner)),
        learned_from=learned_from,
        learned_targets=learned_targets,
        reason=reason,
    )
