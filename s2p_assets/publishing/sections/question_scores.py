"""Sections that say how right models were on several questions about the same cases, each beside a plain rule.

The measures are made in `learning/`; one outcome alone is for `classification_scores`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from s2p_assets.contracts.report import Figure, NumberSource, ReportColumn, RowValue, Section, ValueFormat
from s2p_assets.publishing.document.wording import format_number, format_percent, format_share, pluralize
from s2p_assets.publishing.sections.classification_scores import calibration_chart, calibration_columns, fold_column
from s2p_assets.publishing.sections.findings import is_known, parts_that_hold
from s2p_assets.publishing.sections.plain_names import plain_name
from s2p_assets.publishing.sections.source_table import SourceTable

MEASURES = {"brier": "Brier score", "log_loss": "Log loss", "auc": "AUC", "accuracy": "Accuracy"}
BY_FOLD: dict[str, tuple[str, ValueFormat]] = {
    "base_rate": ("Came about", "percent"),
    "accuracy": ("Accuracy", "percent"),
    "brier": ("Brier score", "number"),
    "log_loss": ("Log loss", "number"),
    "auc": ("AUC", "number"),
    "calibration_error": ("Calibration error", "number"),
}
NEAR = 0.01
"""A gain in accuracy that is smaller than this is none."""


@dataclass(frozen=True)
class Question:
    """What models say yes or no to, of each case.

    `name`: its value in the column `question`. `title`: as people read it. `baseline`: the model that is the plain
    rule;
    `rule`: that rule in words. `prefix`: what its models' names begin with.
    """

    name: str
    title: str
    baseline: str
    rule: str
    prefix: str


@dataclass(frozen=True)
class QuestionScores:
    """What the champions said of past cases, and how good every model was.

    `cases`: one row per (question, case), with probability. `scores`: one row per (question, model, fold), with cutoff,
    cases, is_champion and the measures. `measured`: question → one row per measure of its champion over all cases:
    measure, value, low, high (of the 95 % interval). `calibration`: question → its
    calibration as `ClassificationScores` has it.
    `one`, `period`: what a case and a fold are called, `car` and `season`; a fold is named by its year.
    """

    questions: tuple[Question, ...]
    cases: SourceTable
    scores: SourceTable
    measured: Mapping[str, pd.DataFrame]
    calibration: Mapping[str, pd.DataFrame]
    one: str
    period: str

    @cached_property
    def compared(self) -> pd.DataFrame:
        """One row per question and measure: value, low and high of the champion, and the plain rule's on its folds."""
        return pd.concat([self._compared(question) for question in self.questions], ignore_index=True)

    def _compared(self, question: Question) -> pd.DataFrame:
        measured = self.measured[question.name]
        scores = self.scores.rows[self.scores.rows["question"] == question.name]
        baseline = scores[scores["model"] == question.baseline]
        weight = baseline["cases"] / baseline["cases"].sum()
        plain = {name: float((baseline[name].astype(float) * weight).sum()) for name in measured["measure"]}
        champion = scores.loc[scores["is_champion"].astype(bool), "model"]
        return measured.assign(
            question=question.name,
            question_title=question.title,
            called=measured["measure"].map(MEASURES),
            plain=measured["measure"].map(plain),
            model=plain_name(champion.iloc[0] if len(champion) else "", question.prefix),
            baseline=question.baseline,
            rule=question.rule,
            cases=int((self.cases.rows["question"] == question.name).sum()),
        )

    def value(self, question: Question, measure: str, column: str = "value") -> float:
        """A column of `compared`, of one measure of one question."""
        rows = self.compared.set_index(["question", "measure"])
        return float(rows.loc[(question.name, measure), column])  # type: ignore[arg-type]

    def lineage(self, question: str | RowValue) -> tuple[NumberSource, ...]:
        """What a measure of a question was made from."""
        return (self.cases.lineage("probability", {"question": question}),)


def question_figure(answers: QuestionScores, question: Question, measure: str, label: str) -> Figure:
    """A measure with its interval and what the plain rule comes to."""
    value, low, high, plain = (answers.value(question, measure, name) for name in ("value", "low", "high", "plain"))
    is_share = measure == "accuracy"
    formatted = [format_share(number) if is_share else format_number(number, 3) for number in (low, high, plain)]
    return Figure(
        label,
        value if is_share else round(value, 3),
        "percent" if is_share else "number",
        note=f"{formatted[0]} to {formatted[1]}; {question.rule}: {formatted[2]}",
        sources=answers.lineage(question.name),
    )


def surest_and_came(answers: QuestionScores, question: Question, label: str) -> Figure:
    """What came of the past cases that were told the most, beside what was told of them."""
    surest = answers.calibration[question.name].iloc[-1]
    return Figure(
        label,
        float(surest["outcome"]),
        "percent",
        note=f"told {format_percent(float(surest['predicted']), 0)} on average",
        sources=answers.lineage(question.name),
    )


def describe_accuracy(answers: QuestionScores, question: Question) -> str:
    """How many cases were told right, in a headline."""
    right, plain = (format_share(answers.value(question, "accuracy", column)) for column in ("value", "plain"))
    return (
        f"In past {answers.period}s {right} of the {answers.one}s were told right, against {plain} by {question.rule}."
    )


def compare_with_rule(answers: QuestionScores, question: Question) -> str:
    """How right the champion was; plainly so where it says hardly more than how often the thing comes about."""
    accuracy, rate = (answers.value(question, name) for name in ("accuracy", "base_rate"))
    usual = max(rate, 1 - rate)
    brier, plain = (format_number(answers.value(question, "brier", name), 4) for name in ("value", "plain"))
    begin = f"{question.title}, {pluralize(int(answers.value(question, 'brier', 'cases')), answers.one)}: "
    if accuracy - usual < NEAR:
        return (
            f"{begin}the accuracy of {format_share(accuracy)} is no better than always giving the likelier answer "
            f"({format_share(usual)}). Which {answers.one} it will be can hardly be told; what the model adds is in "
            f"its probabilities, with a Brier score of {brier} against {plain} by {question.rule}."
        )
    return (
        f"{begin}{format_share(accuracy)} told right, where always giving the likelier answer is right in "
        f"{format_share(usual)}; Brier score {brier} against {plain} by {question.rule}."
    )


def question_measures(answers: QuestionScores) -> Section:
    """Each measure of each question's champion with its interval, beside the plain rule's."""
    rows = answers.compared[answers.compared["measure"].isin(MEASURES)].reset_index(drop=True)
    rows = rows.assign(scored=f"{answers.scores.name}." + rows["measure"])
    seen, rule = (
        answers.lineage(RowValue("question")),
        {"question": RowValue("question"), "model": RowValue("baseline")},
    )
    return Section(
        title="How right the models were",
        says=_how_right(answers),
        description=f"On {answers.period}s that they had not seen, each told from what was known before it began. "
        "Smaller is better for Brier score and log loss, larger for AUC and accuracy.",
        frame=rows,
        columns=(
            ReportColumn("question_title", "Question"),
            ReportColumn("model", "Model in service"),
            ReportColumn("called", "Measure"),
            ReportColumn("value", "Value", "number", sources=seen),
            ReportColumn("low", "95 % from", "number", sources=seen),
            ReportColumn("high", "to", "number", sources=seen),
            ReportColumn("plain", "Plain rule", "number", sources=(NumberSource(RowValue("scored"), rule),)),
            ReportColumn("rule", "The plain rule"),
        ),
    )


def _how_right(answers: QuestionScores) -> str:
    """The share told right of each question."""
    told = ((one.title.lower(), answers.value(one, "accuracy", "value")) for one in answers.questions)
    return ", ".join(f"{title} {format_share(share)} right" for title, share in told if is_known(share))


def question_folds(answers: QuestionScores) -> Section:
    """The champion and the plain rule of each question, fold by fold."""
    period = answers.period
    scores, prefixes = answers.scores.rows, [question.prefix for question in answers.questions]
    baselines = {question.name: question.baseline for question in answers.questions}
    titles = {question.name: question.title for question in answers.questions}
    is_floor = scores["model"] == scores["question"].map(baselines)
    rows = scores[scores["is_champion"].astype(bool) | is_floor]
    rows = rows.assign(
        question_title=rows["question"].map(titles),
        called=rows["model"].map(lambda model: plain_name(model, *prefixes)),
        **{period: rows["cutoff"].dt.year},
    )
    rows = rows.sort_values(["question", period, "is_champion"], ascending=[False, True, False])
    return Section(
        title=f"{period.capitalize()} by {period}",
        says=_better_than_the_rule(rows, period),
        description=f"The model in service and the plain rule, each {period} told from the ones before.",
        frame=rows.reset_index(drop=True),
        columns=(
            ReportColumn("question_title", "Question"),
            ReportColumn(period, period.capitalize(), "code", sources=()),
            ReportColumn("called", "Model"),
            fold_column(answers.scores, "cases", f"{answers.one.capitalize()}s told", "integer", "question"),
            *(fold_column(answers.scores, name, title, kind, "question") for name, (title, kind) in BY_FOLD.items()),
        ),
    )


def _better_than_the_rule(rows: pd.DataFrame, period: str) -> str:
    """In how many of all questions and periods the model in service had the smaller log loss."""
    served = rows["is_champion"].astype(bool)
    keys = ["question", period]
    both = rows[served].merge(rows[~served], on=keys, suffixes=("", "_plain"))[["log_loss", "log_loss_plain"]].dropna()
    if both.empty:
        return ""
    better = int((both["log_loss"] < both["log_loss_plain"]).sum())
    return f"better than the plain rule in {format_number(better)} of {format_number(len(both))}"


def question_calibrations(answers: QuestionScores) -> tuple[Section, ...]:
    """What was told beside what came about, a section per question with one row per part of the cases."""
    return tuple(_calibration(answers, question) for question in answers.questions)


def _calibration(answers: QuestionScores, question: Question) -> Section:
    (source,), rows = answers.lineage(question.name), answers.calibration[question.name]
    rows = rows.assign(as_told=rows["predicted"])
    return Section(
        title=f"Do the probabilities hold? {question.title}",
        says=parts_that_hold(rows),
        description=f"The {answers.one}s of past {answers.period}s by what they were told, in parts of equal size, "
        "and how often it came about. Where the two lines run together, a told 70 % came about in 7 of 10.",
        frame=rows,
        columns=calibration_columns(("Was told", "Came about", f"{answers.one.capitalize()}s"), source, source),
        chart=calibration_chart(rows, "predicted", "Came about, by what was told"),
    )
