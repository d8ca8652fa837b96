"""Which version is in service: every newest version against the standing champion, on the same data and folds.

Whether one is better is settled in `champion.py`; what is decided here is kept by `registry/`.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.learning.beyond_noise import Comparison, compare
from s2p_assets.learning.champion import losing_to_the_floor, mean_losses
from s2p_assets.learning.model import Contest
from s2p_assets.learning.versions import Champion, ModelVersion

Renewal = Callable[[ModelVersion, ModelVersion], ModelVersion | None]
TEST = "the test"


@dataclass(frozen=True)
class Pin:
    """A person's word on who is champion. Until it is released, no test changes it.

    `model`: the newest version of it, unless `version` names one. `at`: ISO time. `by`, `because`: who and why.
    """

    model: str
    version: str | None
    by: str
    because: str
    at: str

    @property
    def says(self) -> str:
        which = f"{self.model}, version {self.version}" if self.version else self.model
        return f"{self.by} set {which} on {self.at[:16].replace('T', ' ')}: {self.because}"


@dataclass(frozen=True)
class Crowning:
    """What came of a contest.

    `champion`: who is in service now. `challenger`: the best of the others. `change`: `first`, `stays`, `renewed`
    (the same recipe on newer data), `promoted`, `demoted` (the one before lost to the floor) or `pinned`.
    `floor`: the sentence that says to whom it loses, if it does; None also when that could not be compared.
    `losses`: mean loss by model of those compared. `left_out`: the others, and why. `by`: who decided.
    """

    champion: Champion
    challenger: ModelVersion | None
    change: str
    against: Comparison | None
    floor: str | None
    losses: dict[str, float]
    left_out: dict[str, str]
    by: str = TEST


def crown(
    contest: Contest,
    newest: Mapping[str, ModelVersion],
    standing: ModelVersion | None = None,
    *,
    pin: Pin | None = None,
    pinned: ModelVersion | None = None,
    renewed: Renewal | None = None,
) -> Crowning:
    """The champion of `contest` among the `newest` versions by model name, and the `standing` one.

    Compared are only versions with the same data and folds: the largest such group, the newest if two are as
    large. A standing champion that was trained on other data gives its place to the newest version of the same
    recipe; if there is none, `renewed` (given the champion and a rival) trains and backtests it anew with its own
    parameters on the rival's data; where that cannot be had, it stays. The judge is the contest's `build`; whoever
    it names gives way when it loses to the floor. A `pin` overrules both: `pinned` is then the champion.
    Raises ValueError when there is no version, or the judge names none of those compared.
    """
    field, left_out = _comparable(newest)
    incumbent, fate = _incumbent(field, standing, renewed)
    if incumbent is None and standing is not None and pinned is None:
        return _unchanged(contest, standing, field, left_out, fate)
    label = _label(incumbent, field) if incumbent else None
    known = {name: made for name, made in field.items() if not incumbent or made.version != incumbent.version}
    known |= {label: incumbent} if label and incumbent else {}
    losses = pd.concat([made.losses.assign(model=name) for name, made in known.items()], ignore_index=True)
    if pin is not None and pinned is not None:
        name = next((name for name, made in known.items() if made.version == pinned.version), None)
        made, why, change = pinned, pin.says, "pinned"
    else:
        name, why, change = _judged(contest, losses, label, known)
        made = known[name]
        if change == "stays" and standing and made.version != standing.version:
            why, change = f"{why}; {fate}", "renewed"
    means = mean_losses(losses)
    rivals = means.drop(name) if name else means
    rival, basis = str(rivals.idxmin()) if len(rivals) else None, label if label and label != name else name
    tested = rival if basis == name else name
    return Crowning(
        champion=Champion(contest.domain, contest.thing, made, _with(why, left_out), _scores(known)),
        challenger=known[rival] if rival else None,
        change=change,
        against=compare(losses, basis, tested) if basis and tested else None,
        floor=losing_to_the_floor(losses, name, contest.floor) if name else None,
        losses={str(model): float(mean) for model, mean in means.items()},
        left_out=left_out,
        by=pin.by if pin and change == "pinned" else TEST,
    )


def _judged(
    contest: Contest, losses: pd.DataFrame, standing: str | None, known: Mapping[str, ModelVersion]
) -> tuple[str, str, str]:
    """The champion's label, why, and what that is to the one before."""
    name = contest.build(losses, standing)
    if name not in known:
        raise ValueError(f"{contest.name}: named {name!r} champion, but compared were {', '.join(known)}")
    means = mean_losses(losses)
    best = str(means.idxmin())
    beaten = losing_to_the_floor(losses, name, contest.floor)
    if beaten and name == standing:
        return best, f"{best} replaces {standing}, as {beaten}", "demoted"
    chosen = best if beaten else name
    if standing is None:
        why = f"{chosen}: loss {means[chosen]:.3f}, the lowest of {len(means)}; there was no champion before"
        return chosen, why, "first"
    if chosen != standing:
        return chosen, f"{chosen} replaces {standing}: {_figures(losses, means, standing, chosen)}", "promoted"
    if len(means) == 1:
        return standing, f"{standing} stays: loss {means[standing]:.3f}, the only one compared", "stays"
    rival = str(means.drop(standing).idxmin())
    return standing, f"{standing} stays: {_figures(losses, means, standing, rival)}", "stays"


def _figures(losses: pd.DataFrame, means: "pd.Series[float]", standing: str, rival: str) -> str:
    test = compare(losses, standing, rival)
    return f"{rival} has loss {means[rival]:.3f} against {means[standing]:.3f}, {test.says}"


def _scores(known: Mapping[str, ModelVersion]) -> pd.DataFrame:
    return pd.concat([made.scores.assign(model=name) for name, made in known.items()], ignore_index=True)


def _unchanged(
    contest: Contest, standing: ModelVersion, field: Mapping[str, ModelVersion], left_out: dict[str, str], fate: str
) -> Crowning:
    means = {name: made.loss for name, made in field.items()}
    why = _with(f"{standing.thing} stays: {fate}", left_out)
    champion = Champion(contest.domain, contest.thing, standing, why, standing.scores)
    return Crowning(champion, None, "stays", None, None, means, left_out)


def _with(why: str, left_out: Mapping[str, str]) -> str:
    reasons: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        reasons.setdefault(reason, []).append(name)
    return why + "".join(f"; {reason}: {', '.join(names)}" for reason, names in reasons.items())


def _label(incumbent: ModelVersion, field: Mapping[str, ModelVersion]) -> str:
    """The incumbent's name among those compared; with its version where its model stands there anew."""
    newer = field.get(incumbent.thing)
    same = newer is None or newer.version == incumbent.version
    return incumbent.thing if same else f"{incumbent.thing}@{incumbent.version}"


def _incumbent(
    field: Mapping[str, ModelVersion], standing: ModelVersion | None, renewed: Renewal | None
) -> tuple[ModelVersion | None, str]:
    """The standing champion as it can be compared with the field, and what was done to it for that."""
    if standing is None:
        return None, ""
    some = next(iter(field.values()))
    newer = field.get(standing.thing)
    if _basis(standing) == _basis(some):
        return standing, ""
    if newer is not None and newer.recipe == standing.recipe:
        return newer, "trained again on newer data, by the same recipe"
    if newer is not None and newer.parameters == standing.parameters:
        return (
            newer,
            "trained again on newer data; with the code as it is now, for its own is no more",
        )
    again = renewed(standing, some) if renewed else None
    if again is None or _basis(again) != _basis(some):
        return None, "it was measured on other data and cannot be measured on theirs now"
    return again, "trained again on newer data, with its own parameters"


def _basis(made: ModelVersion) -> tuple[Any, ...]:
    return (made.learned_from.tobytes(), made.cutoffs)


def _comparable(versions: Mapping[str, ModelVersion]) -> tuple[dict[str, ModelVersion], dict[str, str]]:
    if not versions:
        raise ValueError("no model has been trained; train one first")
    groups: dict[tuple[Any, ...], dict[str, ModelVersion]] = {}
    for name, version in sorted(versions.items()):
        groups.setdefault(_basis(version), {})[name] = version
    compared = max(groups.values(), key=lambda group: (len(group), _newest(group)))
    return compared, {name: "not compared, as trained on other data" for name in versions if name not in compared}


def _newest(group: Mapping[str, ModelVersion]) -> dt.datetime:
    times: Sequence[dt.datetime] = [made.trained_at for made in group.values()]
    return max(times)
