"""A model version made once more from the very rows that it learned from, and held against what is stored of it.

Which rows were known then is `as_of.py`'s to say; nothing is put in service here.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.catalog.catalog import key_of
from s2p_assets.contracts.model import Contest, Model
from s2p_assets.learning.classification.recalibration import plain_learner
from s2p_assets.learning.fingerprint import code_version, fingerprint_of
from s2p_assets.learning.forecasting.series import with_target
from s2p_assets.learning.registry.model_registry import find_record
from s2p_assets.learning.row_hashes import count_new_rows, sorted_row_hashes
from s2p_assets.learning.training import renew, train
from s2p_assets.learning.training_reason import TrainingReason
from s2p_assets.learning.versions import ModelVersion
from s2p_assets.services.as_of import Progress, open_as_of
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.model_queries import find_trained

CLOSE = 1e-9
"""Scores that differ by less are the same."""


@dataclass(frozen=True)
class Reproduction:
    """What came of it. `data` and `version`: what is stored, and what came out; `rows`: learned from, each time.

    `losses`: its mean loss, by which models are compared. `differences`: a sentence each; none where both are equal.
    """

    model: str
    moment: dt.datetime
    version: tuple[str, str]
    data: tuple[str, str]
    rows: tuple[int, int]
    losses: tuple[float, float]
    differences: tuple[str, ...]
    notices: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        return not self.differences


def reproduce(ctx: Context, name: str, progress: Progress) -> Reproduction:
    """Restore the rows that `MODEL@VERSION` (or a model's newest) learned from, and train it again.

    Raises NotFound where its files or its moment are not known any more, NoSuchModel and ModelDamaged.
    """
    found = find_trained(ctx, name.partition("@")[0])
    contest, model = found.contest, found.model
    record = find_record(found.state, contest.full_name, name) if "@" in name else found.record
    declared = model or next(one for one in ctx.catalog.candidates(contest) if one.name == record.model)
    old = ctx.registry.load(contest.domain, contest.name, record)
    moment = _moment(old)
    with open_as_of(ctx, moment, progress) as known:
        history = known.of(ctx.catalog.inputs_of(declared)["history"])
        notices = tuple(known.notices)
    progress(f"training {declared.full_name} again")
    again = _trained_again(declared, contest, old, history)
    return Reproduction(
        model=f"{key_of(declared)}@{old.version}",
        moment=moment,
        version=(old.version, again.version),
        data=(old.data, again.data),
        rows=(len(old.learned_from), len(again.learned_from)),
        losses=(old.loss, again.loss),
        differences=tuple(differences_between(contest, old, again, history)),
        notices=notices,
    )


def _moment(old: ModelVersion) -> dt.datetime:
    """When the features that it learned from were made."""
    if not old.reason.features_at:
        raise NotFound(f"{old.domain}_{old.name}@{old.version}: when its features were made was not noted")
    moment = dt.datetime.fromisoformat(old.reason.features_at)
    return moment if moment.tzinfo else moment.astimezone()


def _trained_again(declared: Model, contest: Contest, old: ModelVersion, history: pd.DataFrame) -> ModelVersion:
    """As it was trained: as the shelf declares it, or with parameters of its own where it bears such."""
    then = dataclasses.replace(contest, task=old.task)
    terms: dict[str, Any] = {"feature_version": old.feature_version, "trained_at": old.trained_at, "run_id": ""}
    plain = TrainingReason(rows=len(history))
    if fingerprint_of(declared.build(), old.task) == old.fingerprint:
        return train(declared, then, history, reason=plain, **terms)
    return renew(old, then, history, reason=plain, **terms)


def differences_between(contest: Contest, old: ModelVersion, again: ModelVersion, history: pd.DataFrame) -> list[str]:
    """What is not the same, and what is known of why."""
    if old.version == again.version:
        return []
    found = []
    rows = sorted_row_hashes(with_target(history, old.task))
    missing, surplus = count_new_rows(old.learned_from, rows), count_new_rows(rows, old.learned_from)
    if missing or surplus:
        found.append(
            f"the rows are others: {missing:,} of {len(old.learned_from):,} are not restored, {surplus:,} are new;"
            " shelves or contracts that they are made by changed since, or files are gone from the archive"
        )
    if contest.task != old.task:
        found.append(f"the task of {contest.full_name} changed since; it was trained for the old one")
    if fingerprint_of(plain_learner(old.learner), old.task) != old.fingerprint:
        found.append("the model's code or parameters changed since")
    elif code_version(type(old.learner)) != old.code_version:
        found.append("the code of its learner changed since")
    gap = _largest_gap(old.scores, again.scores)
    if gap is None:
        found.append("its scores are of other folds or series")
    elif gap[1] > CLOSE:
        found.append(f"its scores differ, {gap[0]} the most, by {gap[1]:.3g}")
    return found or [
        "its backtest differs though rows, code and scores are the same: the machine or a library is another"
    ]


def _largest_gap(before: pd.DataFrame, after: pd.DataFrame) -> tuple[str, float] | None:
    """The score that differs most, and by how much; None where the tables do not match."""
    if before.shape != after.shape or list(before.columns) != list(after.columns):
        return None
    names = [str(name) for name in before.select_dtypes("number").columns]
    gaps = {
        name: float((before[name].reset_index(drop=True) - after[name].reset_index(drop=True)).abs().max())
        for name in names
    }
    worst = max(gaps, key=lambda name: gaps[name] if gaps[name] == gaps[name] else 0.0, default="")
    return (worst, gaps[worst]) if worst and gaps[worst] == gaps[worst] else ("", 0.0)
