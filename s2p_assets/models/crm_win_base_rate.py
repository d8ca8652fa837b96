"""The share of deals won as a model, which every other must beat. The classifier itself is in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.classification.models.base_rate import BaseRate


@model(contest="win_champion", owner="sales-operations@example.com")
def win_base_rate() -> BaseRate:
    """Every deal as probable as deals were won until then."""
    return BaseRate()
