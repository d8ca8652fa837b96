"""Sections on the model in service: what it is and why, and what was trained of late, from which data.

How good models are is said in `forecast_scores` and `classification_scores`; training and choosing are `learning/`'s.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

import pandas as pd

from s2p_assets.contracts.report import ReportColumn, Section, ValueFormat
from s2p_assets.publishing.document.wording import format_date, localize_numbers, pluralize
from s2p_assets.publishing.sections.plain_names import plain_name

SIGNALS = {
    "models_know_enough": "learning from what was new is worth it",
    "models_know_the_code": "its code changed",
    "error_within_its_band": "it erred more than its tests let expect",
    "nothing_drifted": "its data drifted",
}
TRAINED: dict[str, tuple[str, ValueFormat]] = {
    "trained_at": ("Trained", "date"),
    "called": ("Model", "text"),
    "version": ("Version", "code"),
    "why": ("Why", "text"),
    "rows": ("Rows learned from", "integer"),
    "changed": ("New or changed", "integer"),
    "loaded": ("Files since the last", "integer"),
    "newest": ("The newest of them", "text"),
}


class ModelInService(Protocol):
    """A version of a model, with the sentence by which the shelf describes it."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def description(self) -> str: ...


class VersionFile(Protocol):
    """A file that was loaded since the version before."""

    @property
    def path(self) -> str: ...


class VersionReason(Protocol):
    """Why a version was trained: the version before, what asked, how many rows and files were new."""

    @property
    def since(self) -> str | None: ...
    @property
    def signals(self) -> Mapping[str, str]: ...
    @property
    def rows(self) -> int: ...
    @property
    def changed(self) -> int: ...
    @property
    def loaded(self) -> int: ...
    @property
    def sources(self) -> Sequence[VersionFile]: ...


class VersionTraining(Protocol):
    """A version that was trained, and why; None when that is not known."""

    @property
    def model(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def trained_at(self) -> dt.datetime: ...
    @property
    def reason(self) -> VersionReason | None: ...


def describe_model(model: ModelInService, titles: Mapping[str, str]) -> str:
    """The model in service in a sentence. `titles`: what people call the models."""
    return f"In service: {titles.get(model.name, model.name)}, version {model.version}: {model.description}."


def service_facts(facts: Mapping[str, str]) -> Section:
    """What is known of the model in service. `facts`: what → value, in the order in which they are shown."""
    return Section(
        title="What is in service, and why",
        says=next(iter(facts.values()), ""),
        description="A new model comes into service only when it beats this one beyond chance, on the same past weeks.",
        frame=pd.DataFrame(list(facts.items()), columns=["what", "value"]),
        columns=(ReportColumn("what", "What"), ReportColumn("value", "Value")),
    )


def describe_promotion(why: str, prefix: str) -> str:
    """Why a model was chosen, with models that begin with `prefix` under their plain names."""
    return re.sub(rf"\b{prefix}\w+", lambda name: plain_name(name[0], prefix), localize_numbers(why))


def recent_trainings(trainings: Sequence[VersionTraining], version: str, prefix: str) -> Section:
    """A line for each version that was trained, the newest first. `version`: the one in service."""
    lines = [_line(training, training.version == version, prefix) for training in trainings]
    last_day = format_date(trainings[0].trained_at.date()) if trainings else ""
    return Section(
        title="What was trained, and from which data",
        says=f"{pluralize(len(lines), 'version')}, the last on {last_day}" if lines else "",
        description="Every model's newest version, and all others of the four weeks before the newest. A model is "
        "trained again when enough of its features is new or changed, when its code changed, or when it errs more than "
        "before; the features come from the files under Sources."
        if trainings
        else "",
        frame=pd.DataFrame(lines, columns=list(TRAINED)),
        columns=tuple(ReportColumn(name, title, kind) for name, (title, kind) in TRAINED.items()),
        when_empty="When its models were trained is not known.",
    )


def _line(training: VersionTraining, is_in_service: bool, prefix: str) -> tuple[object, ...]:
    reason, day = training.reason, training.trained_at.date()
    called = plain_name(training.model, prefix) + (", in service" if is_in_service else "")
    if reason is None:
        return day, called, training.version, "not known", None, None, None, None
    signals = [SIGNALS.get(name, name.replace("_", " ")) for name in reason.signals]
    why = "first training" if reason.since is None else ", ".join(signals) or "somebody asked"
    newest = reason.sources[0].path if reason.sources else None
    return day, called, training.version, why, reason.rows, reason.changed, reason.loaded, newest
