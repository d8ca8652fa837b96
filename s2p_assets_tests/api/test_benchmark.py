"""The benchmark of the door still measures everything that it has a reach for."""

from s2p_assets_tests.benchmarks import door


def test_the_benchmark_measures_all_that_it_has_a_reach_for() -> None:
    measured = door.main(["--entities", "40", "--history", "12", "--requests", "40", "--joined", "20"])
    assert measured.keys() == door.REACH.keys()
    assert all(spent >= 0 for spent, _ in measured.values())
