"""The weighted mean of four forecasters as a demand model. The forecasters themselves are in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_combination() -> forecasters.WeightedCombination:
    """Boosting, the mean of 13 weeks, smoothing with the season of all and the year before, weighted for each SKU.

    The weights are what its own past and that of all bear out.
    """
    members = (
        forecasters.Boosting("unit_price"),
        forecasters.MovingAverage(periods=13),
        forecasters.Smoothing(),
        forecasters.SeasonalNaive(recent=8),
    )
    return forecasters.WeightedCombination(members, weights=(2.0, 1.0, 1.0, 1.0))
