"""Dagster's instance of an installation, and its storage in s2p's PostgreSQL.

What is written in its home is in `dagster_home.py`; what the company's data looks like in that database is the
warehouse's business.
"""

import datetime as dt
import functools
import os
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import dagster as dg
import yaml
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from dagster_postgres.storage import DagsterPostgresStorage

from s2p_assets.contracts.errors import MendableError
from s2p_assets.graph.running.dagster_home import environment, prepare_home
from s2p_assets.settings import Settings, read_settings
from s2p_assets.warehouse.server.connection import connect, database_url
from s2p_assets.warehouse.server.roles import DAGSTER_SCHEMA, create_schema

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
        runs: Any = self._run_storage
        log.has_asset_key_col = functools.cache(log.has_asset_key_col)
        log._has_asset_key_col_on_connection = asked_once(log._has_asset_key_col_on_connection)
        for name in ("has_run_stats_index_cols", "has_backfill_id_column"):
            setattr(runs, name, functools.cache(getattr(runs, name)))
        schedules: Any = self._schedule_storage
        schedules._has_instigators_table = lambda _: True  # as it lists all tables at each tick to find out
        # It opens a connection for every statement, half of the work of servers at rest; this is its switch to a pool.
        for storage in (self._run_storage, log, self._schedule_storage):
            storage.optimize_for_webserver(STATEMENT_TIMEOUT_MS, pool_recycle=3600, max_overflow=20)

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "SharedPostgresStorage":
        return cls(postgres_url=dagster_url(database_url(read_settings())), inst_data=inst_data)


def asked_once(has_column: Callable[[Any, str], bool]) -> Callable[[Any, str], bool]:
    """The same, asked once for each column: on whichever connection, it is the same table."""
    known: dict[str, bool] = {}

    def has(connection: Any, column: str) -> bool:
        if column not in known:
            known[column] = has_column(connection, column)
        return known[column]

    return has


def dagster_url(url: str) -> str:
    """The SQLAlchemy address of Dagster's schema; creates the schema.

    `postgresql://` alone means psycopg 3 to newer SQLAlchemy, whose NOTIFY dagster-postgres cannot write.
    """
    with connect(url) as connection:
        create_schema(connection, DAGSTER_SCHEMA)
    _, _, rest = url.partition("://")
    joint = "&" if "?" in rest else "?"
    return f"postgresql+psycopg2://{rest}{joint}options={quote(f'-csearch_path={DAGSTER_SCHEMA}')}"


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


def withdraw_materializations(instance: dg.DagsterInstance, key: dg.AssetKey, partitions: Sequence[str]) -> None:
    """Have partitions count as not materialized: what Dagster calls wiping, which its open storages do not have."""
    if not partitions:
        return
    log: Any = instance.event_log_storage
    columns = SqlEventLogStorageTable.c
    of_them = columns.asset_key == key.to_string(), columns.partition.in_(partitions)
    made = columns.dagster_event_type == dg.DagsterEventType.ASSET_MATERIALIZATION.value
    with log.index_connection() as connection:
        connection.execute(SqlEventLogStorageTable.delete().where(*of_them, made))
    log.wipe_asset_cached_status(key)
