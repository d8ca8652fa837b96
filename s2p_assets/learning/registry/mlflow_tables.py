"""MLflow's tables, read by plain SQL: a contest's versions, aliases, tenures and pin.

Nothing is written here, and MLflow is not imported.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import psycopg

from s2p_assets.learning.selection.pin import Pin

VERSIONS_SQL = """
select v.version, v.run_id, coalesce(v.description, ''),
    coalesce(jsonb_object_agg(t.key, t.value) filter (where t.key is not null), '{}')
from mlflow.model_versions v left join mlflow.model_version_tags t on t.name = v.name and t.version = v.version
where v.name = %s and v.current_stage <> 'Deleted_Internal'
group by v.version, v.run_id, v.description order by v.version
"""
ALIASES_SQL = "select alias, version from mlflow.registered_model_aliases where name = %s"
TAGS_SQL = "select key, value from mlflow.registered_model_tags where name = %s"

CHAMPION, CHALLENGER, NEWEST = "champion", "challenger", "newest-"
TENURE = "s2p.tenure."
PIN = "s2p.pin"
LAST_CONTEST = "s2p.contest"


@dataclass(frozen=True)
class Record:
    """A stored version by its tags; `number` is MLflow's, `trained_at` ISO time, `digest` that of its manifest.

    `description`: what MLflow shows of it, which a person may have written over.
    """

    number: int
    run_id: str
    model: str
    version: str
    fingerprint: str
    feature_version: str
    data: str
    trained_at: str
    loss: float
    digest: str
    why: str
    description: str = field(default="", compare=False)

    @property
    def how_good(self) -> str | None:
        """How good it is, in the words of `ModelVersion.description`; None where a person wrote over them."""
        found = self.description.removesuffix(f". {self.why}")
        return found if found != self.description else None


@dataclass(frozen=True)
class Tenure:
    """A version's time in service, from `since` on; `change` as of `promotion.Promotion`."""

    number: int
    model: str
    version: str
    since: str
    by: str
    why: str
    change: str


@dataclass(frozen=True)
class ContestState:
    """The state of a contest: its versions and who is in service.

    `newest`: by model, the version trained last. `last`: of the last comparison.
    """

    versions: tuple[Record, ...] = ()
    champion: Record | None = None
    challenger: Record | None = None
    newest: dict[str, Record] | None = None
    pin: Pin | None = None
    tenures: tuple[Tenure, ...] = ()
    last: dict[str, Any] | None = None

    def find(self, model: str, version: str | None = None) -> Record | None:
        """The newest version of a model, or the one whose id begins so or whose MLflow number it is."""
        if version is None:
            return (self.newest or {}).get(model)
        mine = [record for record in self.versions if record.model == model]
        exact = [record for record in mine if version in (record.version, str(record.number))]
        begun = [record for record in mine if version and record.version.startswith(version)]
        found = exact or begun
        return found[-1] if found and len({record.version for record in found}) == 1 else None


def read_contest_state(conn: psycopg.Connection, name: str) -> ContestState:
    """The state of the contest of that registered model; empty before the first training."""
    try:
        versions = [_record(*row) for row in conn.execute(VERSIONS_SQL, (name,))]
        aliases: dict[str, int] = dict(conn.execute(ALIASES_SQL, (name,)).fetchall())
        tags: dict[str, str] = dict(conn.execute(TAGS_SQL, (name,)).fetchall())
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return ContestState()
    numbered = {record.number: record for record in versions if record is not None}
    newest = {
        alias.removeprefix(NEWEST): numbered[number]
        for alias, number in aliases.items()
        if alias.startswith(NEWEST) and number in numbered
    }
    return ContestState(
        versions=tuple(numbered.values()),
        champion=numbered.get(aliases.get(CHAMPION, 0)),
        challenger=numbered.get(aliases.get(CHALLENGER, 0)),
        newest=newest,
        pin=Pin(**json.loads(tags[PIN])) if PIN in tags else None,
        tenures=tuple(Tenure(**json.loads(tags[key])) for key in sorted(tags) if key.startswith(TENURE)),
        last=json.loads(tags[LAST_CONTEST]) if LAST_CONTEST in tags else None,
    )


def _record(number: int, run_id: str, description: str, tags: dict[str, str]) -> Record | None:
    """None for a version that somebody else registered by hand."""
    parts = {key.removeprefix("s2p."): value for key, value in tags.items() if key.startswith("s2p.")}
    try:
        return Record(number=number, run_id=run_id, description=description, loss=float(parts.pop("loss")), **parts)
    except (KeyError, TypeError, ValueError):
        return None
