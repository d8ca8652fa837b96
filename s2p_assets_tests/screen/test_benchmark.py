"""The benchmark of the screen still measures everything that it has a reach for."""

from playwright.sync_api import Browser

from s2p_assets_tests.api.served import Served
from s2p_assets_tests.benchmarks import screen


def test_the_benchmark_measures_all_that_it_has_a_reach_for(door: Served, browser: Browser) -> None:
    measured = screen.measure(door, browser, people=2, rows=20, rounds=1)
    assert measured.keys() == screen.REACH.keys()
    assert measured["before the login"] < screen.REACH["before the login"][0]
    assert measured["largest page"] < screen.REACH["largest page"][0]
