"""The champions' predictions for the newest race, car by car. How good they were before: `f1_race_scores.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, percent, text, whole
from s2p_assets.learning.classifying.cases import decided
from s2p_assets.learning.classifying.reasons import contributions, in_words
from s2p_assets.learning.classifying.telling import tell
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.lineage import UnderEach, same_key
from s2p_assets.warehouse.table import table

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
}
IN_PERCENT = ("gap_to_tenth", "gap_to_pole", "gap_to_teammate", "constructor_top_ten_20", "driver_top_ten_20")


class RacePrediction(Row):
    """One car in the newest race."""

    driver_id: Text = code(says="The driver", of="entry_features.driver_id")
    race_day: Day = day(says="The day of the race", of="entry_features.race_day")
    race_id: Text = code(says="The race", of="entry_features.race_id")
    race_name: Text = text(says="What the race is called", of="races.name")
    driver_name: Text = text(says="The driver's name", of="entry_features.driver_name")
    constructor_name: Text = text(says="The team's name", of="entry_features.constructor_name")
    grid: Whole = whole(says="The place on the grid", of=GRID, ge=1)
    top_ten: Number = percent(says="Probability of a place among the first ten", of=TOP_TEN_EVIDENCE, ge=0, le=1)
    failure: Number = percent(says="Probability that it is not classified", of=FAILURE_EVIDENCE, ge=0, le=1)
    reasons: Text = text(
        says="What adds most to the first probability, or takes from it, in points of a hundred", of=TOP_TEN_EVIDENCE
    )
    basis: Text = text(
        says="Whether it is to come, was predicted before it was driven, or was learned from", of=TOP_TEN_EVIDENCE
    )
    model: Text = text(says="The champion model for the top ten", of=TOP_TEN_EVIDENCE)
    failure_model: Text = text(says="The champion model for failures", of=FAILURE_EVIDENCE)


LINEAGE: UnderEach = {
    "entry_features": same_key("driver_id", "race_day"),
    "races": same_key("race_id"),
}


@table(rows=RacePrediction, key=("driver_id", "race_day"), owner="race-office@example.com", under=LINEAGE)
def race_predictions(
    entry_features: pd.DataFrame,
    top_ten_champion: Champion[Outcome],
    failure_champion: Champion[Outcome],
    races: pd.DataFrame,
) -> pd.DataFrame:
    """The newest race: one row per car, with the probabilities of a top-ten place and of a failure, and the reasons.

    It is the next race as soon as its qualifying has come in; until then the last one, as predicted before its start.
    """
    newest = entry_features[entry_features["race_day"] == entry_features["race_day"].max()].reset_index(drop=True)
    problem = top_ten_champion.problem
    top_ten, failures = tell(top_ten_champion, newest), tell(failure_champion, newest)
    others = decided(entry_features, problem)
    reasons = contributions(top_ten_champion.model.learner, newest, others, problem)  # type: ignore[arg-type]
    rows = newest.drop(columns="top_ten").assign(
        top_ten=top_ten["probability"],
        failure=failures["probability"],
        reasons=in_words(
            reasons, newest.assign(**{name: newest[name] * 100 for name in IN_PERCENT}), names=FEATURE_NAMES
        ),
        basis=top_ten["basis"],
        model=top_ten["model"],
        failure_model=failures["model"],
    )
    named = races[["race_id"]].assign(race_name=races["name"])
    rows = rows.merge(named, on="race_id").sort_values("top_ten", ascending=False)
    return rows[list(RacePrediction.to_schema().columns)]
