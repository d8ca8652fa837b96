"""The plain rule of the top ten: who starts there ends there. What learns is in other files."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.classification.models.threshold import Threshold


@model(contest="top_ten_champion", owner="race-office@example.com")
def top_ten_grid() -> Threshold:
    """Who starts among the first ten comes in among them, as often as such cars did."""
    return Threshold("grid", at_most=10)
