"""The contest about cars that do not finish, and how its champion is chosen. The candidates have their own files."""

from s2p_assets import ClassificationTask, Frame, choose_champion, contest
from s2p_assets.features.f1_entry_features import IDENTIFIERS

DID_NOT_FINISH = ClassificationTask(
    entity="driver_id",
    time="race_day",
    target="did_not_finish",
    decided="decided_on",
    folds=4,
    every="YS",
    refused=("top_ten", "laps", "points", "status_id"),
    ignored=IDENTIFIERS,
)


@contest(features="entry_features", task=DID_NOT_FINISH, baselines=("failure_rate",), owner="race-office@example.com")
def failure_champion(losses: Frame, incumbent: str | None) -> str:
    """The model of which car does not finish: the lowest log loss on the last four seasons.

    Each season is predicted from what was known before it began. A challenger must be better beyond noise, and by over
    1 %; a champion worse than the plain rule goes at once.
    """
    return choose_champion(losses, incumbent)
