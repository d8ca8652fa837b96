"""All definitions of a home loaded over Dagster's books in it, as `python -m`: what `s2p drill` asks of a backup.

What is loaded is decided in `definitions.py`.
"""

from s2p_assets.graph.running.instance import open_instance


def load_whole_home() -> int:
    """How many assets there are, and how many of them Dagster knows to have been made. Raises what keeps it from it."""
    from s2p_assets.definitions import build
    from s2p_assets.settings import read_settings

    settings = read_settings()
    graph = build(settings)
    graph.definitions.get_repository_def().load_all_definitions()
    with open_instance(settings) as instance:
        known = instance.all_asset_keys()
    return len(known)


if __name__ == "__main__":
    print(f"{load_whole_home()} assets are known to Dagster")  # noqa: T201  asked for by a process
