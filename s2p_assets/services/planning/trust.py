"""How far to trust a probability, in sentences: what came of the cases that were told nearest to it.

Scores for those who know them are on the shelf of reports; nothing here is trained.
"""

from typing import TYPE_CHECKING

from s2p_assets.contracts.model import ClassificationTask, Contest
from s2p_assets.services.context import Context
from s2p_assets.services.model_queries import find_trained

if TYPE_CHECKING:
    from s2p_assets.learning.versions import Champion

NEAREST, FEWEST, NEAR = 100, 20, 0.15
WORTH = 0.01
OFF = 0.1
"""A share that lies this far from what was told is worth a warning."""


def how_far_to_trust(
    ctx: Context, contest: Contest, champion: "Champion[ClassificationTask]", probability: float
) -> list[str]:
    """Sentences, the most telling first: what came of past cases told so, and what the model is worth."""
    told = _nearest(champion, probability)
    return [*told, *_against_the_plain_rule(ctx, contest)]


def furthest_told(champion: "Champion[ClassificationTask]") -> tuple[float, float] | None:
    """The lowest and the highest probability that past cases were told; None where these are too few."""
    backtest = champion.model.backtest
    if len(backtest) < FEWEST:
        return None
    said = backtest["probability"].astype(float)
    return float(said.min()) - WORTH, float(said.max()) + WORTH


def _nearest(champion: "Champion[ClassificationTask]", probability: float) -> list[str]:
    backtest, told = champion.model.backtest, furthest_told(champion)
    if told is None:
        return [f"Only {len(backtest)} past cases were told in tests: too few to say how far to trust this."]
    said = backtest["probability"].astype(float)
    if not told[0] <= probability <= told[1]:
        way = "much" if probability > told[1] else "little"
        return [f"No past case was ever told this {way}: take it with caution."]
    by_distance = (said - probability).abs().sort_values(kind="stable")
    near = backtest.loc[by_distance[by_distance <= NEAR].index[:NEAREST]]
    if len(near) < FEWEST:
        return [f"Only {len(near)} past cases were told near this: too few to say how far to trust it."]
    low, high = (_percent(value) for value in (near["probability"].min(), near["probability"].max()))
    came = float((near["actual"] == 1).mean())
    span = low if low == high else f"{low} to {high}"
    sentences = [f"Of the {len(near)} past cases that were told nearest to this ({span}), {_percent(came)} came about."]
    if abs(came - probability) > OFF:
        nearer = "less" if came < probability else "more"
        sentences.append(f"So it comes about {nearer} often than it is told: reckon with about {_percent(came)}.")
    return sentences


def _against_the_plain_rule(ctx: Context, contest: Contest) -> list[str]:
    trained = find_trained(ctx, contest.full_name)
    state, record = trained.state, trained.record
    if state.last and state.last.get("too_few"):
        return [f"{str(state.last['too_few'])[:1].upper()}{str(state.last['too_few'])[1:]}."]
    if record.model in contest.baselines:
        return ["The plain rule serves: no model told past cases apart better than it."]
    newest = {one.model: one for one in state.versions}
    rules = [newest[name].loss for name in contest.baselines if name in newest]
    if not rules:
        return []
    gain = 1 - record.loss / min(rules)
    if gain < WORTH:
        return ["The model in service is hardly better than the plain rule at telling cases apart."]
    return [f"In tests on past cases the model in service erred {_percent(gain)} less than the plain rule."]


def _percent(share: float) -> str:
    return f"{float(share):.0%}".replace("%", "\u00a0%")
