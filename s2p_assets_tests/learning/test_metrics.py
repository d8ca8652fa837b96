"""Promises of the error measures, against figures worked out by hand."""

import math

import numpy as np
import pytest

from s2p_assets.learning.forecasting import metrics


def test_each_measure_gives_the_figure_worked_out_by_hand() -> None:
    actual, mean = [10.0, 0.0, 20.0], [12.0, 3.0, 15.0]
    assert metrics.wape(actual, mean) == pytest.approx(10 / 30)
    assert metrics.bias(actual, mean) == 0.0
    assert metrics.mase(actual, mean, 2.0) == pytest.approx(10 / 3 / 2)
    assert metrics.rmsse(actual, mean, 4.0) == pytest.approx(math.sqrt(38 / 3 / 4))
    assert metrics.pinball([10.0, 10.0], [8.0, 13.0], 0.9) == pytest.approx((0.9 * 2 + 0.1 * 3) / 2)
    assert metrics.coverage([1.0, 2.0, 3.0, 9.0], [1.0] * 4, [3.0] * 4) == 0.75


def test_the_naive_scale_starts_with_the_first_sale() -> None:
    absolute, squared = metrics.naive_scales(np.array([[np.nan, 5.0], [0.0, 5.0], [4.0, 5.0], [6.0, 5.0], [2.0, 5.0]]))
    assert absolute[0] == 3.0
    assert squared[0] == 10.0
    assert np.isnan([absolute[1], squared[1]]).all()


def test_nothing_sold_is_no_share() -> None:
    assert math.isnan(metrics.wape([0.0], [1.0]))
