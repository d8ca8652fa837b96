"""Sections that say how far probabilities can be trusted: the measures and how sure they are, folds, calibration.

What the outcome is, and what the probabilities are used for, belongs to the report; several outcomes side by side
are in `question_scores`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import Chart, Figure, NumberSource, ReportColumn, RowValue, Section, ValueFormat
from s2p_assets.publishing.document.wording import format_date, format_number, format_percent
from s2p_assets.publishing.sections.findings import best_in, parts_that_hold
from s2p_assets.publishing.sections.source_table import SourceTable

TITLES = {
    "log_loss": "Log loss",
    "brier": "Brier score",
    "auc": "AUC",
    "accuracy": "Accuracy",
    "calibration_error": "Calibration error",
}
BY_FOLD: dict[str, tuple[str, ValueFormat]] = {
    "cases": ("Cases", "integer"),
    "base_rate": ("Came", "percent"),
    "log_loss": ("Log loss", "number"),
    "brier": ("Brier", "number"),
    "auc": ("AUC", "number"),
    "accuracy": ("Accuracy", "percent"),
    "calibration_error": ("Calibration error", "percent"),
}
MIN_AUC, CHANCE_AUC = 0.6, 0.5


@dataclass(frozen=True)
class ClassificationScores:
    """How right the model in service was on past cases, beside a plain model and the others.

    `cases`: one row per case, with probability and whether it came about in the column `outcome`. `scores`: one row per
    (model, fold), with cutoff, cases, is_champion and the measures. `measured`: one row per measure over all cases:
    measure, value, low, high (of the 95 % interval). `calibration`: one row per decile of the probability: decile,
    predicted, outcome (shares), cases, low and high.
    `baseline`: the plain model, which gives all cases of a fold the same probability. `one`, `outcome`: what a case and
    its outcome are called, `deal` and `won`.
    """

    cases: SourceTable
    scores: SourceTable
    measured: pd.DataFrame
    calibration: pd.DataFrame
    baseline: str
    one: str
    outcome: str

    @cached_property
    def compared(self) -> pd.DataFrame:
        """`measured` with what the plain model comes to, in `base`."""
        return compare_with_baseline(self.measured, self.scores.rows, self.baseline)

    @property
    def surest(self) -> "pd.Series[Any]":
        """The part of the cases of which most was told: a row of `calibration`."""
        return self.calibration.iloc[-1]

    def lineage(self, column: str = "probability", where: Mapping[str, Any] | None = None) -> NumberSource:
        """What a measure was made from."""
        return self.cases.lineage(column, where)


def compare_with_baseline(measured: pd.DataFrame, scores: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """`measured` (measure, value, low, high) with `base`: what the plain model `baseline` comes to over the same cases.

    `scores`: of all models by fold, with `cases`. Of a constant probability the AUC is 0.5.
    """
    plain = scores[scores["model"] == baseline]
    weights = plain["cases"].astype(float)
    base = {
        name: float((plain[name].astype(float) * weights).sum() / weights.sum())
        for name in ("log_loss", "brier", "accuracy", "calibration_error")
        if len(plain)
    }
    rows = measured.assign(base=measured["measure"].map({**base, "auc": 0.5}), title=measured["measure"].map(TITLES))
    return rows[rows["title"].notna()].reset_index(drop=True)


def measures_by_name(found: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Measure → value, low, high and base."""
    parts = ("value", "low", "high", "base")
    return {str(row["measure"]): {name: float(row[name]) for name in parts} for row in found.to_dict("records")}


def discriminates(found: pd.DataFrame) -> bool:
    """Whether cases are ranked by more than a little better than chance, and surely better. `found`: as above."""
    auc = measures_by_name(found)["auc"]
    return auc["value"] >= MIN_AUC and auc["low"] > CHANCE_AUC


def describe_trust(scores: ClassificationScores) -> str:
    """How far to trust the probabilities, in a headline: what was told of the surest past cases, and what came."""
    if not discriminates(scores.compared):
        return f"The probabilities hardly tell one {scores.one} from another: trust sums over many, not single ones."
    told, came = (format_percent(float(scores.surest[name]), 0) for name in ("predicted", "outcome"))
    return f"Of past {scores.one}s that were told {told}, {came} were {scores.outcome}: {_judged(scores.surest)}."


def most_told(scores: ClassificationScores) -> float:
    """The highest probability that a past case was told."""
    return float(scores.cases.rows["probability"].astype(float).max())


def _judged(part: "pd.Series[Any]") -> str:
    """Whether what was told of a part of the cases lies in the interval of what came."""
    if part["low"] <= part["predicted"] <= part["high"]:
        return "about as told"
    return "more than told" if part["outcome"] > part["predicted"] else "fewer than told"


def told_and_came(scores: ClassificationScores) -> tuple[Figure, ...]:
    """What came of the surest tenth of the past cases and of the least sure one, beside what was told of them."""
    likeliest, least = scores.surest, scores.calibration.iloc[0]
    parts = {"surest": likeliest, "least sure": least} if len(scores.calibration) > 1 else {"surest": likeliest}
    return tuple(
        Figure(
            f"{scores.outcome.capitalize()} of the {name} past {scores.one}s",
            float(part["outcome"]),
            "percent",
            note=f"told {format_percent(float(part['predicted']), 0)} on average: {_judged(part)}",
            sources=(scores.lineage(scores.outcome, {"decile": part["decile"]}),),
        )
        for name, part in parts.items()
    )


def describe_probabilities(found: pd.DataFrame, *, one: str, outcome: str) -> str:
    """How much the probabilities tell, plainly. `found`: as above; `one`, `outcome`: `deal`, `won`."""
    accuracy, auc, brier = (measures_by_name(found)[name] for name in ("accuracy", "auc", "brier"))
    low, high = format_number(auc["low"], 2), format_number(auc["high"], 2)
    sure = f"AUC {format_number(auc['value'], 2)} ({low} to {high}; 0.5 is chance)"
    right = (
        f"the likelier end came in {format_percent(accuracy['value'], 1)} of cases, "
        f"against {format_percent(accuracy['base'], 1)} by the base rate alone"
    )
    if discriminates(found):
        return f"The probabilities tell one {one} from another: {sure}; {right}."
    better = "no worse" if brier["value"] <= brier["base"] else "worse"
    return (
        f"The probabilities hardly tell one {one} from another: {sure}; {right}. What is known of a {one} beforehand "
        f"says little of whether it is {outcome}; as probabilities they are {better} than the base rate (Brier "
        f"{format_number(brier['value'], 4)} against {format_number(brier['base'], 4)}). Trust sums over many, "
        "not single ones."
    )


def probability_measures(scores: ClassificationScores) -> Section:
    """Each measure of the champion with its interval and the plain model's, after a sentence on them all."""
    rows = scores.compared.astype(dict.fromkeys(("value", "low", "high", "base"), float))
    rows = rows.assign(plain=[f"{scores.scores.name}.{name}" for name in rows["measure"]])
    seen, plain = (scores.lineage(),), (NumberSource(RowValue("plain"), {"model": scores.baseline}),)
    return Section(
        title="How right it was",
        says=f"it {'tells' if discriminates(scores.compared) else 'hardly tells'} one {scores.one} from another",
        description=f"{describe_probabilities(scores.compared, one=scores.one, outcome=scores.outcome)} Measured on "
        "what the model in service told of cases that ended later, knowing only what had ended before, with the 95 % "
        "interval over all of them. All but AUC and accuracy: the lower, the better.",
        frame=rows,
        columns=(
            ReportColumn("title", "Measure"),
            ReportColumn("value", "Model in service", "number", sources=seen),
            ReportColumn("low", "95 % from", "number", sources=seen),
            ReportColumn("high", "to", "number", sources=seen),
            ReportColumn("base", "Base rate", "number", sources=plain),
        ),
    )


def probability_calibration(scores: ClassificationScores) -> Section:
    """Predicted probability beside the share that came about, one row per decile, the least probable first."""
    where = {"decile": RowValue("decile")}
    predicted = scores.calibration["predicted"]
    rows = scores.calibration.assign(as_told=predicted, at=[format_percent(float(one), 1) for one in predicted])
    is_drawn = rows["at"].is_unique and len(rows) > 1
    return Section(
        title="Where told and came lie together",
        says=parts_that_hold(rows),
        description="Cases in parts of equal size by what was told of them: where told and came lie together, a "
        "probability means what it says. The band is the 95 % interval of what came.",
        frame=rows,
        columns=calibration_columns(
            ("Told", "Came", "Cases"),
            scores.lineage("probability", where),
            scores.lineage(scores.outcome, where),
        ),
        chart=calibration_chart(rows, "at", "Told and came") if is_drawn else None,
    )


def calibration_columns(
    titles: tuple[str, str, str], predicted: NumberSource, outcome: NumberSource
) -> tuple[ReportColumn, ...]:
    """The report's columns of a calibration. `titles`: of the probability, of the share, and of the number of cases.

    `predicted`, `outcome`: what the probabilities and the shares were made from.
    """
    return (
        ReportColumn("predicted", titles[0], "percent", sources=(predicted,)),
        ReportColumn("outcome", titles[1], "percent", sources=(outcome,)),
        ReportColumn("low", "95 % from", "percent", sources=(outcome,)),
        ReportColumn("high", "to", "percent", sources=(outcome,)),
        ReportColumn("cases", titles[2], "integer", sources=(outcome,)),
    )


def calibration_chart(rows: pd.DataFrame, x: str, title: str) -> Chart:
    """The share that came, with its interval, beside `as_told`: the line on which it lies if probabilities hold."""
    return Chart(
        "line",
        x,
        ("outcome", "as_told"),
        title,
        frame=rows,
        band=("low", "high"),
        band_title="95 % interval",
        format="percent",
    )


def classification_folds(scores: ClassificationScores, titles: Mapping[str, str]) -> Section:
    """Every model on every stretch of time, the best by log loss first. `titles`: what people call the models."""
    table = scores.scores
    rows = table.rows.assign(called=table.rows["model"].map(lambda name: titles.get(name, name)))
    rows = rows.assign(cutoff=pd.to_datetime(rows["cutoff"]), placed=rows["called"])
    rows["placed"] = rows["placed"].mask(rows["is_champion"].astype(bool), rows["called"] + ", in service")
    rows = rows.sort_values(["fold", "log_loss", "model"]).reset_index(drop=True)
    begins = ", ".join(format_date(day) for day in rows["cutoff"].drop_duplicates())
    best = rows.dropna(subset="log_loss").drop_duplicates("fold")
    return Section(
        title="The models, stretch by stretch",
        says=best_in(rows, "fold", best["is_champion"].astype(bool), "stretch", "stretches"),
        description=f"Each model was fitted on what had ended before a stretch began ({begins}) and asked about "
        "what began in it; the last stretch goes on to today. The champion is chosen by the log loss.",
        frame=rows,
        columns=(
            ReportColumn("cutoff", "From", "date"),
            ReportColumn("placed", "Model"),
            *(fold_column(table, name, title, kind) for name, (title, kind) in BY_FOLD.items()),
        ),
    )


def fold_column(scores: SourceTable, name: str, title: str, kind: ValueFormat, *more_keys: str) -> ReportColumn:
    """A measure of a model on a fold, as it is stored. `more_keys`: columns that name a row beside model and fold."""
    where = {column: RowValue(column) for column in (*more_keys, "model", "fold")}
    return ReportColumn(name, title, kind, sources=(scores.lineage(name, where),))
