"""Simulated seasons of motor racing: teams, drivers, the results of past races and the qualifying of the next.

How they are written into files is in `f1_share.py`.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

POINTS = (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)
SPRINT_POINTS = (8, 7, 6, 5, 4, 3, 2, 1)
TEAMS = ("Aurora", "Borealis", "Cobalt", "Dynamo", "Eclipse", "Falcon", "Granit", "Helios")
FORENAMES = ("Ada", "Bruno", "Chiara", "Dev", "Emil", "Farah", "Gus", "Hana")
SURNAMES = ("Aalto", "Berg", "Costa", "Dubois", "Eriks", "Fontana", "Greco", "Hale")
TRACKS = ("Northfield", "Porto Sole", "Silver Dunes", "Lakeside", "Old Harbour", "Highmoor")
COUNTRIES = ("United Kingdom", "Italy", "UAE", "Canada", "Germany", "Scotland")
FINISHED, LAPPED, RETIRED = "1", "11", "31"
RACES = 12
LAPS, LAP_SECONDS = 55, 82.0


@dataclass(frozen=True)
class Seasons:
    """Tables with the columns of the workbooks' contracts, by thing."""

    tables: dict[str, pd.DataFrame]


def simulate_seasons(*, until: dt.date, years: int, seed: int) -> Seasons:
    """`years` seasons of twelve races each up to `until`, and the qualifying of one more race. Seeded."""
    rng = np.random.default_rng(seed)
    races = _calendar(until, years)
    drivers, cars = _drivers(), len(TEAMS) * 2
    pace = np.repeat(np.linspace(0.0, 1.6, len(TEAMS)), 2) + rng.normal(0, 0.15, cars)
    fragile = np.repeat(rng.uniform(0.04, 0.2, len(TEAMS)), 2)
    held: dict[str, list[dict[str, Any]]] = {"qualifying": [], "results": [], "sprint_results": [], "pit_stops": []}
    for race in races.to_dict("records"):
        if race["round"] == 1:
            pace += np.repeat(rng.normal(0, 0.2, len(TEAMS)), 2)
        grid = _qualify(held["qualifying"], drivers, race["race_id"], pace, rng)
        if race["race_day"] > until:
            break
        if race["round"] == 3:
            held["sprint_results"] += _race(drivers, race["race_id"], (grid, pace), fragile / 4, rng, SPRINT_POINTS, 18)
        held["results"] += _race(drivers, race["race_id"], (grid, pace), fragile, rng, POINTS, LAPS)
        held["pit_stops"] += _stops(drivers, race["race_id"], rng)
    tables = {name: pd.DataFrame(rows) for name, rows in held.items()}
    tables["sprint_results"] = tables["sprint_results"].drop(columns="fastest_lap_speed")
    for name in ("results", "sprint_results"):
        tables[name].insert(0, "result_id", [str(number) for number in range(1, len(tables[name]) + 1)])
    tables["qualifying"].insert(0, "qualify_id", [str(number) for number in range(1, len(tables["qualifying"]) + 1)])
    won = tables["results"].merge(races[["race_id", "year"]])
    standings = {
        f"{whose}_standings": _standings(won, f"{whose}_id", f"{whose}_standings_id")
        for whose in ("driver", "constructor")
    }
    return Seasons(tables | standings | _lists(drivers) | {"races": races})


def _calendar(until: dt.date, years: int) -> pd.DataFrame:
    """A race every fourth week from spring on; the last one is still to come."""
    rows = []
    first = until.year - years + 1
    for year in range(first, until.year + 2):
        for number in range(1, RACES + 1):
            place = (number + year) % len(TRACKS)
            rows.append(
                {
                    "race_id": str((year - first) * RACES + number),
                    "year": year,
                    "round": number,
                    "circuit_id": str(place + 1),
                    "name": f"{TRACKS[place]} Grand Prix",
                    "race_day": dt.date(year, 1, 18) + dt.timedelta(weeks=4 * number),
                    "start_time": "13:00:00",
                }
            )
    races = pd.DataFrame(rows)
    return races.head(int((races["race_day"] <= until).sum()) + 1)


def _drivers() -> pd.DataFrame:
    """Two drivers for each team."""
    names = [(forename, surname) for surname in SURNAMES for forename in FORENAMES][:: len(FORENAMES) // 2]
    return pd.DataFrame(
        {
            "driver_id": [str(number) for number in range(1, len(names) + 1)],
            "driver_ref": [f"{forename}_{surname}".lower() for forename, surname in names],
            "car_number": [str(number + 2) for number in range(len(names))],
            "letters": [None if number % 5 == 4 else surname[:3].upper() for number, (_, surname) in enumerate(names)],
            "forename": [forename for forename, _ in names],
            "surname": [surname for _, surname in names],
            "born_on": [dt.date(1988 + number % 14, 1 + number % 12, 5) for number in range(len(names))],
            "nationality": ["Finnish" if number % 3 else "Italian" for number in range(len(names))],
            "constructor_id": [str(number // 2 + 1) for number in range(len(names))],
        }
    )


def _qualify(
    rows: list[dict[str, Any]], drivers: pd.DataFrame, race: str, pace: Any, rng: np.random.Generator
) -> "np.ndarray[Any, Any]":
    """Add the laps of qualifying to `rows`; returns each driver's place on the grid."""
    laps = LAP_SECONDS + pace + rng.normal(0, 0.25, len(drivers))
    order = np.argsort(laps)
    for place, car in enumerate(order, start=1):
        driver = drivers.iloc[car]
        times = [
            _lap(laps[car] + 0.6 - 0.3 * part) if place <= limit else None for part, limit in enumerate((99, 12, 8))
        ]
        rows.append(
            {"race_id": race, "driver_id": driver["driver_id"], "constructor_id": driver["constructor_id"]}
            | {"car_number": driver["car_number"], "position": place}
            | dict(zip(("q1", "q2", "q3"), times, strict=True))
        )
    return np.argsort(order) + 1


def _race(
    drivers: pd.DataFrame,
    race: str,
    start: tuple[Any, Any],
    fragile: Any,
    rng: np.random.Generator,
    points: tuple[int, ...],
    laps: int,
) -> list[dict[str, Any]]:
    """The result of each car, from its place on the grid and its pace; cars that broke down come last."""
    grid, pace = start
    broken = rng.random(len(drivers)) < fragile
    order = np.argsort(0.3 * grid + 8 * pace + rng.normal(0, 2.5, len(drivers)) + 100 * broken)
    rows = []
    for place, car in enumerate(order, start=1):
        driver, lapped = drivers.iloc[car], place > 10
        done = int(rng.integers(1, laps)) if broken[car] else laps - lapped
        whole = None if broken[car] or lapped else int((laps * (LAP_SECONDS + 3) + place * 4) * 1000)
        rows.append(
            {
                "race_id": race,
                "driver_id": driver["driver_id"],
                "constructor_id": driver["constructor_id"],
                "car_number": driver["car_number"],
                "grid": 0 if grid[car] == len(drivers) and rng.random() < 0.3 else int(grid[car]),
                "position": None if broken[car] else place,
                "position_text": "R" if broken[car] else str(place),
                "position_order": place,
                "points": points[place - 1] if place <= len(points) and not broken[car] else 0,
                "laps": done,
                "time": f"+{place * 4}.000" if whole and place > 1 else None,
                "milliseconds": whole,
                "fastest_lap": int(rng.integers(1, done + 1)),
                "rank": None,
                "fastest_lap_time": _lap(LAP_SECONDS + 2 + float(rng.random())),
                "fastest_lap_speed": round(205 + 10 * float(rng.random()), 3),
                "status_id": RETIRED if broken[car] else LAPPED if lapped else FINISHED,
            }
        )
    return rows


def _stops(drivers: pd.DataFrame, race: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    rows = []
    for number, driver in enumerate(drivers["driver_id"]):
        length = 21 + float(rng.exponential(2))
        rows.append(
            {"race_id": race, "driver_id": driver, "stop": 1, "lap": 18 + number % 9, "time": f"13:{25 + number:02}:10"}
            | {"duration": f"{length:.3f}", "milliseconds": round(length * 1000)}
        )
    return rows


def _standings(won: pd.DataFrame, who: str, number: str) -> pd.DataFrame:
    """Points so far after each race of a season."""
    by_race = won.assign(wins=won["position_order"].eq(1))
    sums = by_race.groupby(["year", "race_id", who], sort=False)[["points", "wins"]].sum().reset_index()
    sums["race"] = sums["race_id"].astype(int)
    sums = sums.sort_values(["race", who])
    sums[["points", "wins"]] = sums.groupby(["year", who])[["points", "wins"]].cumsum()
    sums["position"] = sums.groupby("race_id")["points"].rank(ascending=False, method="first").astype(int)
    sums["position_text"] = sums["position"].astype(str)
    sums.insert(0, number, [str(place) for place in range(1, len(sums) + 1)])
    return sums[[number, "race_id", who, "points", "position", "position_text", "wins"]]


def _lists(drivers: pd.DataFrame) -> dict[str, pd.DataFrame]:
    circuits = [
        {"circuit_id": str(n + 1), "circuit_ref": TRACKS[n].lower().replace(" ", "_"), "name": f"{TRACKS[n]} Circuit"}
        | {"location": TRACKS[n], "country": COUNTRIES[n], "lat": 20.0 + 5 * n, "lng": -30.0 + 11 * n}
        | {"alt": None if n == 4 else 10 * n}
        for n in range(len(TRACKS))
    ]
    teams = [
        {"constructor_id": str(n + 1), "constructor_ref": team.lower(), "name": team, "nationality": "British"}
        for n, team in enumerate(TEAMS)
    ]
    status = [("1", "Finished"), ("11", "+1 Lap"), ("31", "Retired")]
    return {
        "circuits": pd.DataFrame(circuits),
        "constructors": pd.DataFrame(teams),
        "drivers": drivers.drop(columns="constructor_id"),
        "status": pd.DataFrame(status, columns=["status_id", "status"]),
    }


def _lap(seconds: float) -> str:
    """86.572 → `1:26.572`"""
    return f"{int(seconds // 60)}:{seconds % 60:06.3f}"
