"""The newest race as the champions tell it, car by car. How right they were before is in `f1_race_scores.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, percent, text, whole
from s2p_assets.learning.classifying.cases import decided
from s2p_assets.learning.classifying.reasons import contributions, in_words
from s2p_assets.learning.classifying.telling import tell
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.shelves import Under, UnderEach
from s2p_assets.warehouse.table import table

GRID = "entry_features.grid"
TOP_TEN = (
    *("entry_features.top_ten", GRID, "entry_features.gap_to_tenth"),
    *("entry_features.driver_place_8", "entry_features.constructor_place_10"),
)
FAILED = (
    *("entry_features.did_not_finish", GRID),
    *("entry_features.driver_failures_20", "entry_features.constructor_failures_60"),
)
"""What a probability is told from first of all, and what was learned of earlier races."""
CALLED = {
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
    """A car in the newest race."""

    driver_id: Text = code(says="The driver", of="entry_features.driver_id")
    race_day: Day = day(says="The day of the race", of="entry_features.race_day")
    race_id: Text = code(says="The race", of="entry_features.race_id")
    race_name: Text = text(says="What the race is called", of="races.name")
    driver_name: Text = text(says="The driver's name", of="entry_features.driver_name")
    constructor_name: Text = text(says="The team's name", of="entry_features.constructor_name")
    grid: Whole = whole(says="The place on the grid", of=GRID, ge=1)
    top_ten: Number = percent(says="How probably it comes in among the first ten", of=TOP_TEN, ge=0, le=1)
    failure: Number = percent(says="How probably it is not classified", of=FAILED, ge=0, le=1)
    reasons: Text = text(
        says="What adds most to the first probability, or takes from it, in points of a hundred", of=TOP_TEN
    )
    basis: Text = text(says="Whether it is to come, was told before it was driven, or was learned from", of=TOP_TEN)
    model: Text = text(says="The champion that told the top ten", of=TOP_TEN)
    failure_model: Text = text(says="The champion that told the failures", of=FAILED)


UNDER: UnderEach = {
    "entry_features": Under("driver_id = this.driver_id and race_day = this.race_day"),
    "races": Under("race_id = this.race_id"),
}


@table(rows=RacePrediction, key=("driver_id", "race_day"), owner="race-office@example.com", under=UNDER)
def race_predictions(
    entry_features: pd.DataFrame,
    top_ten_champion: Champion[Outcome],
    failure_champion: Champion[Outcome],
    races: pd.DataFrame,
) -> pd.DataFrame:
    """The newest race, car by car: how probably it comes in among the first ten, and how probably not at all.

    The race that comes next as soon as its qualifying is there; else the last one, as it would have been told before.
    """
    newest = entry_features[entry_features["race_day"] == entry_features["race_day"].max()].reset_index(drop=True)
    problem, told = top_ten_champion.problem, tell(top_ten_champion, newest)
    fails = tell(failure_champion, newest)
    others = decided(entry_features, problem)
    reasons = contributions(top_ten_champion.model.learner, newest, others, problem)  # type: ignore[arg-type]
    rows = newest.drop(columns="top_ten").assign(
        top_ten=told["probability"],
        failure=fails["probability"],
        reasons=in_words(reasons, newest.assign(**{name: newest[name] * 100 for name in IN_PERCENT}), names=CALLED),
        basis=told["basis"],
        model=told["model"],
        failure_model=fails["model"],
    )
    named = races[["race_id"]].assign(race_name=races["name"])
    rows = rows.merge(named, on="race_id").sort_values("top_ten", ascending=False)
    return rows[list(RacePrediction.to_schema().columns)]
