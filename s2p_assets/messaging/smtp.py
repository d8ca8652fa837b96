"""Handing mails to the company's mail server, one recipient each, and what its answers mean.

What a mail says is in `mail.py`; when it is tried again, in `delivery.py`.
"""

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from s2p_assets.messaging.letters import plain_line
from s2p_assets.messaging.outcomes import NotDelivered

Security = Literal["starttls", "tls", "none"]
DEFAULT_PORTS: dict[str, int] = {"starttls": 587, "tls": 465, "none": 25}
PATIENCE = 4
"""A whole mail may take so many times as long as one answer."""
LONGEST_ANSWER = 200


@dataclass(frozen=True)
class MailServer:
    """The company's mail server. `seconds`: allowed for one answer; `ca_file`: who signed its certificate."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    seconds: float = 30.0


class SmtpWay:
    """The way by SMTP, over one connection for as long as it holds."""

    spools = False

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self._session: smtplib.SMTP | None = None

    def send(self, mail: EmailMessage, recipient: str, before: Callable[[], None]) -> None:
        """Hand one mail to the server. `before`: called just before it could arrive. Raises NotDelivered."""
        session = self._connected()
        sender = mail["From"].addresses[0].addr_spec
        with self._ends_in_time(session):
            try:
                options = ["smtputf8"] if not (recipient + sender).isascii() and session.has_extn("smtputf8") else []
                _require(*session.mail(sender, options), "the sender", is_down=True)
                _require(*session.rcpt(recipient), recipient)
            except (smtplib.SMTPException, OSError) as error:
                self._dropped()
                raise NotDelivered(self._said(error), is_down=True) from error
            except UnicodeEncodeError as error:
                session.rset()
                raise NotDelivered("the mail server takes no such address", for_good=True) from error
            except NotDelivered:
                with suppress(smtplib.SMTPException, OSError):
                    session.rset()
                raise
            before()
            try:
                answer: bytes | str
                code, answer = session.data(mail.as_bytes())
            except smtplib.SMTPDataError as error:  # refused before anything was sent
                code, answer = error.smtp_code, error.smtp_error
            except (smtplib.SMTPException, OSError) as error:
                self._dropped()
                raise NotDelivered(self._said(error), in_doubt=True, is_down=True) from error
            has_attachments = any(True for _ in mail.iter_attachments())
            _require(code, answer, "the mail", bare=has_attachments)

    def close(self) -> None:
        """Say goodbye to the server."""
        session, self._session = self._session, None
        if session:
            with suppress(smtplib.SMTPException, OSError):
                session.quit()

    def _dropped(self) -> None:
        session, self._session = self._session, None
        if session:
            with suppress(OSError):
                session.close()

    def _connected(self) -> smtplib.SMTP:
        if self._session is None:
            try:
                self._session = self._connect()
            except smtplib.SMTPAuthenticationError as error:
                said = _answer(error.smtp_code, error.smtp_error)
                raise NotDelivered(
                    f"{self._place} does not accept S2P_SMTP_USER and its password ({said})", is_down=True
                ) from None
            except (smtplib.SMTPException, OSError) as error:
                raise NotDelivered(self._said(error), is_down=True) from error
        return self._session

    def _connect(self) -> smtplib.SMTP:
        server, name = self.server, socket.gethostname()
        context = ssl.create_default_context(cafile=server.ca_file)
        session: smtplib.SMTP
        if server.security == "tls":
            session = smtplib.SMTP_SSL(server.host, server.port, name, timeout=server.seconds, context=context)
        else:
            session = smtplib.SMTP(server.host, server.port, name, timeout=server.seconds)
        try:
            with self._ends_in_time(session):
                session.ehlo_or_helo_if_needed()
                if server.security == "starttls":
                    session.starttls(context=context)
                if server.user:
                    session.login(server.user, server.password or "")
        except BaseException:
            session.close()
            raise
        return session

    @contextmanager
    def _ends_in_time(self, session: smtplib.SMTP) -> Iterator[None]:
        """A server that sends a letter a second keeps nobody for ever: its connection is shut."""

        def shut() -> None:
            with suppress(OSError):
                if session.sock:
                    session.sock.shutdown(socket.SHUT_RDWR)

        watch = threading.Timer(self.server.seconds * PATIENCE, shut)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    @property
    def _place(self) -> str:
        return f"the mail server {self.server.host}:{self.server.port}"

    def _said(self, error: Exception) -> str:
        """Why the server cannot be used, in one line for who set it."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the certificate of {self._place} is not trusted ({error.verify_message}); see S2P_SMTP_CA_FILE"
        if isinstance(error, ssl.SSLError):
            return f"{self._place} speaks no TLS there; see S2P_SMTP_SECURITY and S2P_SMTP_PORT"
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return f"{self._place} does not offer what is asked of it ({plain_line(str(error))}); see S2P_SMTP_SECURITY"
        if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
            return f"{self._place} did not answer within {self.server.seconds:g} seconds"
        if isinstance(error, smtplib.SMTPResponseException):
            return f"{self._place}: {_answer(error.smtp_code, error.smtp_error)}"
        if isinstance(error, smtplib.SMTPServerDisconnected):
            return f"{self._place} ended the connection"
        said = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        return f"{self._place} cannot be reached: {said}"


def _require(code: int, answer: bytes | str, what: str, *, is_down: bool = False, bare: bool = False) -> None:
    """Raises NotDelivered unless the server took it."""
    if 200 <= code < 300:
        return
    for_good = code >= 500 and not is_down
    why = f"the mail server refuses {what}: {_answer(code, answer)}"
    raise NotDelivered(why, for_good=for_good and not bare, is_down=is_down, without_attachments=for_good and bare)


def _answer(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return plain_line(f"{code} {text}", LONGEST_ANSWER)
