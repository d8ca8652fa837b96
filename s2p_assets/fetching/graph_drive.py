"""A folder of SharePoint or OneDrive, by Microsoft Graph 1.0 as an application with its own secret.

`sharepoint://contoso.sharepoint.com/sites/Sales/Documents/Lists` names site, library and folder;
`onedrive://anna@contoso.com/Lists` whose OneDrive, and the folder. Written from Microsoft's reference and tried against
a server that stands in for Graph, not against Microsoft's own.
"""

import contextlib
import datetime as dt
import ssl
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx

from s2p_assets.fetching.fsspec_folders import PIECE_BYTES, SECONDS, nanoseconds
from s2p_assets.fetching.guarded_hosts import HostGuard
from s2p_assets.fetching.logins import Login
from s2p_assets.fetching.remote_away import told
from s2p_assets.fetching.remote_files import MOST_ENTRIES, RemoteAway, RemoteEntry, RemoteRefused

GRAPH, SIGN_IN = "https://graph.microsoft.com", "https://login.microsoftonline.com"
FIELDS = "name,size,eTag,cTag,file,folder,lastModifiedDateTime"
TRIES, LONGEST_WAIT_SECONDS = 3, 30.0
EARLY_SECONDS = 60.0
ANSWER_BYTES = 16 << 20


class GraphFolder:
    """A folder of one drive. A token is asked for when it is needed, and sent to Graph alone."""

    is_read_only = False

    def __init__(self, url: str, login: Login, place: str) -> None:
        self.place, self._login = place, login
        self._graph = (login.endpoint or GRAPH).rstrip("/")
        secure = ssl.create_default_context(cafile=login.ca_file)
        self._http = httpx.Client(timeout=SECONDS, trust_env=False, verify=secure, follow_redirects=False)
        self._token, self._until = "", 0.0
        self._drive, self._folder = self._found(url)

    def list_folder(self, folder: str) -> Iterable[RemoteEntry]:
        """Page after page, as Graph says which comes next."""
        url: str | None = f"{self._item(folder)}{':' if self._path(folder) else ''}/children?$top=200&$select={FIELDS}"
        found: list[RemoteEntry] = []
        with told(self.place):
            while url and len(found) <= MOST_ENTRIES:
                page = self._asked("GET", url)
                found += [_entry(folder, one) for one in page.get("value", ())]
                url = page.get("@odata.nextLink")
        return found

    def look_at(self, path: str) -> RemoteEntry:
        with told(self.place):
            found = self._asked("GET", f"{self._item(path)}?$select={FIELDS}")
            return _entry(path.rpartition("/")[0], found)

    def read(self, path: str) -> Iterator[bytes]:
        """Graph sends on to where the bytes are, where the token has no business."""
        with told(self.place):
            sent_on = self._answer("GET", f"{self._item(path)}:/content")
            target = sent_on.headers.get("Location")
            if sent_on.status_code not in (301, 302, 307) or not target:
                raise RemoteRefused(f"its server answers {sent_on.status_code}")
            if not HostGuard.of(self._graph).allows_looked_up(target):
                raise RemoteRefused("its server sends s2p on to a computer inside the company, which is not followed")
            with self._http.stream("GET", target) as answer:
                answer.raise_for_status()
                yield from answer.iter_bytes(PIECE_BYTES)

    def put(self, path: str, file: Path) -> None:
        with told(self.place):
            self._asked("PUT", f"{self._item(path)}:/content", content=file.read_bytes())

    def remove(self, path: str) -> None:
        with told(self.place):
            answer = self._answer("DELETE", self._item(path))
            if answer.status_code != 404:
                answer.raise_for_status()

    def close(self) -> None:
        self._http.close()

    def _found(self, url: str) -> tuple[str, str]:
        """The drive that an address names, and the folder on it."""
        parts = urlsplit(url)
        words = [unquote(word) for word in parts.path.split("/") if word]
        try:
            with told(self.place):
                if parts.scheme == "onedrive":
                    drive = self._asked("GET", f"{self._graph}/v1.0/users/{quote(parts.netloc)}/drive?$select=id")
                    return str(drive["id"]), "/".join(words)
                if len(words) < 3 or words[0] not in ("sites", "teams"):
                    raise RemoteAway(f"{self.place}: write it as sharepoint://HOST/sites/SITE/LIBRARY/FOLDER")
                path = f"{self._graph}/v1.0/sites/{parts.hostname}:/{words[0]}/{quote(words[1])}?$select=id"
                site = self._asked("GET", path)["id"]
                drives = self._asked("GET", f"{self._graph}/v1.0/sites/{site}/drives?$select=id,name")["value"]
                known = {str(one["name"]): str(one["id"]) for one in drives}
        except RemoteRefused as problem:
            raise RemoteAway(f"{self.place}: {problem}") from None
        if words[2] not in known:
            raise RemoteAway(f"{self.place}: the site has no library {words[2]!r}; it has {', '.join(sorted(known))}")
        return known[words[2]], "/".join(words[3:])

    def _path(self, path: str) -> str:
        return "/".join(part for part in (self._folder, path) if part)

    def _item(self, path: str) -> str:
        whole = self._path(path)
        return f"{self._graph}/v1.0/drives/{self._drive}/root" + (f":/{quote(whole)}" if whole else "")

    def _asked(self, method: str, url: str, **given: Any) -> dict[str, Any]:
        answer = self._answer(method, url, **given)
        answer.raise_for_status()
        if len(answer.content) > ANSWER_BYTES:
            raise RemoteRefused("its answer has no end")
        found = answer.json()
        return found if isinstance(found, dict) else {}

    def _answer(self, method: str, url: str, **given: Any) -> httpx.Response:
        """One answer; who is asked to wait waits, within bounds."""
        if not url.startswith(f"{self._graph}/"):
            raise RemoteAway(f"{self.place}: its answer leads to another server, which is not given the token")
        for _ in range(TRIES - 1):
            answer = self._http.request(method, url, headers=self._headers(), **given)
            if answer.status_code not in (429, 503):
                return answer
            with contextlib.suppress(ValueError):
                time.sleep(min(float(answer.headers.get("Retry-After", "1")), LONGEST_WAIT_SECONDS))
        return self._http.request(method, url, headers=self._headers(), **given)

    def _headers(self) -> dict[str, str]:
        if time.monotonic() > self._until - EARLY_SECONDS:
            login = self._login
            if not (login.tenant and login.user and (secret := login.secret("password"))):
                raise RemoteAway(f"{self.place}: the file S2P_REMOTES lacks its tenant, user or password_file")
            base = (login.login_endpoint or SIGN_IN).rstrip("/")
            given = {"grant_type": "client_credentials", "client_id": login.user, "client_secret": secret}
            given["scope"] = f"{GRAPH}/.default"
            answer = self._http.post(f"{base}/{quote(login.tenant)}/oauth2/v2.0/token", data=given)
            if answer.status_code != 200:
                raise RemoteAway(
                    f"{self.place}: Microsoft does not accept tenant, user and password of the application"
                )
            found = answer.json()
            self._token, self._until = str(found["access_token"]), time.monotonic() + float(found["expires_in"])
        return {"Authorization": f"Bearer {self._token}"}


def _entry(folder: str, one: dict[str, Any]) -> RemoteEntry:
    name, moment = str(one.get("name", "")), None
    with contextlib.suppress(ValueError, TypeError):
        moment = dt.datetime.fromisoformat(str(one.get("lastModifiedDateTime")))
    is_file = "file" in one
    return RemoteEntry(
        f"{folder}/{name}" if folder else name,
        "folder" in one,
        int(one["size"]) if is_file and "size" in one else None,
        nanoseconds(moment),
        one.get("cTag") or one.get("eTag"),
        is_link=not is_file and "folder" not in one,
    )


def open_graph(url: str, login: Login, place: str) -> GraphFolder:
    """Raises RemoteAway."""
    return GraphFolder(url, login, place)
