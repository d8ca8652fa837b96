"""Training: a declared model, or an earlier version, backtested and fitted on a history.

What a version is stands in `versions.py`; when to train is for `graph/`.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.learning.cause import Cause
from s2p_assets.learning.change import fingerprint
from s2p_assets.learning.forecasting.series import told
from s2p_assets.learning.kinds import kind_of
from s2p_assets.learning.model import Contest, Learner, Model
from s2p_assets.learning.plain_files import problem_to_plain
from s2p_assets.learning.recipes import code_version, digest, recipe_of
from s2p_assets.learning.versions import ModelVersion


@dataclass(frozen=True)
class _Provenance:
    """On which version of the features, when, in which run and why a version is trained."""

    feature_version: str
    trained_at: dt.datetime
    run_id: str
    cause: Cause | None


def train(
    model: Model,
    contest: Contest,
    history: pd.DataFrame,
    *,
    feature_version: str,
    trained_at: dt.datetime,
    run_id: str,
    cause: Cause | None = None,
) -> ModelVersion:
    """A version of `model`: backtested on the folds of its contest, then fitted on all of `history`.

    Raises TooLittleHistory or UnusableHistory.
    """
    unfitted: Learner = model.build()
    made_by = _Provenance(feature_version, trained_at, run_id, cause)
    return _trained(unfitted, (model.domain, model.thing), contest, history, made_by)


def renew(
    old: ModelVersion,
    contest: Contest,
    history: pd.DataFrame,
    *,
    feature_version: str,
    trained_at: dt.datetime,
    run_id: str,
    cause: Cause,
) -> ModelVersion:
    """`old` backtested and fitted anew on `history`, with its own parameters: to be compared on the same folds.

    Raises TooLittleHistory or UnusableHistory.
    """
    made_by = _Provenance(feature_version, trained_at, run_id, cause)
    return _trained(old.learner, (old.domain, old.thing), contest, history, made_by)


def _trained(
    learner: Any, named: tuple[str, str], contest: Contest, history: pd.DataFrame, made_by: _Provenance
) -> ModelVersion:
    domain, thing = named
    problem, learned_from = contest.problem, fingerprint(told(history, contest.problem))
    kind, recipe = kind_of(problem), recipe_of(learner, problem)
    backtest = kind.backtest(learner, history, problem)
    content = fingerprint(backtest.round({kind.foretold: 6})).tobytes() + learned_from.tobytes()
    identity = [domain, thing, problem_to_plain(problem), recipe, made_by.feature_version]
    return ModelVersion(
        domain=domain,
        thing=thing,
        contest=contest.thing,
        version=digest(identity, content),
        recipe=recipe,
        learner=learner.fit(kind.learnable(history, problem), problem),
        problem=problem,
        backtest=backtest,
        scores=kind.scores({thing: backtest}, history, problem),
        losses=kind.losses(backtest, history, problem, thing),
        feature_version=made_by.feature_version,
        trained_at=made_by.trained_at,
        run_id=made_by.run_id,
        code_version=code_version(type(learner)),
        learned_from=learned_from,
        cause=made_by.cause or Cause(rows=len(learned_from)),
    )
