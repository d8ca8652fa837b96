"""Why a version was trained: the signals that asked, how much was new, and the files it came from.

Finding these things out is for `graph/`; what is kept of them is kept with the version.
"""

import datetime as dt
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class LoadedSource:
    """A file under the features that was loaded since the version before; `before`: its rows until then, 0 if new."""

    workbook: str
    path: str
    sha256: str
    loaded_at: str
    rows: int
    before: int
    run_id: str | None


@dataclass(frozen=True)
class TrainingRecord:
    """A version that was trained: when, on which version of the features, and why; None when that is not known."""

    model: str
    version: str
    trained_at: dt.datetime
    feature_version: str
    reason: "TrainingReason | None"


@dataclass(frozen=True)
class TrainingReason:
    """What made a version.

    `since`: the version before. `signals`: each signal that asked, with its figures. `rows`: of the history;
    `changed`: those of them that the version before had not seen. `withdrawn`: those it had seen that are no more.
    `features`: their name, made at `features_at` (ISO time). `tables`: what lies between the workbooks and the
    features, nearest first. `sources`: the files loaded since the version before, newest first, of `loaded` in all.
    `left_out`: columns that the check for leaks withheld, each with why. `let_in`: those it named and a person let in.
    """

    since: str | None = None
    signals: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    changed: int = 0
    features: str = ""
    features_at: str = ""
    tables: tuple[str, ...] = ()
    workbooks: tuple[str, ...] = ()
    sources: tuple[LoadedSource, ...] = ()
    loaded: int = 0
    withdrawn: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    let_in: dict[str, str] = field(default_factory=dict)

    @property
    def description(self) -> str:
        """One line: which signals asked and how much was new."""
        if self.since is None:
            return f"first training, on {self.rows:,} rows of {self.features}"
        signals = "; ".join(f"{name}: {figures}" for name, figures in self.signals.items()) or "a person asked"
        gone = f", {self.withdrawn:,} that it had seen were corrected or withdrawn" if self.withdrawn else ""
        return f"{signals}; {self.changed:,} of {self.rows:,} rows are new or changed since version {self.since}{gone}"

    @property
    def left_out_because(self) -> list[str]:
        """What was left out of learning, a sentence for what was left out for the same reason."""
        columns: dict[str, list[str]] = {}
        for name, why in self.left_out.items():
            columns.setdefault(why, []).append(name)
        return [f"{', '.join(names)}: {why}" for why, names in columns.items()]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def reason_from_json(stored: dict[str, Any]) -> TrainingReason:
    """A TrainingReason from its JSON form. Raises TypeError for unknown or missing parts."""
    parts = dict(stored)
    parts["sources"] = tuple(LoadedSource(**source) for source in parts.get("sources", ()))
    parts["tables"], parts["workbooks"] = tuple(parts.get("tables", ())), tuple(parts.get("workbooks", ()))
    return TrainingReason(**parts)
