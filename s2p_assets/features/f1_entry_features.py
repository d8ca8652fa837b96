"""What was known of each car before the start of each race. How it will finish is the models' work.

It is worked out by the SQL tables `tables/f1_*.sql`: staging, intermediate, and the facts that this set is taken from.
"""

from typing import Any

import pandas as pd

from s2p_assets import (
    Boolean,
    Code,
    Date,
    Integer,
    NotYet,
    Number,
    Percent,
    Row,
    Text,
    column,
    column_names,
    feature_set,
    same_key,
)

FIRST_SEASON = 2003
"""The first season of qualifying as it is today, and of entries that are learned from; form counts all before."""


def fact(description: str, name: str, **rules: Any) -> Any:
    """A column as it stands in the facts."""
    return column(description=description, derived_from=f"fct_entries.{name}", **rules)


def form(description: str, name: str, **rules: Any) -> Any:
    """A column of form: made from earlier races alone, so that models may learn from it."""
    return fact(description, name, available="before_outcome", **rules)


class EntryFeatures(Row):
    """One driver in one race: what was known before its start, and, once it was driven, the outcome."""

    driver_id: Code = fact("The driver", "driver_id")
    race_day: Date = fact("The day of the race", "race_day")
    race_id: Code = fact("The race", "race_id")
    constructor_id: Code = fact("The team", "constructor_id")
    circuit_id: Code = fact("Where it is held", "circuit_id")
    top_ten: Boolean = fact("Whether it finished among the first ten", "top_ten", nullable=True)
    did_not_finish: Boolean = fact("Whether it was not classified", "did_not_finish", nullable=True)
    decided_on: Date = fact("The day on which that was known", "decided_on", nullable=True)
    season: Integer = fact("The season", "season")
    round: Integer = fact("Which race of the season it is", "round", ge=1)
    grid: Integer = fact(
        "The place on the grid, behind all for a start from the pit lane; before the race, that of qualifying",
        "grid",
        ge=1,
    )
    from_pit_lane: Boolean = fact("Whether it starts from the pit lane", "from_pit_lane")
    grid_in_ten: Boolean = fact("Whether it starts among the first ten", "grid_in_ten")
    qualifying_position: Integer = fact("The place in qualifying", "qualifying_position", nullable=True)
    gap_to_pole: Percent = fact("The best lap against the best of all, as a share", "gap_to_pole", nullable=True)
    gap_to_tenth: Percent = fact("The same against the tenth best", "gap_to_tenth", nullable=True)
    gap_to_teammate: Percent = fact("The best lap against the teammate's", "gap_to_teammate", nullable=True)
    sprint_position: Integer = fact("The place in the sprint the day before", "sprint_position", nullable=True)
    driver_age: Number = fact("The driver's age in years", "driver_age")
    driver_races: Integer = form("Races that the driver had started", "driver_races", ge=0)
    driver_place_8: Number = form(
        "The driver's mean place where classified, last 8 races", "driver_place_8", nullable=True
    )
    driver_grid_8: Number = form("The driver's mean place on the grid, last 8 races", "driver_grid_8", nullable=True)
    driver_top_ten_20: Percent = form(
        "Of the driver's last 20 races where classified, in the top ten", "driver_top_ten_20", nullable=True
    )
    driver_gain_20: Number = form(
        "Places won from grid to end, the driver's last 20 races", "driver_gain_20", nullable=True
    )
    driver_failures_20: Percent = form(
        "Of the driver's last 20 races, those not finished", "driver_failures_20", nullable=True
    )
    driver_circuit_place: Number = form("The driver's mean place at this track", "driver_circuit_place", nullable=True)
    driver_standing: Integer = form("The driver's place in the season so far", "driver_standing", nullable=True)
    constructor_place_10: Number = form(
        "The team's mean place where classified, last 10 starts", "constructor_place_10", nullable=True
    )
    constructor_place_40: Number = form(
        "The team's mean place where classified, last 40 starts", "constructor_place_40", nullable=True
    )
    constructor_grid_10: Number = form(
        "The team's mean place on the grid, last 10 starts", "constructor_grid_10", nullable=True
    )
    constructor_top_ten_20: Percent = form(
        "Of the team's last 20 starts where classified, top ten", "constructor_top_ten_20", nullable=True
    )
    constructor_gain_20: Number = form(
        "Places won from grid to end, the team's last 20 starts", "constructor_gain_20", nullable=True
    )
    constructor_failures_20: Percent = form(
        "Of the team's last 20 starts, those not finished", "constructor_failures_20", nullable=True
    )
    constructor_failures_60: Percent = form(
        "Of the team's last 60 starts, those not finished", "constructor_failures_60", nullable=True
    )
    constructor_standing: Integer = form("The team's place in the season so far", "constructor_standing", nullable=True)
    circuit_gain_60: Number = form(
        "Places won from grid to end, last 60 starts at this track", "circuit_gain_60", nullable=True
    )
    circuit_failures_60: Percent = form(
        "Of the last 60 starts at this track, those not finished", "circuit_failures_60", nullable=True
    )
    recent_failures: Percent = form(
        "Of all starts of the last year, those not finished", "recent_failures", nullable=True
    )
    driver_place_rank: Number = form(
        "The rank of the driver's mean place among those who start", "driver_place_rank", nullable=True
    )
    driver_grid_rank: Number = form(
        "The rank of the driver's mean grid among those who start", "driver_grid_rank", nullable=True
    )
    constructor_place_rank: Number = form(
        "The rank of the team's mean place among those who start", "constructor_place_rank", nullable=True
    )
    constructor_grid_rank: Number = form(
        "The rank of the team's mean grid among those who start", "constructor_grid_rank", nullable=True
    )
    driver_name: Text = fact("The driver's name", "driver_name")
    constructor_name: Text = fact("The team's name", "constructor_name")


@feature_set(
    rows=EntryFeatures,
    entity=("driver_id",),
    event_time="race_day",
    owner="race-office@example.com",
    lineage={"fct_entries": same_key("driver_id", "race_day")},
)
def entry_features(fct_entries: pd.DataFrame) -> pd.DataFrame:
    """What was known of each car before each race: one row per driver and race from 2003 on, with form and qualifying.

    A race that is still to be driven has its rows once its qualifying has come in. Laps, points, places and failures
    count only from races held before that day.
    """
    if not fct_entries["top_ten"].notna().any():
        raise NotYet("no race with results has been loaded")
    return fct_entries.loc[fct_entries["season"] >= FIRST_SEASON, column_names(EntryFeatures)]
