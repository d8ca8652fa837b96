"""The contest of the models of the top ten, and how its champion is chosen. The candidates have files of their own."""

from s2p_assets import ClassificationTask, ExclusiveOutcome, Frame, choose_champion, contest

TOP_TEN = ClassificationTask(
    entity="driver_id",
    time="race_day",
    target="top_ten",
    decided="decided_on",
    folds=4,
    every="YS",
    refused=("did_not_finish", "laps", "points", "status_id"),
    ignored=("race_id", "circuit_id", "constructor_id", "driver_name", "constructor_name", "season"),
)


NOT_CLASSIFIED = ExclusiveOutcome("failure_champion", most=10)


@contest(
    features="entry_features",
    task=TOP_TEN,
    baselines=("top_ten_grid",),
    owner="race-office@example.com",
    exclusive=NOT_CLASSIFIED,
)
def top_ten_champion(losses: Frame, incumbent: str | None) -> str:
    """The model of who comes in among the first ten: the lowest log loss on the last four seasons.

    Each season is predicted from what was known before it began. A challenger must be better beyond noise, and by over
    1 %; a champion worse than the plain rule goes at once. Ten cars of a race come in among the first ten, and none of
    them is one that is not classified: what the two champions predict is told as one distribution.
    """
    return choose_champion(losses, incumbent)
