"""What was known of each car before the start of each race. How it will end is the models' business."""

from functools import partial

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, YesNo, code, day, number, percent, text, whole, yes_no
from s2p_assets.learning.feature_set import feature_set
from s2p_assets.learning.known_before import COUNT, known_before
from s2p_assets.shelves import NotYet, Under, UnderEach

TOP, LAST_PLACE = 10, 20
LAPS = ("qualifying.q1", "qualifying.q2", "qualifying.q3")
ENDS, PLACES = "results.position_text", "results.position_order"


class EntryFeatures(Row):
    """A driver in a race: what was known before its start, and, once it was driven, what came of it."""

    driver_id: Text = code(says="The driver", of=("results.driver_id", "qualifying.driver_id"))
    race_day: Day = day(says="The day of the race", of="races.race_day")
    race_id: Text = code(says="The race", of=("results.race_id", "qualifying.race_id"))
    constructor_id: Text = code(says="The team", of=("results.constructor_id", "qualifying.constructor_id"))
    circuit_id: Text = code(says="Where it is held", of="races.circuit_id")
    top_ten: YesNo = yes_no(says="Whether it came in among the first ten", optional=True, of=PLACES)
    did_not_finish: YesNo = yes_no(says="Whether it was not classified in the end", optional=True, of=ENDS)
    decided_on: Day = day(says="The day on which that was known", optional=True, of="races.race_day")
    season: Whole = whole(says="The season", of="races.year")
    round: Whole = whole(says="Which race of the season it is", of="races.round", ge=1)
    grid: Whole = whole(
        says="The place on the grid, behind all for a start from the pit lane; before the race, that of qualifying",
        of=("results.grid", "qualifying.position"),
        ge=1,
    )
    from_pit_lane: YesNo = yes_no(says="Whether it starts from the pit lane", of="results.grid")
    grid_in_ten: YesNo = yes_no(says="Whether it starts among the first ten", of="results.grid")
    qualifying_position: Whole = whole(says="The place in qualifying", optional=True, of="qualifying.position")
    gap_to_pole: Number = percent(says="The best lap against the best of all, as a share", optional=True, of=LAPS)
    gap_to_teammate: Number = percent(says="The best lap against the teammate's", optional=True, of=LAPS)
    sprint_position: Whole = whole(
        says="The place in the sprint the day before", optional=True, of="sprint_results.position_order"
    )
    driver_age: Number = number(says="The driver's age in years", of="drivers.born_on")
    driver_races: Whole = whole(says="Races that the driver had started", of=PLACES, ge=0, known="before")
    driver_place_5: Number = number(
        says="The driver's mean place in the last 5 races", optional=True, of=PLACES, known="before"
    )
    driver_top_ten_5: Number = percent(
        says="Of these, those among the first ten", optional=True, of=PLACES, known="before"
    )
    driver_top_ten_10: Number = percent(says="The same of the last 10 races", optional=True, of=PLACES, known="before")
    driver_gain_10: Number = number(
        says="Places won from grid to end in the last 10 races",
        optional=True,
        of=(PLACES, "results.grid"),
        known="before",
    )
    driver_failures_20: Number = percent(
        says="Of the last 20 races, those not finished", optional=True, of=ENDS, known="before"
    )
    constructor_place_10: Number = number(
        says="The team's mean place, 10 starts", optional=True, of=PLACES, known="before"
    )
    constructor_top_ten_10: Number = percent(
        says="Of these, those among the first ten", optional=True, of=PLACES, known="before"
    )
    constructor_failures_20: Number = percent(
        says="Of the team's 20 starts, not finished", optional=True, of=ENDS, known="before"
    )
    constructor_failures_60: Number = percent(
        says="Of the team's 60 starts, not finished", optional=True, of=ENDS, known="before"
    )
    circuit_failures_60: Number = percent(
        says="Of 60 starts at the track, not finished", optional=True, of=ENDS, known="before"
    )
    recent_failures: Number = percent(
        says="Of all starts of the last year, not finished", optional=True, of=ENDS, known="before"
    )
    driver_circuit_races: Whole = whole(says="The driver's races at the track", of=PLACES, ge=0, known="before")
    driver_circuit_place: Number = number(
        says="The driver's mean place there", optional=True, of=PLACES, known="before"
    )
    driver_standing: Whole = whole(
        says="The driver's place in the season so far", optional=True, of="driver_standings.position", known="before"
    )
    constructor_standing: Whole = whole(
        says="The team's place in the season so far", optional=True, of="constructor_standings.position", known="before"
    )
    driver_name: Text = text(says="The driver's name", of=("drivers.forename", "drivers.surname"))
    constructor_name: Text = text(says="The team's name", of="constructors.name")


BEFORE = "race_id in (select r.race_id from f1.races r where r.race_day < this.race_day)"
SAME = Under("race_id = this.race_id and driver_id = this.driver_id")
UNDER: UnderEach = {
    "results": Under(f"driver_id = this.driver_id and {BEFORE}"),
    "qualifying": SAME,
    "sprint_results": SAME,
    "races": Under("race_id = this.race_id"),
    "drivers": Under("driver_id = this.driver_id"),
    "constructors": Under("constructor_id = this.constructor_id"),
    "driver_standings": Under(f"driver_id = this.driver_id and {BEFORE}"),
    "constructor_standings": Under(f"constructor_id = this.constructor_id and {BEFORE}"),
    **{
        (column, "results"): SAME
        for column in ("driver_id", "race_id", "constructor_id", "top_ten", "did_not_finish", "grid", "from_pit_lane")
    },
    **{
        (column, "results"): Under(f"constructor_id = this.constructor_id and {BEFORE}")
        for column in ("constructor_place_10", "constructor_top_ten_10", "constructor_failures_20")
    },
}


@feature_set(
    rows=EntryFeatures, entity=("driver_id",), event_time="race_day", owner="race-office@example.com", under=UNDER
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
    """What was known of each car before the start of each race: form, reliability, the track, grid and qualifying.

    One row per driver and race, also for a race that is still to be driven as soon as its qualifying is there.
    Laps, points, places and how a car ended count only from races that were held before that day.
    """
    if results.empty or races.empty:
        raise NotYet("no race with results has been loaded")
    entries = _entries(results, qualifying).merge(races[["race_id", "race_day", "year", "round", "circuit_id"]])
    entries = entries.sort_values(["race_day", "position_order", "driver_id"], kind="stable")
    entries = entries.drop_duplicates(["race_id", "driver_id"]).reset_index(drop=True)
    entries = _with_qualifying(entries, qualifying, sprint_results)
    for standings, whose in ((driver_standings, "driver"), (constructor_standings, "constructor")):
        entries[f"{whose}_standing"] = _standing(entries, standings.merge(races), whose)
    rows = _with_names(_with_past(entries), drivers, constructors)
    return rows.rename(columns={"year": "season"})[list(EntryFeatures.to_schema().columns)]


def _entries(results: pd.DataFrame, qualifying: pd.DataFrame) -> pd.DataFrame:
    """Who starts: all that ended a race, and for a race without results all that qualified."""
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
        ends=ends,
    ).assign(gain=lambda rows: rows["grid"] - rows["ends"])


def _with_qualifying(entries: pd.DataFrame, qualifying: pd.DataFrame, sprints: pd.DataFrame) -> pd.DataFrame:
    """The place and the best lap of qualifying, against the best of all and the teammate; the place in the sprint."""
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
        gap_to_teammate=(rows["lap"] / others - 1).where(team.transform("count") > 1),
        decided_on=rows["race_day"].where(rows["top_ten"].notna()),
    )


def _seconds(laps: pd.Series) -> pd.Series:
    """`1:26.572` → 86.572"""
    parts = laps.str.split(":", n=1, expand=True).reindex(columns=[0, 1])
    return parts[0].astype(float) * 60 + parts[1].astype(float)


def _standing(entries: pd.DataFrame, standings: pd.DataFrame, whose: str) -> pd.Series:
    """The place in the championship after the race before, in the same season."""
    by = [f"{whose}_id", "year"]
    places = standings[["race_day", *by, "position"]].assign(position=standings["position"].astype(float))
    found = known_before(entries, places, by=by, at="race_day", when="race_day", means=["position"], last=1)
    return found["position"].round().astype("Int64")


SPANS = {
    ("driver", 5): ("place", "top_ten"),
    ("driver", 10): ("top_ten", "gain"),
    ("driver", 20): ("failures",),
    ("constructor", 10): ("place", "top_ten"),
    ("constructor", 20): ("failures",),
    ("constructor", 60): ("failures",),
    ("circuit", 60): ("failures",),
}
"""(whose, how many of the last starts) → what is known of them."""


def _with_past(entries: pd.DataFrame) -> pd.DataFrame:
    """What earlier races say of the driver, the team and the track."""
    what = {"place": "ends", "top_ten": "top_ten", "failures": "did_not_finish", "gain": "gain"}
    before = partial(known_before, entries, entries[entries["top_ten"].notna()], at="race_day", when="race_day")
    spans: dict[str, pd.Series] = {}
    for (whose, last), names in SPANS.items():
        found = before(by=(f"{whose}_id",), means=[what[name] for name in names], last=last)
        spans |= {f"{whose}_{name}_{last}": found[what[name]] for name in names}
    there = before(by=("driver_id", "circuit_id"), means=["ends"])
    year = before(by=(), means=["did_not_finish"], within=pd.Timedelta(days=365))
    return entries.assign(
        **spans,
        driver_races=before(by=("driver_id",))[COUNT],
        driver_circuit_races=there[COUNT],
        driver_circuit_place=there["ends"],
        recent_failures=year["did_not_finish"],
    )


def _with_names(rows: pd.DataFrame, drivers: pd.DataFrame, constructors: pd.DataFrame) -> pd.DataFrame:
    people = drivers[["driver_id", "born_on"]].assign(driver_name=drivers["forename"] + " " + drivers["surname"])
    teams = constructors[["constructor_id"]].assign(constructor_name=constructors["name"])
    named = rows.merge(people, on="driver_id").merge(teams, on="constructor_id")
    return named.assign(driver_age=(named["race_day"] - named["born_on"]).dt.days / 365.25)
