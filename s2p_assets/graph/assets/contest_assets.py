"""Contests: which version is promoted and why, shown as checks, with a person's override.

The comparison is done in `learning/`; the promotion is stored by the model IO manager.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.model import Contest
from s2p_assets.graph.asset_keys import asset_key
from s2p_assets.graph.assets.derived_assets import asset_options
from s2p_assets.graph.assets.metadata import markdown_table
from s2p_assets.graph.automation import on_source_change
from s2p_assets.graph.running.instance import version_of
from s2p_assets.learning.learned_targets import StoredHistory
from s2p_assets.learning.registry.learner_files import ModelDamaged
from s2p_assets.learning.registry.mlflow_tables import ContestState, Record
from s2p_assets.learning.registry.model_registry import NoSuchModel, Registry, find_record
from s2p_assets.learning.row_hashes import count_new_rows
from s2p_assets.learning.selection.pin import Pin
from s2p_assets.learning.selection.promotion import NoneMayServe, Promotion, Renewal, promote
from s2p_assets.learning.task_methods import methods_of
from s2p_assets.learning.training import renew
from s2p_assets.learning.training_reason import TrainingReason
from s2p_assets.learning.versions import ModelVersion
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.warehouse import Warehouse

CHAMPION_STAYS, BEATS_BASELINES, NO_LEAKS = "champion_holds", "beats_the_baselines", "nothing_leaks"


class ChampionOverride(dg.Config):
    """A person's word on who is champion; without one, the contest is decided by its test."""

    champion: str = Field("", description="MODEL or MODEL@VERSION: the champion from now on, until released")
    back: bool = Field(False, description="back to the version that was in service before, until released")
    release: bool = Field(False, description="let the test decide again")
    by: str = Field("somebody in the Dagster UI", description="who says so")
    because: str = Field("no reason was given", description="why")


def contest_asset(catalog: Catalog, declared: Contest) -> dg.AssetsDefinition:
    """The asset of a contest: the champion, and why it is."""
    key = asset_key(declared)

    @dg.asset(
        **asset_options(catalog, declared) | {"ins": {}},
        deps=[*map(asset_key, catalog.inputs_of(declared).values())],
        kinds={"python", "mlflow"},
        io_manager_key="models",
        required_resource_keys={"registry", "warehouse"},
        automation_condition=on_source_change(),
        check_specs=[
            dg.AssetCheckSpec(
                CHAMPION_STAYS, asset=key, description="fails when another version took over; says which and why"
            ),
            dg.AssetCheckSpec(BEATS_BASELINES, asset=key, description="the champion is no worse than the plain models"),
            *_leak_specs(declared),
        ],
    )
    def champion(context: dg.AssetExecutionContext, config: ChampionOverride) -> Iterator[Any]:
        registry: Registry = context.resources.registry
        at = dt.datetime.now(dt.UTC)
        apply_override(registry, declared, config, at)
        before = registry.state(declared.domain, declared.name)
        warehouse: Warehouse = context.resources.warehouse
        features = asset_key(catalog.features[f"{declared.domain}_{declared.features}"])
        made_on = _MadeOn(version_of(context.instance, features) or "unknown", at, context.run.run_id)
        history = _history(catalog, declared, warehouse)
        stored = StoredHistory(history, declared.task)
        renewed = _renewal(declared, registry, stored, made_on)
        try:
            promotion = judge(registry, declared, before, renewed, stored)
        except NoneMayServe as reason:
            registry.remove_from_service(declared.domain, declared.name, str(reason), at)
            raise dg.Failure(f"{reason}; it comes back by itself when its models have learned again") from reason
        yield from _checks(promotion, before)
        yield from _leak_checks(declared, promotion)
        made = promotion.champion
        yield dg.MaterializeResult(
            value=promotion,
            data_version=dg.DataVersion(_version(promotion, before)),
            metadata={
                "champion": made.model_name,
                "version": made.version,
                "challenger": promotion.challenger.name if promotion.challenger else "none",
                "why": made.why,
                "loss": made.model.loss,
                "decided by": promotion.by,
                "feature version": made.model.feature_version,
                "trained because": made.model.reason.description,
                "scores": markdown_table(made.scores.round(4)),
            },
        )

    return champion


def apply_override(registry: Registry, declared: Contest, override: ChampionOverride, at: dt.datetime) -> None:
    """Note or release a person's word.

    Raises NoSuchModel when there is no such version, or none before; ModelDamaged when it could not serve.
    """
    state = registry.state(declared.domain, declared.name)
    when = at.isoformat(timespec="seconds")
    if override.champion:
        record = find_record(state, declared.full_name, override.champion)
        registry.load(declared.domain, declared.name, record)
        version = record.version if "@" in override.champion else None
        pin = Pin(record.model, version, override.by, override.because, when)
        registry.pin(declared.domain, declared.name, pin)
    elif override.back:
        now = state.tenures[-1].version if state.tenures else None
        earlier = next((tenure for tenure in reversed(state.tenures) if tenure.version != now), None)
        if earlier is None:
            raise NoSuchModel(
                f"{declared.full_name}: no other version was ever in service; there is nothing to go back to"
            )
        registry.load_newest(declared.domain, declared.name, earlier.model, earlier.version)
        registry.pin(
            declared.domain, declared.name, Pin(earlier.model, earlier.version, override.by, override.because, when)
        )
    elif override.release:
        registry.pin(declared.domain, declared.name, None)


def judge(
    registry: Registry,
    declared: Contest,
    state: ContestState,
    renewed: Renewal | None,
    stored: StoredHistory | None = None,
) -> Promotion:
    """Who is in service now. A damaged candidate is left out and named.

    `stored`: as of `promotion.promote`. Raises ModelDamaged when none is whole, or the one that a person set is not;
    NoSuchModel when none is trained; NoneMayServe.
    """
    excluded: dict[str, str] = {}

    def whole(record: Record) -> ModelVersion | None:
        try:
            return registry.load(declared.domain, declared.name, record)
        except ModelDamaged as damage:
            excluded[record.model] = str(damage)
            return None

    candidates = {name: whole(record) for name, record in sorted((state.newest or {}).items())}
    newest = {name: made for name, made in candidates.items() if made is not None}
    if not newest:
        raise (
            ModelDamaged("; ".join(excluded.values()))
            if excluded
            else NoSuchModel(f"{declared.full_name}: none of its models is trained yet; load data first")
        )
    before = whole(state.champion) if state.champion else None
    pin, pinned = state.pin, None
    if pin is not None:
        which = f"{pin.model}@{pin.version}" if pin.version else pin.model
        pinned = registry.load(declared.domain, declared.name, find_record(state, declared.full_name, which))
    promotion = promote(declared, newest, before, pin=pin, pinned=pinned, renewed=renewed, stored=stored)
    promotion.excluded.update(excluded)
    return promotion


@dataclass(frozen=True)
class _MadeOn:
    """The version of the features as they are stored now, and when and in which run the contest is made."""

    feature_version: str
    at: dt.datetime
    run_id: str


def _renewal(declared: Contest, registry: Registry, stored: StoredHistory, made_on: _MadeOn) -> Renewal:
    """Trains a champion anew on the features as its rivals saw them, and stores it; None if they have moved on.

    Without a rival, on the features as they are; None where these are too few.
    """

    def renewed(old: ModelVersion, rival: ModelVersion | None) -> ModelVersion | None:
        if rival is not None and stored.hashes.tobytes() != rival.learned_from.tobytes():
            return None
        version = rival.feature_version if rival else made_on.feature_version
        changed = count_new_rows(stored.hashes, old.learned_from)
        withdrawn = stored.count_withdrawn(old.learned_from, old.learned_targets)
        own = TrainingReason(
            old.version, {}, len(stored.hashes), changed, withdrawn=withdrawn, features=declared.features
        )
        reason = rival.reason if rival else own
        try:
            made = renew(
                *(old, declared, stored.frame),
                feature_version=version,
                trained_at=made_on.at,
                run_id=made_on.run_id,
                reason=reason,
            )
        except NotYet:
            return None
        registry.save(made, newest=False)
        return made

    return renewed


def _version(promotion: Promotion, state: ContestState) -> str:
    """The champion's, and a digest of all that were compared with it: the scorecard tells of each that is new."""
    rivals = " ".join(sorted(record.version for record in (state.newest or {}).values()))
    made = promotion.champion
    return f"{made.model_name}-{made.version}-{hashlib.sha256(rivals.encode()).hexdigest()[:8]}"


def _history(catalog: Catalog, declared: Contest, warehouse: Warehouse) -> pd.DataFrame:
    features = catalog.features[f"{declared.domain}_{declared.features}"]
    with warehouse.connect() as connection:
        return store.read_rows(connection, features.domain, features.name, features.columns)


def _leak_specs(declared: Contest) -> list[dg.AssetCheckSpec]:
    """The check for leaks, of a contest in which something could leak."""
    if methods_of(declared.task).admissible is None:
        return []
    description = "fails when columns were left out before training, as they know what is to be told"
    return [dg.AssetCheckSpec(NO_LEAKS, asset=asset_key(declared), description=description)]


def _leak_checks(declared: Contest, promotion: Promotion) -> Iterator[dg.AssetCheckResult]:
    """What was found before the champion was trained; nothing of it was learned from but what a person let in."""
    if methods_of(declared.task).admissible is None:
        return
    reason = promotion.champion.model.reason
    metadata = {f"left out: {name}": why for name, why in reason.left_out.items()}
    metadata |= {f"let in: {name}": why for name, why in reason.let_in.items()}
    yield dg.AssetCheckResult(
        check_name=NO_LEAKS,
        passed=not reason.left_out,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata or {"says": "no column knows the outcome before it is decided"},
    )


def _checks(promotion: Promotion, before: ContestState) -> Iterator[dg.AssetCheckResult]:
    champion, against = promotion.champion, promotion.against
    was = before.champion
    metadata: dict[str, Any] = {
        "champion": f"{champion.model_name}, version {champion.version}",
        "before": f"{was.model}, version {was.version}" if was else "none",
        "change": promotion.change,
        "why": champion.why,
        "decided by": promotion.by,
        "challenger": promotion.challenger.name if promotion.challenger else "none",
        "mean loss": _losses(promotion),
    }
    if promotion.too_few:
        metadata["too few to say"] = promotion.too_few
    if against:
        metadata |= {"gain of the challenger": against.gain, "p": against.p_value, "folds": against.folds}
    metadata |= {f"excluded: {name}": reason for name, reason in promotion.excluded.items()}
    replaced = was is not None and was.version != champion.version and promotion.change != "renewed"
    warn = dg.AssetCheckSeverity.WARN
    yield dg.AssetCheckResult(check_name=CHAMPION_STAYS, passed=not replaced, severity=warn, metadata=metadata)
    yield dg.AssetCheckResult(
        check_name=BEATS_BASELINES,
        passed=promotion.baseline_warning is None,
        severity=warn,
        metadata={
            "says": promotion.baseline_warning
            or f"{champion.model_name} is no worse than the plain models on its folds"
        },
    )


def _losses(promotion: Promotion) -> dg.MetadataValue:
    ranked = sorted(promotion.losses.items(), key=lambda item: item[1])
    return markdown_table(pd.DataFrame(ranked, columns=["model", "mean loss"]))
