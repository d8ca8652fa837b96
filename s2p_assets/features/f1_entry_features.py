"""What was known of each car before the start of each race. How it will finish is the models' work."""

from functools import partial
from typing import Any

import pandas as pd

from s2p_assets import (
    COUNT,
    Boolean,
    Code,
    Date,
    Integer,
    LineageRule,
    LineageRules,
    NotYet,
    Number,
    Percent,
    Row,
    Text,
    column,
    column_names,
    events_before,
    feature_set,
    same_key,
)

TOP = 10
LAPS = ("qualifying.q1", "qualifying.q2", "qualifying.q3")
ENDS, PLACES, GRIDS = "results.position_text", "results.position_order", "results.grid"
FIRST_SEASON = 2003
"""The first season of qualifying as it is today, and of entries that are learned from; form counts all before."""


def form(description: str, *sources: str, nullable: bool = True, **rules: Any) -> Any:
    """A column of form: made from earlier races alone, so that models may learn from it."""
    return column(description=description, nullable=nullable, derived_from=sources, available="before_outcome", **rules)


class EntryFeatures(Row):
    """One driver in one race: what was known before its start, and, once it was driven, the outcome."""

    driver_id: Code = column(description="The driver", derived_from=("results.driver_id", "qualifying.driver_id"))
    race_day: Date = column(description="The day of the race", derived_from="races.race_day")
    race_id: Code = column(description="The race", derived_from=("results.race_id", "qualifying.race_id"))
    constructor_id: Code = column(
        description="The team", derived_from=("results.constructor_id", "qualifying.constructor_id")
    )
    circuit_id: Code = column(description="Where it is held", derived_from="races.circuit_id")
    top_ten: Boolean = column(description="Whether it finished among the first ten", nullable=True, derived_from=PLACES)
    did_not_finish: Boolean = column(description="Whether it was not classified", nullable=True, derived_from=ENDS)
    decided_on: Date = column(
        description="The day on which that was known", nullable=True, derived_from="races.race_day"
    )
    season: Integer = column(description="The season", derived_from="races.year")
    round: Integer = column(description="Which race of the season it is", derived_from="races.round", ge=1)
    grid: Integer = column(
        description="The place on the grid, behind all for a start from the pit lane; before the race, that of "
        "qualifying",
        derived_from=("results.grid", "qualifying.position"),
        ge=1,
    )
    from_pit_lane: Boolean = column(description="Whether it starts from the pit lane", derived_from="results.grid")
    grid_in_ten: Boolean = column(description="Whether it starts among the first ten", derived_from="results.grid")
    qualifying_position: Integer = column(
        description="The place in qualifying", nullable=True, derived_from="qualifying.position"
    )
    gap_to_pole: Percent = column(
        description="The best lap against the best of all, as a share", nullable=True, derived_from=LAPS
    )
    gap_to_tenth: Percent = column(description="The same against the tenth best", nullable=True, derived_from=LAPS)
    gap_to_teammate: Percent = column(
        description="The best lap against the teammate's", nullable=True, derived_from=LAPS
    )
    sprint_position: Integer = column(
        description="The place in the sprint the day before",
        nullable=True,
        derived_from="sprint_results.position_order",
    )
    driver_age: Number = column(description="The driver's age in years", derived_from="drivers.born_on")
    driver_races: Integer = form("Races that the driver had started", PLACES, nullable=False, ge=0)
    driver_place_8: Number = form("The driver's mean place where classified, last 8 races", PLACES)
    driver_grid_8: Number = form("The driver's mean place on the grid, last 8 races", GRIDS)
    driver_top_ten_20: Percent = form("Of the driver's last 20 races where classified, in the top ten", PLACES)
    driver_gain_20: Number = form("Places won from grid to end, the driver's last 20 races", PLACES, GRIDS)
    driver_failures_20: Percent = form("Of the driver's last 20 races, those not finished", ENDS)
    driver_circuit_place: Number = form("The driver's mean place at this track", PLACES)
    driver_standing: Integer = form("The driver's place in the season so far", "driver_standings.position")
    constructor_place_10: Number = form("The team's mean place where classified, last 10 starts", PLACES)
    constructor_place_40: Number = form("The team's mean place where classified, last 40 starts", PLACES)
    constructor_grid_10: Number = form("The team's mean place on the grid, last 10 starts", GRIDS)
    constructor_top_ten_20: Percent = form("Of the team's last 20 starts where classified, top ten", PLACES)
    constructor_gain_20: Number = form("Places won from grid to end, the team's last 20 starts", PLACES, GRIDS)
    constructor_failures_20: Percent = form("Of the team's last 20 starts, those not finished", ENDS)
    constructor_failures_60: Percent = form("Of the team's last 60 starts, those not finished", ENDS)
    constructor_standing: Integer = form("The team's place in the season so far", "constructor_standings.position")
    circuit_gain_60: Number = form("Places won from grid to end, last 60 starts at this track", PLACES, GRIDS)
    circuit_failures_60: Percent = form("Of the last 60 starts at this track, those not finished", ENDS)
    recent_failures: Percent = form("Of all starts of the last year, those not finished", ENDS)
    driver_place_rank: Number = form("The rank of the driver's mean place among those who start", PLACES)
    driver_grid_rank: Number = form("The rank of the driver's mean grid among those who start", GRIDS)
    constructor_place_rank: Number = form("The rank of the team's mean place among those who start", PLACES)
    constructor_grid_rank: Number = form("The rank of the team's mean grid among those who start", GRIDS)
    driver_name: Text = column(description="The driver's name", derived_from=("drivers.forename", "drivers.surname"))
    constructor_name: Text = column(description="The team's name", derived_from="constructors.name")


# SQL, as results bear the race's number and not its day.
EARLIER = LineageRule("race_id in (select r.race_id from f1.races r where r.race_day < this.race_day)")
AT_CIRCUIT = LineageRule("race_id in (select r.race_id from f1.races r where r.circuit_id = this.circuit_id)")
LAST_YEAR = LineageRule("race_id in (select r.race_id from f1.races r where r.race_day >= this.race_day - 365)")
ENTRY, DRIVER, CONSTRUCTOR = same_key("race_id", "driver_id"), same_key("driver_id"), same_key("constructor_id")
OF_ENTRY = (
    *("driver_id", "race_id", "constructor_id", "top_ten", "did_not_finish"),
    *("grid", "grid_in_ten", "from_pit_lane"),
)
OF_CONSTRUCTOR = (
    *("constructor_place_10", "constructor_place_40", "constructor_grid_10", "constructor_top_ten_20"),
    *("constructor_gain_20", "constructor_failures_20", "constructor_failures_60"),
    *("constructor_place_rank", "constructor_grid_rank"),
)
LINEAGE: LineageRules = {
    "results": DRIVER & EARLIER,
    "qualifying": ENTRY,
    "sprint_results": ENTRY,
    "races": same_key("race_id"),
    "drivers": DRIVER,
    "constructors": CONSTRUCTOR,
    "driver_standings": DRIVER & EARLIER,
    "constructor_standings": CONSTRUCTOR & EARLIER,
    **{(column, "results"): ENTRY for column in OF_ENTRY},
    **{(column, "results"): CONSTRUCTOR & EARLIER for column in OF_CONSTRUCTOR},
    ("driver_circuit_place", "results"): DRIVER & EARLIER & AT_CIRCUIT,
    ("circuit_gain_60", "results"): EARLIER & AT_CIRCUIT,
    ("circuit_failures_60", "results"): EARLIER & AT_CIRCUIT,
    ("recent_failures", "results"): EARLIER & LAST_YEAR,
}


@feature_set(
    rows=EntryFeatures, entity=("driver_id",), event_time="race_day", owner="race-office@example.com", lineage=LINEAGE
)
def entry_features(
    races: pd.DataFrame,
    results: pd.DataFrame,
    qualifying: pd.DataFrame,
    drivers: pd.DataFrame,
    constructors: pd.DataFrame,
    sprint_results: pd.DataFrame,
    driver_standings: pd.DataFrame,
    constructor_standings: pd.DataFrame,
) -> pd.DataFrame:
    """What was known of each car before each race: one row per driver and race from 2003 on, with form and qualifying.

    A race that is still to be driven has its rows once its qualifying has come in. Laps, points, places and failures
    count only from races held before that day.
    """
    if results.empty or races.empty:
        raise NotYet("no race with results has been loaded")
    entries = _entries(results, qualifying).merge(races[["race_id", "race_day", "year", "round", "circuit_id"]])
    entries = entries.sort_values(["race_day", "position_order", "driver_id"], kind="stable")
    entries = entries.drop_duplicates(["race_id", "driver_id"]).reset_index(drop=True)
    entries = _with_qualifying(entries, qualifying, sprint_results)
    for standings, whose in ((driver_standings, "driver"), (constructor_standings, "constructor")):
        entries[f"{whose}_standing"] = _standing(entries, standings.merge(races), whose)
    rows = _with_form(entries)
    rows = _with_names(rows[rows["year"] >= FIRST_SEASON], drivers, constructors)
    return rows.rename(columns={"year": "season"})[column_names(EntryFeatures)]


def _entries(results: pd.DataFrame, qualifying: pd.DataFrame) -> pd.DataFrame:
    """Who starts: all with a result, and for a race without results all that qualified."""
    who = ["race_id", "driver_id", "constructor_id"]
    coming = qualifying.loc[~qualifying["race_id"].isin(results["race_id"]), [*who, "position"]]
    held = results[[*who, "grid", "position_order", "position_text"]]
    entries = pd.concat([held, coming.rename(columns={"position": "grid"})], ignore_index=True)
    known = entries["position_text"].notna()
    ends = entries["position_order"].astype(float)
    return entries.assign(
        top_ten=ends.le(TOP).astype("boolean").where(known),
        did_not_finish=entries["position_text"].str.isdigit().eq(False).astype("boolean").where(known),
        from_pit_lane=entries["grid"].eq(0),
        grid_in_ten=entries["grid"].between(1, TOP),
        grid=entries["grid"].mask(entries["grid"].eq(0), entries.groupby("race_id")["driver_id"].transform("size")),
        place=ends.where(entries["position_text"].str.isdigit().eq(True)),
    ).assign(
        gain=lambda rows: rows["grid"] - rows["place"],
        classified_in_ten=lambda rows: rows["place"].le(TOP).astype(float).where(rows["place"].notna()),
    )


def _with_qualifying(entries: pd.DataFrame, qualifying: pd.DataFrame, sprints: pd.DataFrame) -> pd.DataFrame:
    """Adds place and best lap of qualifying, against the best of all and the teammate, and the place in the sprint."""
    laps = pd.concat([_seconds(qualifying[part]) for part in ("q1", "q2", "q3")], axis=1).min(axis=1)
    best = qualifying[["race_id", "driver_id"]].assign(lap=laps, qualifying_position=qualifying["position"])
    sprint = sprints[["race_id", "driver_id"]].assign(sprint_position=sprints["position_order"])
    key = ["race_id", "driver_id"]
    rows = entries.merge(best.drop_duplicates(key), on=key, how="left")
    rows = rows.merge(sprint.drop_duplicates(key), on=key, how="left")
    team = rows.groupby(["race_id", "constructor_id"])["lap"]
    others = (team.transform("sum") - rows["lap"]) / (team.transform("count") - 1)
    return rows.assign(
        gap_to_pole=rows["lap"] / rows.groupby("race_id")["lap"].transform("min") - 1,
        gap_to_tenth=rows["lap"] / rows.groupby("race_id")["lap"].transform(_tenth) - 1,
        gap_to_teammate=(rows["lap"] / others - 1).where(team.transform("count") > 1),
        decided_on=rows["race_day"].where(rows["top_ten"].notna()),
    )


def _tenth(laps: pd.Series) -> float:
    """The tenth best lap; the worst where fewer were driven."""
    return laps.nsmallest(TOP).max()


def _seconds(laps: pd.Series) -> pd.Series:
    """`1:26.572` → 86.572"""
    parts = laps.str.split(":", n=1, expand=True).reindex(columns=[0, 1])
    return parts[0].astype(float) * 60 + parts[1].astype(float)


def _standing(entries: pd.DataFrame, standings: pd.DataFrame, whose: str) -> pd.Series:
    """The place in the championship after the race before, in the same season."""
    by = [f"{whose}_id", "year"]
    places = standings[["race_day", *by, "position"]].assign(position=standings["position"].astype(float))
    found = events_before(entries, places, by=by, at="race_day", when="race_day", means=["position"], last=1)
    return found["position"].round().astype("Int64")


FORM_SPANS = {
    ("driver", 8): ("place", "grid"),
    ("driver", 20): ("top_ten", "gain", "failures"),
    ("constructor", 10): ("place", "grid"),
    ("constructor", 20): ("top_ten", "gain", "failures"),
    ("constructor", 40): ("place",),
    ("constructor", 60): ("failures",),
    ("circuit", 60): ("gain", "failures"),
}
"""(whose, how many of the last starts) → which columns of form."""
RANKED = {"driver_place": 8, "driver_grid": 8, "constructor_place": 10, "constructor_grid": 10}


def _with_form(entries: pd.DataFrame) -> pd.DataFrame:
    """Adds the form of the driver, the team and the track in earlier races."""
    what = {"place": "place", "grid": "grid", "gain": "gain", "top_ten": "classified_in_ten"}
    what["failures"] = "did_not_finish"
    before = partial(events_before, entries, entries[entries["top_ten"].notna()], at="race_day", when="race_day")
    spans: dict[str, pd.Series] = {}
    for (whose, last), names in FORM_SPANS.items():
        found = before(by=(f"{whose}_id",), means=[what[name] for name in names], last=last)
        spans |= {f"{whose}_{name}_{last}": found[what[name]] for name in names}
    ranks = {
        f"{name}_rank": spans[f"{name}_{last}"].groupby(entries["race_id"]).rank() for name, last in RANKED.items()
    }
    return entries.assign(
        **spans,
        **ranks,
        driver_races=before(by=("driver_id",))[COUNT],
        driver_circuit_place=before(by=("driver_id", "circuit_id"), means=["place"])["place"],
        recent_failures=before(by=(), means=["did_not_finish"], within=pd.Timedelta(days=365))["did_not_finish"],
    )


def _with_names(rows: pd.DataFrame, drivers: pd.DataFrame, constructors: pd.DataFrame) -> pd.DataFrame:
    people = drivers[["driver_id", "born_on"]].assign(driver_name=drivers["forename"] + " " + drivers["surname"])
    teams = constructors[["constructor_id"]].assign(constructor_name=constructors["name"])
    named = rows.merge(people, on="driver_id").merge(teams, on="constructor_id")
    return named.assign(driver_age=(named["race_day"] - named["born_on"]).dt.days / 365.25)
