"""A folder of a mailbox by IMAP, looked at and never changed: no mail is marked, moved or deleted.

What a mail says is read in `mails.py`.
"""

import datetime as dt
import imaplib
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from s2p_assets.fetching.remote_files import RemoteAway

PORTS = {"tls": 993, "starttls": 143, "none": 143}
SECONDS = 30.0
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class MailboxServer:
    """The company's IMAP server, and the folder that is watched."""

    host: str
    security: Literal["tls", "starttls", "none"]
    folder: str
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None


@dataclass(frozen=True)
class MailboxFolder:
    """A folder that is open for reading. `uid_validity`: numbers of mails count for as long as it is the same."""

    session: imaplib.IMAP4
    uid_validity: int

    def new_mails(self, first: int) -> list[tuple[int, int]]:
        """(number, size in bytes) of mails from a number on, the first of them."""
        found = self._asked("SEARCH", f"UID {first}:*")
        uids = sorted({int(uid) for part in found if isinstance(part, bytes) for uid in part.split()})
        uids = [uid for uid in uids if uid >= first][:MOST_AT_ONCE]  # `7:*` names the last one, even where that is 6
        return [(uid, self._size(uid)) for uid in uids]

    def read(self, uid: int, most_bytes: int) -> tuple[bytes, dt.datetime] | None:
        """A mail as it came, at most so many bytes of it, and when; None where it is gone."""
        for part in self._asked("FETCH", str(uid), f"(INTERNALDATE BODY.PEEK[]<0.{most_bytes}>)"):
            if isinstance(part, tuple):
                return part[1], _received(part[0])
        return None

    def _size(self, uid: int) -> int:
        for part in self._asked("FETCH", str(uid), "(RFC822.SIZE)"):
            text = part[0] if isinstance(part, tuple) else part
            if isinstance(text, bytes) and (found := re.search(rb"RFC822\.SIZE (\d+)", text)):
                return int(found[1])
        return 0

    def _asked(self, command: str, *words: str) -> list[bytes | tuple[bytes, bytes] | None]:
        kind, found = self.session.uid(command, *words)
        if kind != "OK":
            raise RemoteAway(f"the mailbox refuses to {command.lower()}")
        return list(found)


@contextmanager
def open_mailbox(server: MailboxServer) -> Iterator[MailboxFolder]:
    """Raises RemoteAway, in one line without the password."""
    place = f"the mailbox at {server.host}:{server.port or PORTS[server.security]}"
    session = None
    try:
        session = _connected(server)
        if server.user:
            session.login(server.user, server.password or "")
        name = '"' + server.folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
        kind, _ = session.select(name, readonly=True)
        if kind != "OK":
            raise RemoteAway(f"{place}: there is no folder {server.folder!r}; see S2P_MAILBOX_FOLDER")
        _, validity = session.response("UIDVALIDITY")
        yield MailboxFolder(session, int(validity[0]) if validity and validity[0] else 0)
    except ssl.SSLError as error:
        raise RemoteAway(
            f"{place}: its certificate is not trusted, or it speaks no TLS; see S2P_MAILBOX_CA_FILE"
        ) from error
    except imaplib.IMAP4.error as error:
        if session is not None and session.state == "NONAUTH":
            raise RemoteAway(f"{place}: it does not accept S2P_MAILBOX_USER and its password") from None
        raise RemoteAway(f"{place}: it cannot be used ({type(error).__name__})") from None
    except (OSError, EOFError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else "it hung up"
        raise RemoteAway(
            f"{place}: {'it did not answer in time' if isinstance(error, TimeoutError) else said}"
        ) from None
    finally:
        if session is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                session.logout()


def _connected(server: MailboxServer) -> imaplib.IMAP4:
    port, secure = server.port or PORTS[server.security], ssl.create_default_context(cafile=server.ca_file)
    if server.security == "tls":
        return imaplib.IMAP4_SSL(server.host, port, ssl_context=secure, timeout=SECONDS)
    session = imaplib.IMAP4(server.host, port, timeout=SECONDS)
    if server.security == "starttls":
        session.starttls(secure)
    return session


def _received(line: bytes) -> dt.datetime:
    found = imaplib.Internaldate2tuple(line)
    return dt.datetime.fromtimestamp(time.mktime(found), dt.UTC) if found else dt.datetime.now(dt.UTC)
