"""What is known of a car before the start of a race, and that nothing of that race or a later one is in it."""

import datetime as dt
from collections.abc import Iterator

import pandas as pd
import psycopg
import pytest

from s2p_assets.catalog.loading import load_catalog
from s2p_assets.contracts.columns import column_names
from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.validation import conform, declaration_violations
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.features.f1_entry_features import EntryFeatures, entry_features
from s2p_assets.samples.f1_seasons import simulate_seasons
from s2p_assets.services.trace import lineage_sources
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.tables.content_versions import content_version
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets.warehouse.trace.tracer import Tracer
from s2p_assets_tests.retail_home import emptied
from s2p_assets_tests.shelves.f1_tables import made_in_sql

UNTIL = dt.date(2026, 3, 31)
OUTCOME = ["top_ten", "did_not_finish", "decided_on"]
KEY = ["driver_id", "race_day"]


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    made = simulate_seasons(until=UNTIL, years=3, seed=3).tables
    days = {"races": "race_day", "drivers": "born_on"}
    return {
        name: rows.assign(**{days[name]: pd.to_datetime(rows[days[name]])}) if name in days else rows
        for name, rows in made.items()
    }


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[psycopg.Connection]:
    with connect(emptied(database_url)) as conn:
        ensure_own_tables(conn)
        yield conn


def features(conn: psycopg.Connection, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return entry_features.build(fct_entries=made_in_sql(conn, tables))


@pytest.fixture(scope="module")
def rows(database: psycopg.Connection, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return features(database, tables)


def test_the_sample_is_in_sql_what_it_was_in_python(rows: pd.DataFrame) -> None:
    """The version is that of the rows that pandas made of the same sample, before the tables were SQL."""
    made = conform(rows, EntryFeatures)
    assert content_version(made) == "a53ee75fe4da3c880d25cdd232df609c6ac12f0661e5a08e7fe9afc6e581405c"


@pytest.mark.parametrize("place", [60, 250])
def test_the_form_of_a_driver_a_team_and_a_track_is_traced_to_its_own_earlier_results(
    database: psycopg.Connection, rows: pd.DataFrame, tables: dict[str, pd.DataFrame], place: int
) -> None:
    row = rows.sort_values("race_day").iloc[place]
    ended = tables["results"].merge(tables["races"], on="race_id").sort_values(["race_day", "position_order"])
    ended = ended[ended["race_day"] < row["race_day"]]
    whose = {"driver_failures_20": "driver_id", "constructor_failures_60": "constructor_id"}
    tables_alone = {place: one for place, one in lineage_sources(load_catalog(("s2p_assets",))).items()
                    if not isinstance(one, Workbook)}  # fmt: skip
    tracer = Tracer(database, tables_alone)
    for column, by in (whose | {"circuit_failures_60": "circuit_id"}).items():
        last = ended[ended[by] == row[by]].tail(int(column.rpartition("_")[2]))
        (fact,) = tracer.trace(
            ("f1", "fct_entries"),
            {"driver_id": row["driver_id"], "race_day": row["race_day"].date()},
            (column,),
            most=None,
        ).rows
        (form,) = fact.under
        under = {
            (start.key["driver_id"], start.key["race_day"]) for starts in form.rows[0].under for start in starts.rows
        }
        assert under == {(one.driver_id, one.race_day.date()) for one in last.itertuples()}


def test_the_rows_are_as_declared_one_for_each_car_in_each_race(
    rows: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> None:
    assert declaration_violations(conform(rows, EntryFeatures), EntryFeatures) == []
    held = rows[rows["top_ten"].notna()]
    assert len(held) == len(tables["results"])
    assert not rows.duplicated(KEY).any()


def test_a_race_to_come_stands_with_its_qualifying_for_a_grid_and_no_outcome(rows: pd.DataFrame) -> None:
    coming = rows[rows["top_ten"].isna()]
    assert coming["race_id"].nunique() == 1
    assert coming["race_day"].min() > rows.loc[rows["top_ten"].notna(), "race_day"].max()
    assert (coming["grid"] == coming["qualifying_position"]).all()
    assert coming[OUTCOME].isna().all().all()


@pytest.mark.parametrize("place", [40, 200, 280])
def test_form_and_failures_are_those_of_the_races_before(
    rows: pd.DataFrame, tables: dict[str, pd.DataFrame], place: int
) -> None:
    row = rows.sort_values("race_day").iloc[place]
    ended = tables["results"].merge(tables["races"], on="race_id").sort_values("race_day")
    ended = ended[ended["race_day"] < row["race_day"]]
    own = ended[ended["driver_id"] == row["driver_id"]]
    team = ended[ended["constructor_id"] == row["constructor_id"]]
    there = own[(own["circuit_id"] == row["circuit_id"]) & (own["position_text"] != "R")]
    ended_well = own.tail(8)[own["position_text"].tail(8) != "R"]
    assert row["driver_races"] == len(own)
    assert row["driver_place_8"] == pytest.approx(ended_well["position_order"].mean())
    assert row["driver_failures_20"] == pytest.approx((own["position_text"].tail(20) == "R").mean())
    assert row["constructor_failures_60"] == pytest.approx((team["position_text"].tail(60) == "R").mean())
    assert row["driver_circuit_place"] == pytest.approx(there["position_order"].mean(), nan_ok=True)


def test_whatever_comes_of_a_race_changes_nothing_that_was_known_before_it(
    database: psycopg.Connection, rows: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> None:
    """The future is shifted: from a day on, every race ends the other way round and the championship with it."""
    day = pd.Timestamp("2025-06-01")
    later = tables["races"].loc[tables["races"]["race_day"] >= day, "race_id"]

    def turned(name: str, **values: object) -> pd.DataFrame:
        table = tables[name]
        return table.assign(
            **{column: table[column].mask(table["race_id"].isin(later), value) for column, value in values.items()}
        )

    turned_about = 17 - tables["results"]["position_order"]
    shifted = tables | {
        "results": turned("results", position_order=turned_about, position_text="R", laps=1, points=99, status_id="31"),
        "driver_standings": turned("driver_standings", position=9, points=0),
        "constructor_standings": turned("constructor_standings", position=9, points=0),
    }
    before, after = (
        frame[frame["race_day"] <= day + pd.Timedelta(days=21)].drop(columns=OUTCOME).set_index(KEY).sort_index()
        for frame in (rows, features(database, shifted))
    )
    first = rows.loc[rows["race_day"] >= day, "race_day"].min()
    known = before.index.get_level_values("race_day") <= first
    pd.testing.assert_frame_equal(before[known], after[known])
    assert known.sum() > 200


def test_what_is_known_only_after_the_race_is_no_feature() -> None:
    assert not {"laps", "status_id", "points", "position", "milliseconds"} & set(column_names(EntryFeatures))


def test_before_any_race_there_is_nothing_to_learn_from(rows: pd.DataFrame) -> None:
    with pytest.raises(NotYet):
        entry_features.build(fct_entries=rows.head(0))
