"""What the model in service of a contest was kept from learning, as it knows the outcome.

How that is found is in `learning/classification/leaks.py`; what is learned from instead is in the version's features.
"""

from s2p_assets.contracts.model import ClassificationTask, Contest
from s2p_assets.learning.registry.mlflow_tables import Record
from s2p_assets.learning.registry.model_registry import Registry

LET_IN = (
    "Mark what is known only afterwards in the contest's `refused`, or let a column in by `let_in`, with the reason; "
    "the models learn again by themselves."
)


def left_out(registry: Registry, contest: Contest, champion: Record | None) -> list[str]:
    """A sentence for each reason for which columns were left out; none of a forecast, nor where no model serves."""
    if champion is None or not isinstance(contest.task, ClassificationTask):
        return []
    reason = registry.reason(contest.domain, contest.name, champion)
    return reason.left_out_because if reason else []
