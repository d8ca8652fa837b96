"""Dagster's own home: `dagster.yaml` in `S2P_HOME`, and Dagster's storage in s2p's PostgreSQL.

What the company's data looks like in that database is the warehouse's business.
"""

import datetime as dt
import functools
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import yaml
from dagster._serdes import ConfigurableClassData
from dagster_postgres.storage import DagsterPostgresStorage

from s2p_assets.contracts.errors import MendableError
from s2p_assets.settings import Settings, read_settings
from s2p_assets.warehouse.server.connection import connect, database_url

SCHEMA = "dagster"
WORKSPACE = "workspace.yaml"
STATEMENT_TIMEOUT_MS = 600_000


class ConfigurationUnusable(MendableError):
    """What an engineer changed in `dagster.yaml` is not understood."""


class SharedPostgresStorage(DagsterPostgresStorage):
    """dagster-postgres in the schema `dagster` of the database that s2p's settings name.

    The address is looked up when Dagster starts, so that `dagster.yaml` holds no password and the
    embedded PostgreSQL is running before Dagster asks for it.
    """

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(postgres_url, inst_data=inst_data)
        # It asks a table for its columns before nearly every read, a tenth of the time of a run; they do not change.
        log: Any = self._event_log_storage
        log.has_asset_key_col = functools.cache(log.has_asset_key_col)
        # It opens a connection for every statement, half of the work of servers at rest; this is its switch to a pool.
        for storage in (self._run_storage, log, self._schedule_storage):
            storage.optimize_for_webserver(STATEMENT_TIMEOUT_MS, pool_recycle=3600, max_overflow=20)

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "SharedPostgresStorage":
        return cls(postgres_url=dagster_url(database_url(read_settings())), inst_data=inst_data)


def dagster_url(url: str) -> str:
    """The SQLAlchemy address of Dagster's schema; creates the schema.

    `postgresql://` alone means psycopg 3 to newer SQLAlchemy, whose NOTIFY dagster-postgres cannot write.
    """
    with connect(url) as connection:
        connection.execute(f"create schema if not exists {SCHEMA}")
    _, _, rest = url.partition("://")
    joint = "&" if "?" in rest else "?"
    return f"postgresql+psycopg2://{rest}{joint}options={quote(f'-csearch_path={SCHEMA}')}"


def _configuration(settings: Settings) -> dict[str, Any]:
    home = settings.dagster_home
    return {
        "telemetry": {"enabled": False},
        "storage": {"custom": {"module": __name__, "class": SharedPostgresStorage.__name__, "config": {}}},
        "sensors": {"use_threads": True, "num_workers": 4},
        "schedules": {"use_threads": True, "num_workers": 2},
        "run_monitoring": {"enabled": True},
        "run_coordinator": {
            "module": "dagster.core.run_coordinator",
            "class": "QueuedRunCoordinator",
            "config": {"max_concurrent_runs": 2, "dequeue_interval_seconds": 1},
        },
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(home / "storage")},
        },
        "compute_logs": {
            "module": "dagster._core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": str(home / "logs")},
        },
        "nux": {"enabled": False},
    }


def prepare_home(settings: Settings) -> Path:
    """Write `dagster.yaml` and the workspace; Dagster's home. A file that an engineer changed is left as it is."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    module = {"module_name": "s2p_assets.definitions", "location_name": "s2p"}
    _write_once(home / "dagster.yaml", _configuration(settings))
    _name_this_module(home / "dagster.yaml")
    _write_once(home / WORKSPACE, {"load_from": [{"python_module": module}]})
    return home


def _write_once(file: Path, content: dict[str, Any]) -> None:
    if not file.exists():
        _write(file, yaml.safe_dump(content, sort_keys=False))


def _name_this_module(file: Path) -> None:
    """A home that an older s2p wrote names the module in which the storage lay then; nothing else is changed."""
    try:
        text = file.read_text(encoding="utf-8")
        named = {} if __name__ in text else yaml.safe_load(text)["storage"]["custom"]
        ours, module = named.get("class") == SharedPostgresStorage.__name__, str(named.get("module"))
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError):
        return  # what is wrong with it is said when Dagster reads it
    if ours and module.startswith(f"{__name__.partition('.')[0]}."):
        _write(file, text.replace(module, __name__))


def _write(file: Path, text: str) -> None:
    beside = file.with_suffix(f".{os.getpid()}.tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def environment(settings: Settings) -> dict[str, str]:
    """What a process needs in its environment to be part of this installation."""
    own = {"S2P_DATABASE_URL": settings.database_url} if settings.database_url else {}
    return own | {
        "DAGSTER_HOME": str(prepare_home(settings)),
        "S2P_HOME": str(settings.home),
        "S2P_SHARE": str(settings.share),
        "S2P_RESULTS": str(settings.results),
        "S2P_SHELVES": ",".join(settings.shelves),
        "S2P_LOCALE": settings.locale,
        "S2P_HOST": settings.host,
        "S2P_PORT": str(settings.port),
        "S2P_DATABASE_PORT": str(settings.database_port or ""),
        "S2P_PUBLIC_URL": settings.public_url or "",
        "S2P_OPEN": "1" if settings.open else "",
        "DAGSTER_EVENT_BATCH_SIZE": "50",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "600",
        "PYTHONDONTWRITEBYTECODE": "",
    }


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Dagster's instance of this installation. Raises DatabaseUnreachable and ConfigurationUnusable."""
    os.environ.update(environment(settings))
    home = prepare_home(settings)
    try:
        instance = dg.DagsterInstance.from_config(str(home))
    except (yaml.YAMLError, UnicodeDecodeError, dg.DagsterInvalidConfigError) as error:
        reason = str(error).partition(" Expected: ")[0]
        raise ConfigurationUnusable(
            f"{home / 'dagster.yaml'} is not usable ({reason}); correct it, or delete it to have it written anew"
        ) from error
    return instance


def version_of(instance: dg.DagsterInstance, key: dg.AssetKey) -> str | None:
    """The data version that an asset was last materialized with."""
    event = instance.get_latest_materialization_event(key)
    materialized = event.asset_materialization if event else None
    return (materialized.tags or {}).get("dagster/data_version") if materialized else None


def materialized_at(instance: dg.DagsterInstance, key: dg.AssetKey) -> dt.datetime | None:
    """When an asset was last materialized."""
    event = instance.get_latest_materialization_event(key)
    return dt.datetime.fromtimestamp(event.timestamp, dt.UTC) if event else None
