"""Web servers that mean no good: pages without an end, names that climb, redirects inwards, sizes that lie.

What must come of them is in the tests.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def web(answers: dict[str, Answer]) -> Iterator[str]:
    """A server that answers by path; anything else is not there. Its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path, not_there)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                answer(self)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def not_there(asked: BaseHTTPRequestHandler) -> None:
    asked.send_error(404)


def page(*links: str, is_whole: bool = True) -> Answer:
    """A page of links, as a server makes it of a folder."""
    lines = "".join(f'<a href="{link}">x</a>\n' for link in links)
    text = f"<html><body>{lines}{'</body></html>' if is_whole else ''}".encode()

    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        asked.send_header("Content-Type", "text/html")
        if is_whole:
            asked.send_header("Content-Length", str(len(text)))
        asked.end_headers()
        asked.wfile.write(text)

    return answer


def gives(content: bytes, says: int | None = None, **headers: str) -> Answer:
    """A file; `says`: the length that it is said to have."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        asked.send_header("Content-Length", str(len(content) if says is None else says))
        for name, value in headers.items():
            asked.send_header(name.replace("_", "-"), value)
        asked.end_headers()
        if asked.command == "GET":
            asked.wfile.write(content)

    return answer


def sends_on(to: str) -> Answer:
    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(302)
        asked.send_header("Location", to)
        asked.send_header("Content-Length", "0")
        asked.end_headers()

    return answer


def goes_on(piece: bytes) -> Answer:
    """An answer that has no end."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        asked.send_header("Content-Type", "text/html")
        asked.end_headers()
        while asked.command == "GET":
            asked.wfile.write(piece)

    return answer
