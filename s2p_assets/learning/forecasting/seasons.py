"""The week, the year and the holidays that all series share: pooled indices, as far as the past confirms them.

What is forecast with them is for `models/`; statistics of single series are in `lags.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.series import Matrix, Panel

DAYS = 366
MONTH_OF_DAY = pd.date_range("2024-01-01", "2024-12-31").month.to_numpy() - 1
MONTHLY, NO_SEASON = "month", DAYS
SHAPES: tuple[str | int, ...] = (MONTHLY, 3, 7, 15, 31, 61, NO_SEASON)
YEARS_TRIED = 3

Days = np.ndarray[tuple[int, ...], np.dtype[np.intp]]


class UnknownCountry(ValueError):
    """The holidays of a country are asked for that is none; the message names it."""


@dataclass(frozen=True)
class Season:
    """Multiplicative indices with mean 1: `week` by day of the week, `year` by day of a leap year.

    `days`: how long a period is; the day of the week counts for periods of one day, and so do the `holidays` of a
    `country` (two letters), by name.
    """

    days: int
    week: Matrix
    year: Matrix
    country: str | None = None
    holidays: Mapping[str, float] = field(default_factory=dict)

    def factors(self, times: pd.DatetimeIndex) -> Matrix:
        """What each period sells relative to a usual one."""
        usual = np.asarray(self.week[_weekday(times, self.days)] * self.year[_day_of_year(times, self.days)])
        if self.country and self.holidays:
            usual = usual * [self.holidays.get(name, 1.0) for name in _holidays(times, self.country)]
        return usual


def periods_of_year(times: pd.DatetimeIndex) -> int:
    """How many periods as long as those of `times` a year has: 365, 52 or 12."""
    return max(round(365.25 / days_apart(times)), 1)


def season_of(past: Panel, country: str | None = None) -> Season:
    """The season of all series, and the effect of a country's holidays where a period is a day.

    A week of seven days hides a holiday: on weekly M5 it predicted nothing.
    """
    season = _season_of(past)
    return (
        season
        if country is None or season.days > 1
        else replace(season, country=country, holidays=_effects(past, season, country))
    )


def _effects(past: Panel, season: Season, country: str) -> dict[str, float]:
    """Holiday → what it sold relative to the usual of its time of year, by its last occurrences; two are needed."""
    total = np.nansum(past.values, axis=1) / season.factors(past.times)
    around = pd.Series(total).rolling(29, center=True, min_periods=7).median().to_numpy()
    ratio = pd.Series(np.log(np.maximum(np.divide(total, around, out=np.ones(len(total)), where=around > 0), 0.02)))
    effects = ratio.groupby(_holidays(past.times, country)).agg(["sum", "count"]).drop("", errors="ignore")
    seen = effects[effects["count"] >= 2]
    return {str(name): float(np.exp(row["sum"] / (row["count"] + 0.5))) for name, row in seen.iterrows()}


def _holidays(times: pd.DatetimeIndex, country: str) -> list[str]:
    """The name of each day's public holiday; empty for other days. Raises UnknownCountry."""
    import holidays

    try:
        known = holidays.country_holidays(country, years=range(times[0].year, times[-1].year + 1), language="en_US")
    except NotImplementedError as error:
        raise UnknownCountry(f"no holidays are known of the country {country!r}; give its two letters, DE") from error
    return [str(known.get(day.date(), "")) for day in times]


def _season_of(past: Panel) -> Season:
    """The season of the total of all series, by ratio to its trend, as in classical decomposition.

    The days of the week count from four weeks on. The year counts from two years on, in the shape (months, or
    days smoothed over three to 61) that predicts the years left out best, none included.
    """
    total, times = np.nansum(past.values, axis=1), past.times
    length, year = days_apart(times), periods_of_year(times)
    weekdays, days = _weekday(times, length), _day_of_year(times, length)
    flat = Season(length, np.ones(7), np.ones(DAYS))
    if len(times) < 28 or total.sum() <= 0:
        return flat
    if len(times) < 2 * year:
        return Season(length, _week(total / _trend(total, 29), weekdays), flat.year)
    week, shape = flat.week, flat.year
    whole = slice(year // 2, len(times) - year // 2)
    trend = _trend(total, year)
    for part in (whole, slice(None), slice(None)):
        week = _week((total / trend / shape[days])[-YEARS_TRIED * year :], weekdays[-YEARS_TRIED * year :])
        ratio = total / trend / week[weekdays]
        shape = _shape(ratio[part], days[part], 15 if year > 12 else MONTHLY)
        trend = _trend(total / week[weekdays] / shape[days], year // 3)
    ratio = total / trend / week[weekdays]
    return Season(length, week, _shape(ratio, days, _best_shape(ratio, days, year)))


def _best_shape(ratio: Matrix, days: Days, year: int) -> str | int:
    """The shape whose index, made of the other years, came nearest to each of the last years."""
    back = np.arange(len(ratio))[::-1] // year
    errors = dict.fromkeys(SHAPES, 0.0)
    for left_out in range(min(YEARS_TRIED, len(ratio) // year)):
        there = back == left_out
        for shape in SHAPES:
            predicted = _shape(ratio[~there], days[~there], shape)[days[there]]
            scale = (ratio[there] / predicted).mean()
            errors[shape] += float(((ratio[there] - predicted * scale) ** 2).sum())
    return min(errors, key=lambda shape: errors[shape])


def _shape(ratio: Matrix, days: Days, shape: str | int) -> Matrix:
    """The index of each day of the year; days far from any observation take the usual 1."""
    total: Matrix = np.asarray(np.bincount(days, ratio, DAYS), float)
    count: Matrix = np.asarray(np.bincount(days, minlength=DAYS), float)
    if shape == MONTHLY:
        total = np.asarray(np.bincount(MONTH_OF_DAY, total, 12)[MONTH_OF_DAY], float)
        count = np.asarray(np.bincount(MONTH_OF_DAY, count, 12)[MONTH_OF_DAY], float)
    else:
        total, count = _around(total, int(shape)), _around(count, int(shape))
    index = np.divide(total, count, out=np.ones(DAYS), where=count > 0.5 / DAYS)
    index = np.maximum(index, 0.02)
    return np.asarray(index / index.mean())


def _around(ring: Matrix, width: int) -> Matrix:
    """Mean over `width` neighbours on a ring."""
    if width >= DAYS:
        return np.full(DAYS, ring.mean())
    wide = np.concatenate([ring[-width:], ring, ring[:width]])
    return np.convolve(wide, np.full(width, 1 / width), "same")[width:-width]


def _week(ratio: Matrix, weekdays: Days) -> Matrix:
    total, count = np.bincount(weekdays, ratio, 7), np.bincount(weekdays, minlength=7)
    index = np.divide(total, count, out=np.ones(7), where=count > 0)
    index = np.maximum(index, 0.02)
    return np.asarray(index / index[count > 0].mean())


def _trend(total: Matrix, width: int) -> Matrix:
    level = pd.Series(total).rolling(width, center=True, min_periods=max(width // 2, 1)).mean().to_numpy()
    return np.maximum(level, max(total.mean(), 1e-9) * 1e-3)


def days_apart(times: pd.DatetimeIndex) -> int:
    """How many days from one period to the next, as a rule."""
    return max(int(np.median(np.diff(times.to_numpy()) / np.timedelta64(1, "D"))), 1) if len(times) > 1 else 7


def _weekday(times: pd.DatetimeIndex, length: int) -> Days:
    return times.dayofweek.to_numpy() if length == 1 else np.zeros(len(times), int)


def _day_of_year(times: pd.DatetimeIndex, length: int) -> Days:
    """Of the middle of each period, counted as in a leap year, from 0."""
    middle = times + pd.Timedelta(days=(length - 1) // 2)
    days = middle.dayofyear.to_numpy() - 1
    return np.where(~middle.is_leap_year & (days >= 59), days + 1, days)
