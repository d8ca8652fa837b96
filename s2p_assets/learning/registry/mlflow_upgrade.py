"""MLflow's tables brought to the version of the MLflow that is installed, by its own migrations.

What is stored in them is `mlflow_tables.py`'s.
"""

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.learning.registry.mlflow_writer import SCHEMA, store_address


class RegistryTooNew(MendableError):
    """The tables were written by a newer MLflow."""


def upgrade_registry(url: str) -> str | None:
    """Bring the registry in the database at `url` up to date; from which revision to which, None if nothing was due.

    Raises RegistryTooNew.
    """
    with psycopg.connect(url) as connection:
        there = connection.execute("select to_regclass(%s)", (f"{SCHEMA}.alembic_version",)).fetchone()
    if not there or there[0] is None:
        return None
    from alembic.util import CommandError
    from mlflow.store.db.utils import _get_latest_schema_revision, _get_schema_version, _upgrade_db
    from sqlalchemy import NullPool, create_engine

    engine = create_engine(store_address(url), poolclass=NullPool)
    before = _get_schema_version(engine)  # type: ignore[no-untyped-call]
    wanted = _get_latest_schema_revision()  # type: ignore[no-untyped-call]
    if before == wanted:
        return None
    try:
        _upgrade_db(engine)  # type: ignore[no-untyped-call]
    except CommandError:
        raise RegistryTooNew(
            f"the model registry is at revision {before}, which this MLflow does not know; install the newer one again"
        ) from None
    return f"from {before} to {wanted}"
