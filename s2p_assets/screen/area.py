"""What stands in the navigation: one entry an area of the screen.

Which areas there are is in `areas.py`; a page module names its own.
"""

from dataclasses import dataclass

from s2p_assets.warehouse.access.users import Role


@dataclass(frozen=True, slots=True)
class Area:
    """An area of the screen. `rank`: its place in the navigation; `role`: the least one that sees it."""

    title: str
    path: str
    rank: int
    role: Role = "viewer"
