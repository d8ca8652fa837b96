"""Real servers that messages go to: a mail server with the faults that mail servers have, a receiver of web hooks.

What is promised of messages is tested beside.
"""

import asyncio
import datetime as dt
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass
class Mailbox:
    """The mails that a server took, and how it behaves."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refused: frozenset[str] = frozenset()
    greylisted: set[str] = field(default_factory=set)
    largest: int | None = None
    drops: int = 0
    slow_seconds: float = 0.0
    passwords: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    def received(self, raw: bytes, recipient: str) -> None:
        mail = message_from_bytes(raw, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(recipient)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such user here"
        if address in self.greylisted:
            self.greylisted.remove(address)
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        await asyncio.sleep(self.slow_seconds)
        if self.largest is not None and len(raw) > self.largest:
            return "552 5.3.4 message too big"
        for recipient in envelope.rcpt_tos:
            self.received(raw, recipient)
        if self.drops:
            self.drops -= 1
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()  # taken, and the answer never sent
        return "250 OK"


@contextmanager
def mail_server(box: Mailbox | None = None, **options: Any) -> Iterator[Mailbox]:
    """A mail server on a free port of this computer. `options` are those of aiosmtpd's controller."""
    box = box or Mailbox()

    def check(_: SMTP, __: Session, ___: Envelope, ____: str, found: Any) -> AuthResult:
        assert isinstance(found, LoginPassword)
        box.passwords.append((found.login.decode(), found.password.decode()))
        return AuthResult(success=found.password == b"right", handled=False)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, authenticator=check, **options)
    controller.start()
    box.port = port
    try:
        yield box
    finally:
        controller.stop()


@dataclass(frozen=True)
class Certified:
    """A server's own certificate for `localhost`, and the file by which it is trusted."""

    server: ssl.SSLContext
    ca_file: Path


def certify(folder: Path, *names: str) -> Certified:
    """A certificate for `localhost`, or for these hosts, that signs itself, as a company's own server has."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    hosts = [x509.DNSName(one) for one in names or ("localhost",)]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(Encoding.PEM))
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(plain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return Certified(context, folder / "ca.pem")


@contextmanager
def falling_silent(after: str) -> Iterator[int]:
    """A mail server that says nothing more after it was told `after`; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=_answer, args=(connection, after, ended), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        ended.set()


def _answer(connection: socket.socket, after: str, ended: threading.Event) -> None:
    with connection, connection.makefile("rb") as lines:
        connection.sendall(b"220 here\r\n")
        for line in lines:
            if line.upper().startswith(after.encode()):
                while not ended.is_set():
                    time.sleep(0.02)
                return
            connection.sendall(b"250 OK\r\n")


@contextmanager
def webhook(status: int = 200) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """The host and port of a receiver of web hooks, and what it received: (method and path, body)."""
    received: list[tuple[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            received.append((f"{self.command} {self.path}", json.loads(body) if body else None))
            self.send_response(status)
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with _served(Receiver) as address:
        yield address, received


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A web server on loopback, in a thread: its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def chat_services(certified: Certified) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """A proxy that is itself whatever host it is asked for, by TLS: its address, and what was posted (address, body).

    So Slack, Teams and PagerDuty are spoken to as they are, to the last byte, and nobody outside is.
    """
    received: list[tuple[str, Any]] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            with (
                certified.server.wrap_socket(self.connection, server_side=True) as inside,
                inside.makefile("rb") as lines,
            ):
                where = lines.readline().decode().split()[1]
                length = 0
                while (header := lines.readline().strip()) and b":" in header:
                    name, _, value = header.decode().partition(":")
                    length = int(value) if name.lower() == "content-length" else length
                received.append((f"https://{self.path.partition(':')[0]}{where}", json.loads(lines.read(length))))
                inside.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with _served(Proxy) as address:
        yield f"http://{address}", received
