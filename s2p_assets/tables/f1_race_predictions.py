"""The champions' predictions for the newest race, car by car. How good they were before: `f1_race_scores.py`."""

from s2p_assets import (
    Champion,
    ClassificationTask,
    Code,
    Date,
    Frame,
    Integer,
    LineageRules,
    Percent,
    Row,
    Text,
    column,
    column_names,
    decided_cases,
    explanation_sentences,
    feature_contributions,
    same_key,
    score_exclusively,
    table,
)

GRID = "entry_features.grid"
TOP_TEN_EVIDENCE = (
    *("entry_features.top_ten", GRID, "entry_features.gap_to_tenth"),
    *("entry_features.driver_place_8", "entry_features.constructor_place_10"),
)
FAILURE_EVIDENCE = (
    *("entry_features.did_not_finish", GRID),
    *("entry_features.driver_failures_20", "entry_features.constructor_failures_60"),
)
"""What a probability is learned from, and what weighs most in it."""
FEATURE_NAMES = {
    "grid": "grid",
    "driver_grid_8": "mean grid of the driver",
    "driver_place_8": "mean place of the driver",
    "constructor_grid_10": "mean grid of the team",
    "constructor_place_10": "mean place of the team",
    "constructor_place_40": "mean place of the team over 40 starts",
    "gap_to_tenth": "gap to the tenth lap in %",
    "gap_to_pole": "gap to the best lap in %",
    "gap_to_teammate": "gap to the teammate in %",
    "driver_races": "races driven",
    "driver_standing": "place in the season",
    "constructor_standing": "place of the team in the season",
    "constructor_top_ten_20": "of the team's 20 starts in the top ten in %",
    "driver_top_ten_20": "of the last 20 races in the top ten in %",
    "grid_in_ten": "grid in the first ten",
    "from_pit_lane": "start from the pit lane",
    "qualifying_position": "place in qualifying",
    "sprint_position": "place in the sprint",
    "driver_age": "age of the driver",
    "driver_gain_20": "places that the driver wins in a race",
    "driver_failures_20": "of the driver's last 20 races not finished in %",
    "driver_circuit_place": "mean place of the driver here",
    "driver_place_rank": "rank of the driver by mean place",
    "driver_grid_rank": "rank of the driver by mean grid",
    "constructor_gain_20": "places that the team wins in a race",
    "constructor_failures_20": "of the team's last 20 starts not finished in %",
    "constructor_failures_60": "of the team's last 60 starts not finished in %",
    "constructor_place_rank": "rank of the team by mean place",
    "constructor_grid_rank": "rank of the team by mean grid",
    "circuit_gain_60": "places that a car wins here",
    "circuit_failures_60": "of the last 60 starts here not finished in %",
    "recent_failures": "of all starts of the last year not finished in %",
    "round": "race of the season",
    "season": "season",
}
IN_PERCENT: tuple[str, ...] = (
    "gap_to_tenth",
    "gap_to_pole",
    "gap_to_teammate",
    "constructor_top_ten_20",
    "driver_top_ten_20",
)
IN_PERCENT += ("driver_failures_20", "constructor_failures_20", "constructor_failures_60")
IN_PERCENT += ("circuit_failures_60", "recent_failures")


class RacePrediction(Row):
    """One car in the newest race."""

    driver_id: Code = column(description="The driver", derived_from="entry_features.driver_id")
    race_day: Date = column(description="The day of the race", derived_from="entry_features.race_day")
    race_id: Code = column(description="The race", derived_from="entry_features.race_id")
    race_name: Text = column(description="What the race is called", derived_from="races.name")
    driver_name: Text = column(description="The driver's name", derived_from="entry_features.driver_name")
    constructor_name: Text = column(description="The team's name", derived_from="entry_features.constructor_name")
    grid: Integer = column(description="The place on the grid", derived_from=GRID, ge=1)
    top_ten_probability: Percent = column(
        description="Probability of a place among the first ten", derived_from=TOP_TEN_EVIDENCE, ge=0, le=1
    )
    below_probability: Percent = column(
        description="Probability that it is classified below the first ten",
        derived_from=(*TOP_TEN_EVIDENCE, *(one for one in FAILURE_EVIDENCE if one != GRID)),
        ge=0,
        le=1,
    )
    failure_probability: Percent = column(
        description="Probability that it is not classified", derived_from=FAILURE_EVIDENCE, ge=0, le=1
    )
    reasons: Text = column(
        description="What adds most to the first probability, or takes from it, in points of a hundred",
        derived_from=TOP_TEN_EVIDENCE,
    )
    basis: Text = column(
        description="Whether it is to come, was predicted before it was driven, or was learned from",
        derived_from=TOP_TEN_EVIDENCE,
    )
    model: Text = column(description="The champion model for the top ten", derived_from=TOP_TEN_EVIDENCE)
    failure_model: Text = column(description="The champion model for failures", derived_from=FAILURE_EVIDENCE)


LINEAGE: LineageRules = {
    "entry_features": same_key("driver_id", "race_day"),
    "races": same_key("race_id"),
}


@table(rows=RacePrediction, key=("driver_id", "race_day"), owner="race-office@example.com", lineage=LINEAGE)
def race_predictions(
    entry_features: Frame,
    top_ten_champion: Champion[ClassificationTask],
    failure_champion: Champion[ClassificationTask],
    races: Frame,
) -> Frame:
    """The newest race: one row per car, with the probabilities of its three outcomes, and the reasons.

    The three of a car sum up to 1, and those of a place among the first ten to ten. It is the next race as
    soon as its qualifying has come in; until then the last one, as predicted before its start.
    """
    newest = entry_features[entry_features["race_day"] == entry_features["race_day"].max()].reset_index(drop=True)
    task = top_ten_champion.task
    top_ten, failures = score_exclusively(top_ten_champion, failure_champion, newest, most=10)
    others = decided_cases(entry_features, task)
    reasons = feature_contributions(top_ten_champion.model.learner, newest, others, task)  # type: ignore[arg-type]
    rows = newest.drop(columns="top_ten").assign(
        top_ten_probability=top_ten["probability"],
        below_probability=top_ten["neither"],
        failure_probability=failures["probability"],
        reasons=explanation_sentences(
            reasons, newest.assign(**{name: newest[name] * 100 for name in IN_PERCENT}), names=FEATURE_NAMES
        ),
        basis=top_ten["basis"],
        model=top_ten["model"],
        failure_model=failures["model"],
    )
    named = races[["race_id"]].assign(race_name=races["name"])
    rows = rows.merge(named, on="race_id").sort_values("top_ten_probability", ascending=False)
    return rows[column_names(RacePrediction)]
