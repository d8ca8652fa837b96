"""Sections that say how far off forecasting models were on past stretches of time, beside the naive forecast.

The measures are made in `learning/`; which model is in service and why is said in `model_service`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from s2p_assets.contracts.report import Chart, Figure, NumberSource, ReportColumn, RowValue, Section
from s2p_assets.publishing.document.wording import format_date, format_share, pluralize
from s2p_assets.publishing.sections.findings import best_in
from s2p_assets.publishing.sections.period_comparison import relative_change
from s2p_assets.publishing.sections.plain_names import plain_name
from s2p_assets.publishing.sections.source_table import SourceTable

ALL = "all"
DEMAND_CLASSES = {
    "smooth": "Steady",
    "erratic": "Steady, in changing amounts",
    "intermittent": "Now and then",
    "lumpy": "Now and then, in changing amounts",
}
MEASURES = ["wape", "bias", "coverage_80", "coverage_95", "rmsse"]
SHARES = {"wape": "WAPE", "bias": "Bias", "coverage_80": "In 80 % band", "coverage_95": "In 95 % band"}
LEAST_COVERED = {"coverage_80": 0.7}
MOST_LINES = 4
WEEK = pd.Timedelta(days=7)


@dataclass(frozen=True)
class ForecastScores:
    """How good each model was on past stretches of weeks.

    `table`: one row per (model, fold, series): cutoff (Monday of the last week known), is_champion, entities and
    `MEASURES`; series is `all` or one of `DEMAND_CLASSES`. `naive`: the model to which the others are compared.
    `prefix`: what the models' names begin with. `one`: what a series is called, `SKU`.
    """

    table: SourceTable
    naive: str
    prefix: str
    one: str

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The scores with plain names of models (called) and cutoffs as timestamps."""
        rows = self.table.rows
        return rows.assign(cutoff=pd.to_datetime(rows["cutoff"]), called=rows["model"].map(self.called))

    @cached_property
    def by_model(self) -> pd.DataFrame:
        """One row per model, its measures as means over the folds, the champion first and then the best by RMSSE.

        against_naive: how much smaller its WAPE is than the naive forecast's; negative is better.
        """
        scores = self.rows[self.rows["series"] == ALL]
        rows = scores.groupby("model").agg(dict.fromkeys(MEASURES, "mean") | {"is_champion": "first"}).reset_index()
        naive = rows.loc[rows["model"] == self.naive, "wape"]
        rows["against_naive"] = [relative_change(wape, naive.iloc[0] if len(naive) else None) for wape in rows["wape"]]
        rows["against_naive"] = rows["against_naive"].astype("float64").mask(rows["model"] == self.naive)
        rows["called"] = rows["model"].map(self.called)
        rows["placed"] = rows["called"].mask(rows["is_champion"].astype(bool), rows["called"] + ", in service")
        return rows.sort_values(["is_champion", "rmsse", "model"], ascending=[False, True, True]).reset_index(drop=True)

    def called(self, model: str) -> str:
        """A model's name as people read it."""
        return plain_name(model, self.prefix)

    def mean(self, name: str, where: Mapping[str, object]) -> tuple[NumberSource, ...]:
        """What the mean of a measure over the stretches in which it is known was made from."""
        return (self.table.lineage(name, where, "mean"),)

    def mean_of_all(self, name: str, model: str | RowValue) -> tuple[NumberSource, ...]:
        """The same of a model over all series."""
        return self.mean(name, {"model": model, "series": ALL})

    def columns(self, names: Sequence[str], where: Mapping[str, object]) -> tuple[ReportColumn, ...]:
        """The report's columns of measures, each a mean over the rows of `where`."""
        return tuple(
            ReportColumn(
                name,
                SHARES.get(name, name.upper()),
                "percent" if name in SHARES else "number",
                highlight_below=LEAST_COVERED.get(name),
                sources=self.mean(name, where),
            )
            for name in names
        )


def describe_forecast_error(scores: ForecastScores, champion: str, too_few: str | None = None) -> str:
    """How far off the forecast was, how that is beside the naive one, and whether its bands hold: for a headline.

    `too_few`: the sentence that says that too little was scored to say any of that, which is then all that is said.
    """
    first, called = scores.by_model.iloc[0], scores.called(champion)
    if too_few:
        return f"{too_few[:1].upper()}{too_few[1:]}. Until then {called}, a plain model, makes the forecast."
    if pd.isna(first["wape"]):
        return f"{called} makes the forecast; nothing was sold in the weeks that it was tested on."
    sentence = f"The forecast was off by {format_share(first['wape'])} of the units sold of a {scores.one} in a week"
    if not pd.isna(first["against_naive"]):
        than = "less" if first["against_naive"] < 0 else "more"
        sentence += f", {format_share(first['against_naive'])} {than} than the naive forecast"
    covered = first["coverage_80"]
    band = "" if pd.isna(covered) else f" Its 80 % bands held {format_share(covered)} of what was then sold."
    return f"{sentence}. {called} is in service.{band}"


def forecast_score_figures(scores: ForecastScores) -> tuple[Figure, ...]:
    """The measures of the model in service, and its WAPE beside the naive forecast's."""
    first = scores.by_model.iloc[0]
    known = {name: None if pd.isna(first[name]) else float(first[name]) for name in (*MEASURES, "against_naive")}
    of = {name: scores.mean_of_all(name, first["model"]) for name in MEASURES}
    naive = () if first["model"] == scores.naive else scores.mean_of_all("wape", scores.naive)
    wapes = (*of["wape"], *naive) if known["against_naive"] is not None else ()
    by_one = f"of units sold, by {scores.one} and week"
    return (
        Figure("Error (WAPE)", known["wape"], "percent", note=by_one, sources=of["wape"]),
        Figure("WAPE against naive", known["against_naive"], "percent", note="below zero is better", sources=wapes),
        Figure("Bias", known["bias"], "percent", note=_bias_in_words(known["bias"]), sources=of["bias"]),
        Figure(
            "Within the 80 % band", known["coverage_80"], "percent", note="80 % is right", sources=of["coverage_80"]
        ),
        Figure(
            "Within the 95 % band", known["coverage_95"], "percent", note="95 % is right", sources=of["coverage_95"]
        ),
    )


def _bias_in_words(bias: float | None) -> str:
    if bias is None:
        return ""
    return "forecasts are too low on the whole" if bias < 0 else "forecasts are too high on the whole"


def model_comparison(scores: ForecastScores) -> Section:
    """Each model with its measures and its gain over the naive forecast, the one in service first."""
    where = {"model": RowValue("model"), "series": ALL}
    wape, *others = scores.columns(MEASURES, where)
    wapes = (*scores.mean("wape", where), *scores.mean_of_all("wape", scores.naive))
    return Section(
        title="The models compared",
        says=_least_error(scores),
        description=f"Means over the same stretches of past weeks, all {scores.one}s; the smaller the error, "
        "the better.",
        frame=scores.by_model,
        columns=(
            ReportColumn("placed", "Model"),
            wape,
            ReportColumn("against_naive", "Against naive", "percent", sources=wapes),
            *others,
        ),
        chart=Chart("bar", "called", ("wape",), "Error of each model (WAPE)", frame=scores.by_model, format="percent"),
    )


def _least_error(scores: ForecastScores) -> str:
    known = scores.by_model.dropna(subset="wape")
    if len(known) < 2:
        return ""
    served, best = scores.by_model.iloc[0], known.sort_values("wape", kind="stable").iloc[0]
    if best["model"] == served["model"]:
        return f"{best['called']}, the one in service, errs least ({format_share(best['wape'])})"
    here = "" if pd.isna(served["wape"]) else f", {served['called']}, in service, {format_share(served['wape'])}"
    return f"{best['called']} errs least ({format_share(best['wape'])}){here}"


def forecast_folds(scores: ForecastScores) -> Section:
    """Every model on every stretch of weeks, the best by RMSSE first."""
    rows = scores.rows[scores.rows["series"] == ALL].sort_values(["fold", "rmsse", "model"])
    rows = rows.assign(begins=rows["cutoff"] + WEEK).reset_index(drop=True)
    where = {"model": RowValue("model"), "fold": RowValue("fold"), "series": ALL}
    return Section(
        title="Stretch by stretch",
        says=best_in(rows, "fold", _best_is_served(scores, rows), "stretch", "stretches"),
        description="Each model was fitted on what was known then, and forecast the weeks after. Bands come from the "
        "errors of earlier stretches, so the oldest has none.",
        frame=rows,
        columns=(
            ReportColumn("begins", "Forecast from", "date"),
            ReportColumn("called", "Model"),
            *scores.columns(MEASURES, where),
        ),
        chart=_wape_by_fold(scores, rows, where),
    )


def _best_is_served(scores: ForecastScores, rows: pd.DataFrame) -> "pd.Series[bool]":
    """Of each stretch, whether the best by RMSSE is the model in service. `rows`: the best of a stretch first."""
    best = rows.dropna(subset="rmsse").drop_duplicates("fold")
    return best["model"] == scores.by_model["model"].iloc[0]


def _wape_by_fold(scores: ForecastScores, rows: pd.DataFrame, where: dict[str, object]) -> Chart | None:
    """A line for the model in service, the best of the others, and the naive one; more could not be told apart."""
    models = scores.by_model["model"].tolist()
    others = [model for model in models if model != scores.naive][: MOST_LINES - 1]
    drawn = rows.pivot(index=["begins", "fold"], columns="model", values="wape").reset_index()
    if len(drawn) < 2:
        return None
    lines = {model: scores.called(model) for model in (*others, *[scores.naive] * (scores.naive in models))}
    of = {called: scores.mean("wape", where | {"model": model}) for model, called in lines.items()}
    drawn = drawn.rename(columns=lines)
    return Chart("line", "begins", tuple(of), "WAPE by stretch of weeks", frame=drawn, format="percent", sources=of)


def scores_by_demand_class(scores: ForecastScores) -> Section:
    """Every model on every kind of series, as means over the stretches."""
    grouped = scores.rows[scores.rows["series"] != ALL].groupby(["series", "model"])
    rows = grouped.agg(dict.fromkeys(MEASURES, "mean") | {"entities": "max", "called": "first"}).reset_index()
    places = {name: place for place, name in enumerate(DEMAND_CLASSES)}
    rows = rows.assign(kind=rows["series"].map(DEMAND_CLASSES).fillna(rows["series"]), order=rows["series"].map(places))
    where = {"model": RowValue("model"), "series": RowValue("series")}
    return Section(
        title=f"By kind of {scores.one}",
        says=_easiest_and_hardest(rows[rows["model"] == scores.by_model["model"].iloc[0]]),
        description=f"How a {scores.one} sells decides how well it can be forecast. Means over the stretches.",
        frame=rows.sort_values(["order", "rmsse", "model"]).reset_index(drop=True),
        columns=(
            ReportColumn("kind", "Sells"),
            ReportColumn("called", "Model"),
            ReportColumn(
                "entities",
                f"{scores.one}s, at most",
                "integer",
                sources=(scores.table.lineage("entities", where, "rows"),),
            ),
            *scores.columns(MEASURES, where),
        ),
        when_empty=f"No kind of {scores.one} could be told apart yet.",
    )


def _easiest_and_hardest(served: pd.DataFrame) -> str:
    """What the model in service errs least on, and most."""
    known = served.dropna(subset="wape").sort_values("wape")
    if len(known) < 2:
        return ""
    easy, hard = known.iloc[0], known.iloc[-1]
    return (
        f"{easy['kind'].lower()} errs least ({format_share(easy['wape'])}), {hard['kind'].lower()} most "
        f"({format_share(hard['wape'])})"
    )


def backtest_note(scores: ForecastScores) -> str:
    """A note on how many stretches of weeks the models were tested on, and when each began."""
    cutoffs = scores.rows.drop_duplicates("fold").sort_values("fold")["cutoff"]
    begins = ", ".join(format_date(cutoff + WEEK) for cutoff in cutoffs)
    return f"Tested on {pluralize(len(cutoffs), 'stretch', 'stretches')} of weeks, from {begins}."


def missing_baseline_note(scores: ForecastScores) -> tuple[str, ...]:
    """A note that the naive forecast is missing; none where it is there."""
    is_there = (scores.table.rows["model"] == scores.naive).any()
    return () if is_there else ("The naive forecast was not among the models.",)
