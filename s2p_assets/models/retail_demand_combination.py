"""The weighted mean of three forecasters as a demand model. The forecasters themselves are in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_combination() -> forecasters.WeightedCombination:
    """Boosting, smoothing with the season of all and of each SKU, and smoothing without, weighted for each SKU.

    The weights are what its own past and that of all bear out.
    """
    members = (
        forecasters.Boosting("unit_price"),
        forecasters.Smoothing(),
        forecasters.Smoothing(season=False),
    )
    return forecasters.WeightedCombination(members, weights=(2.0, 1.0, 1.0))
