"""Remote folders that fsspec speaks to: SFTP, WebDAV and S3, each set so that its listing has an end and its server
is who it says.

Folders on the web are in `web_folder.py`.
"""

import contextlib
import datetime as dt
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from s2p_assets.fetching.logins import Login
from s2p_assets.fetching.remote_away import told
from s2p_assets.fetching.remote_files import MOST_ENTRIES, RemoteAway, RemoteEntry, RemoteRefused

PIECE_BYTES = 1 << 20
SECONDS = 30.0
"""For one answer of a server."""
LISTING_SECONDS, LISTING_BYTES = 300.0, 64 << 20


class FsspecFolder:
    """A folder below `root` of a file system of fsspec. What its libraries raise is told in one line."""

    is_read_only = False

    def __init__(self, filesystem: Any, root: str, place: str) -> None:
        self.filesystem, self.root, self.place = filesystem, root, place

    def list_folder(self, folder: str) -> Iterable[RemoteEntry]:
        with told(self.place):
            found = self._listed(self._at(folder))
        return [self._entry(one) for one in found if str(one["name"]).rstrip("/") != self._at(folder).rstrip("/")]

    def look_at(self, path: str) -> RemoteEntry:
        with told(self.place):
            return self._entry(self.filesystem.info(self._at(path)))

    def read(self, path: str) -> Iterator[bytes]:
        with told(self.place), self.filesystem.open(self._at(path), "rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    def put(self, path: str, file: Path) -> None:
        """Beside its place, then renamed into it, where that is one step."""
        with told(self.place):
            self._put(self._at(path), file)

    def remove(self, path: str) -> None:
        with told(self.place), contextlib.suppress(FileNotFoundError):
            self.filesystem.rm_file(self._at(path))

    def close(self) -> None:
        """Nothing is held open."""

    def _put(self, place: str, file: Path) -> None:
        self.filesystem.put_file(str(file), place)

    def _listed(self, place: str) -> list[dict[str, Any]]:
        return list(self.filesystem.ls(place, detail=True))

    def _at(self, path: str) -> str:
        return f"{self.root.rstrip('/')}/{path}".rstrip("/") or self.root

    def _entry(self, one: dict[str, Any]) -> RemoteEntry:
        name, kind = str(one["name"]).rstrip("/"), one.get("type")
        prefix = self.root.rstrip("/") + "/"
        path = name.removeprefix(prefix) if name.startswith(prefix) else f"../{name}"
        moment = next((one[key] for key in ("mtime", "modified", "LastModified") if one.get(key)), None)
        etag = next((one[key] for key in ("ETag", "etag") if one.get(key)), None)
        return RemoteEntry(
            path,
            kind == "directory",
            one.get("size") if kind == "file" else None,
            nanoseconds(moment),
            str(etag) if etag else None,
            is_link=kind not in ("directory", "file"),
        )


def nanoseconds(moment: object) -> int | None:
    """A moment as servers write it, as Unix time in ns; None where it is none."""
    if not isinstance(moment, dt.datetime):
        return None
    known = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    with contextlib.suppress(OverflowError, ValueError):
        return int(known.timestamp() * 1_000_000) * 1_000
    return None


class SftpFolder(FsspecFolder):
    """A folder on an SSH server, whose key must be known."""

    def _listed(self, place: str) -> list[dict[str, Any]]:
        from fsspec.asyn import sync

        return list(sync(self.filesystem.loop, self._names, place, timeout=LISTING_SECONDS))

    async def _names(self, place: str) -> list[dict[str, Any]]:
        from sshfs.utils import wrap_exceptions

        found: list[dict[str, Any]] = []

        @wrap_exceptions
        async def listed(_: object) -> None:
            async with self.filesystem._pool.get() as channel:
                async for one in channel.scandir(place or "."):
                    if one.filename not in (".", "..") and len(found) <= MOST_ENTRIES:
                        told_of = self.filesystem._decode_attributes(one.attrs)
                        found.append(told_of | {"name": f"{place.rstrip('/')}/{one.filename}"})

        await listed(None)
        return found

    def _put(self, place: str, file: Path) -> None:
        beside = str(PurePosixPath(place).with_name(f".{PurePosixPath(place).name}.tmp"))
        self.filesystem.put_file(str(file), beside)
        self.filesystem.mv(beside, place)

    def close(self) -> None:
        from fsspec.asyn import sync

        with contextlib.suppress(Exception):  # a server that is away already has hung up
            sync(self.filesystem.loop, self.filesystem._stack.aclose, timeout=5.0)


def open_sftp(url: str, login: Login, place: str) -> SftpFolder:
    """Raises RemoteAway: also where the server's key is not known, as it may then be anybody."""
    from sshfs import SSHFileSystem

    parts = urlsplit(url)
    given: dict[str, Any] = {"port": parts.port or 22, "username": login.user or parts.username}
    if login.known_hosts:
        if not login.known_hosts.expanduser().is_file():
            raise RemoteAway(f"{place}: known_hosts {login.known_hosts} is not there; ssh-keyscan writes it")
        given["known_hosts"] = str(login.known_hosts.expanduser())
    else:
        given["known_hosts"] = ()  # those of the user that s2p runs as; sshfs would else take any key
    if password := login.secret("password"):
        given |= {"password": password, "client_keys": None, "agent_path": None}
    if login.key_file:
        given |= {"client_keys": [str(login.key_file.expanduser())], "passphrase": login.secret("password")}
        given.pop("agent_path", None)
    with told(place):
        filesystem = SSHFileSystem(
            parts.hostname,
            **{name: value for name, value in given.items() if value is not None or name == "client_keys"},
            config=None,
            login_timeout=SECONDS,
            connect_timeout=SECONDS,
            keepalive_interval=SECONDS,
            timeout=2 * SECONDS,
            skip_instance_cache=True,
        )
    return SftpFolder(filesystem, unquote(parts.path) or ".", place)


class S3Folder(FsspecFolder):
    """The objects of a bucket below a prefix, as folders and files."""

    def _listed(self, place: str) -> list[dict[str, Any]]:
        from fsspec.asyn import sync

        return list(sync(self.filesystem.loop, self._names, place, timeout=LISTING_SECONDS))

    async def _names(self, place: str) -> list[dict[str, Any]]:
        bucket, _, prefix = place.partition("/")
        found = []
        async for one in self.filesystem._iterdir(bucket, prefix=f"{prefix}/" if prefix else ""):
            if not str(one["Key"]).endswith("/") or one["type"] == "directory":
                found.append(one)
            if len(found) > MOST_ENTRIES:
                break
        return found

    def look_at(self, path: str) -> RemoteEntry:
        with told(self.place):
            return self._entry(self.filesystem.info(self._at(path), refresh=True))


def open_s3(url: str, login: Login, place: str) -> S3Folder:
    """Raises RemoteAway."""
    from s3fs import S3FileSystem

    parts = urlsplit(url)
    client: dict[str, Any] = {"endpoint_url": login.endpoint, "region_name": login.region}
    if login.ca_file:
        client["verify"] = str(login.ca_file)
    config = {"connect_timeout": SECONDS, "read_timeout": SECONDS, "retries": {"max_attempts": 2}}
    with told(place):
        filesystem = S3FileSystem(
            anon=login.anonymous,
            key=login.user,
            secret=login.secret("password"),
            client_kwargs={name: value for name, value in client.items() if value},
            config_kwargs=config,
            use_listings_cache=False,
            skip_instance_cache=True,
        )
    return S3Folder(filesystem, f"{parts.netloc}{unquote(parts.path)}".rstrip("/"), place)


class WebdavFolder(FsspecFolder):
    """A folder on a WebDAV server, such as Nextcloud's."""

    def _at(self, path: str) -> str:
        return path

    def _entry(self, one: dict[str, Any]) -> RemoteEntry:
        name, kind = str(one["name"]).strip("/"), one.get("type")
        return RemoteEntry(
            name,
            kind == "directory",
            one.get("size") if kind == "file" else None,
            nanoseconds(one.get("modified")),
            str(one["etag"]) if one.get("etag") else None,
            is_link=kind not in ("directory", "file"),
        )

    def close(self) -> None:
        self.filesystem.client.http.close()


def open_webdav(url: str, login: Login, place: str) -> WebdavFolder:
    """Raises RemoteAway. Redirects are not followed: a server that sends on is named by its new address."""
    import httpx
    from webdav4.client import Client
    from webdav4.fsspec import WebdavFileSystem
    from webdav4.http import Client as HttpClient

    class BoundedStream(httpx.SyncByteStream):
        """An answer of which at most so much is taken, however long a server goes on."""

        def __init__(self, stream: httpx.SyncByteStream) -> None:
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for piece in self._stream:
                size += len(piece)
                if size > LISTING_BYTES:
                    raise RemoteRefused(f"its listing has more than {LISTING_BYTES >> 20} MB")
                yield piece

        def close(self) -> None:
            self._stream.close()

    def bounded(response: httpx.Response) -> None:
        if response.request.method == "PROPFIND" and isinstance(response.stream, httpx.SyncByteStream):
            response.stream = BoundedStream(response.stream)

    base = url.replace("webdav", "http", 1)
    user, password, token = login.user or urlsplit(url).username, login.secret("password"), login.secret("token")
    http = HttpClient(
        base_url=base,
        auth=(user, password) if user and password is not None else None,
        headers={"Authorization": f"Bearer {token}"} if token else None,
        timeout=SECONDS,
        follow_redirects=False,
        trust_env=False,
        verify=ssl.create_default_context(cafile=login.ca_file),
        event_hooks={"response": [bounded]},
    )
    return WebdavFolder(WebdavFileSystem(base, client=Client(base, http_client=http, retry=False)), "", place)
