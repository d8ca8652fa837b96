"""A server that stands in for Microsoft Graph: sign-in, sites, drives, pages of children, and bytes from elsewhere.

It answers as Microsoft's reference says Graph 1.0 does; Microsoft's own was never asked.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from s2p_assets_tests.elsewhere.servers import Served

TOKEN, PAGE = "stand-in token", 2


@contextlib.contextmanager
def graph(folder: Path, *, busy: int = 1) -> Iterator[Served]:  # noqa: C901  one server, each answer a line or two
    """`busy`: how many requests are first asked to wait."""

    class Graph(BaseHTTPRequestHandler):
        waits = busy

        def do_POST(self) -> None:
            given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            is_known = given["client_id"] == ["s2p"] and given["client_secret"] == ["right"]
            if self.path != "/tenant/oauth2/v2.0/token" or not is_known:
                return self._say(401, {"error": "invalid_client"})
            return self._say(200, {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            path = unquote(parts.path)
            if path.startswith("/bytes/"):
                assert "Authorization" not in self.headers  # the address itself lets in
                return self._bytes(folder / path.removeprefix("/bytes/"))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self._say(401, {})
            if Graph.waits:
                Graph.waits -= 1
                return self._say(429, {}, {"Retry-After": "0.01"})
            known: dict[str, Any] = {
                "/v1.0/sites/127.0.0.1:/sites/Sales": {"id": "site"},
                "/v1.0/sites/site/drives": {"value": [{"id": "drive", "name": "Documents"}]},
                "/v1.0/users/anna@acme.example/drive": {"id": "drive"},
            }
            if path in known:
                return self._say(200, known[path])
            return self._item(path.removeprefix("/v1.0/drives/drive/root").removeprefix(":/"), parse_qs(parts.query))

        def _item(self, path: str, query: dict[str, list[str]]) -> None:
            inside, _, verb = path.partition(":/") if ":/" in path else (path, "", "")
            if path in ("/children", "children"):
                inside, verb = "", "children"
            place = folder / inside
            if not place.exists():
                return self._say(404, {"error": {"code": "itemNotFound"}})
            if verb == "content":
                return self._say(
                    302, {}, {"Location": f"http://{self.headers['Host']}/bytes/{inside}".encode().decode("latin-1")}
                )
            if verb == "children":
                found = [self._told(one) for one in sorted(place.iterdir()) if not one.is_symlink()]
                start = int(query.get("$skiptoken", ["0"])[0])
                more = f"http://{self.headers['Host']}{urlsplit(self.path).path}?$skiptoken={start + PAGE}"
                rest = {"@odata.nextLink": more} if start + PAGE < len(found) else {}
                return self._say(200, {"value": found[start : start + PAGE]} | rest)
            return self._say(200, self._told(place))

        def _told(self, place: Path) -> dict[str, Any]:
            state = place.stat()
            kind: dict[str, Any] = {"folder": {}} if place.is_dir() else {"file": {}}
            tag = f'"c:{{{state.st_ino}}},{state.st_mtime_ns}"'
            return (
                {"name": place.name, "size": state.st_size, "cTag": tag, "eTag": "e"}
                | kind
                | {"lastModifiedDateTime": "2026-11-01T08:00:00Z"}
            )

        def do_PUT(self) -> None:
            place = folder / unquote(self.path).removeprefix("/v1.0/drives/drive/root:/").removesuffix(":/content")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            self._say(201, self._told(place))

        def do_DELETE(self) -> None:
            place = folder / unquote(self.path).removeprefix("/v1.0/drives/drive/root:/")
            is_there = place.exists()
            place.unlink(missing_ok=True)
            self._say(204 if is_there else 404, {})

        def _bytes(self, file: Path) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(file.stat().st_size))
            self.end_headers()
            self.wfile.write(file.read_bytes())

        def _say(self, status: int, said: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            body = b"" if status == 204 else json.dumps(said).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Graph)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    here = f"http://127.0.0.1:{server.server_port}"
    login = {"tenant": "tenant", "user": "s2p", "password": "right", "endpoint": here, "login_endpoint": here}
    try:
        yield Served("sharepoint://127.0.0.1/sites/Sales/Documents", login)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
