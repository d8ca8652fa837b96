"""Whereto a server may send s2p on: to itself and to hosts of the open internet, never into the company's own network.

A redirect to `127.0.0.1` or to a cloud's metadata address would else hand s2p what only this computer may ask for.
"""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443, "webdav": 80, "webdavs": 443}


@dataclass(frozen=True)
class HostGuard:
    """The one server that somebody named: `host` and the ports at which it may be asked."""

    host: str
    ports: frozenset[int]

    @classmethod
    def of(cls, url: str) -> "HostGuard":
        """For the server of an address, which may also be asked over TLS."""
        parts = urlsplit(url)
        port = _port(parts)
        return cls(parts.hostname or "", frozenset({port, 443} if port == 80 else {port}))

    def is_named(self, host: str, port: int) -> bool:
        """Whether it is the server that somebody named."""
        return host.rstrip(".").lower() == self.host and port in self.ports

    def allows(self, host: str, port: int, addresses: Iterable[str]) -> bool:
        """Whether a connection may go there: `addresses` are what the host's name stands for."""
        return self.is_named(host, port) or all(is_public(one) for one in addresses)

    def allows_url(self, url: str) -> bool:
        """The same for an address whose host may be a number already; names are judged when they are looked up."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            return False
        host, port = parts.hostname or "", _port(parts)
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return bool(host)
        return self.allows(host, port, [host])

    def allows_looked_up(self, url: str) -> bool:
        """The same with the host's name looked up now."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", _port(parts)
        if not self.allows_url(url):
            return False
        try:
            found = {str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        except OSError:
            return False
        return self.allows(host, port, found)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    return (mapped or parsed).is_global and not (mapped or parsed).is_multicast


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or PORTS.get(parts.scheme, 443)
    except ValueError:
        return 0
