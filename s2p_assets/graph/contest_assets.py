"""Contests: which version is in service, shown as checks, and open to a person's word.

The comparison is done in `learning/`; putting the outcome in service is the model IO manager's.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from s2p_assets.graph.automation import when_its_sources_changed
from s2p_assets.graph.house import House
from s2p_assets.graph.keys import asset_key
from s2p_assets.graph.made_assets import asset_options
from s2p_assets.graph.metadata import markdown_table
from s2p_assets.learning.change import fingerprint
from s2p_assets.learning.crowning import Crowning, Pin, Renewal, crown
from s2p_assets.learning.forecasting.series import told
from s2p_assets.learning.kinds import kind_of
from s2p_assets.learning.model import Contest
from s2p_assets.learning.plain_files import ModelDamaged
from s2p_assets.learning.registry.model_registry import NoSuchModel, Registry, named
from s2p_assets.learning.registry.tables import Record, Standing
from s2p_assets.learning.training import renew
from s2p_assets.learning.versions import ModelVersion
from s2p_assets.warehouse import store
from s2p_assets.warehouse.warehouse import Warehouse

HOLDS, FLOOR, LEAKS = "champion_holds", "beats_the_floor", "nothing_leaks"


class Overrule(dg.Config):
    """A person's word on who is champion; without one, the contest is decided by its test."""

    champion: str = Field("", description="MODEL or MODEL@VERSION: the champion from now on, until released")
    back: bool = Field(False, description="back to the version that was in service before, until released")
    release: bool = Field(False, description="let the test decide again")
    by: str = Field("somebody in the Dagster UI", description="who says so")
    because: str = Field("no reason was given", description="why")


def contest_asset(house: House, declared: Contest) -> dg.AssetsDefinition:
    """The asset of a contest: the champion, and why it is."""
    key = asset_key(declared)

    @dg.asset(
        **asset_options(house, declared) | {"ins": {}},
        deps=[*map(asset_key, house.inputs_of(declared).values())],
        kinds={"python", "mlflow"},
        io_manager_key="models",
        required_resource_keys={"registry", "warehouse"},
        automation_condition=when_its_sources_changed(),
        check_specs=[
            dg.AssetCheckSpec(HOLDS, asset=key, description="fails when another version took over; says which and why"),
            dg.AssetCheckSpec(FLOOR, asset=key, description="the champion is no worse than the plain models"),
            *_leak_specs(declared),
        ],
    )
    def champion(context: dg.AssetExecutionContext, config: Overrule) -> Iterator[Any]:
        registry: Registry = context.resources.registry
        at = dt.datetime.now(dt.UTC)
        overrule(registry, declared, config, at)
        before = registry.standing(declared.domain, declared.thing)
        renewed = _renewal(house, declared, registry, context.resources.warehouse, at, context.run.run_id)
        crowning = decide(registry, declared, before, renewed)
        yield from _checks(crowning, before)
        yield from _leak_checks(house, declared, context.resources.warehouse)
        made = crowning.champion
        yield dg.MaterializeResult(
            value=crowning,
            data_version=dg.DataVersion(_version(crowning, before)),
            metadata={
                "champion": made.model_name,
                "version": made.version,
                "challenger": crowning.challenger.thing if crowning.challenger else "none",
                "why": made.why,
                "decided by": crowning.by,
                "feature version": made.model.feature_version,
                "trained because": made.model.cause.says,
                "scores": markdown_table(made.scores.round(4)),
            },
        )

    return champion


def overrule(registry: Registry, declared: Contest, said: Overrule, at: dt.datetime) -> None:
    """Note or release a person's word.

    Raises NoSuchModel when there is no such version, or none before; ModelDamaged when it could not serve.
    """
    standing = registry.standing(declared.domain, declared.thing)
    when = at.isoformat(timespec="seconds")
    if said.champion:
        record = named(standing, declared.name, said.champion)
        registry.load(declared.domain, declared.thing, record)
        version = record.version if "@" in said.champion else None
        pin = Pin(record.model, version, said.by, said.because, when)
        registry.pin(declared.domain, declared.thing, pin)
    elif said.back:
        now = standing.reigns[-1].version if standing.reigns else None
        earlier = next((reign for reign in reversed(standing.reigns) if reign.version != now), None)
        if earlier is None:
            raise NoSuchModel(f"{declared.name}: no other version was ever in service; there is nothing to go back to")
        registry.load_newest(declared.domain, declared.thing, earlier.model, earlier.version)
        registry.pin(declared.domain, declared.thing, Pin(earlier.model, earlier.version, said.by, said.because, when))
    elif said.release:
        registry.pin(declared.domain, declared.thing, None)


def decide(registry: Registry, declared: Contest, standing: Standing, renewed: Renewal | None) -> Crowning:
    """Who is in service now. A damaged candidate is left out and named.

    Raises ModelDamaged when none is whole, or the one that a person set is not; NoSuchModel when none is trained.
    """
    left_out: dict[str, str] = {}

    def whole(record: Record) -> ModelVersion | None:
        try:
            return registry.load(declared.domain, declared.thing, record)
        except ModelDamaged as damage:
            left_out[record.model] = str(damage)
            return None

    candidates = {name: whole(record) for name, record in sorted((standing.newest or {}).items())}
    newest = {name: made for name, made in candidates.items() if made is not None}
    if not newest:
        raise (
            ModelDamaged("; ".join(left_out.values()))
            if left_out
            else NoSuchModel(f"{declared.name}: none of its models is trained yet; load data first")
        )
    before = whole(standing.champion) if standing.champion else None
    pin, pinned = standing.pin, None
    if pin is not None:
        which = f"{pin.model}@{pin.version}" if pin.version else pin.model
        pinned = registry.load(declared.domain, declared.thing, named(standing, declared.name, which))
    crowning = crown(declared, newest, before, pin=pin, pinned=pinned, renewed=renewed)
    crowning.left_out.update(left_out)
    return crowning


def _renewal(
    house: House, declared: Contest, registry: Registry, warehouse: Warehouse, at: dt.datetime, run_id: str
) -> Renewal:
    """Trains a champion anew on the features as its rivals saw them, and stores it; None if they have moved on."""

    def renewed(old: ModelVersion, rival: ModelVersion) -> ModelVersion | None:
        history = _history(house, declared, warehouse)
        if fingerprint(told(history, declared.problem)).tobytes() != rival.learned_from.tobytes():
            return None
        version = rival.feature_version
        made = renew(old, declared, history, feature_version=version, trained_at=at, run_id=run_id, cause=rival.cause)
        registry.save(made, newest=False)
        return made

    return renewed


def _version(crowning: Crowning, standing: Standing) -> str:
    """The champion's, and a digest of all that were compared with it: the scorecard tells of each that is new."""
    rivals = " ".join(sorted(record.version for record in (standing.newest or {}).values()))
    made = crowning.champion
    return f"{made.model_name}-{made.version}-{hashlib.sha256(rivals.encode()).hexdigest()[:8]}"


def _history(house: House, declared: Contest, warehouse: Warehouse) -> pd.DataFrame:
    features = house.features[f"{declared.domain}_{declared.features}"]
    with warehouse.connect() as connection:
        return store.read(connection, features.domain, features.thing, features.columns)


def _leak_specs(declared: Contest) -> list[dg.AssetCheckSpec]:
    """The check for leaks, of a contest in which something could leak."""
    if kind_of(declared.problem).suspects is None:
        return []
    says = "fails when a feature alone tells what is to be told"
    return [dg.AssetCheckSpec(LEAKS, asset=asset_key(declared), description=says)]


def _leak_checks(house: House, declared: Contest, warehouse: Warehouse) -> Iterator[dg.AssetCheckResult]:
    suspects = kind_of(declared.problem).suspects
    if suspects is None:
        return
    found = suspects(_history(house, declared, warehouse), declared.problem)
    said = {name: f"tells the outcome by itself in {auc:.1%} of pairs (AUC)" for name, auc in found.items()}
    yield dg.AssetCheckResult(
        check_name=LEAKS,
        passed=not found,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata=said or {"says": "no feature alone tells the outcome too well to be true"},
    )


def _checks(crowning: Crowning, before: Standing) -> Iterator[dg.AssetCheckResult]:
    champion, against = crowning.champion, crowning.against
    was = before.champion
    said: dict[str, Any] = {
        "champion": f"{champion.model_name}, version {champion.version}",
        "before": f"{was.model}, version {was.version}" if was else "none",
        "change": crowning.change,
        "why": champion.why,
        "decided by": crowning.by,
        "challenger": crowning.challenger.thing if crowning.challenger else "none",
        "mean loss": _losses(crowning),
    }
    if against:
        said |= {"gain of the challenger": against.gain, "p": against.chance, "folds": against.folds}
    said |= {f"left out: {name}": reason for name, reason in crowning.left_out.items()}
    replaced = was is not None and was.version != champion.version and crowning.change != "renewed"
    warn = dg.AssetCheckSeverity.WARN
    yield dg.AssetCheckResult(check_name=HOLDS, passed=not replaced, severity=warn, metadata=said)
    yield dg.AssetCheckResult(
        check_name=FLOOR,
        passed=crowning.floor is None,
        severity=warn,
        metadata={"says": crowning.floor or f"{champion.model_name} is no worse than the plain models on its folds"},
    )


def _losses(crowning: Crowning) -> dg.MetadataValue:
    ranked = sorted(crowning.losses.items(), key=lambda item: item[1])
    return markdown_table(pd.DataFrame(ranked, columns=["model", "mean loss"]))
