"""The contest of the demand models, and how its champion is chosen. The candidates have files of their own."""

from s2p_assets import ForecastTask, Frame, choose_champion, contest

WEEKLY_DEMAND = ForecastTask(
    entity="sku",
    time="week",
    target="units",
    horizon=8,
    known=("unit_price",),
    censored="censored",
    price="unit_price",
    peers=("category",),
    damped="plausible_units",
)
BASELINES = ("demand_seasonal_naive", "demand_moving_average", "demand_smoothing")

MIN_SCORED_WEEKS = 12


@contest(
    features="demand_features",
    task=WEEKLY_DEMAND,
    baselines=BASELINES,
    owner="planning@example.com",
    min_scored_periods=MIN_SCORED_WEEKS,
)
def demand_champion(losses: Frame, incumbent: str | None) -> str:
    """The model that forecasts demand, by its mean RMSSE on the same past weeks; the weighted mean where none stands.

    A challenger must be better beyond noise, and by over 1 %; a champion that is rather worse than a plain model goes.
    None comes into service whose totals were off to one side. With fewer than twelve weeks scored a plain model stands.
    """
    return choose_champion(losses, incumbent, preferred="demand_combination")
