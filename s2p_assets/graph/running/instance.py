"""Dagster's instance of an installation, and its storage in s2p's PostgreSQL.

What is written in its home is in `dagster_home.py`; what the company's data looks like in that database is the
warehouse's business.
"""

import datetime as dt
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
LOG_COLUMNS = ("has_asset_key_col", "_has_asset_key_col_on_connection")
RUN_COLUMNS = ("has_run_stats_index_cols", "has_backfill_id_column")
TABLES_THERE = (
    "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = %s"
    " and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'insert')"
)
"""Those that whoever asks may write to: to others Dagster says what it is not let do when it makes them."""
FIRST_TABLES = {"runs", "event_logs", "jobs"}
"""By which Dagster knows whether the tables of its three parts are there."""


class ConfigurationUnusable(MendableError):
    """What an engineer changed in `dagster.yaml` is not understood."""


class SharedPostgresStorage(DagsterPostgresStorage):
    """dagster-postgres in the schema `dagster` of the database that s2p's settings name.

    The address is looked up when Dagster starts, so that `dagster.yaml` holds no password and the
    embedded PostgreSQL is running before Dagster asks for it.
    """

    def __init__(
        self, postgres_url: str, inst_data: ConfigurableClassData | None = None, *, has_tables: bool = False
    ) -> None:
        # Every tick of a sensor makes one. SQLAlchemy keeps 0.2 MB of each that looks for tables or columns, of 128.
        super().__init__(postgres_url, should_autocreate_tables=not has_tables, inst_data=inst_data)
        # It asks a table for its columns before nearly every read, a tenth of the time of a run; they do not change.
        log: Any = self._event_log_storage
        runs: Any = self._run_storage
        schedules: Any = self._schedule_storage
        for storage, names in ((log, LOG_COLUMNS), (runs, RUN_COLUMNS)):
            for name in names:
                setattr(storage, name, asked_once(postgres_url, getattr(storage, name)))
        schedules._has_instigators_table = lambda _: True  # as it lists all tables at each tick to find out
        # It opens a connection for every statement, half of the work of servers at rest; this is its switch to a pool.
        for storage in (runs, log, schedules):
            storage.optimize_for_webserver(STATEMENT_TIMEOUT_MS, pool_recycle=3600, max_overflow=20)

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "SharedPostgresStorage":
        url = database_url(read_settings())
        with connect(url) as connection:
            create_schema(connection, DAGSTER_SCHEMA)
            made = {name for (name,) in connection.execute(TABLES_THERE, (DAGSTER_SCHEMA,))}
        return cls(dagster_url(url), inst_data, has_tables=made >= FIRST_TABLES)


_FOUND: set[tuple[str, ...]] = set()
"""What was found in a database: its address, what is asked, and of which column. What is there stays there."""


def asked_once(address: str, has: Callable[..., bool]) -> Callable[..., bool]:
    """The same, asked once of a column on whichever connection; a yes stands for all who ask of this database."""
    lacking: set[tuple[str, ...]] = set()

    def is_there(*asked: Any) -> bool:
        key = (address, has.__name__, *(one for one in asked if isinstance(one, str)))
        if key not in _FOUND and key not in lacking:
            (_FOUND if has(*asked) else lacking).add(key)
        return key in _FOUND

    return is_there


def dagster_url(url: str) -> str:
    """The SQLAlchemy address of Dagster's schema.

    `postgresql://` alone means psycopg 3 to newer SQLAlchemy, whose NOTIFY dagster-postgres cannot write.
    """
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
