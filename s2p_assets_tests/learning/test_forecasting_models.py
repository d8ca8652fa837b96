"""Promises of every forecaster, above all on odd series, and of the files that it writes."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.learnable import training_rows
from s2p_assets.learning.forecasting.metrics import wape
from s2p_assets.learning.forecasting.models.boosting import ARRAYS_FILE, Boosting
from s2p_assets.learning.forecasting.models.combination import Combination
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.prophet_total import ProphetTotal
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasting.models.smoothing import Smoothing
from s2p_assets.learning.forecasting.seasons import UnknownCountry
from s2p_assets.learning.registry.learner_files import ModelDamaged, NotFitted
from s2p_assets_tests.learning.histories import WEEKLY, odd, seasonal, weekly

EVERY = [
    SeasonalNaive(),
    MovingAverage(),
    Smoothing(),
    ProphetTotal(),
    Boosting(price="unit_price", trees=10, draws=2),
    Combination((Boosting(price="unit_price", trees=5), Smoothing(season=False)), weights=(3.0, 1.0)),
]


def fitted_forecast(forecaster: Forecaster, history: pd.DataFrame, horizon: int = 4) -> pd.DataFrame:
    known = training_rows(history, WEEKLY)
    return forecaster.fit(known, WEEKLY).forecast(known, horizon)


@pytest.mark.parametrize("forecaster", EVERY)
@pytest.mark.parametrize("weeks", [1, 2, 9, 80])
def test_odd_series_get_a_number_for_every_step(forecaster: Forecaster, weeks: int) -> None:
    history = odd()
    history = history[history["week"] >= history["week"].max() - pd.Timedelta(weeks=weeks - 1)]
    forecast = fitted_forecast(forecaster, history, horizon=6)
    assert forecast.groupby("entity")["step"].apply(list).tolist() == [[1, 2, 3, 4, 5, 6]] * history["sku"].nunique()
    assert np.isfinite(forecast["mean"]).all()
    assert (forecast["mean"] >= 0).all()
    assert (forecast.loc[forecast["entity"] == "no sale", "mean"] <= 0.05).all()


@pytest.mark.parametrize("forecaster", EVERY)
def test_nothing_ever_sold_is_forecast_as_nothing(forecaster: Forecaster) -> None:
    assert fitted_forecast(forecaster, weekly({"a": [0] * 30, "b": [0] * 30}))["mean"].max() <= 0.05


@pytest.mark.parametrize("forecaster", EVERY)
def test_a_column_without_any_value_is_not_learned_from(forecaster: Forecaster) -> None:
    assert fitted_forecast(forecaster, seasonal(3, 60).assign(unit_price=np.nan))["mean"].notna().all()


@pytest.mark.parametrize("forecaster", EVERY)
def test_a_stored_forecaster_says_the_same(forecaster: Forecaster, tmp_path: Path) -> None:
    history = training_rows(seasonal(3, 110), WEEKLY)
    fitted = forecaster.fit(history, WEEKLY)
    fitted.save(tmp_path)
    loaded = type(forecaster).load(tmp_path)
    pd.testing.assert_frame_equal(loaded.forecast(history, 6), fitted.forecast(history, 6))
    assert not list(tmp_path.glob("*.pkl"))


@pytest.mark.parametrize("forecaster", EVERY)
def test_an_unfitted_forecaster_says_so(forecaster: Forecaster) -> None:
    with pytest.raises(NotFitted, match="not fitted"):
        forecaster.forecast(seasonal(1, 10), 4)


def test_seasonal_naive_repeats_the_year_and_young_series_their_recent_mean() -> None:
    history = weekly({"old": list(range(60)), "young": list(range(60))})
    history = history[(history["sku"] == "old") | (history["week"] >= "2024-02-05")]
    forecast = fitted_forecast(SeasonalNaive(), history)
    assert forecast.loc[forecast["entity"] == "old", "mean"].tolist() == [8, 9, 10, 11]
    assert forecast.loc[forecast["entity"] == "young", "mean"].tolist() == [58.0] * 4


@pytest.mark.parametrize("forecaster", [ProphetTotal(), Boosting()])
def test_a_common_season_is_learned_better_than_by_naive_and_average(forecaster: Forecaster) -> None:
    history = seasonal(8, 150)
    learned, naive, average = (
        rolling_origin(one, history, WEEKLY) for one in (forecaster, SeasonalNaive(), MovingAverage())
    )
    assert wape(learned["actual"], learned["mean"]) < wape(naive["actual"], naive["mean"])
    assert wape(learned["actual"], learned["mean"]) < wape(average["actual"], average["mean"])


def test_prophet_fits_in_silence(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.INFO):
        fitted_forecast(ProphetTotal(), seasonal(2, 60))
    printed = capfd.readouterr()
    assert (printed.out, printed.err, caplog.text) == ("", "", "")


def test_without_two_seasons_the_calendar_is_no_feature() -> None:
    short, long = (Boosting(trees=3).fit(training_rows(seasonal(3, weeks), WEEKLY), WEEKLY) for weeks in (100, 110))
    assert "day_of_year" not in short.edges
    assert "day_of_year" in long.edges


def test_a_forecast_stays_near_what_was_ever_sold() -> None:
    history = weekly({"a": [10.0, 11.0] * 40, "falling": list(np.linspace(50, 0, 80))})
    forecast = fitted_forecast(Boosting(), history).groupby("entity")["mean"].max()
    assert forecast["a"] <= 1.2 * 11
    assert forecast["falling"] < 10


def test_a_boosting_file_with_objects_in_it_is_refused(tmp_path: Path) -> None:
    Boosting(trees=3).fit(training_rows(seasonal(2, 60), WEEKLY), WEEKLY).save(tmp_path)
    file = tmp_path / ARRAYS_FILE
    with np.load(file) as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(file, allow_pickle=True, **(arrays | {"value": np.array([print], dtype=object)}))
    with pytest.raises(ModelDamaged, match=ARRAYS_FILE):
        Boosting.load(tmp_path)


@pytest.mark.parametrize("forecaster", EVERY)
def test_damaged_files_are_named_in_one_line(forecaster: Forecaster, tmp_path: Path) -> None:
    forecaster.fit(training_rows(seasonal(2, 60), WEEKLY), WEEKLY).save(tmp_path)
    for file in [path for path in tmp_path.rglob("*") if path.is_file()]:
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ModelDamaged, match=file.name) as refused:
            type(forecaster).load(tmp_path)
        assert "\n" not in str(refused.value)
        file.write_bytes(whole)


@pytest.mark.parametrize("forecaster", EVERY)
@pytest.mark.parametrize(("every", "season"), [("D", 7), ("W-MON", 52), ("MS", 12)])
def test_days_weeks_and_months_each_are_forecast_at_their_own_grain(
    forecaster: Forecaster, every: str, season: int
) -> None:
    task = ForecastTask("sku", "time", "units", every=every, horizon=3, folds=2)
    times = pd.date_range("2022-01-01", periods=40, freq=every)
    # A cycle that Prophet fits without an error takes its optimizer half a minute to leave.
    units = [float(5 + at % 3) for at in range(40)] + np.random.default_rng(1).normal(0, 0.1, 40)
    rows = pd.DataFrame({"sku": "a", "time": times, "units": units})
    backtest = rolling_origin(forecaster, rows, task)
    assert task.season_length == season
    assert set(backtest["time"]) <= set(times)
    assert backtest["mean"].between(1, 15).all()


def test_a_price_known_in_advance_moves_the_forecast() -> None:
    task = replace(WEEKLY, known=("unit_price",), censored=None)
    random = np.random.default_rng(1)
    rows = weekly({f"{n}": [20.0] * 100 for n in range(12)}).drop(columns="censored")
    cheap = random.random(len(rows)) < 0.3
    rows = rows.assign(unit_price=np.where(cheap, 5.0, 10.0), units=np.where(cheap, 40.0, 10.0))
    ahead = rows[rows["week"] == rows["week"].max()].assign(units=np.nan)
    ahead = ahead.assign(week=ahead["week"] + pd.Timedelta(weeks=1), unit_price=[5.0] * 6 + [10.0] * 6)
    history = training_rows(pd.concat([rows, ahead]), task)
    means = Boosting(price="unit_price").fit(history, task).forecast(history, 1).set_index("entity")["mean"]
    on_offer = ahead.loc[ahead["unit_price"] == 5.0, "sku"]
    assert means[on_offer].min() > 1.5 * means.drop(on_offer).max()


def test_a_public_holiday_is_foretold_by_how_its_country_kept_it_before() -> None:
    days = pd.date_range("2021-06-01", "2023-12-20")
    units = np.where((days.month == 12) & (days.day == 25), 0.0, 20.0)
    history = pd.DataFrame({"sku": "a", "time": days, "units": units})
    task = ForecastTask("sku", "time", "units", every="D", horizon=7, country="DE")
    told = Smoothing().fit(history, task).forecast(history, 7).set_index("time")["mean"]
    assert told["2023-12-25"] < 5
    assert told["2023-12-22"] > 17
    with pytest.raises(UnknownCountry, match="ZZ"):
        Smoothing().fit(history, replace(task, country="ZZ")).forecast(history, 7)


def test_how_an_article_sells_in_other_shops_is_heeded_day_by_day() -> None:
    random, days = np.random.default_rng(2), pd.date_range("2024-01-01", periods=240)
    shared = {article: np.exp(0.1 * random.normal(size=240).cumsum()) for article in "abcdefgh"}
    rows = pd.concat(
        pd.DataFrame(
            {"sku": f"{article} {shop}", "article": article, "day": days, "units": random.poisson(level) * 1.0}
        )
        for article, level in shared.items()
        for shop in range(12)
    )
    task = ForecastTask("sku", "day", "units", every="D", horizon=7, folds=3, step=14, peers=("article",))
    true = pd.DataFrame(shared, index=days).stack()
    knowing, alone = (
        told["mean"] - true.loc[pd.MultiIndex.from_arrays([told["time"], told["entity"].str[0]])].to_numpy()
        for told in (rolling_origin(Boosting(draws=2), rows, one) for one in (task, replace(task, peers=())))
    )
    assert (knowing**2).mean() < 0.9 * (alone**2).mean()


def test_promotions_and_closed_days_known_in_advance_each_move_the_forecast_of_their_week() -> None:
    """Demand doubles in a promotion, and a week that is closed for days of its seven sells so much less."""
    random, weeks, skus = np.random.default_rng(1), 90, 16
    promoted = (random.random((weeks + 8, skus)) < 0.12).astype(float)
    closed = np.zeros(weeks + 8)
    closed[random.choice(weeks, 14, replace=False)] = random.choice([1, 2, 3], 14)
    promoted[weeks:], closed[weeks + 2] = 0.0, 2.0
    promoted[weeks + 4] = 1.0
    mean = random.uniform(40, 120, skus) * (1 + promoted) * (1 - closed / 7)[:, None]
    sold = random.poisson(mean).astype(float)
    sold[weeks:] = np.nan
    history = pd.DataFrame(
        {
            "sku": np.repeat([f"S{at:02d}" for at in range(skus)], weeks + 8),
            "week": np.tile(pd.date_range("2024-01-01", periods=weeks + 8, freq="W-MON"), skus),
            "units": sold.T.ravel(),
            "promoted": promoted.T.ravel(),
            "closed_days": np.tile(closed, skus),
        }
    )
    task = ForecastTask("sku", "week", "units", known=("promoted", "closed_days"))
    made = Boosting().fit(history, task).forecast(history, 8)
    means = made.pivot(index="step", columns="entity", values="mean").to_numpy().mean(axis=1)
    assert means / mean[weeks:].mean(axis=1) == pytest.approx(1, abs=0.15)


def test_a_price_that_is_hardly_ever_known_harms_nothing() -> None:
    history = seasonal(3, 110)
    history = history.assign(
        unit_price=history["unit_price"].where(history["week"] >= history["week"].max() - pd.Timedelta(weeks=2))
    )
    for seed in range(8):
        few = Boosting(price="unit_price", trees=3, most_rows=60, rows_per_leaf=5, seed=seed)
        assert fitted_forecast(few, history)["mean"].notna().all()


def test_what_befalls_all_series_at_once_is_followed_at_once() -> None:
    random, weeks = np.random.default_rng(3), 130
    risen = np.where(np.arange(weeks) >= weeks - 8, 1.3, 1.0)
    rows = weekly({f"{n:02d}": random.poisson(20 * risen).tolist() for n in range(60)})
    total = fitted_forecast(Smoothing(), rows)["mean"].sum() / 4
    assert total == pytest.approx(60 * 26, rel=0.05)


def test_a_combination_is_the_mean_of_its_members_by_their_weights() -> None:
    history = seasonal(3, 60)
    members = (SeasonalNaive(), MovingAverage())
    naive, average = (fitted_forecast(one, history)["mean"] for one in members)
    weighted = fitted_forecast(Combination(members, weights=(3.0, 1.0)), history)["mean"]
    pd.testing.assert_series_equal(weighted, 0.75 * naive + 0.25 * average)
    pd.testing.assert_series_equal(fitted_forecast(Combination(members), history)["mean"], (naive + average) / 2)
