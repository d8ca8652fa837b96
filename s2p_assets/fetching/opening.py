"""Which kind of remote folder an address names, and opening it.

The kinds themselves are beside this.
"""

import importlib.util
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from s2p_assets.fetching.logins import Login
from s2p_assets.fetching.remote_files import RemoteAway, RemoteFiles, RemoteRefused

NEEDS = {
    "sftp": "sshfs",
    "webdav": "webdav4",
    "webdavs": "webdav4",
    "s3": "s3fs",
    "http": "aiohttp",
    "https": "aiohttp",
}

FILES = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".csv", ".tsv", ".txt", ".zip"})
"""How an address on the web ends that names one file, not a page of links."""


def open_remote(url: str, login: Login) -> RemoteFiles:
    """The folder at an address. Raises RemoteAway, also where what speaks to it is not installed; LoginsUnusable."""
    place = shown_address(url)
    try:
        return _opened(url, login, place)
    except RemoteRefused:
        raise RemoteAway(f"{place}: it does not accept user, password or key; see the file S2P_REMOTES") from None


def _opened(url: str, login: Login, place: str) -> RemoteFiles:
    parts = urlsplit(url)
    if (needs := NEEDS.get(parts.scheme)) and importlib.util.find_spec(needs) is None:
        raise RemoteAway(f"{place}: what speaks {parts.scheme} is not installed; pip install 's2p-assets[remote]'")
    if parts.scheme == "sftp":
        from s2p_assets.fetching.fsspec_folders import open_sftp

        return open_sftp(url, login, place)
    if parts.scheme == "s3":
        from s2p_assets.fetching.fsspec_folders import open_s3

        return open_s3(url, login, place)
    if parts.scheme in ("webdav", "webdavs"):
        from s2p_assets.fetching.fsspec_folders import open_webdav

        return open_webdav(url, login, place)
    if parts.scheme in ("http", "https"):
        from s2p_assets.fetching.web_folder import open_web

        return open_web(url, login, place, is_file=PurePosixPath(parts.path).suffix.lower() in FILES)
    from s2p_assets.fetching.graph_drive import open_graph

    return open_graph(url, login, place)


def shown_address(url: str) -> str:
    """An address as people see it: without who logs in there."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2] if parts.scheme != "onedrive" else parts.netloc
    return f"{parts.scheme}://{host}{parts.path}"
