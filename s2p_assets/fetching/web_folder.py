"""A folder on the web: a page of links as servers make it of a folder, or one file, through fsspec's HTTP.

Nothing can be written there.
"""

import asyncio
import html
import re
import ssl
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from s2p_assets.fetching.fsspec_folders import PIECE_BYTES, SECONDS, nanoseconds
from s2p_assets.fetching.guarded_hosts import HostGuard
from s2p_assets.fetching.logins import Login
from s2p_assets.fetching.remote_away import told
from s2p_assets.fetching.remote_files import RemoteAway, RemoteEntry, RemoteRefused

PAGE_BYTES = 16 << 20
_LINK = re.compile(r"""<a\s[^>]*?href\s*=\s*["']([^"'#?]+)["']""", re.IGNORECASE)


class WebFolder:
    """What a page of links leads to below it; or the one file that an address names."""

    is_read_only = True

    def __init__(self, filesystem: Any, url: str, place: str, *, is_file: bool) -> None:
        self.filesystem, self.place, self._url = filesystem, place, url
        self._file = PurePosixPath(unquote(urlsplit(url).path)).name if is_file else None
        self._root = urljoin(url, ".") if is_file else f"{url.rstrip('/')}/"

    def list_folder(self, folder: str) -> Iterable[RemoteEntry]:
        """The links of a page that lead directly below it; for files, what their server says of each.

        A page that does not end as it should was cut short. Raises RemoteRefused.
        """
        if self._file:
            return [self.look_at(self._file)]
        here = self._at(f"{folder}/" if folder else "")
        with told(self.place):
            page = self._page(here)
        names = dict.fromkeys(_names(page, here))
        return [
            RemoteEntry(path.rstrip("/"), is_folder=True) if path.endswith("/") else self._known(path)
            for path in (f"{folder}/{name}" if folder else name for name in names)
        ]

    def _known(self, path: str) -> RemoteEntry:
        """What its server says of a file; of one that it does not give, nothing."""
        try:
            return self.look_at(path)
        except RemoteRefused:
            return RemoteEntry(path)

    def look_at(self, path: str) -> RemoteEntry:
        """By its headers alone."""
        from fsspec.asyn import sync

        with told(self.place):
            headers = sync(self.filesystem.loop, self._headers, self._at(path), timeout=2 * SECONDS)
        modified = headers.get("Last-Modified")
        size = headers.get("Content-Length", "")
        return RemoteEntry(
            path,
            size=int(size) if size.isdigit() and "Content-Encoding" not in headers else None,
            modified_ns=nanoseconds(_moment(modified)),
            etag=headers.get("ETag"),
        )

    async def _headers(self, url: str) -> dict[str, str]:
        session = await self.filesystem.set_session()
        async with session.head(url, allow_redirects=True, **self.filesystem.kwargs) as answer:
            if answer.status in (405, 501):  # a server that knows no HEAD
                async with session.get(url, **self.filesystem.kwargs) as whole:
                    whole.raise_for_status()
                    return dict(whole.headers)
            answer.raise_for_status()
            return {name: answer.headers[name] for name in answer.headers}

    def read_whole(self) -> Iterator[bytes]:
        """What the address itself gives, whatever its name."""
        with told(self.place):
            yield from self._pieces(self._url)

    def read(self, path: str) -> Iterator[bytes]:
        """Raises RemoteRefused where it gives less than it says."""
        with told(self.place), self.filesystem.open(self._at(path), "rb", block_size=0, size=None) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    def put(self, path: str, file: Path) -> None:
        raise RemoteRefused("nothing can be written there")

    def remove(self, path: str) -> None:
        raise RemoteRefused("nothing can be written there")

    def close(self) -> None:
        """Hang up."""
        from fsspec.asyn import sync

        session = getattr(self.filesystem, "_session", None)
        if session is not None:
            sync(self.filesystem.loop, session.close, timeout=5.0)

    def _at(self, path: str) -> str:
        return urljoin(self._root, quote(path)) if path else self._root

    def _page(self, url: str) -> str:
        pieces, size = [], 0
        for piece in self._pieces(url):
            pieces.append(piece)
            size += len(piece)
            if size > PAGE_BYTES:
                raise RemoteRefused(f"its page of links has more than {PAGE_BYTES >> 20} MB")
        text = b"".join(pieces).decode("utf-8", "replace")
        if "<html" in text.lower() and "</html>" not in text.lower()[-2000:]:
            raise RemoteRefused("its page of links was cut short")
        return text

    def _pieces(self, url: str) -> Iterator[bytes]:
        with self.filesystem.open(url, "rb", block_size=0, size=None) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


def _names(page: str, here: str) -> Iterator[str]:
    """What the links of a page call what lies directly below it, with `/` at the end of a folder's."""
    for link in _LINK.findall(page):
        whole = urljoin(here, html.unescape(link))
        if not whole.startswith(here) or whole == here:
            continue
        name = whole.removeprefix(here)
        if "/" not in name.rstrip("/"):
            yield unquote(name.rstrip("/")).replace("/", "\\") + ("/" if name.endswith("/") else "")


def _moment(text: str | None) -> object:
    try:
        return parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError):
        return None


def open_web(url: str, login: Login, place: str, *, is_file: bool) -> WebFolder:
    """Raises RemoteAway. Redirects are followed as `HostGuard` allows; what logs in is not passed on by them."""
    from fsspec.implementations.http import HTTPFileSystem

    user, password, token = login.user or urlsplit(url).username, login.secret("password"), login.secret("token")
    headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {})
    secure = ssl.create_default_context(cafile=login.ca_file)
    with told(place):
        filesystem = HTTPFileSystem(
            get_client=partial(_client, HostGuard.of(url), secure),
            client_kwargs={"headers": headers, "user": user, "password": password},
            use_listings_cache=False,
            skip_instance_cache=True,
        )
    return WebFolder(filesystem, url, place, is_file=is_file)


async def _client(guard: HostGuard, secure: ssl.SSLContext, **given: Any) -> Any:
    """A session of aiohttp that goes where the guard allows, by each address that a name stands for."""
    import aiohttp
    from aiohttp.abc import AbstractResolver
    from aiohttp.resolver import ThreadedResolver

    class GuardedResolver(AbstractResolver):
        def __init__(self) -> None:
            self._names = ThreadedResolver()

        async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
            found = await self._names.resolve(host, port, family)
            if not guard.allows(host, port, [one["host"] for one in found]):
                raise RemoteAway(f"{guard.host} sends s2p on to a computer inside the company, which is not followed")
            return found

        async def close(self) -> None:
            await self._names.close()

    async def on_redirect(session: Any, context: Any, sent: Any) -> None:
        target = urljoin(str(sent.url), sent.response.headers.get("Location", ""))
        if not guard.allows_url(target):
            raise RemoteAway(f"{guard.host} sends s2p on to a computer inside the company, which is not followed")

    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(on_redirect)
    user, password = given.pop("user", None), given.pop("password", None)
    loop = given.pop("loop", None) or asyncio.get_running_loop()
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=GuardedResolver(), ssl=secure, loop=loop),
        trace_configs=[tracing],
        auth=aiohttp.BasicAuth(user, password or "") if user else None,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=SECONDS, sock_read=SECONDS),
        trust_env=False,
        **given,
    )
