"""The address of a folder elsewhere, as settings and contracts name it. Fetching from it is done in `fetching/`.

Beside `settings.py`, as readers of files need addresses and no settings, which take a third of a second to import.
"""

import hashlib
import re
from typing import NamedTuple
from urllib.parse import urlsplit

REMOTE_SCHEMES = ("sftp", "webdav", "webdavs", "s3", "http", "https", "sharepoint", "onedrive")
REMOTE_FOLDER, MAIL_FOLDER = "s2p-remote", "s2p-mail"
"""Under which the ledger names files of remote folders and of the mailbox; no person has a folder of that name."""
SHARE_ITSELF = "share"
"""The name of the remote folder that is the share drive itself."""


class RemoteFolder(NamedTuple):
    """A folder elsewhere that files are fetched from: its name, and its address without a password."""

    name: str
    url: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


def remote_folder(text: str, *, declared: bool = False) -> RemoteFolder:
    """A remote folder from `sftp://…` or `name=sftp://…`. `declared`: on a workbook, whose own it then is.

    Raises ValueError with one line for what is none.
    """
    name, separator, url = text.strip().partition("=")
    if not separator or "://" in name:
        name, url = "", text.strip()
    parts = urlsplit(url)
    try:
        is_one = parts.scheme in REMOTE_SCHEMES and bool(parts.netloc) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise ValueError(f"{_hidden(url)} is no remote folder; write it as {'://…, '.join(REMOTE_SCHEMES)}://…")
    if parts.password is not None or parts.query or parts.fragment:
        raise ValueError(f"{_hidden(url)}: what logs in there belongs into the file S2P_REMOTES, not into the address")
    if not name:
        digest = hashlib.sha256(url.encode()).hexdigest()[:6]
        name = re.sub("[^a-z0-9]+", "-", parts.netloc.rpartition("@")[2].lower()).strip("-")
        name = f"{name}~{digest}" if declared else name
    elif not re.fullmatch("[a-z0-9][a-z0-9_-]*", name):
        raise ValueError(f"{name[:40]!r} is no name for a remote folder; take small letters, digits, - and _")
    return RemoteFolder(name, url.rstrip("/"))


def _hidden(url: str) -> str:
    """An address as it may be said: without what stands before its host, after its path."""
    return re.sub("//[^/@]*@", "//", url.partition("?")[0].partition("#")[0])[:200]
