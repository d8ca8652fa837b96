"""What stands before a broker in a company: a door that speaks TLS and asks for a password, and a schema registry.

The door lets ApiVersions through, answers SaslHandshake and SaslAuthenticate itself as Kafka's protocol has them
(https://kafka.apache.org/protocol), and passes on the rest, as the wheel's broker takes no certificate. The registry
answers as Confluent's does (GET /schemas/ids/N).
"""

import contextlib
import datetime as dt
import http.server
import ipaddress
import json
import socket
import socketserver
import ssl
import struct
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from s2p_assets_tests.free_ports import free_port
from s2p_assets_tests.streams.broker import Broker, running_broker

USER, PASSWORD = "s2p", "right"
HANDSHAKE, AUTHENTICATE = 17, 36
REFUSED = 58


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    x509 = pytest.importorskip("cryptography.x509", reason="no certificate can be made here (cryptography)")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "broker.pem", folder / "broker.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, secret


class _Door(socketserver.BaseRequestHandler):
    server: "_Doors"

    def handle(self) -> None:
        with (
            contextlib.suppress(OSError, EOFError),
            self.server.tls.wrap_socket(self.request, server_side=True) as here,
            socket.create_connection(self.server.behind) as there,
        ):
            while not self._asked(here, there):
                pass
            threading.Thread(target=_pass_on, args=(there, here), daemon=True).start()
            _pass_on(here, there)

    def _asked(self, here: socket.socket, there: socket.socket) -> bool:
        """One request before the door is open; whether it is open now."""
        request = _frame(here)
        kind, _, number, named = struct.unpack_from(">hhih", request)
        body = request[10 + max(named, 0) :]
        if kind == AUTHENTICATE:
            _, user, password = body[4:].decode().split("\0")
            is_right = (user, password) == (USER, PASSWORD)
            says = b"" if is_right else b"no such user, or another password"
            answer = struct.pack(">hh", 0 if is_right else REFUSED, len(says) or -1) + says + struct.pack(">iq", 0, 0)
            _send(here, struct.pack(">i", number) + answer)
            return is_right
        if kind == HANDSHAKE:
            _send(here, struct.pack(">ihih", number, 0, 1, 5) + b"PLAIN")
        else:
            _send(there, request)
            _send(here, _frame(there))
        return False


class _Doors(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    tls: ssl.SSLContext
    behind: tuple[str, int]


def _exactly(source: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        if not (more := source.recv(size - len(found))):
            raise EOFError
        found += more
    return found


def _frame(source: socket.socket) -> bytes:
    return _exactly(source, struct.unpack(">i", _exactly(source, 4))[0])


def _send(target: socket.socket, frame: bytes) -> None:
    target.sendall(struct.pack(">i", len(frame)) + frame)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while more := source.recv(1 << 16):
            target.sendall(more)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def guarded_broker(folder: Path) -> Iterator[Broker]:
    """A real broker behind such a door; its `client` is what lets a program in."""
    pem, secret = certificate(folder)
    door = f"127.0.0.1:{free_port()}"
    with running_broker(advertised=door) as broker:
        host, port = broker.address.split(":")
        with _Doors(("127.0.0.1", int(door.split(":")[1])), _Door) as doors:
            doors.tls, doors.behind = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), (host, int(port))
            doors.tls.load_cert_chain(pem, secret)
            threading.Thread(target=doors.serve_forever, daemon=True).start()
            login = {"sasl.mechanism": "PLAIN", "sasl.username": USER, "sasl.password": PASSWORD}
            client = {"security.protocol": "sasl_ssl", "ssl.ca.location": str(pem)} | login
            yield Broker(door, broker.command, client=client)
            doors.shutdown()


@dataclass
class SchemaRegistry:
    """Schemas by their numbers. `is_away`: it answers 503."""

    url: str
    schemas: dict[int, dict[str, Any]] = field(default_factory=dict)
    is_away: bool = False
    asked: list[int] = field(default_factory=list)


@contextlib.contextmanager
def schema_registry() -> Iterator[SchemaRegistry]:
    """A registry that lets in who has the password."""
    registry = SchemaRegistry(f"http://127.0.0.1:{free_port()}")
    wanted = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = int(self.path.removeprefix("/schemas/ids/"))
            registry.asked.append(number)
            if registry.is_away or self.headers["Authorization"] != wanted:
                self.answer(503 if registry.is_away else 401, {})
            elif number not in registry.schemas:
                self.answer(404, {"error_code": 40403, "message": f"Schema {number} not found"})
            else:
                self.answer(200, {"schema": json.dumps(registry.schemas[number])})

        def answer(self, status: int, said: dict[str, Any]) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    place = ("127.0.0.1", int(registry.url.rpartition(":")[2]))
    with http.server.ThreadingHTTPServer(place, Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield registry
        server.shutdown()
