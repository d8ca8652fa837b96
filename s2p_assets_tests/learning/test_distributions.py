"""Promises of chances without SciPy: the same as SciPy's."""

import numpy as np
import pytest
from scipy import stats

from s2p_assets.learning.distributions import (
    chi_squared_above,
    chi_squared_of,
    chi_squared_quantile,
    corrected_for_many,
    kolmogorov_above,
    student_above,
    student_quantile,
)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 7, 30, 101, 9_999])
def test_chances_of_students_t_and_chi_squared_are_those_of_scipy(freedom: int) -> None:
    values = [*np.linspace(-6, 6, 49), 40.0, 1e3]
    found = [student_above(value, freedom) for value in values]
    assert np.allclose(found, stats.t.sf(values, freedom), rtol=1e-10, atol=0)
    positive = [0.0, *np.linspace(0.01, 3 * freedom, 40)]
    found = [chi_squared_above(value, freedom) for value in positive]
    assert np.allclose(found, stats.chi2.sf(positive, freedom), rtol=1e-9, atol=1e-300)
    assert student_quantile(0.95, freedom) == pytest.approx(stats.t.ppf(0.95, freedom), rel=1e-10)
    assert chi_squared_quantile(0.95, freedom) == pytest.approx(stats.chi2.ppf(0.95, freedom), rel=1e-10)


def test_chances_of_kolmogorovs_distribution_are_those_of_scipy() -> None:
    values = [0.0, *np.linspace(0.05, 4, 80)]
    found = [kolmogorov_above(value) for value in values]
    assert np.allclose(found, stats.kstwobign.sf(values), rtol=1e-9, atol=1e-15)


def test_tables_and_corrections_are_those_of_scipy() -> None:
    random = np.random.default_rng(2)
    for columns in (2, 3, 12, 51):
        table = random.integers(1, 300, (2, columns)).astype(float)
        theirs = stats.chi2_contingency(table, correction=False)
        assert chi_squared_of(table) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)
    chances = random.random(30) ** 4
    assert np.allclose(corrected_for_many(chances.tolist()), stats.false_discovery_control(chances, method="bh"))
