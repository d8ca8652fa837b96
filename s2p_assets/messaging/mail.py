"""A letter as a mail, and the outbox: a folder of mails for as long as there is no mail server.

Handing mails to a server is in `smtp.py`.
"""

import datetime as dt
import mimetypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from s2p_assets.messaging.address_book import is_mail_address
from s2p_assets.messaging.letters import Letter, plain_line
from s2p_assets.messaging.outcomes import NotDelivered

OUTBOX_NAME = "s2p"


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom a mail is and whom it goes to; the same Message-ID however often it is sent."""

    message_id: str
    sender: str
    recipient: str
    written_at: dt.datetime
    reply_to: str | None = None


def write_mail(letter: Letter, envelope: Envelope) -> EmailMessage:
    """The mail with text, HTML and attachments. Nothing in a name or a title can become a header of its own."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = plain_line(letter.subject)
    mail["From"] = Address(OUTBOX_NAME, addr_spec=envelope.sender)
    mail["To"] = envelope.recipient if is_mail_address(envelope.recipient) else _nobody(envelope.recipient)
    if envelope.reply_to:
        mail["Reply-To"] = envelope.reply_to
    mail["Date"] = format_datetime(envelope.written_at)
    mail["Message-ID"] = envelope.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    for file, name in letter.attachments:
        kind, _, subtype = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
        mail.add_attachment(file.read_bytes(), maintype=kind, subtype=subtype, filename=plain_line(name))
    return mail


def _nobody(name: str) -> Address:
    """Somebody for whom no address is known, in the outbox alone."""
    plain = "".join(mark if mark.isalnum() and mark.isascii() else "-" for mark in name)[:60] or "nobody"
    return Address(plain_line(name, 60), addr_spec=f"{plain}@s2p.invalid")


@dataclass(frozen=True)
class Outbox:
    """The folder that mails lie in, each a file that mail programs open, before a mail server is set."""

    folder: Path
    spools = True

    def send(self, mail: EmailMessage, recipient: str, before: Callable[[], None]) -> None:
        """Write the mail, whole or not at all, under its Message-ID; again: over itself. Raises NotDelivered."""
        before()
        file = self.folder / f"{plain_line(str(mail['Message-ID'])).strip('<>').partition('@')[0]}.eml"
        draft = file.with_suffix(".tmp")
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with draft.open("wb") as written:
                written.write(mail.as_bytes())
                written.flush()
                os.fsync(written.fileno())
            draft.replace(file)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise NotDelivered(f"{self.folder}: {error.strerror or error}", is_down=True) from error

    def close(self) -> None:
        """Nothing is held open."""
