"""The sign of life to an address outside, which raises the alarm when it ceases.

Whether all is well enough for one is decided by the caller.
"""

from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from s2p_assets.messaging.outcomes import NotDelivered

SECONDS = 10.0


def send_heartbeat(url: str, method: str = "GET") -> None:
    """Ask the address, which may hold a secret. Raises NotDelivered without it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise NotDelivered("S2P_HEARTBEAT_URL is no address that begins with https:// or http://")
    request = Request(url, data=b"" if method == "POST" else None, method=method)  # noqa: S310  the scheme was looked at
    try:
        with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310  as above
            answer.read(1)
    except (URLError, OSError, ValueError) as error:
        if isinstance(error, HTTPError):
            error.close()
        reason = getattr(error, "reason", None) or type(error).__name__
        raise NotDelivered(f"the heartbeat to {parts.hostname} failed: {reason}") from None
