"""Gradient boosting on what is known of a deal, its people and its product. The classifier itself is in `learning/`."""

from s2p_assets import classifiers, model

COLUMNS = (
    *("age_days", "days_to_quarter_end", "recent_win_rate", "sales_price"),
    *("agent_open", "agent_win_rate", "agent_recent_win_rate", "product_win_rate", "account_win_rate"),
)


@model(contest="win_champion", owner="sales-operations@example.com")
def win_boosting() -> classifiers.Boosting:
    """Trees, each on what those before it left open, on the same as the forest."""
    return classifiers.Boosting(columns=COLUMNS, trials=4)
