"""Sections that say how far probabilities can be trusted: the measures and how sure they are, folds, calibration.

What the outcome is, and what the probabilities are used for, belongs to the report; several outcomes side by side
are in `question_scores`.
"""

from collections.abc import Mapping

import pandas as pd

from s2p_assets.contracts.report import Chart, Figure, NumberSource, ReportColumn, RowValue, Section, ValueFormat
from s2p_assets.publishing.document.wording import format_date, format_number, format_percent
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


def describe_discrimination(found: pd.DataFrame, *, one: str) -> str:
    """How far to trust the probabilities, in a headline. `one`: `deal`."""
    auc = f"AUC {format_number(measures_by_name(found)['auc']['value'], 2)}; 0.5 is chance"
    if discriminates(found):
        return f"The probabilities tell one {one} from another ({auc})."
    return f"The probabilities hardly tell one {one} from another ({auc}): trust sums over many, not single ones."


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


def measure_figure(found: pd.DataFrame, measure: str, *, backtest: str) -> Figure:
    """A measure as a headline number, with its interval and the base rate's in a note. `backtest`: their table."""
    value, low, high, base = (measures_by_name(found)[measure][name] for name in ("value", "low", "high", "base"))
    note = f"95 %: {format_number(low, 3)} to {format_number(high, 3)}; base rate alone {format_number(base, 3)}"
    return Figure(TITLES[measure], value, note=note, sources=(NumberSource(f"{backtest}.probability"),))


def probability_measures(
    found: pd.DataFrame, *, backtest: str, scores: str, baseline: str, one: str, outcome: str
) -> Section:
    """Each measure of the champion with its interval and the plain model's, after a sentence on them all.

    `found`: as of `compare_with_baseline`. `backtest`, `scores`: the tables of the cases and of the models' scores by
    fold. `one`, `outcome`: `deal`, `won`.
    """
    rows = found.astype(dict.fromkeys(("value", "low", "high", "base"), float))
    rows = rows.assign(plain=[f"{scores}.{name}" for name in rows["measure"]])
    seen, plain = (NumberSource(f"{backtest}.probability"),), (NumberSource(RowValue("plain"), {"model": baseline}),)
    return Section(
        title="How right it was",
        description=f"{describe_probabilities(found, one=one, outcome=outcome)} Measured on what the model in "
        "service told of "
        "cases that ended later, knowing only what had ended before, with the 95 % interval over all of them. All but "
        "AUC and accuracy: the lower, the better.",
        frame=rows,
        columns=(
            ReportColumn("title", "Measure"),
            ReportColumn("value", "Model in service", "number", sources=seen),
            ReportColumn("low", "95 % from", "number", sources=seen),
            ReportColumn("high", "to", "number", sources=seen),
            ReportColumn("base", "Base rate", "number", sources=plain),
        ),
    )


def probability_calibration(parts: pd.DataFrame, *, backtest: str, target: str) -> Section:
    """What was told beside what came, one row per part of the cases, from the least to the most probable.

    `parts`: decile, predicted, outcome, cases, low and high (shares). `backtest`: the table of the cases; `target`: its
    column of what came.
    """
    where = {"decile": RowValue("decile")}
    rows = parts.assign(as_told=parts["predicted"], at=[format_percent(float(said), 1) for said in parts["predicted"]])
    is_drawn = rows["at"].is_unique and len(rows) > 1
    return Section(
        title="Does it come as often as it is told?",
        description="Cases in parts of equal size by what was told of them: where told and came lie together, a "
        "probability "
        "means what it says. The band is the 95 % interval of what came.",
        frame=rows,
        columns=calibration_columns(
            ("Told", "Came", "Cases"),
            NumberSource(f"{backtest}.probability", where),
            NumberSource(f"{backtest}.{target}", where),
        ),
        chart=calibration_chart(rows, "at", "Told and came") if is_drawn else None,
    )


def calibration_columns(
    titles: tuple[str, str, str], said: NumberSource, came: NumberSource
) -> tuple[ReportColumn, ...]:
    """The report's columns of a calibration. `titles`: of what was told, of what came, and of the number of cases.

    `said`, `came`: what the probabilities and the shares were made from.
    """
    return (
        ReportColumn("predicted", titles[0], "percent", sources=(said,)),
        ReportColumn("outcome", titles[1], "percent", sources=(came,)),
        ReportColumn("low", "95 % from", "percent", sources=(came,)),
        ReportColumn("high", "to", "percent", sources=(came,)),
        ReportColumn("cases", titles[2], "integer", sources=(came,)),
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


def classification_folds(scores: SourceTable, called: Mapping[str, str]) -> Section:
    """Every model on every stretch of time, the best by log loss first. `called`: what people call the models."""
    rows = scores.rows.assign(called=scores.rows["model"].map(lambda name: called.get(name, name)))
    rows = rows.assign(cutoff=pd.to_datetime(rows["cutoff"]), placed=rows["called"])
    rows["placed"] = rows["placed"].mask(rows["is_champion"].astype(bool), rows["called"] + ", in service")
    rows = rows.sort_values(["fold", "log_loss", "model"]).reset_index(drop=True)
    begins = ", ".join(format_date(day) for day in rows["cutoff"].drop_duplicates())
    return Section(
        title="The models, stretch by stretch",
        description=f"Each model was fitted on what had ended before a stretch began ({begins}) and asked about "
        "what began "
        "in it; the last stretch goes on to today. The champion is chosen by the log loss.",
        frame=rows,
        columns=(
            ReportColumn("cutoff", "From", "date"),
            ReportColumn("placed", "Model"),
            *(fold_column(scores, name, title, kind) for name, (title, kind) in BY_FOLD.items()),
        ),
    )


def fold_column(scores: SourceTable, name: str, title: str, kind: ValueFormat, *more_changes: str) -> ReportColumn:
    """A measure of a model on a fold, as it is stored. `more_changes`: columns that name a row beside model "
    "and fold.
    """
    where = {column: RowValue(column) for column in (*more_changes, "model", "fold")}
    return ReportColumn(name, title, kind, sources=(scores.lineage(name, where),))
