"""Dagster's own tables brought to the version that is installed, by its own migrations."""

from s2p_assets.graph.running.instance import open_instance
from s2p_assets.settings import Settings


def upgrade_dagster(settings: Settings) -> str | None:
    """Migrate what Dagster keeps of runs, events and schedules, and rebuild its indexes; what it said, briefly."""
    said: list[str] = []
    with open_instance(settings) as instance:
        instance.upgrade(said.append)
        instance.reindex(said.append)
    steps = [line for line in said if line.strip()]
    return f"{len(steps)} steps" if steps else None
