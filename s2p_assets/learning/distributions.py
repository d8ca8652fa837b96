"""Chances under Student's t, chi-squared and Kolmogorov's distribution: SciPy's take 1.7 CPU seconds to import.

What is tested with them belongs to `selection/` and `monitoring/`.
"""

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

from s2p_assets.learning.forecasting.series import Matrix

CONVERGED = 1e-16
MOST_TERMS = 10_000
HALVINGS = 200
TURN_OF_SERIES = 0.8  # below, the alternating series of Kolmogorov's distribution converges slowly


def student_above(value: float, freedom: float) -> float:
    """The chance that Student's t with so many degrees of freedom exceeds `value`."""
    if math.isinf(value):
        return 0.0 if value > 0 else 1.0
    tail = 0.5 * _incomplete_beta(freedom / (freedom + value * value), freedom / 2, 0.5)
    return tail if value >= 0 else 1.0 - tail


def student_quantile(level: float, freedom: float) -> float:
    """The value that Student's t exceeds with the chance 1 − `level`, for levels from 0.5 on."""
    return _exceeded(lambda value: student_above(value, freedom), 1.0 - level)


def chi_squared_above(value: float, freedom: int) -> float:
    """The chance that chi-squared with so many degrees of freedom exceeds `value`, by Abramowitz & Stegun 26.4."""
    half = value / 2
    if half <= 0:
        return 1.0
    odd = freedom % 2
    begin = math.erfc(math.sqrt(half)) if odd else 0.0
    powers = [place + odd / 2 for place in range(freedom // 2)]
    terms = (math.exp(power * math.log(half) - half - math.lgamma(power + 1)) for power in powers)
    return min(begin + math.fsum(terms), 1.0)


@functools.cache
def chi_squared_quantile(level: float, freedom: int) -> float:
    """The value that chi-squared exceeds with the chance 1 − `level`."""
    return _exceeded(lambda value: chi_squared_above(value, freedom), 1.0 - level)


def kolmogorov_above(value: float) -> float:
    """The chance that √n · the Kolmogorov-Smirnov statistic exceeds `value`, for large samples."""
    if value <= 0:
        return 1.0
    if value < TURN_OF_SERIES:
        terms = (math.exp(-((2 * k - 1) ** 2) * math.pi**2 / (8 * value**2)) for k in range(1, 20))
        return 1.0 - math.sqrt(2 * math.pi) / value * math.fsum(terms)
    return 2 * math.fsum((-1) ** (k - 1) * math.exp(-2 * k * k * value * value) for k in range(1, 20))


def chi_squared_of(table: Matrix) -> tuple[float, float]:
    """Pearson's statistic of a table of counts without empty rows and columns, and the chance of one as high."""
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, chi_squared_above(statistic, (table.shape[0] - 1) * (table.shape[1] - 1))


def corrected_for_many(chances: Sequence[float]) -> Matrix:
    """Chances of several tests, corrected for their number after Benjamini & Hochberg (1995), in the same order."""
    found = np.asarray(chances, float)
    order = np.argsort(found)
    scaled = found[order] * len(found) / np.arange(1, len(found) + 1)
    corrected = np.empty_like(found)
    corrected[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.clip(corrected, 0.0, 1.0)


def _exceeded(above: Callable[[float], float], chance: float) -> float:
    """The positive value that is exceeded with this chance, by halving."""
    low, high = 0.0, 1.0
    while above(high) > chance:
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) > chance else (low, middle)
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function, by the continued fraction of Lentz: Press et al., 6.4."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x > (a + 1) / (a + b + 2):
        return 1.0 - front * _beta_fraction(1 - x, b, a) / b
    return front * _beta_fraction(x, a, b) / a


def _beta_fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / _nonzero(1 - (a + b) * x / (a + 1), tiny)
    found = d
    for step in range(1, MOST_TERMS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for part in (even, odd):
            d, c = 1 / _nonzero(1 + part * d, tiny), _nonzero(1 + part / c, tiny)
            found *= c * d
        if abs(c * d - 1) < CONVERGED:
            break
    return found


def _nonzero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny
