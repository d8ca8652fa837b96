"""Bringing a home up to date: PostgreSQL's major version, then s2p's own tables, the registry's and Dagster's.

Before anything is changed the old database is kept beside or a backup is made, either of which is the way back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from s2p_assets.learning.registry.mlflow_upgrade import upgrade_registry
from s2p_assets.services.backup import Progress, back_up, nobody_uses
from s2p_assets.settings import Settings
from s2p_assets.warehouse.migrations.revisions import HEAD
from s2p_assets.warehouse.migrations.upgrading import found_revision, upgrade
from s2p_assets.warehouse.server.cluster_upgrade import upgrade_cluster
from s2p_assets.warehouse.server.connection import connect, database_url

UpgradeDagster = Callable[[Settings], str | None]


@dataclass
class UpgradedHome:
    """What an upgrade did, in words, and where the way back lies."""

    backup: str | None = None
    old_database: str | None = None
    done: list[str] = field(default_factory=list)


def upgrade_home(settings: Settings, to: Path, dagster: UpgradeDagster, progress: Progress) -> UpgradedHome:
    """Bring the home up to date; what was done. `to`: where the backup is made. `dagster`: what it does to its books.

    Raises BackupFailed where s2p runs or a backup cannot be made, HomeTooNew, ClusterNotUpgraded and
    DatabaseUnreachable; what was not reached by then is as it was.
    """
    found = UpgradedHome()
    settings.home.mkdir(parents=True, exist_ok=True)
    with nobody_uses(settings):
        if settings.database_url is None:
            progress("upgrading PostgreSQL")
            aside = upgrade_cluster(settings.home / "postgres")
            if aside:
                found.old_database = str(aside)
                found.done.append(f"PostgreSQL: the data of before lie in {aside}")
        url = database_url(settings)
        with connect(url) as connection:
            before = found_revision(connection)
        progress("making a backup")
        found.backup = str(back_up(settings, to, progress).folder)
        progress("upgrading tables")
        with connect(url) as connection:
            upgrade(connection)
        if before != HEAD:
            found.done.append(f"s2p's tables: from {before or 'none'} to {HEAD}")
        for what, changed in (("the model registry", upgrade_registry(url)), ("Dagster", dagster(settings))):
            if changed:
                found.done.append(f"{what}: {changed}")
    return found
