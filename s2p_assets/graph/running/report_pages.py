"""The links that report assets carry, because a browser opens no file:// link from a page.

They are served by the door, behind its login.
"""

from pathlib import Path
from urllib.parse import quote

from s2p_assets.settings import Settings


def page_address(settings: Settings, file: Path) -> str:
    """The link to a published file."""
    return f"{settings.address}/reports/{quote(file.relative_to(settings.reports).as_posix())}"
