"""The plain rule of the top ten: who starts there ends there. What learns is in other files."""

from s2p_assets import classifiers, model


@model(contest="top_ten_champion", owner="race-office@example.com")
def top_ten_grid() -> classifiers.Threshold:
    """Who starts among the first ten comes in among them, as often as such cars did."""
    return classifiers.Threshold("grid", at_most=10)
