"""The scorecard of the demand forecast: how far off each model was, which is in service, and why.

The scores themselves are made in `learning/`; who wins by them is decided by the contest in `models/`.
"""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from s2p_assets.learning.cause import Training
from s2p_assets.learning.versions import Champion, ModelVersion
from s2p_assets.publishing.comparison import change
from s2p_assets.publishing.report import (
    Basis,
    Chart,
    Document,
    Field,
    Figure,
    Format,
    ReportColumn,
    Section,
    report,
)
from s2p_assets.publishing.wording import counted, rewritten, share, short_day
from s2p_assets.shelves import NotYet

NAIVE = "demand_seasonal_naive"
ALL = "all"
KINDS = {
    "smooth": "Steady",
    "erratic": "Steady, in changing amounts",
    "intermittent": "Now and then",
    "lumpy": "Now and then, in changing amounts",
}
ASKED = {
    "models_know_enough": "enough of its data was new",
    "models_know_the_code": "its code changed",
    "error_within_its_band": "it erred more than its tests let expect",
    "nothing_drifted": "its data drifted",
}
TRAINED: dict[str, tuple[str, Format]] = {
    "trained_at": ("Trained", "day"),
    "called": ("Model", "text"),
    "version": ("Version", "code"),
    "why": ("Why", "text"),
    "rows": ("Rows learned from", "whole"),
    "changed": ("New or changed", "whole"),
    "loaded": ("Files since the last", "whole"),
    "newest": ("The newest of them", "text"),
}
MEASURES = ["wape", "bias", "coverage_80", "coverage_95", "rmsse"]
OF_MODEL = {"model": Field("model"), "series": ALL}
LEAST_COVERED = 0.7
MOST_LINES = 4


@report(title="Forecast scorecard", owner="planning@example.com")
def forecast_scorecard(demand_scores: pd.DataFrame, demand_champion: Champion) -> Document:
    """How far each demand model was off on past weeks, against the naive forecast; which is in service, and why.

    One edition per week of sales; made again whenever a model was trained or a champion chosen.
    """
    if demand_scores.empty:
        raise NotYet("no model has been tested on past weeks")
    scores = demand_scores.assign(cutoff=pd.to_datetime(demand_scores["cutoff"]))
    models = _by_model(scores[scores["series"] == ALL])
    last_week = pd.to_datetime(demand_scores["until"]).max()
    return Document(
        title="Forecast scorecard",
        as_of=(last_week + pd.Timedelta(days=6)).date(),
        headline=_headline(models, demand_champion),
        figures=_figures(models, demand_champion),
        sections=(
            _models(models),
            _in_service(demand_champion),
            _trained(demand_champion.trainings, demand_champion.version),
            _folds(scores[scores["series"] == ALL]),
            _kinds(scores[scores["series"] != ALL]),
        ),
        notes=_notes(scores),
    )


def plain(model: str) -> str:
    """`demand_seasonal_naive` → `Seasonal naive`."""
    return model.removeprefix("demand_").replace("_", " ").capitalize()


def _by_model(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per model, its measures as means over the folds, the champion first and then the best by RMSSE.

    against_naive: how much smaller its WAPE is than the naive forecast's; negative is better.
    """
    rows = scores.groupby("model").agg(dict.fromkeys(MEASURES, "mean") | {"is_champion": "first"}).reset_index()
    naive = rows.loc[rows["model"] == NAIVE, "wape"]
    rows["against_naive"] = [change(wape, naive.iloc[0] if len(naive) else None) for wape in rows["wape"]]
    rows["against_naive"] = rows["against_naive"].astype("float64").mask(rows["model"] == NAIVE)
    rows["called"] = rows["model"].map(plain)
    rows["placed"] = rows["called"].mask(rows["is_champion"].astype(bool), rows["called"] + ", in service")
    return rows.sort_values(["is_champion", "rmsse", "model"], ascending=[False, True, True]).reset_index(drop=True)


def _mean(name: str, where: Mapping[str, object]) -> Basis:
    """A measure as the mean over the stretches in which it is known."""
    return Basis(f"demand_scores.{name}", where, "mean")


def _headline(models: pd.DataFrame, champion: Champion) -> str:
    first = models.iloc[0]
    if pd.isna(first["wape"]):
        return f"{plain(champion.model_name)} makes the forecast; nothing was sold in the weeks that it was tested on."
    said = f"The forecast was off by {share(first['wape'])} of the units sold of a SKU in a week"
    if not pd.isna(first["against_naive"]):
        than = "less" if first["against_naive"] < 0 else "more"
        said += f", {share(first['against_naive'])} {than} than the naive forecast"
    covered = first["coverage_80"]
    band = "" if pd.isna(covered) else f" Its 80 % bands held {share(covered)} of what was then sold."
    return f"{said}. {plain(champion.model_name)} is in service.{band}"


def _figures(models: pd.DataFrame, champion: Champion) -> tuple[Figure, ...]:
    first = models.iloc[0]
    of = {name: (_mean(name, {"model": first["model"], "series": ALL}),) for name in MEASURES}

    def known(name: str) -> float | None:
        return None if pd.isna(first[name]) else float(first[name])

    naive = () if first["model"] == NAIVE else (_mean("wape", {"model": NAIVE, "series": ALL}),)
    trained = f"trained on {short_day(champion.model.trained_at)}"
    return (
        Figure("Model in service", plain(champion.model_name), "text", note=trained),
        Figure("Error (WAPE)", known("wape"), "percent", note="of units sold, by SKU and week", of=of["wape"]),
        Figure(
            "WAPE against naive",
            known("against_naive"),
            "percent",
            note="below zero is better",
            of=(*of["wape"], *naive) if known("against_naive") is not None else (),
        ),
        Figure("Bias", known("bias"), "percent", note=_bias_in_words(known("bias")), of=of["bias"]),
        Figure("Within the 80 % band", known("coverage_80"), "percent", note="80 % is right", of=of["coverage_80"]),
        Figure("Within the 95 % band", known("coverage_95"), "percent", note="95 % is right", of=of["coverage_95"]),
    )


def _bias_in_words(bias: float | None) -> str:
    if bias is None:
        return ""
    return "forecasts are too low on the whole" if bias < 0 else "forecasts are too high on the whole"


def _measure_columns(where: Mapping[str, object]) -> tuple[ReportColumn, ...]:
    titles = {"wape": "WAPE", "bias": "Bias", "coverage_80": "In 80 % band", "coverage_95": "In 95 % band"}
    low = {"coverage_80": LEAST_COVERED}
    return tuple(
        ReportColumn(name, title, "percent", highlight_below=low.get(name), of=(_mean(name, where),))
        for name, title in titles.items()
    )


def _models(models: pd.DataFrame) -> Section:
    wapes = tuple(_mean("wape", where) for where in (OF_MODEL, {"model": NAIVE, "series": ALL}))
    wape, *others = _measure_columns(OF_MODEL)
    return Section(
        title="The models compared",
        says="Means over the same stretches of past weeks, all SKUs; the smaller the error, the better.",
        frame=models,
        columns=(
            ReportColumn("placed", "Model"),
            wape,
            ReportColumn("against_naive", "Against naive", "percent", of=wapes),
            *others,
            ReportColumn("rmsse", "RMSSE", "number", of=(_mean("rmsse", OF_MODEL),)),
        ),
        chart=Chart("bar", "called", ("wape",), "Error of each model (WAPE)", frame=models, format="percent"),
    )


def _reason(champion: Champion) -> str:
    """Why the champion was chosen, with models under their plain names."""
    return re.sub(r"\bdemand_\w+", lambda name: plain(name[0]), rewritten(champion.why))


def _learned_from(model: ModelVersion) -> str:
    rows = f"{counted(model.cause.rows, 'row')} of " if model.cause.rows else ""
    return f"{rows}the features, version {model.feature_version[:12]}"


def _in_service(champion: Champion) -> Section:
    model = champion.model
    rows = [
        ("Model", plain(champion.model_name)),
        ("Version", champion.version),
        ("Trained on", short_day(model.trained_at)),
        ("Learned from", _learned_from(model)),
        ("Tested", rewritten(model.says)),
        ("In service because", _reason(champion)),
    ]
    return Section(
        title="What is in service, and why",
        says="A new model comes into service only when it beats this one beyond chance, on the same past weeks.",
        frame=pd.DataFrame(rows, columns=["what", "said"]),
        columns=(ReportColumn("what", "What"), ReportColumn("said", "Value")),
    )


def _trained(trainings: Sequence[Training], in_service: str) -> Section:
    """A line for each version, the newest first."""
    return Section(
        title="What was trained, and from which data",
        says="Every model's newest version, and all others of the four weeks before the newest. A model is trained "
        "again when enough of its features is new or changed, when its code changed, or when it errs more than "
        "before; the features come from the files under Sources."
        if trainings
        else "",
        frame=pd.DataFrame([_training(one, in_service) for one in trainings], columns=list(TRAINED)),
        columns=tuple(ReportColumn(name, title, kind) for name, (title, kind) in TRAINED.items()),
        when_empty="When its models were trained is not known.",
    )


def _training(made: Training, in_service: str) -> tuple[object, ...]:
    cause = made.cause
    called = plain(made.model) + (", in service" if made.version == in_service else "")
    if cause is None:
        return made.trained_at.date(), called, made.version, "not known", None, None, None, None
    asked = [ASKED.get(name, name.replace("_", " ")) for name in cause.signals]
    why = "first training" if cause.since is None else ", ".join(asked) or "somebody asked"
    newest = cause.sources[0].path if cause.sources else None
    return made.trained_at.date(), called, made.version, why, cause.rows, cause.changed, cause.loaded, newest


def _folds(scores: pd.DataFrame) -> Section:
    rows = scores.sort_values(["fold", "rmsse", "model"]).assign(called=scores["model"].map(plain))
    rows = rows.reset_index(drop=True)
    where = {"model": Field("model"), "fold": Field("fold"), "series": ALL}
    begins = rows.assign(begins=rows["cutoff"] + pd.Timedelta(days=7))
    names = tuple(_most_telling(scores))
    drawn = begins.pivot(index=["begins", "fold"], columns="model", values="wape").reset_index()
    drawn = drawn.rename(columns={name: plain(name) for name in names})
    of = {plain(name): (_mean("wape", where | {"model": name}),) for name in names}
    return Section(
        title="Stretch by stretch",
        says="Each model was fitted on what was known then, and forecast the weeks after. Bands come from the errors "
        "of earlier stretches, so the oldest has none.",
        frame=begins,
        columns=(
            ReportColumn("begins", "Forecast from", "day"),
            ReportColumn("called", "Model"),
            *_measure_columns(where),
            ReportColumn("rmsse", "RMSSE", "number", of=(_mean("rmsse", where),)),
        ),
        chart=Chart("line", "begins", tuple(of), "WAPE by stretch of weeks", frame=drawn, format="percent", of=of)
        if len(drawn) > 1
        else None,
    )


def _most_telling(scores: pd.DataFrame) -> list[str]:
    """The model in service, the best of the others, and the naive forecast; more lines could not be told apart."""
    models = _by_model(scores)["model"].tolist()
    return [*(model for model in models if model != NAIVE)][: MOST_LINES - 1] + [NAIVE] * (NAIVE in models)


def _kinds(scores: pd.DataFrame) -> Section:
    rows = scores.groupby(["series", "model"]).agg(
        dict.fromkeys(MEASURES, "mean") | {"entities": "max", "is_champion": "first"}
    )
    rows = rows.reset_index().assign(
        kind=lambda found: found["series"].map(KINDS).fillna(found["series"]),
        called=lambda found: found["model"].map(plain),
    )
    order = rows["series"].map({name: place for place, name in enumerate(KINDS)})
    rows = rows.assign(order=order).sort_values(["order", "rmsse", "model"]).reset_index(drop=True)
    where = {"model": Field("model"), "series": Field("series")}
    return Section(
        title="By kind of SKU",
        says="How a SKU sells decides how well it can be forecast. Means over the stretches.",
        frame=rows,
        columns=(
            ReportColumn("kind", "Sells"),
            ReportColumn("called", "Model"),
            ReportColumn("entities", "SKUs, at most", "whole", of=(Basis("demand_scores.entities", where, "rows"),)),
            *_measure_columns(where),
            ReportColumn("rmsse", "RMSSE", "number", of=(_mean("rmsse", where),)),
        ),
        when_empty="No kind of SKU could be told apart yet.",
    )


def _notes(scores: pd.DataFrame) -> tuple[str, ...]:
    folds = scores.drop_duplicates("fold").sort_values("fold")["cutoff"]
    begins = ", ".join(short_day(cutoff + pd.Timedelta(days=7)) for cutoff in folds)
    missing = "" if (scores["model"] == NAIVE).any() else "The naive forecast was not among the models."
    notes = (
        f"Tested on {counted(len(folds), 'stretch', 'stretches')} of weeks, from {begins}.",
        "WAPE: the sum of all errors, whether too high or too low, over the units sold. Bias: what was forecast too "
        "much over the units sold; below zero, forecasts were too low.",
        "In 80 % band: how often what was sold lay within the band that should hold it in eight weeks of ten.",
        "RMSSE: errors against those of a forecast of 'last week again'; the champion is chosen by its mean.",
        "The naive forecast is the same week of a year earlier. Weeks in which stock ran out do not count.",
        missing,
    )
    return tuple(note for note in notes if note)
