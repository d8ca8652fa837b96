"""Sections that say how far probabilities can be trusted: the measures and how sure they are, folds, calibration.

What the outcome is, and what the probabilities are used for, belongs to the report.
"""

from collections.abc import Mapping

import pandas as pd

from s2p_assets.publishing.report import Basis, Chart, Field, ReportColumn, Section
from s2p_assets.publishing.wording import grouped, percent, short_day

TITLES = {
    "log_loss": "Log loss",
    "brier": "Brier score",
    "auc": "AUC",
    "accuracy": "Accuracy",
    "calibration_error": "Calibration error",
}
PER_CENT = frozenset({"accuracy", "calibration_error"})
TOLD_APART, CHANCE = 0.6, 0.5


def against_base(measured: pd.DataFrame, scores: pd.DataFrame, floor: str) -> pd.DataFrame:
    """`measured` (measure, value, low, high) with `base`: what the plain model `floor` comes to over the same cases.

    `scores`: of all models by fold, with `cases`. Of a constant probability the AUC is 0.5.
    """
    plain = scores[scores["model"] == floor]
    weights = plain["cases"].astype(float)
    base = {
        name: float((plain[name].astype(float) * weights).sum() / weights.sum())
        for name in ("log_loss", "brier", "accuracy", "calibration_error")
        if len(plain)
    }
    rows = measured.assign(base=measured["measure"].map({**base, "auc": 0.5}), title=measured["measure"].map(TITLES))
    return rows[rows["title"].notna()].reset_index(drop=True)


def by_measure(found: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Measure → value, low, high and base."""
    parts = ("value", "low", "high", "base")
    return {str(row["measure"]): {name: float(row[name]) for name in parts} for row in found.to_dict("records")}


def tells_apart(found: pd.DataFrame) -> bool:
    """Whether cases are ranked by more than a little better than chance, and surely better. `found`: as above."""
    auc = by_measure(found)["auc"]
    return auc["value"] >= TOLD_APART and auc["low"] > CHANCE


def in_short(found: pd.DataFrame, *, one: str) -> str:
    """How far to trust the probabilities, in a headline. `one`: `deal`."""
    auc = f"AUC {grouped(by_measure(found)['auc']['value'], 2)}; 0.5 is chance"
    if tells_apart(found):
        return f"The probabilities tell one {one} from another ({auc})."
    return f"The probabilities hardly tell one {one} from another ({auc}): trust sums over many, not single ones."


def in_words(found: pd.DataFrame, *, one: str, came: str) -> str:
    """How much the probabilities tell, plainly. `found`: as of `against_base`; `one`, `came`: `deal`, `won`."""
    accuracy, auc, brier = (by_measure(found)[name] for name in ("accuracy", "auc", "brier"))
    sure = f"AUC {grouped(auc['value'], 2)} ({grouped(auc['low'], 2)} to {grouped(auc['high'], 2)}; 0.5 is chance)"
    right = (
        f"the likelier end came in {percent(accuracy['value'], 1)} of cases, "
        f"against {percent(accuracy['base'], 1)} by the base rate alone"
    )
    if tells_apart(found):
        return f"The probabilities tell one {one} from another: {sure}; {right}."
    better = "no worse" if brier["value"] <= brier["base"] else "worse"
    return (
        f"The probabilities hardly tell one {one} from another: {sure}; {right}. What is known of a {one} beforehand "
        f"says little of whether it is {came}; as probabilities they are {better} than the base rate (Brier "
        f"{grouped(brier['value'], 4)} against {grouped(brier['base'], 4)}). Trust sums over many, not single ones."
    )


def measures(
    found: pd.DataFrame, *, told: str, scores: str, floor: str, plainly: str, base: str = "Base rate"
) -> Section:
    """Each measure of the champion with its interval and the plain model's, after a word on it, `plainly`.

    `told`: the table of what was told.
    """
    rows = found.assign(**{name: found[name].astype(float) for name in ("value", "low", "high", "base")})
    seen = (Basis(f"{told}.probability"),)
    plain = (Basis(Field("plain"), {"model": floor}),)
    rows = rows.assign(plain=[f"{scores}.{name}" for name in rows["measure"]])
    return Section(
        title="How right it was",
        says=f"{plainly} Measured on what the model in service told of cases that ended later, knowing only what had "
        "ended before, with the 95 % interval over all of them. All but AUC and accuracy: the lower, the better.",
        frame=rows,
        columns=(
            ReportColumn("title", "Measure"),
            ReportColumn("value", "Model in service", "number", of=seen),
            ReportColumn("low", "95 % from", "number", of=seen),
            ReportColumn("high", "to", "number", of=seen),
            ReportColumn("base", base, "number", of=plain),
        ),
    )


def calibration(parts: pd.DataFrame, *, told: str, target: str) -> Section:
    """What was told beside what came. `parts`: as of `probabilities.calibration`; `target`: the column of what came."""
    where = {"part": Field("part")}
    rows = parts.assign(as_told=parts["said"], at=[percent(float(said), 1) for said in parts["said"]])
    return Section(
        title="Does it come as often as it is told?",
        says="Cases in parts of equal size by what was told of them: where told and came lie together, a probability "
        "means what it says. The band is the 95 % interval of what came.",
        frame=rows,
        columns=(
            ReportColumn("said", "Told", "percent", of=(Basis(f"{told}.probability", where),)),
            ReportColumn("came", "Came", "percent", of=(Basis(f"{told}.{target}", where),)),
            ReportColumn("low", "95 % from", "percent", of=(Basis(f"{told}.{target}", where),)),
            ReportColumn("high", "to", "percent", of=(Basis(f"{told}.{target}", where),)),
            ReportColumn("cases", "Cases", "whole", of=(Basis(f"{told}.{target}", where),)),
        ),
        chart=Chart(
            "line",
            "at",
            ("came", "as_told"),
            "Told and came",
            frame=rows,
            band=("low", "high"),
            band_title="95 % interval",
            format="percent",
        )
        if rows["at"].is_unique and len(rows) > 1
        else None,
    )


def folds(scores: pd.DataFrame, called: Mapping[str, str], *, of: str) -> Section:
    """Every model on every stretch of time. `called`: what people call the models."""
    where = {"model": Field("model"), "fold": Field("fold")}
    rows = scores.assign(called=scores["model"].map(lambda name: called.get(name, name)))
    rows = rows.assign(cutoff=pd.to_datetime(rows["cutoff"]), placed=rows["called"])
    rows["placed"] = rows["placed"].mask(rows["is_champion"].astype(bool), rows["called"] + ", in service")
    rows = rows.sort_values(["fold", "log_loss", "model"]).reset_index(drop=True)
    begins = ", ".join(short_day(day) for day in rows["cutoff"].drop_duplicates())

    def column(name: str, title: str, kind: str = "number") -> ReportColumn:
        return ReportColumn(name, title, kind, of=(Basis(f"{of}.{name}", where),))  # type: ignore[arg-type]

    return Section(
        title="The models, stretch by stretch",
        says=f"Each model was fitted on what had ended before a stretch began ({begins}) and asked about what began "
        "in it; the last stretch goes on to today. The champion is chosen by the log loss.",
        frame=rows,
        columns=(
            ReportColumn("cutoff", "From", "day"),
            ReportColumn("placed", "Model"),
            column("cases", "Cases", "whole"),
            column("base_rate", "Came", "percent"),
            column("log_loss", "Log loss"),
            column("brier", "Brier"),
            column("auc", "AUC"),
            column("accuracy", "Accuracy", "percent"),
            column("calibration_error", "Calibration error", "percent"),
        ),
    )
