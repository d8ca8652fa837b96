"""The plain rule of cars that do not finish: as often as the team's of late. What learns is in other files."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.classification.models.known_rate import KnownRate


@model(contest="failure_champion", owner="race-office@example.com")
def failure_rate() -> KnownRate:
    """A car fails as often as the last 60 starts of its team."""
    return KnownRate("constructor_failures_60")
