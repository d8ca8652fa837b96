"""That no column which only the race itself tells can be learned from, and that the preview says what it is worth."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
import pytest

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.catalog.leaks import declared_leaks
from s2p_assets.catalog.loading import load_catalog
from s2p_assets.contracts.columns import Column, columns_of
from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.features.f1_entry_features import EntryFeatures
from s2p_assets.models.f1_failure_champion import DID_NOT_FINISH
from s2p_assets.models.f1_top_ten_champion import TOP_TEN
from s2p_assets.reports.f1_race_preview import race_preview

DAY = pd.Timestamp("2026-03-15")
AFTER = ("laps", "status_id", "points", "position_order", "milliseconds", "time", "fastest_lap", "rank")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(("s2p_assets",))


@pytest.mark.parametrize("task", [TOP_TEN, DID_NOT_FINISH], ids=["top ten", "failure_probability"])
def test_laps_status_and_points_of_a_race_are_refused_however_a_feature_is_called(
    catalog: Catalog, task: ClassificationTask
) -> None:
    def declared(domain: str, table: str) -> tuple[Column, ...]:
        found = catalog.workbooks.get(f"{domain}_{table}") or catalog.tables.get(f"{domain}_{table}")
        return found.columns if found else ()

    good = columns_of(EntryFeatures)
    assert declared_leaks("f1", good, task, declared) == {}
    grid = next(column for column in good if column.name == "grid")
    for name in AFTER:
        bad = replace(grid, name="harmless", derived_from=(f"results.{name}",))
        assert "harmless" in declared_leaks("f1", [bad], task, declared), name


def told(right: float) -> Iterator[pd.DataFrame]:
    """What champions told of 200 cars, of which this share was told right; the scores of champion and plain rule."""
    rows = []
    for question, rate in (("top ten", 0.5), ("did not finish", 0.1)):
        for number in range(200):
            came = number < 200 * rate
            sure = 0.9 if (number % 100) < 100 * right else 0.1
            rows.append((question, str(number), came, sure if came else 1 - sure))
    entries = pd.DataFrame(rows, columns=["question", "driver_id", "outcome", "probability"])
    yield entries.assign(race_day=DAY, fold=1, cutoff=dt.date(2026, 1, 1))
    names = ["top_ten_mean", "top_ten_grid", "failure_mean", "failure_rate"]
    yield pd.DataFrame(
        {
            "question": ["top ten", "top ten", "did not finish", "did not finish"],
            "model": names,
            "fold": 1,
            "cutoff": pd.Timestamp("2026-01-01"),
            "cases": 200,
            "log_loss": 0.5,
            "brier": 0.2,
            "auc": 0.7,
            "accuracy": 0.8,
            "base_rate": [0.5, 0.5, 0.1, 0.1],
            "calibration_error": 0.02,
            "is_champion": [True, False, True, False],
        }
    )
    yield pd.DataFrame(
        {
            "driver_id": list("abcdefghijkl"),
            "race_day": DAY,
            "race_id": "9",
            "race_name": "Lakeside Grand Prix",
            "driver_name": [f"Driver {letter}" for letter in "abcdefghijkl"],
            "constructor_name": "Aurora",
            "grid": range(1, 13),
            "top_ten_probability": [0.95 - 0.05 * place for place in range(12)],
            "failure_probability": 0.1,
            "reasons": "grid 1 +20",
            "basis": "open",
            "model": "top_ten_mean",
            "failure_model": "failure_mean",
        }
    )


@pytest.mark.parametrize(("right", "is_told"), [(0.9, "Brier score"), (0.5, "no better than always giving")])
def test_the_preview_says_plainly_whether_a_model_beats_the_likelier_answer(right: float, is_told: str) -> None:
    entries, scores, cars = told(right)
    document = race_preview.build(cars, scores, entries)
    first_ten = next(note for note in document.notes if note.startswith("Among the first ten"))
    assert is_told in first_ten
    assert document.headline.startswith("Lakeside Grand Prix: Driver a is the surest of a place among the first ten")
    measured = document.sections[2].frame
    assert measured is not None
    assert (measured["low"] <= measured["value"]).all()
    assert (measured["value"] <= measured["high"]).all()
