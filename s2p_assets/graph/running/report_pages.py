"""Finished reports over HTTP, read-only, beside the Dagster UI, because a browser opens no file:// link from a page.

People read reports on the share; this is for the links that the report assets carry.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

from s2p_assets.settings import Settings

SERVED = (".html", ".xlsx", ".pdf", ".png")
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  what a person may have set, not what is bound here


def page_address(settings: Settings, file: Path) -> str | None:
    """The link to a published file; None when reports are not served."""
    if not settings.reports_port:
        return None
    host = socket.gethostname() if settings.host in EVERYWHERE else settings.host
    written = f"[{host}]" if ":" in host else host
    return f"http://{written}:{settings.reports_port}/{quote(file.relative_to(settings.reports).as_posix())}"


@contextlib.contextmanager
def serving_reports(settings: Settings) -> Iterator[bool]:
    """Serve `s2p-reports/` in a thread for as long as the block lasts; gives whether the port could be had."""
    if not settings.reports_port:
        yield False
        return
    try:
        server = _Server((settings.host, settings.reports_port), partial(_Reports, settings))
    except OSError:
        yield False
        return
    thread = threading.Thread(target=server.serve_forever, name="s2p-reports", daemon=True)
    thread.start()
    try:
        yield True
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: Any) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)


class _Reports(SimpleHTTPRequestHandler):
    """Files of reports and nothing else: no listing, no link out of the folder, no other method than GET and HEAD."""

    def __init__(self, settings: Settings, *arguments: Any) -> None:
        self.settings = settings
        super().__init__(*arguments, directory=str(settings.reports))

    def send_head(self) -> Any:
        """The file's head, or 404 for whatever is no report; 403 where a page of elsewhere asks by another name."""
        if not self._names_this_host():
            self.send_error(HTTPStatus.FORBIDDEN)
            return None
        if self.path in ("/", ""):
            self.path = "/index.html"
        file, root = Path(self.translate_path(self.path)), self.settings.reports.resolve()
        if file.suffix not in SERVED or not file.is_file() or not file.resolve().is_relative_to(root):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def _names_this_host(self) -> bool:
        """A page elsewhere whose name was bent to this address asks by its own name, not by ours."""
        if self.settings.host in EVERYWHERE:
            return True
        name = self.headers.get("Host", "").rpartition(":")[0].strip("[]")
        return name in (self.settings.host, "localhost")

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: who reads what is nobody's business."""
