"""The next race as the models tell it, and how right they were before.

The probabilities are made in `tables/`, the measures in `learning/`; here they are put into words.
"""

import pandas as pd

from s2p_assets.learning.classifying.probabilities import calibration
from s2p_assets.learning.classifying.scores import with_intervals
from s2p_assets.publishing.report import Basis, Chart, Document, Field, Figure, ReportColumn, Section, report
from s2p_assets.publishing.wording import counted, grouped, long_day, share
from s2p_assets.shelves import NotYet

TOP_TEN, FAILED = "top ten", "did not finish"
ASKED = {TOP_TEN: "Among the first ten", FAILED: "Did not finish"}
FLOORS = {TOP_TEN: "top_ten_grid", FAILED: "failure_rate"}
RULES = {TOP_TEN: "the grid alone", FAILED: "the team's rate of failures"}
MEASURES = {"brier": "Brier score", "log_loss": "Log loss", "auc": "AUC", "accuracy": "Accuracy"}
NEAR = 0.01
SURE_OF_TEN = 10


@report(title="Race preview", owner="race-office@example.com")
def race_preview(race_predictions: pd.DataFrame, race_scores: pd.DataFrame, told_entries: pd.DataFrame) -> Document:
    """Who will probably come in among the first ten, who may not finish, and how far to trust that.

    One edition per race; made again when its qualifying or results came in, or a model learned anew.
    """
    if race_predictions.empty or told_entries.empty:
        raise NotYet("no race can be told yet")
    cars = race_predictions.sort_values(["top_ten", "driver_name"], ascending=[False, True]).reset_index(drop=True)
    measured = pd.concat([_measured(question, race_scores, told_entries) for question in ASKED], ignore_index=True)
    told = measured.set_index(["question", "measure"])
    return Document(
        title="Race preview",
        as_of=cars["race_day"].max().date(),
        headline=_headline(cars, told),
        figures=_figures(cars, told),
        sections=(
            _cars(cars),
            _failures(cars),
            _how_right(measured),
            _seasons(race_scores),
            *(_calibrated(question, told_entries) for question in ASKED),
        ),
        notes=(
            *(_honest(question, told) for question in ASKED),
            "Every season was told from what was known before its first race; form, standings and rates count only "
            "races before the one that is told, and laps, points and how a car ended are in none of them.",
            "In brackets behind a measure: its 95 % interval, drawing drivers at random. The plain rule's AUC is the "
            "mean of its seasons.",
            "Reasons: what each thing that was known adds to the probability, in points of a hundred, against cars "
            "of earlier races.",
        ),
    )


def _plain(model: str) -> str:
    """`top_ten_logistic` → `Logistic`."""
    return model.removeprefix("top_ten_").removeprefix("failure_").replace("_", " ").capitalize()


def _measured(question: str, scores: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """One row per measure: the champion's value, low and high, and the plain rule's value on the same seasons."""
    rows = told[told["question"] == question]
    asked = pd.DataFrame(
        {"actual": rows["came"].astype(float), "probability": rows["probability"], "entity": rows["driver_id"]}
    )
    found = with_intervals(asked.reset_index(drop=True))
    here = scores[scores["question"] == question]
    floor = here[here["model"] == FLOORS[question]]
    weight = floor["cases"] / floor["cases"].sum()
    plain = {name: float((floor[name].astype(float) * weight).sum()) for name in found["measure"]}
    champion = here.loc[here["is_champion"].astype(bool), "model"]
    return found.assign(
        question=question,
        asked=ASKED[question],
        called=found["measure"].map(MEASURES),
        plain=found["measure"].map(plain),
        model=champion.iloc[0] if len(champion) else "",
        cases=len(rows),
    )


def _value(told: pd.DataFrame, question: str, measure: str, column: str = "value") -> float:
    return float(told.loc[(question, measure), column])  # type: ignore[arg-type]


def _headline(cars: pd.DataFrame, told: pd.DataFrame) -> str:
    first, last = cars.iloc[0], cars.iloc[min(SURE_OF_TEN, len(cars)) - 1]
    right, plain = (_value(told, TOP_TEN, "accuracy", column) for column in ("value", "plain"))
    return (
        f"{first['race_name']}: {first['driver_name']} is the surest of a place among the first ten "
        f"({share(first['top_ten'])}), {last['driver_name']} has the tenth best chance ({share(last['top_ten'])}). "
        f"In past seasons {share(right)} of the cars were told right, against {share(plain)} by {RULES[TOP_TEN]}."
    )


def _figures(cars: pd.DataFrame, told: pd.DataFrame) -> tuple[Figure, ...]:
    day = cars["race_day"].max()
    return (
        Figure("Race", str(cars["race_name"].iloc[0]), "text", note=long_day(day)),
        _figure(told, TOP_TEN, "accuracy", "Told right, first ten"),
        _figure(told, TOP_TEN, "brier", "Brier score, first ten"),
        _figure(told, FAILED, "brier", "Brier score, not finished"),
    )


def _figure(told: pd.DataFrame, question: str, measure: str, label: str) -> Figure:
    """A measure with its interval and what the plain rule comes to."""
    value, low, high, plain = (_value(told, question, measure, name) for name in ("value", "low", "high", "plain"))
    is_share = measure == "accuracy"
    said = [share(number) if is_share else grouped(number, 3) for number in (low, high, plain)]
    return Figure(
        label,
        value if is_share else round(value, 3),
        "percent" if is_share else "number",
        note=f"{said[0]} to {said[1]}; {RULES[question]}: {said[2]}",
        of=(Basis("told_entries.probability", {"question": question}),),
    )


def _cars(cars: pd.DataFrame) -> Section:
    drawn = cars[["driver_name", "top_ten"]]
    return Section(
        title="Among the first ten",
        says=f"{cars['race_name'].iloc[0]}, {long_day(cars['race_day'].max())}: what each car was told before the "
        "start, and what adds most to that.",
        frame=cars,
        columns=(
            ReportColumn("driver_name", "Driver"),
            ReportColumn("constructor_name", "Team"),
            ReportColumn("grid", "Grid", "whole"),
            ReportColumn("top_ten", "Among the first ten", "percent", bars=True),
            ReportColumn("reasons", "What adds most, in points"),
        ),
        chart=Chart("bar", "driver_name", ("top_ten",), "Probability of a place among the first ten", frame=drawn,
                    format="percent"),
        of="race_predictions",
        by=("driver_id", "race_day"),
    )  # fmt: skip


def _failures(cars: pd.DataFrame) -> Section:
    rows = cars.sort_values("failure", ascending=False).head(SURE_OF_TEN).reset_index(drop=True)
    return Section(
        title="Who may not finish",
        says="The cars that are likeliest not to be classified: broken down, crashed, withdrawn or disqualified.",
        frame=rows,
        columns=(
            ReportColumn("driver_name", "Driver"),
            ReportColumn("constructor_name", "Team"),
            ReportColumn("failure", "Does not finish", "percent", bars=True),
        ),
        of="race_predictions",
        by=("driver_id", "race_day"),
    )


def _how_right(measured: pd.DataFrame) -> Section:
    rows = measured[measured["measure"].isin(MEASURES)].reset_index(drop=True)
    rows = rows.assign(rule=rows["question"].map(RULES), model=rows["model"].map(_plain))
    of_told = (Basis("told_entries.probability", {"question": Field("question")}),)
    rule = {"question": Field("question"), "model": Field("floor")}
    rows = rows.assign(floor=rows["question"].map(FLOORS), scored="race_scores." + rows["measure"])
    return Section(
        title="How right the models were",
        says="On seasons that they had not seen, each told from what was known before it began. Smaller is better "
        "for Brier score and log loss, larger for AUC and accuracy.",
        frame=rows,
        columns=(
            ReportColumn("asked", "Question"),
            ReportColumn("model", "Model in service"),
            ReportColumn("called", "Measure"),
            ReportColumn("value", "Value", "number", of=of_told),
            ReportColumn("low", "95 % from", "number", of=of_told),
            ReportColumn("high", "to", "number", of=of_told),
            ReportColumn("plain", "Plain rule", "number", of=(Basis(Field("scored"), rule),)),
            ReportColumn("rule", "The plain rule"),
        ),
    )


def _seasons(scores: pd.DataFrame) -> Section:
    is_floor = scores["model"] == scores["question"].map(FLOORS)
    rows = scores[scores["is_champion"].astype(bool) | is_floor].assign(
        asked=scores["question"].map(ASKED), called=scores["model"].map(_plain), season=scores["cutoff"].dt.year
    )
    rows = rows.sort_values(["question", "season", "is_champion"], ascending=[False, True, False])
    where = {name: Field(name) for name in ("question", "model", "fold")}
    shares = {"base_rate": "Came about", "accuracy": "Accuracy"}
    measures = {"brier": "Brier score", "log_loss": "Log loss", "auc": "AUC", "calibration_error": "Calibration error"}
    return Section(
        title="Season by season",
        says="The model in service and the plain rule, each season told from the ones before.",
        frame=rows.reset_index(drop=True),
        columns=(
            ReportColumn("asked", "Question"),
            ReportColumn("season", "Season", "code", of=()),
            ReportColumn("called", "Model"),
            ReportColumn("cases", "Cars told", "whole", of=(Basis("race_scores.cases", where),)),
            *(
                ReportColumn(name, title, "percent", of=(Basis(f"race_scores.{name}", where),))
                for name, title in shares.items()
            ),
            *(
                ReportColumn(name, title, "number", of=(Basis(f"race_scores.{name}", where),))
                for name, title in measures.items()
            ),
        ),
    )


def _calibrated(question: str, told: pd.DataFrame) -> Section:
    rows = told[told["question"] == question]
    parts = calibration(rows["came"].astype(float), rows["probability"])
    parts = parts.assign(as_told=parts["said"], told=[share(said) for said in parts["said"]])
    of_told = (Basis("told_entries.probability", {"question": question}),)
    columns = (
        ReportColumn("said", "Was told", "percent", of=of_told),
        ReportColumn("came", "Came about", "percent", of=of_told),
        ReportColumn("low", "95 % from", "percent", of=of_told),
        ReportColumn("high", "to", "percent", of=of_told),
        ReportColumn("cases", "Cars", "whole", of=of_told),
    )
    return Section(
        title=f"Do the probabilities hold? {ASKED[question]}",
        says="The cars of past seasons by what they were told, in parts of equal size, and how often it came about. "
        "Where the two lines run together, a told 70 % came about in 7 of 10.",
        frame=parts,
        columns=columns,
        chart=Chart(
            "line", "said", ("came", "as_told"), "Came about, by what was told", band=("low", "high"),
            band_title="95 % interval", frame=parts, format="percent",
        ),
    )  # fmt: skip


def _honest(question: str, told: pd.DataFrame) -> str:
    """Says plainly where a model tells hardly more than how often the thing comes about."""
    accuracy, rate = (_value(told, question, name) for name in ("accuracy", "base_rate"))
    usual = max(rate, 1 - rate)
    brier, plain = (grouped(_value(told, question, "brier", name), 4) for name in ("value", "plain"))
    many = counted(int(_value(told, question, "brier", "cases")), "car")
    begin = f"{ASKED[question]}, {many}: "
    if accuracy - usual < NEAR:
        return (
            f"{begin}the accuracy of {share(accuracy)} is no better than always giving the likelier answer "
            f"({share(usual)}). Which car it will be can hardly be told; what the model adds is in its probabilities, "
            f"with a Brier score of {brier} against {plain} by {RULES[question]}."
        )
    return (
        f"{begin}{share(accuracy)} told right, where always giving the likelier answer is right in {share(usual)}; "
        f"Brier score {brier} against {plain} by {RULES[question]}."
    )
