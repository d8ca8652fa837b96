"""A random forest on what is known of a deal, its people and its product. The classifier itself is in `learning/`."""

from s2p_assets import classifiers, model

COLUMNS = (
    *("age_days", "days_to_quarter_end", "recent_win_rate", "sales_price"),
    *("agent_open", "agent_win_rate", "agent_recent_win_rate", "product_win_rate", "account_win_rate"),
)


@model(contest="win_champion", owner="sales-operations@example.com")
def win_forest() -> classifiers.Forest:
    """The mean of many trees on the deal's age, the calendar and the past shares of its agent, product and account."""
    return classifiers.Forest(columns=COLUMNS, trees=60, trials=3)
