"""The links that assets carry to reports and marked copies, because a browser opens no file:// link from a page.

They are served by the door, behind its login.
"""

from pathlib import Path
from urllib.parse import quote

from s2p_assets.settings import Settings


def page_address(settings: Settings, file: Path) -> str:
    """The link to a published file."""
    return f"{settings.address}/reports/{quote(file.relative_to(settings.reports).as_posix())}"


def marked_copy_address(settings: Settings, path: str) -> str:
    """The link to the marked copy of a file, by its path on the share."""
    return f"{settings.address}/api/v1/files/marked-copy?path={quote(path, safe='')}"


def verdict_address(settings: Settings, path: str) -> str:
    """The page of the screen that says what became of a file."""
    return f"{settings.address}/hand-in/file?path={quote(path, safe='')}"
