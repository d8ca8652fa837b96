"""One look at the mailbox: each new mail is taken, held, refused or passed over; what it brought lies in the home then.

Answering is `answering.py`'s.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import psycopg

from s2p_assets.catalog.paths import compile_patterns, matching_contracts
from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.fetching.imap_mailbox import MailboxFolder, MailboxServer, open_mailbox
from s2p_assets.fetching.mails import ReceivedMail, folder_of_sender, read_mail, thread_subject
from s2p_assets.remote_folder import MAIL_FOLDER
from s2p_assets.services.context import Context
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.share import is_ignored_name, is_spreadsheet
from s2p_assets.warehouse.files import mails
from s2p_assets.warehouse.files.ledger import ledger_path
from s2p_assets.warehouse.files.mails import KeptMail, MailState
from s2p_assets.warehouse.server.advisory_locks import held_by_session

MEGABYTE = 1 << 20
HEADER_BYTES = 1 << 16
LONGEST_SAID = 200


class MailboxUnusable(MendableError):
    """The mailbox cannot be used as it is set; one line with what to do."""


@dataclass
class MailboxResult:
    """What one look did: how many mails came to each state, the files that were taken, what kept s2p from it."""

    taken: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    problem: str | None = None


def has_mailbox(settings: Settings) -> bool:
    return settings.mailbox_host is not None


def look_at_mailbox(ctx: Context) -> MailboxResult:
    """Raises DatabaseUnreachable; what keeps s2p from the mailbox is in the result."""
    done, folder = MailboxResult(), ctx.settings.mailbox_folder
    with ctx.warehouse.connect() as connection, held_by_session(connection, "mailbox") as is_ours:
        if not is_ours:
            return done
        try:
            with open_mailbox(_server(ctx.settings)) as opened:
                _Look(ctx, connection, opened, done).run()
        except MendableError as problem:
            done.problem = str(problem)
        mails.note_mailbox(connection, folder, done.problem)
    return done


def _server(settings: Settings) -> MailboxServer:
    assert settings.mailbox_host is not None
    return MailboxServer(
        settings.mailbox_host,
        settings.mailbox_security,
        settings.mailbox_folder,
        settings.mailbox_port,
        settings.mailbox_user,
        _password(settings),
        settings.mailbox_ca_file,
    )


def _password(settings: Settings) -> str | None:
    file = settings.mailbox_password_file
    if file is None:
        return settings.mailbox_password.get_secret_value() if settings.mailbox_password else None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MailboxUnusable(
            f"S2P_MAILBOX_PASSWORD_FILE={file} cannot be read ({type(error).__name__}); let s2p read it"
        ) from None


@dataclass
class _Look:
    ctx: Context
    connection: psycopg.Connection
    folder: MailboxFolder
    done: MailboxResult

    def __post_init__(self) -> None:
        self.settings, self.books = self.ctx.settings, list(self.ctx.catalog.workbooks.values())
        said = repr([(book.full_name, book.mailed_by, book.mail_subject) for book in self.books])
        rules = f"{said}{self.settings.mailbox_senders}{self.settings.mailbox_authserv}{self.settings.mailbox_mb}"
        self.judged_by = hashlib.sha256(rules.encode()).hexdigest()[:16]

    def run(self) -> None:
        """New mails, then those that are held and that other contracts may know by now."""
        validity, name = self.folder.uid_validity, self.settings.mailbox_folder
        known = mails.mailbox_look(self.connection, name)
        first = known.next_uid if known and known.uid_validity == validity else 1
        for uid, size in self.folder.new_mails(first):
            self._take(uid, size)
            mails.note_read(self.connection, name, validity, uid + 1)
        for held in mails.held_mails(self.connection):
            if (held.folder, held.uid_validity) == (name, validity) and held.judged_by != self.judged_by:
                self._take(held.uid, None)

    def _take(self, uid: int, size: int | None) -> None:
        most = self.settings.mailbox_mb * MEGABYTE
        found = self.folder.read(uid, HEADER_BYTES if size and size > most else most + 1)
        if found is None:
            return
        raw, received = found
        mail = read_mail(raw, self.settings.mailbox_authserv)
        too_large = max(size or 0, len(raw)) > most
        part_of = mails.answered_thread(self.connection, mail.thread, mail.sender) if mail.sender else None
        folder = PurePosixPath(
            folder_of_sender(mail.sender), f"{received:%Y-%m-%d} {thread_subject(mail.subject)}".strip()
        )
        files = {} if too_large else self._places(mail, folder, part_of[1] if part_of else [])
        state, why = self._judged(mail, list(files), too_large=too_large)
        with self.connection.transaction():
            kept = mails.keep_mail(
                self.connection,
                KeptMail(
                    *(self.settings.mailbox_folder, self.folder.uid_validity, uid, mail.message_id, mail.sender),
                    *(mail.subject[:LONGEST_SAID].replace("\x00", ""), state, why, part_of[0] if part_of else None),
                    *(" ".join([*mail.thread, mail.message_id])[-2000:], not mail.is_bulk, self.judged_by, received),
                ),
            )
            for path, content in files.items() if state == "taken" else ():
                self._keep(kept, mail, path, content)
        self.done.counts[state] = self.done.counts.get(state, 0) + 1

    def _places(self, mail: ReceivedMail, folder: PurePosixPath, before: Sequence[str]) -> dict[str, bytes]:
        """Where each workbook of a mail lies by the ledger: a corrected one in place of the one that it answers for."""
        tables = {n: c for n, c in mail.attachments if is_spreadsheet(n) and not is_ignored_name(n)}
        if before and len(tables) == len(before) == 1 and _suffix(before[0]) == _suffix(next(iter(tables))):
            return {before[0]: next(iter(tables.values()))}
        home = PurePosixPath(before[0]).parent if before else PurePosixPath(MAIL_FOLDER) / folder
        return {ledger_path(str(home / name)): content for name, content in tables.items()}

    def _judged(self, mail: ReceivedMail, paths: Sequence[str], *, too_large: bool) -> tuple[MailState, str | None]:
        """What becomes of a mail, and why it is not taken."""
        if (
            mail.is_answer
            or mail.sender == self.settings.sender
            or mails.is_our_answer(self.connection, mail.message_id)
        ):
            return "passed over", "a program's answer, or one of ours"
        if mail.fault or not mail.sender:
            return "refused", mail.fault or "it is not from one address"
        if mails.known_mail(self.connection, mail.message_id, mail.sender):
            return "passed over", "it was taken already"
        by_sender = [one for one in self.books if _knows(one, mail.sender)]
        allowed = tuple(part.strip() for part in self.settings.mailbox_senders.split(",") if part.strip())
        if not by_sender and allowed and not compile_patterns(allowed).fullmatch(mail.sender):
            return "refused", "nobody allowed its sender, and no contract knows them"
        if not by_sender:
            return "held", "no contract knows its sender: add them to mailed_by of the one whose files they send"
        if mail.proof == "refuted" or (self.settings.mailbox_authserv and mail.proof != "proven"):
            return "held", "the mail server did not find it to be from its sender (DKIM, SPF); ask them whether it is"
        if too_large:
            return "held", f"it has more than {self.settings.mailbox_mb:,} MB; see S2P_MAILBOX_MB"
        if not paths:
            return "passed over", "no workbook is attached"
        if unclaimed := [path for path in paths if not matching_contracts(path, by_sender)]:
            return (
                "held",
                f"no contract of its sender has this subject for {PurePosixPath(unclaimed[0]).name}; see mail_subject",
            )
        return "taken", None

    def _keep(self, kept: int, mail: ReceivedMail, path: str, content: bytes) -> None:
        """Whole or not at all, where the look at the share finds it."""
        place = self.settings.place_of(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{hashlib.sha256(place.name.encode()).hexdigest()[:16]}.tmp")
        with beside.open("wb") as file:
            file.write(content)
            os.fsync(file.fileno())
        beside.replace(place)
        by = f"{mail.sender} by mail {mail.message_id or 'without a number'}"
        mails.keep_mailed_file(self.connection, kept, path, hashlib.sha256(content).hexdigest(), by[:400])
        self.done.taken.append(path)


def _knows(book: Workbook, sender: str) -> bool:
    return bool(book.mailed_by) and compile_patterns(tuple(book.mailed_by)).fullmatch(sender) is not None


def _suffix(path: str) -> str:
    return Path(path).suffix.lower()
