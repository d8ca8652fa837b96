"""The model registry: versions in MLflow's store in s2p's PostgreSQL, their files in the home, and who is champion.

    <folder>/<domain>_<contest>/<run id>/artifacts/    as of `version_files.py`

A contest is one registered model and one experiment; a version of any of its candidates is a version of it. Its
aliases are `champion`, `challenger`, and `newest-<model>` for the version of each model that was trained last. Who
stands in it is told without pandas; a version's content is loaded by `version_files.py`, where it is asked for.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from s2p_assets.contracts.errors import MendableError, meant_by
from s2p_assets.learning.registry.learner_files import ModelDamaged
from s2p_assets.learning.registry.manifest import read_manifest, verified_manifest
from s2p_assets.learning.registry.mlflow_tables import (
    CHALLENGER,
    CHAMPION,
    LAST_CONTEST,
    NEWEST,
    PIN,
    TENURE,
    ContestState,
    Record,
    Tenure,
    read_contest_state,
)
from s2p_assets.learning.registry.mlflow_writer import SCHEMA, MlflowWriter, errors_in_one_line, store_address
from s2p_assets.learning.training_reason import TrainingReason, TrainingRecord, reason_from_json

if TYPE_CHECKING:
    from s2p_assets.learning.learned_targets import StoredHistory
    from s2p_assets.learning.row_hashes import RowHashes
    from s2p_assets.learning.selection.pin import Pin
    from s2p_assets.learning.selection.promotion import Promotion
    from s2p_assets.learning.versions import Champion, ModelVersion, Rival

RECENT = dt.timedelta(weeks=4)
PACKAGES = ("s2p_assets.learning",)


class NoSuchModel(MendableError, LookupError):
    """Nothing of that name and version has been trained; one line with what to do."""


@dataclass(frozen=True)
class Registry:
    """The registry of one installation.

    `folder`: where files lie. `url`: the address of PostgreSQL, `connect` a connection to it; both may raise
    DatabaseUnreachable. `packages`: where the classes of stored models may lie.
    """

    folder: Path
    url: Callable[[], str]
    connect: Callable[[], AbstractContextManager[psycopg.Connection]]
    packages: tuple[str, ...] = PACKAGES

    def state(self, domain: str, contest: str) -> ContestState:
        """Who stands in a contest, without loading anything."""
        with self.connect() as conn:
            return read_contest_state(conn, f"{domain}_{contest}")

    def save(self, made: ModelVersion, *, newest: bool = True) -> Record:
        """Store a version, and make it the newest of its model. The same content again makes no new version.

        Its files are there before the version is; a process killed in between leaves nothing in service. A stored
        version whose files are damaged gets them anew. Raises RegistryUnreachable.
        """
        name = f"{made.domain}_{made.contest}"
        with self._locked(name) as (conn, writer):
            before = read_contest_state(conn, name)
            known = next((record for record in before.versions if record.version == made.version), None)
            if known is None:
                known = self._register(writer(), name, made)
            elif not self._is_whole(name, known):
                known = self._mend(writer(), known, made)
            current = before.find(made.name)
            if newest and (current is None or current.number != known.number):
                writer().set_alias(f"{NEWEST}{made.name}", known.number)
        return known

    def load(self, domain: str, contest: str, record: Record) -> ModelVersion:
        """A stored version. Raises ModelDamaged when a file of it is missing, changed or unreadable."""
        from s2p_assets.learning.registry.version_files import read_version

        return read_version(self._place(f"{domain}_{contest}", record), record.digest, self.packages)

    def manifest(self, domain: str, contest: str, record: Record) -> dict[str, Any]:
        """What a version's manifest says, its model not loaded. Raises ModelDamaged, as of `load`."""
        return verified_manifest(self._place(f"{domain}_{contest}", record), record.digest)

    def load_newest(self, domain: str, contest: str, model: str, version: str | None = None) -> ModelVersion:
        """The version of a model that was trained last, or the one named. Raises NoSuchModel and ModelDamaged."""
        record = self.state(domain, contest).find(model, version)
        if record is None:
            raise _no_such(f"{domain}_{model}", version)
        return self.load(domain, contest, record)

    def load_champion(self, domain: str, contest: str) -> Champion:
        """The version in service. Raises NoSuchModel and ModelDamaged."""
        state = self.state(domain, contest)
        if state.champion is None:
            last = (state.last or {}).get("why", "") if state.tenures else ""
            todo = last or "no champion yet; train its models first, with s2p run or s2p up"
            raise NoSuchModel(f"{domain}_{contest}: {todo}")
        why = state.tenures[-1].why if state.tenures else ""
        return self.as_champion(state, domain, contest, state.champion, why)

    def as_champion(self, state: ContestState, domain: str, contest: str, record: Record, why: str) -> Champion:
        """A version as champion, with the scores of all that were trained on the same features. Raises ModelDamaged."""
        import pandas as pd

        from s2p_assets.learning.registry.version_files import read_scores
        from s2p_assets.learning.versions import Champion

        made = self.load(domain, contest, record)
        rivals = {one.model: one for one in state.versions if one.feature_version == record.feature_version}
        folds, compared, tried = set(made.scores["cutoff"]), [made.scores], {}
        for name, rival in rivals.items():
            if name == record.model:
                continue
            with suppress(ModelDamaged):
                scores = read_scores(self._place(f"{domain}_{contest}", rival), rival.digest)
                if set(scores["cutoff"]) == folds:
                    compared.append(scores)
                    tried[name] = self._rival(domain, contest, rival)
        trainings = self.trainings(domain, contest, state)
        is_last = state.champion is not None and state.champion.version == record.version
        too_few = (state.last or {}).get("too_few") if is_last else None
        scores = pd.concat(compared, ignore_index=True)
        return Champion(domain, contest, made, why, scores, trainings, too_few, tried)

    def _rival(self, domain: str, contest: str, record: Record) -> Rival:
        from s2p_assets.learning.registry.version_files import read_backtest
        from s2p_assets.learning.versions import Rival

        place = self._place(f"{domain}_{contest}", record)
        load = partial(self.load, domain, contest, record)
        return Rival(record.version, load, partial(read_backtest, place, record.digest))

    def trainings(self, domain: str, contest: str, state: ContestState) -> tuple[TrainingRecord, ...]:
        """Every model's newest version, and all others trained within four weeks of the newest; the newest first."""
        last = {record.model: record for record in state.versions}.values()
        trained = {record: dt.datetime.fromisoformat(record.trained_at) for record in state.versions}
        recent = [record for record, at in trained.items() if record in last or at >= max(trained.values()) - RECENT]
        newest_first = sorted(recent, key=lambda record: (trained[record], record.number), reverse=True)
        return tuple(self._training(f"{domain}_{contest}", record) for record in newest_first)

    def _training(self, name: str, record: Record) -> TrainingRecord:
        """From the version's manifest; its other files, which may be large, are not looked at."""
        reason = None
        with suppress(ModelDamaged):
            reason = reason_from_json(read_manifest(self._place(name, record), record.digest)["reason"])
        trained_at = dt.datetime.fromisoformat(record.trained_at)
        return TrainingRecord(record.model, record.version, trained_at, record.feature_version, reason)

    def reason(self, domain: str, contest: str, record: Record) -> TrainingReason | None:
        """Why a version was trained; None when its files cannot be trusted."""
        try:
            return reason_from_json(
                verified_manifest(self._place(f"{domain}_{contest}", record), record.digest)["reason"]
            )
        except ModelDamaged:
            return None

    def learned_from(self, domain: str, contest: str, record: Record) -> RowHashes | None:
        """The fingerprint of what a version learned from; None when it cannot be read: then train it again."""
        from s2p_assets.learning.registry.version_files import read_learned_from

        try:
            return read_learned_from(self._place(f"{domain}_{contest}", record))
        except ModelDamaged:
            return None

    def count_withdrawn(self, domain: str, contest: str, record: Record, stored: StoredHistory) -> int:
        """How many rows that a version learned from were corrected or withdrawn since; 0 when that cannot be read."""
        from s2p_assets.learning.registry.version_files import read_learned_from, read_learned_targets

        place = self._place(f"{domain}_{contest}", record)
        try:
            return stored.count_withdrawn(read_learned_from(place), read_learned_targets(place))
        except ModelDamaged:
            return 0

    def put_in_service(self, promotion: Promotion, at: dt.datetime) -> ContestState:
        """Point `champion` and `challenger` at the result of a contest; the state after it.

        A new champion begins a new tenure; tenures are never deleted. What has not changed is not written.
        """
        champion = promotion.champion
        name = f"{champion.domain}_{champion.contest}"
        with self._locked(name) as (conn, writer):
            before = read_contest_state(conn, name)
            now = _named(before, champion.model)
            then = _named(before, promotion.challenger) if promotion.challenger else None
            if before.champion is None or before.champion.number != now.number:
                writer().set_alias(CHAMPION, now.number)
            if (before.challenger.number if before.challenger else None) != (then.number if then else None):
                writer().set_alias(CHALLENGER, then.number if then else None)
            if not before.tenures or before.tenures[-1].version != now.version or before.champion != now:
                number = len(before.tenures) + 1
                tenure = Tenure(number, now.model, now.version, _iso(at), promotion.by, champion.why, promotion.change)
                writer().tag_contest(f"{TENURE}{number:05d}", json.dumps(asdict(tenure)))
            summary = _contest_summary(promotion)
            if {**(before.last or {}), "at": None} != {**summary, "at": None}:
                writer().tag_contest(LAST_CONTEST, json.dumps({**summary, "at": _iso(at)}))
            return read_contest_state(conn, name)

    def remove_from_service(self, domain: str, contest: str, why: str, at: dt.datetime) -> None:
        """Leave a contest without a champion, as none may serve; its tenures stay, and the next contest names one."""
        name = f"{domain}_{contest}"
        with self._locked(name) as (conn, writer):
            if read_contest_state(conn, name).champion is not None:
                writer().set_alias(CHAMPION, None)
                none: dict[str, Any] = {"losses": {}, "against": None, "floor": None, "too_few": None}
                said = {"change": "none", "why": why, **none, "at": _iso(at)}
                writer().tag_contest(LAST_CONTEST, json.dumps(said))

    def pin(self, domain: str, contest: str, pin: Pin | None) -> None:
        """Note a person's decision on who is champion, or release it. The contest heeds it when it is made again."""
        name = f"{domain}_{contest}"
        with self._locked(name) as (conn, writer):
            if read_contest_state(conn, name).pin != pin:
                writer().tag_contest(PIN, json.dumps(asdict(pin)) if pin else None)

    def _register(self, writer: MlflowWriter, name: str, made: ModelVersion) -> Record:
        tags = _tags(made)
        run_id = writer.begin(made, tags)
        with self._written(made) as (folder, digest):
            writer.store_files(run_id, folder)
        tags["s2p.digest"] = digest
        return _record_of(
            made, writer.register(run_id, tags, f"{made.description}. {made.reason.description}"), run_id, digest
        )

    def _mend(self, writer: MlflowWriter, known: Record, made: ModelVersion) -> Record:
        with self._written(made) as (folder, digest):
            writer.store_files(known.run_id, folder)
        writer.tag_version(known.number, "s2p.digest", digest)
        return replace(known, digest=digest)

    @contextmanager
    def _written(self, made: ModelVersion) -> Iterator[tuple[Path, str]]:
        from s2p_assets.learning.registry.version_files import write_version

        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".") as place:
            folder = Path(place) / made.version
            yield folder, write_version(folder, made)

    def _place(self, name: str, record: Record) -> Path:
        return self.folder / name / record.run_id / "artifacts"

    def _is_whole(self, name: str, record: Record) -> bool:
        try:
            return bool(verified_manifest(self._place(name, record), record.digest))
        except ModelDamaged:
            return False

    @contextmanager
    def _locked(self, name: str) -> Iterator[tuple[psycopg.Connection, Callable[[], MlflowWriter]]]:
        """The only writer of a contest, over all processes; MLflow is loaded when it is first asked for."""
        opened: list[MlflowWriter] = []
        with self.connect() as conn, conn.transaction(), errors_in_one_line():
            conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"s2p.registry.{name}",))

            def writer() -> MlflowWriter:
                if not opened:
                    opened.append(MlflowWriter(self.address(), self.folder, name))
                return opened[0]

            yield conn, writer

    def address(self) -> str:
        """MLflow's store; its schema and tables are made when they are not there, by one process at a time."""
        with self.connect() as conn:
            conn.execute(f"create schema if not exists {SCHEMA}")
            row = conn.execute(f"select '{SCHEMA}'::regnamespace::oid").fetchone()
            address = store_address(self.url(), f"s2p-{row[0] if row else 0}")
            with conn.transaction():
                conn.execute("select pg_advisory_xact_lock(hashtextextended('s2p.registry', 0))")
                MlflowWriter(address, self.folder, "")
        return address


def find_record(state: ContestState, contest: str, name: str) -> Record:
    """The version that a person means by `MODEL` or `MODEL@VERSION`. Raises NoSuchModel naming those that exist."""
    model, _, version = name.partition("@")
    record = state.find(model, version or None) or state.find(model.partition("_")[2], version or None)
    if record is None:
        known = meant_by(model, state.newest or {})
        raise NoSuchModel(f"{name}: no such version in {contest}, see s2p champion {contest}; {known}")
    return record


def remove_unfinished_versions(root: Path) -> None:
    """Remove what killed processes left half written. Nobody may be saving there."""
    for unfinished in root.glob(".*"):
        shutil.rmtree(unfinished, ignore_errors=True)


def _tags(made: ModelVersion) -> dict[str, str]:
    """What the run and the version are tagged with; `registry_tables.Record` is made of it."""
    return {
        "s2p.model": made.name,
        "s2p.version": made.version,
        "s2p.fingerprint": made.fingerprint,
        "s2p.feature_version": made.feature_version,
        "s2p.data": made.data,
        "s2p.trained_at": made.trained_at.isoformat(),
        "s2p.loss": repr(made.loss),
        "s2p.why": made.reason.description,
        "code_version": made.code_version,
        "dagster_run_id": made.run_id,
        "folds": ", ".join(f"{cutoff:%Y-%m-%d}" for cutoff in made.cutoffs),
    }


def _record_of(made: ModelVersion, number: int, run_id: str, digest: str) -> Record:
    parts = {key.removeprefix("s2p."): value for key, value in _tags(made).items() if key.startswith("s2p.")}
    loss = float(parts.pop("loss"))
    return Record(number=number, run_id=run_id, digest=digest, loss=loss, **parts)


def _named(state: ContestState, made: ModelVersion) -> Record:
    for record in state.versions:
        if record.version == made.version:
            return record
    raise _no_such(f"{made.domain}_{made.name}", made.version)


def _no_such(name: str, version: str | None) -> NoSuchModel:
    return NoSuchModel(f"{name}: {f'version {version}' if version else 'no version'} is stored; train the model first")


def _contest_summary(promotion: Promotion) -> dict[str, Any]:
    return {
        "change": promotion.change,
        "why": promotion.champion.why,
        "losses": promotion.losses,
        "against": asdict(promotion.against) if promotion.against else None,
        "floor": promotion.baseline_warning,
        "too_few": promotion.too_few,
    }


def _iso(at: dt.datetime) -> str:
    return at.isoformat(timespec="seconds")
