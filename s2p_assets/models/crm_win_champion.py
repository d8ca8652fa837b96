"""The contest of the models of which deals will be won. The candidates have files of their own."""

from s2p_assets import ClassificationTask, Frame, choose_champion, contest

WON = ClassificationTask(
    entity="opportunity_id",
    time="as_of",
    target="won",
    decided="decided_on",
    folds=4,
    refused=("close_value", "close_date", "deal_stage"),
)


@contest(features="deal_features", task=WON, baselines=("win_base_rate",), owner="sales-operations@example.com")
def win_champion(losses: Frame, incumbent: str | None) -> str:
    """The model of how probably a deal is won: the lowest log loss on deals that ended later.

    A challenger must be better beyond noise, and by over 1 %; a champion worse than the base rate goes at once.
    """
    return choose_champion(losses, incumbent)
