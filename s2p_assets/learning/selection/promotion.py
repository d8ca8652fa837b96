"""Which version is in service: every newest version against the incumbent champion, on the same data and folds.

Whether one is better is settled in `champion.py`; what is decided here is kept by `registry/`.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from s2p_assets.contracts.model import ClassificationTask, Contest
from s2p_assets.learning.learned_targets import StoredHistory
from s2p_assets.learning.selection.champion import beaten_by_baseline, mean_losses, unproved, worse_than_baseline
from s2p_assets.learning.selection.paired_test import PairedTest, paired_test
from s2p_assets.learning.selection.pin import Pin
from s2p_assets.learning.selection.soundness import (
    bias_fault,
    has_no_loss,
    loss_fault,
    too_few_to_tell,
    withdrawal_fault,
)
from s2p_assets.learning.versions import Champion, ModelVersion, Rival

Renewal = Callable[[ModelVersion, ModelVersion | None], ModelVersion | None]
PAIRED_TEST = "the test"
NO_LOSS = "left out, as it made no error at all, so that it knew the answers or was asked nothing"


@dataclass(frozen=True)
class Promotion:
    """The result of a contest.

    `champion`: who is in service now. `challenger`: the best of the others. `change`: `first`, `stays`, `renewed`
    (the same fingerprint on newer data), `promoted`, `demoted` (the one before lost to a baseline, or may not serve any
    more) or `pinned`.
    `too_few`: the sentence that says that too few periods were scored to choose by; None where they suffice.
    `baseline_warning`: the sentence that names to whom it loses, if it does; None also when that could not be compared.
    `losses`: mean loss by model of those compared. `excluded`: the others, and why. `by`: who decided.
    """

    champion: Champion
    challenger: ModelVersion | None
    change: str
    against: PairedTest | None
    baseline_warning: str | None
    losses: dict[str, float]
    excluded: dict[str, str]
    by: str = PAIRED_TEST
    too_few: str | None = None


class NoneMayServe(ValueError):
    """No version of a contest may be in service; one line with what is wrong with each."""


def promote(
    contest: Contest,
    newest: Mapping[str, ModelVersion],
    incumbent: ModelVersion | None = None,
    *,
    pin: Pin | None = None,
    pinned: ModelVersion | None = None,
    renewed: Renewal | None = None,
    stored: StoredHistory | None = None,
) -> Promotion:
    """The champion of `contest` among the `newest` versions by model name, and the `incumbent` one.

    Compared are only versions with the same data and folds: the largest such group, the newest if two are as
    large. The incumbent champion that was trained on other data gives its place to the newest version of the same
    fingerprint; if there is none, `renewed` (given the champion and a rival) trains and backtests it anew with its own
    parameters on the rival's data, or without a rival on what is stored; where that cannot be had, it stays. The judge
    is the contest's `build`; whoever it names gives way when it loses to a baseline. Where too few periods were
    scored, a baseline stands. A `pin` overrules all that: `pinned` is then the champion.

    No version may serve whose loss is not a number or is none, or that learned from rows which are not among those
    `stored` now: it is left out, whoever set it, and an incumbent one goes.
    Raises ValueError when there is no version, or the judge names none of those compared; NoneMayServe.
    """
    if not newest:
        raise ValueError("no model has been trained; train one first")
    sound, unfit = _sound(contest, newest, stored)
    field, excluded = _comparable(sound) if sound else ({}, {})
    excluded |= unfit
    leaving = _unfit(contest, incumbent, field, stored) if incumbent else None
    entrant, renewal = _entrant(field, incumbent, renewed)
    if entrant is not None and _unfit(contest, entrant, field, stored):
        entrant = None
    if pinned is not None and (fault := _unfit(contest, pinned, field, stored)):
        excluded[f"{pinned.name}, version {pinned.version}, which a person set"] = fault
        pinned = _renewed_soundly(contest, pinned, field, stored, renewed)
    if not field and entrant is None and (incumbent is None or leaving):
        raise NoneMayServe(_with_reasons(f"{contest.full_name}: no model may be in service", excluded))
    if entrant is None and incumbent is not None and pinned is None and not leaving:
        return _unchanged(contest, incumbent, field, excluded, renewal)
    label, compared = _compared(field, entrant)
    losses = pd.concat([made.losses.assign(model=name) for name, made in compared.items()], ignore_index=True)
    too_few = too_few_to_tell(contest, compared.values())
    if pin is not None and pinned is not None:
        decision = _pinned(pin, pinned, compared)
    else:
        decision = _judged(contest, losses, label, compared, too_few)
        if decision.change == "stays" and incumbent and decision.made.version != incumbent.version:
            decision = replace(decision, why=f"{decision.why}; {renewal}", change="renewed")
        elif leaving and incumbent and label is None:
            why = f"{decision.name} replaces {incumbent.name}, which was {leaving}"
            decision = replace(decision, why=f"{why}; {too_few}" if too_few else why, change="demoted")
    name, means = decision.name, mean_losses(losses)
    rival = _lowest(means.drop(name) if name else means)
    why = _with_reasons(decision.why + _of_weights(decision.made), excluded)
    rivals = {
        name: Rival(made.version, partial(_as_made, made), partial(getattr, made, "backtest"))
        for name, made in compared.items()
        if made.version != decision.made.version
    }
    scores = _scores_of(compared)
    champion = Champion(contest.domain, contest.name, decision.made, why, scores, too_few=too_few, rivals=rivals)
    return Promotion(
        champion=champion,
        challenger=compared[rival] if rival else None,
        change=decision.change,
        against=_tested(losses, label, name, rival),
        baseline_warning=worse_than_baseline(losses, name, contest.baselines) if name else None,
        losses={str(model): float(mean) for model, mean in means.items()},
        excluded=excluded,
        by=decision.by,
        too_few=too_few,
    )


def _sound(
    contest: Contest, newest: Mapping[str, ModelVersion], stored: StoredHistory | None
) -> tuple[dict[str, ModelVersion], dict[str, str]]:
    """The versions that may serve, and what is wrong with the others, by model."""
    faults = {name: loss_fault(made) or _withdrawal(contest, made, stored) for name, made in newest.items()}
    sound = {name: made for name, made in newest.items() if not faults[name]}
    if any(not has_no_loss(made) for made in sound.values()):
        faults |= {name: NO_LOSS for name, made in sound.items() if has_no_loss(made)}
    return {name: made for name, made in sound.items() if not faults[name]}, {
        name: fault for name, fault in faults.items() if fault
    }


def _unfit(
    contest: Contest, made: ModelVersion, field: Mapping[str, ModelVersion], stored: StoredHistory | None
) -> str | None:
    """What is wrong with a version that is not among the newest; no error at all is, where others made some."""
    fault = loss_fault(made) or _withdrawal(contest, made, stored)
    if fault is None and has_no_loss(made) and any(not has_no_loss(rival) for rival in field.values()):
        return NO_LOSS
    return fault


def _renewed_soundly(
    contest: Contest,
    old: ModelVersion,
    field: Mapping[str, ModelVersion],
    stored: StoredHistory | None,
    renewed: Renewal | None,
) -> ModelVersion | None:
    """The version trained anew on the data as it is, if that can be had and may serve."""
    again = renewed(old, next(iter(field.values()), None)) if renewed else None
    return again if again is not None and _unfit(contest, again, field, stored) is None else None


def _withdrawal(contest: Contest, made: ModelVersion, stored: StoredHistory | None) -> str | None:
    return withdrawal_fault(made, stored, contest.max_withdrawn_share)


@dataclass(frozen=True)
class _Decision:
    """The version that is champion now, `name` among those compared (None: it was not), why, and what changed."""

    name: str | None
    made: ModelVersion
    why: str
    change: str
    by: str = PAIRED_TEST


def _compared(
    field: Mapping[str, ModelVersion], entrant: ModelVersion | None
) -> tuple[str | None, dict[str, ModelVersion]]:
    """The name of the champion's entrant among those compared, and all of them by name, each version once."""
    if entrant is None:
        return None, dict(field)
    label = _label(entrant, field)
    others = {name: made for name, made in field.items() if made.version != entrant.version}
    return label, others | {label: entrant}


def _pinned(pin: Pin, pinned: ModelVersion, compared: Mapping[str, ModelVersion]) -> _Decision:
    name = next((name for name, made in compared.items() if made.version == pinned.version), None)
    return _Decision(name, pinned, pin.description, "pinned", pin.by)


def _judged(
    contest: Contest,
    losses: pd.DataFrame,
    incumbent: str | None,
    compared: Mapping[str, ModelVersion],
    too_few: str | None,
) -> _Decision:
    """What the contest's judge decides, unless whom it names loses to a baseline, or too little was scored to judge."""
    if too_few and (plain := _plain(contest, losses, incumbent, compared)):
        change = "first" if incumbent is None else "stays" if plain == incumbent else "demoted"
        return _Decision(plain, compared[plain], f"{too_few}; until then the plain model {plain} stands", change)
    fair = _without_biased(losses, incumbent, compared)
    name = contest.build(fair, incumbent)
    if name not in compared:
        raise ValueError(f"{contest.full_name}: named {name!r} champion, but compared were {', '.join(compared)}")
    means = mean_losses(fair)
    if isinstance(contest.task, ClassificationTask) and (found := unproved(fair, name, incumbent, contest.baselines)):
        plain, why = found
        change = "first" if incumbent is None else "stays" if plain == incumbent else "demoted"
        return _Decision(plain, compared[plain], why, change)
    best = str(means.idxmin())
    beaten = beaten_by_baseline(fair, name, contest.baselines)
    if beaten and name == incumbent:
        return _Decision(best, compared[best], f"{best} replaces {incumbent}, as {beaten}", "demoted")
    chosen = best if beaten else name
    left = "".join(f"; {other} {bias_fault(compared[other])}" for other in compared if other not in means.index)
    if incumbent is None:
        lowest = "the lowest" if chosen == best else f"within noise of the lowest, {means[best]:.3f} of {best},"
        why = f"{chosen}: loss {means[chosen]:.3f}, {lowest} of {len(means)}; there was no champion before{left}"
        return _Decision(chosen, compared[chosen], why, "first")
    if chosen != incumbent:
        why = f"{chosen} replaces {incumbent}: {_figures(losses, means, incumbent, chosen)}{left}"
        return _Decision(chosen, compared[chosen], why, "promoted")
    rival = _lowest(means.drop(incumbent))
    why = _figures(losses, means, incumbent, rival) if rival else f"loss {means[incumbent]:.3f}, the only one compared"
    return _Decision(incumbent, compared[incumbent], f"{incumbent} stays: {why}", "stays")


def _without_biased(losses: pd.DataFrame, incumbent: str | None, compared: Mapping[str, ModelVersion]) -> pd.DataFrame:
    """The losses of those that may come into service: a biased one may stay, but not come, unless all are biased."""
    biased = [name for name, made in compared.items() if name != incumbent and bias_fault(made)]
    left = losses[~losses["model"].isin(biased)]
    return left if len(left) and len(biased) < len(compared) else losses


def _plain(
    contest: Contest, losses: pd.DataFrame, incumbent: str | None, compared: Mapping[str, ModelVersion]
) -> str | None:
    """The baseline that stands where nothing can be said: the incumbent one, else that of the lowest loss."""
    if incumbent and compared[incumbent].name in contest.baselines:
        return incumbent
    means = mean_losses(losses)
    return _lowest(means[[name for name in means.index if name in contest.baselines]])


def _lowest(means: "pd.Series[float]") -> str | None:
    return str(means.idxmin()) if len(means) else None


def _tested(losses: pd.DataFrame, label: str | None, name: str | None, rival: str | None) -> PairedTest | None:
    """The champion `name` against the one before (`label`), or where it stays, its best rival against it."""
    if label and label != name:
        return paired_test(losses, label, name) if name else None
    return paired_test(losses, name, rival) if name and rival else None


def _figures(losses: pd.DataFrame, means: "pd.Series[float]", incumbent: str, rival: str) -> str:
    test = paired_test(losses, incumbent, rival)
    return f"{rival} has loss {means[rival]:.3f} against {means[incumbent]:.3f}, {test.description}"


def _as_made(made: ModelVersion) -> ModelVersion:
    return made


def _scores_of(known: Mapping[str, ModelVersion]) -> pd.DataFrame:
    return pd.concat([made.scores.assign(model=name) for name, made in known.items()], ignore_index=True)


def _unchanged(
    contest: Contest, incumbent: ModelVersion, field: Mapping[str, ModelVersion], excluded: dict[str, str], why: str
) -> Promotion:
    means = {name: made.loss for name, made in field.items()}
    why = _with_reasons(f"{incumbent.name} stays: {why}", excluded)
    champion = Champion(contest.domain, contest.name, incumbent, why, incumbent.scores)
    return Promotion(champion, None, "stays", None, None, means, excluded)


def _of_weights(made: ModelVersion) -> str:
    """How a mean of several forecasters weighs them, where it learned that; else nothing."""
    said = getattr(made.learner, "description", "")
    return f"; {said}" if isinstance(said, str) and said else ""


def _with_reasons(why: str, excluded: Mapping[str, str]) -> str:
    reasons: dict[str, list[str]] = {}
    for name, reason in excluded.items():
        reasons.setdefault(reason, []).append(name)
    return why + "".join(f"; {reason}: {', '.join(names)}" for reason, names in reasons.items())


def _label(entrant: ModelVersion, field: Mapping[str, ModelVersion]) -> str:
    """The entrant's name among those compared; with its version where a newer one of its model is among them."""
    newer = field.get(entrant.name)
    same = newer is None or newer.version == entrant.version
    return entrant.name if same else f"{entrant.name}@{entrant.version}"


def _entrant(
    field: Mapping[str, ModelVersion], incumbent: ModelVersion | None, renewed: Renewal | None
) -> tuple[ModelVersion | None, str]:
    """The incumbent champion as it can be compared with the field, and what was done to it for that."""
    if incumbent is None:
        return None, ""
    some = next(iter(field.values()), None)
    if some is None:
        again = renewed(incumbent, None) if renewed else None
        return again, "trained again on the data as it is, with its own parameters"
    newer = field.get(incumbent.name)
    if _basis(incumbent) == _basis(some):
        return incumbent, ""
    if newer is not None and newer.fingerprint == incumbent.fingerprint:
        return newer, "trained again on newer data, by the same fingerprint"
    if newer is not None and newer.parameters == incumbent.parameters:
        return newer, "trained again on newer data; with the code as it is now, for its own is no more"
    again = renewed(incumbent, some) if renewed else None
    if again is None or _basis(again) != _basis(some):
        return None, "it was measured on other data and cannot be measured on theirs now"
    return again, "trained again on newer data, with its own parameters"


def _basis(made: ModelVersion) -> tuple[Any, ...]:
    return (made.learned_from.tobytes(), made.cutoffs)


def _comparable(versions: Mapping[str, ModelVersion]) -> tuple[dict[str, ModelVersion], dict[str, str]]:
    groups: dict[tuple[Any, ...], dict[str, ModelVersion]] = {}
    for name, version in sorted(versions.items()):
        groups.setdefault(_basis(version), {})[name] = version
    compared = max(groups.values(), key=lambda group: (len(group), _newest(group)))
    return compared, {name: "not compared, as trained on other data" for name in versions if name not in compared}


def _newest(group: Mapping[str, ModelVersion]) -> dt.datetime:
    times: Sequence[dt.datetime] = [made.trained_at for made in group.values()]
    return max(times)
