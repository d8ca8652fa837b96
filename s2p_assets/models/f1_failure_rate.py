"""The plain rule of cars that do not finish: as often as the team's of late. What learns is in other files."""

from s2p_assets import classifiers, model


@model(contest="failure_champion", owner="race-office@example.com")
def failure_rate() -> classifiers.KnownRate:
    """A car fails as often as the last 60 starts of its team."""
    return classifiers.KnownRate("constructor_failures_60")
