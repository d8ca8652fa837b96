"""What a trained model is: a version with the proof of how good it is, and the champion among them.

Making one is in `training.py`; which is in service is for `promotion.py`, storing them for `registry/`.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

import pandas as pd
from typing_extensions import TypeVar

from s2p_assets.contracts.model import Learner, Task
from s2p_assets.learning.registry.learner_files import parameters_of
from s2p_assets.learning.row_hashes import RowHashes
from s2p_assets.learning.training_reason import TrainingReason, TrainingRecord

T = TypeVar("T", bound=Task, default=Any)


@dataclass(frozen=True)
class ModelVersion(Generic[T]):
    """A fitted learner with the proof of how good it is.

    `version`: derived from the content, so that the same data, parameters and code give the same version.
    `fingerprint`: derived from parameters, task and code alone. `contest`: the name of the contest that it competes in.
    `backtest`, `scores`, `losses`: as of `task_methods.TaskMethods`, this model's alone. `learned_from`: the
    fingerprint of the history's rows that have a target, as of `row_hashes.sorted_row_hashes`.
    `learned_targets`: the same rows as of `learned_targets.learned_targets`; None for a version that did not keep them.
    """

    domain: str
    name: str
    contest: str
    version: str
    fingerprint: str
    learner: Learner
    task: T
    backtest: pd.DataFrame
    scores: pd.DataFrame
    losses: pd.DataFrame
    feature_version: str
    trained_at: dt.datetime
    run_id: str
    code_version: str
    learned_from: RowHashes
    reason: TrainingReason = field(default_factory=TrainingReason)
    learned_targets: pd.DataFrame | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        return parameters_of(self.learner)

    @property
    def cutoffs(self) -> tuple[pd.Timestamp, ...]:
        """The folds that it was backtested on, oldest first; a short history has fewer than the task asks for."""
        return tuple(pd.Timestamp(cutoff) for cutoff in sorted(self.losses["cutoff"].unique()))

    @property
    def loss(self) -> float:
        """The mean loss over its folds and units, by which it is compared."""
        return float(self.losses["loss"].mean())

    @property
    def data(self) -> str:
        """A digest of the rows that it learned from."""
        return hashlib.sha256(self.learned_from.tobytes()).hexdigest()[:12]

    @property
    def description(self) -> str:
        """One line for people: how many folds, and how good over everything."""
        overall = self.scores.loc[self.scores["series"] == "all"]
        return f"{len(self.cutoffs)} of {self.task.folds} folds, {self.task.in_words(overall)}"


@dataclass(frozen=True)
class Rival:
    """Another version of a champion's contest, tried on the same folds; what it holds is loaded when it is asked for.

    `load` and `backtest` raise ModelDamaged.
    """

    version: str
    load: Callable[[], ModelVersion]
    backtest: Callable[[], pd.DataFrame]


@dataclass(frozen=True)
class Champion(Generic[T]):
    """The version that predicts for a contest, why it does, and the scores of all that stood with it.

    `too_few`: the sentence that says that too few periods were scored to choose it by; None where they sufficed.
    `trainings`: what was trained of late, the newest first, as of `Registry.trainings`; none where that is not asked.
    `rivals`: those that were tried on the same folds, by model; none where that is not asked.
    """

    domain: str
    contest: str
    model: ModelVersion[T]
    why: str
    scores: pd.DataFrame
    trainings: tuple[TrainingRecord, ...] = ()
    too_few: str | None = None
    rivals: Mapping[str, Rival] = field(default_factory=dict)

    @property
    def model_name(self) -> str:
        """The name of its model on the shelf, without the domain."""
        return self.model.name

    @property
    def version(self) -> str:
        return self.model.version

    @property
    def task(self) -> T:
        return self.model.task
