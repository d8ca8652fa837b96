"""The next race as the models tell it, and how right they were before.

The probabilities are made in `tables/`, the measures in `learning/`, the sections in `publishing/sections/`.
"""

from s2p_assets import (
    Chart,
    Document,
    Figure,
    Frame,
    NotYet,
    Question,
    ReportColumn,
    SourceTable,
    calibration_table,
    format_long_date,
    format_share,
    listing,
    metric_intervals,
    report,
    sections,
)

TOP_TEN = Question("top ten", "Among the first ten", "top_ten_grid", "the grid alone", "top_ten_")
FAILED = Question("did not finish", "Did not finish", "failure_rate", "the team's rate of failures", "failure_")
CAR = (ReportColumn("driver_name", "Driver"), ReportColumn("constructor_name", "Team"))
CARS: tuple[ReportColumn, ...] = (*CAR, ReportColumn("grid", "Grid", "integer"))
CARS += (ReportColumn("top_ten_probability", TOP_TEN.title, "percent", bars=True),)
CARS += (ReportColumn("reasons", "What adds most, in points"),)
CHANCES = Chart(
    "bar", "driver_name", ("top_ten_probability",), "Probability of a place among the first ten", format="percent"
)
ADDS = "what each car was told before the start, and what adds most to that."
FAILURES = (*CAR, ReportColumn("failure_probability", "Does not finish", "percent", bars=True))
FAILS = "The cars that are likeliest not to be classified: broken down, crashed, withdrawn or disqualified."
NOTES = (
    "Every season was told from what was known before its first race; form, standings and rates count only races "
    "before the one that is told, and laps, points and how a car ended are in none of them.",
    "In brackets behind a measure: its 95 % interval, drawing drivers at random. The plain rule's AUC is the mean of "
    "its seasons.",
    "Reasons: what each thing that was known adds to the probability, in points of a hundred, against cars of earlier "
    "races.",
)


@report(title="Race preview", owner="race-office@example.com", days_ahead=366)
def race_preview(race_predictions: Frame, race_scores: Frame, entry_backtest: Frame) -> Document:
    """Who will probably come in among the first ten, who may not finish, and how far to trust that.

    One edition per race; made again when its qualifying or results came in, or a model learned anew.
    """
    if race_predictions.empty or entry_backtest.empty:
        raise NotYet("no race can be told yet")
    rows = race_predictions.sort_values(["top_ten_probability", "driver_name"], ascending=[False, True]).reset_index(
        drop=True
    )
    cars = SourceTable("race_predictions", rows, key=("driver_id", "race_day"))
    failing = rows.sort_values("failure_probability", ascending=False).head(10)
    first, tenth, day = rows.iloc[0], rows.iloc[min(10, len(rows)) - 1], rows["race_day"].max()
    past = entry_backtest.assign(actual=entry_backtest["outcome"].astype(float), entity=entry_backtest["driver_id"])
    asked = {one.name: past[past["question"] == one.name].reset_index(drop=True) for one in (TOP_TEN, FAILED)}
    answers = sections.question_scores.QuestionScores(
        questions=(TOP_TEN, FAILED),
        cases=SourceTable("entry_backtest", entry_backtest),
        scores=SourceTable("race_scores", race_scores),
        measured={name: metric_intervals(cases) for name, cases in asked.items()},
        parts={name: calibration_table(cases["actual"], cases["probability"]) for name, cases in asked.items()},
        one="car",
        period="season",
    )
    return Document(
        title="Race preview",
        as_of=day.date(),
        headline=f"{first['race_name']}: {first['driver_name']} is the surest of a place among the first ten "
        f"({format_share(first['top_ten_probability'])}), {tenth['driver_name']} has the tenth best chance "
        f"({format_share(tenth['top_ten_probability'])}). "
        f"{sections.question_scores.describe_accuracy(answers, TOP_TEN)}",
        figures=(
            Figure("Race", str(first["race_name"]), "text", note=format_long_date(day)),
            sections.question_scores.question_figure(answers, TOP_TEN, "accuracy", "Told right, first ten"),
            sections.question_scores.question_figure(answers, TOP_TEN, "brier", "Brier score, first ten"),
            sections.question_scores.question_figure(answers, FAILED, "brier", "Brier score, not finished"),
        ),
        sections=(
            listing(
                cars,
                "Among the first ten",
                f"{first['race_name']}, {format_long_date(day)}: {ADDS}",
                CARS,
                chart=CHANCES,
            ),
            listing(cars.with_rows(failing), "Who may not finish", FAILS, FAILURES),
            sections.question_scores.question_measures(answers),
            sections.question_scores.question_folds(answers),
            *sections.question_scores.question_calibrations(answers),
        ),
        notes=(*(sections.question_scores.compare_with_rule(answers, one) for one in answers.questions), *NOTES),
    )
