"""The next race as the models see it, and how right they were. Its sections are built in `publishing/sections/`."""

from s2p_assets import (
    Document,
    Figure,
    Frame,
    NotYet,
    Question,
    ReportColumn,
    SourceTable,
    calibration_table,
    format_long_date,
    metric_intervals,
    report,
    sections,
)

TOP_TEN = Question("top ten", "Among the first ten", "top_ten_grid", "the grid alone", "top_ten_")
FAILED = Question("did not finish", "Did not finish", "failure_rate", "the team's rate of failures", "failure_")
CAR = (ReportColumn("driver_name", "Driver"), ReportColumn("constructor_name", "Team"))
ADDS = "what each car was told before the start, and what adds most to that."
FAILS = "The cars that are likeliest not to be classified: broken down, crashed, withdrawn or disqualified."
CARS: tuple[ReportColumn, ...] = (*CAR, ReportColumn("grid", "Grid", "integer"))
CARS += (ReportColumn("top_ten_probability", TOP_TEN.title, "percent", bars=True),)
CARS += (ReportColumn("below_probability", "Finishes below", "percent"),)
CARS += (ReportColumn("failure_probability", "Does not finish", "percent"),)
CARS += (ReportColumn("reasons", "What adds most, in points"),)
FAILURES = (*CAR, ReportColumn("failure_probability", "Does not finish", "percent", bars=True))
NOTES = (
    "Every season was told from what was known before its first race; form, standings and rates count only races "
    "before the one that is told, and laps, points and how a car ended are in none of them.",
    "A car comes in among the first ten, or below them, or is not classified: the three sum up to 100 %, and the first "
    "ten of all cars to ten.",
    "In brackets behind a measure: its 95 % interval, drawing drivers at random. The plain rule's AUC is the mean of "
    "its seasons.",
    "Reasons: what each thing that was known adds to the probability, in points of a hundred, against cars of earlier "
    "races.",
)


@report(title="Race preview", owner="race-office@example.com", awaited=True)
def race_preview(race_predictions: Frame, race_scores: Frame, entry_backtest: Frame) -> Document:
    """Who will probably come in among the first ten, who may not finish, and how far to trust that.

    Its data goes up to the last race that was driven. One edition for each of these; made again when qualifying or
    results came in, or a model learned anew.
    """
    if race_predictions.empty or entry_backtest.empty:
        raise NotYet("no race can be told yet")
    race, day = race_predictions["race_name"].iloc[0], race_predictions["race_day"].max()
    cars = SourceTable("race_predictions", race_predictions, key=("driver_id", "race_day"))
    in_ten = sections.chances.Chances(cars, "driver_name", "top_ten_probability", "a place among the first ten")
    failing = sections.chances.Chances(cars, "driver_name", "failure_probability", "not finishing")
    cases = {one.name: entry_backtest[entry_backtest["question"] == one.name] for one in (TOP_TEN, FAILED)}
    answers = sections.question_scores.QuestionScores(
        questions=(TOP_TEN, FAILED),
        cases=SourceTable("entry_backtest", entry_backtest),
        scores=SourceTable("race_scores", race_scores),
        measured={name: metric_intervals(rows, "driver_id", "outcome") for name, rows in cases.items()},
        calibration={name: calibration_table(rows["outcome"], rows["probability"]) for name, rows in cases.items()},
        one="car",
        period="season",
    )
    return Document(
        title="Race preview",
        as_of=min(day, entry_backtest["race_day"].max()).date(),
        headline=f"{race}: {sections.chances.describe_chances(in_ten)} "
        f"{sections.question_scores.describe_accuracy(answers, TOP_TEN)}",
        figures=(
            Figure("Race", race, "text", note=format_long_date(day)),
            sections.question_scores.question_figure(answers, TOP_TEN, "accuracy", "Told right, first ten"),
            sections.question_scores.surest_and_came(answers, TOP_TEN, "Surest of the first ten: came in"),
            sections.question_scores.surest_and_came(answers, FAILED, "Likeliest not to finish: did not"),
        ),
        sections=(
            sections.chances.ranked_cases(in_ten, TOP_TEN.title, f"{race}, {format_long_date(day)}: {ADDS}", CARS),
            sections.chances.likeliest_cases(failing, "Who may not finish", FAILS, FAILURES),
            sections.question_scores.question_measures(answers),
            sections.question_scores.question_folds(answers),
            *sections.question_scores.question_calibrations(answers),
        ),
        notes=(*(sections.question_scores.compare_with_rule(answers, one) for one in answers.questions), *NOTES),
    )
