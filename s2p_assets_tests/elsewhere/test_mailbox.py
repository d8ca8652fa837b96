"""The mailbox: lists that people mail are read like those on the share, and answered in their threads, once."""

import contextlib
import datetime as dt
import tempfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from s2p_assets.fetching.mails import folder_of_sender, read_mail, sender_proof, thread_subject
from s2p_assets.services.mailbox.taking import look_at_mailbox
from s2p_assets.services.mailbox.telling import mail_matters
from s2p_assets.services.messages.sending import send_messages
from s2p_assets.services.status import read_status
from s2p_assets.services.trace import trace_table
from s2p_assets_tests.elsewhere.acme import Acme, acme_at, as_json, price_list
from s2p_assets_tests.elsewhere.dovecot import MailServer, dovecot
from s2p_assets_tests.messaging.servers import Mailbox, mail_server
from s2p_assets_tests.retail_home import emptied

SUPPLIER, NAME = "orders@supplier.example", "Prices.xlsx"


def mail(
    sender: str = f"Anna <{SUPPLIER}>",
    subject: str = "Price list November",
    files: dict[str, bytes] | None = None,
    **headers: str,
) -> EmailMessage:
    """A mail with workbooks attached; `headers`: `_` stands for `-`."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "lists@acme.example", subject
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    if "Message-ID" not in made:
        made["Message-ID"] = f"<{abs(hash((sender, subject, str(files), str(headers))))}@supplier.example>"
    made.set_content("Our new prices are attached.")
    for name, content in ({NAME: price_list({"A1": 1.5})} if files is None else files).items():
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made


@pytest.fixture(scope="module")
def imap() -> Iterator[MailServer]:
    with dovecot() as found:
        yield found


@pytest.fixture
def office(imap: MailServer, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Acme, Mailbox]]:
    """An installation that watches the mailbox, and the mail server that takes its answers."""
    books = {"prices": 'mailed_by="*@supplier.example", mail_subject="Price*"'}
    for place in imap.folder.glob("*/*") if imap.folder.is_dir() else ():
        place.unlink()
    with tempfile.TemporaryDirectory(prefix="s2p-mailed-", ignore_cleanup_errors=True) as made, mail_server() as box:
        (Path(made) / "share").mkdir()
        given: dict[str, Any] = {
            "mailbox_host": "127.0.0.1",
            "mailbox_port": imap.port,
            "mailbox_security": "none",
            "mailbox_user": "s2p",
            "mailbox_password": "right",
            "mailbox_mb": 1,
            "mail_from": "lists@acme.example",
            "smtp_host": "127.0.0.1",
            "smtp_port": box.port,
            "smtp_security": "none",
            "message_minutes": 60,
        }
        share = f"{made}/share"
        with acme_at(Path(made), monkeypatch, emptied(database_url), share, {}, books, **given) as acme:
            yield acme, box


def test_a_list_that_is_mailed_is_read_and_its_sender_answered_in_the_thread(
    office: tuple[Acme, Mailbox], imap: MailServer
) -> None:
    """Mailed with a fault, answered with the marked copy, corrected by an answer to that, answered again."""
    acme, box = office
    imap.deliver(mail(files={NAME: price_list({"A1": 1.5, "A2": "dear"})}, Message_ID="<first@supplier.example>"))
    (path,) = look_at_mailbox(acme.ctx).taken
    assert path == f"s2p-mail/{SUPPLIER}/{dt.datetime.now(dt.UTC):%Y-%m-%d} Price list November/{NAME}"
    assert acme.take()[path].verdict == "returned"
    send_messages(acme.ctx, {})
    answers = [one for one in box.mails if one["To"] == SUPPLIER]
    (answer,) = answers
    assert (answer["In-Reply-To"], answer["References"]) == ("<first@supplier.example>", "<first@supplier.example>")
    assert (answer["Subject"], answer["Auto-Submitted"]) == ("Re: Price list November", "auto-replied")
    assert [part.get_filename() for part in answer.iter_attachments()] == [NAME]
    assert "Prices › B3: 'dear'" in _text(answer)

    corrected = price_list({"A1": 1.5, "A2": 2})
    reply = mail(subject="AW: Price list November", files={"Prices (corrected).xlsx": corrected})
    reply["In-Reply-To"] = str(answer["Message-ID"])
    imap.deliver(reply)
    assert look_at_mailbox(acme.ctx).taken == [path]
    assert acme.take()[path].verdict == "accepted"
    assert acme.prices() == {"A1": 1.5, "A2": 2}
    send_messages(acme.ctx, {})
    send_messages(acme.ctx, {})
    second = [one for one in box.mails if one["To"] == SUPPLIER][1:]
    assert len(second) == 1
    assert "Prices.xlsx was taken: 2 rows" in _text(second[0])
    said = as_json(trace_table(acme.ctx, "acme_prices", {"article": "A2"}, [], most=1))
    assert f"{SUPPLIER} by mail" in said
    assert look_at_mailbox(acme.ctx).counts == {}


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


BULK: dict[str, dict[str, str]] = {
    "a program": {"Auto-Submitted": "auto-generated"},
    "a mailing list": {"List-Id": "<lists.supplier.example>"},
    "many at once": {"Precedence": "bulk"},
}
LOOPS: dict[str, dict[str, str]] = {
    "an answer of a program": {"Auto-Submitted": "auto-replied"},
    "a bounce": {"Return-Path": "<>"},
    "an absence": {"X-Autoreply": "yes"},
}


def test_programs_are_read_but_not_answered_and_what_answers_by_itself_is_passed_over(
    office: tuple[Acme, Mailbox], imap: MailServer
) -> None:
    acme, box = office
    for number, headers in enumerate([*BULK.values(), *LOOPS.values()]):
        one = mail(subject=f"Prices {number}", files={NAME: price_list({f"A{number}": 1})})
        for name, value in headers.items():
            one[name] = value
        imap.deliver(one)
    imap.deliver(mail(sender="lists@acme.example", subject="Prices"))
    assert look_at_mailbox(acme.ctx).counts == {"taken": len(BULK), "passed over": len(LOOPS) + 1}
    acme.take()
    send_messages(acme.ctx, {})
    assert [one for one in box.mails if one["To"] == SUPPLIER] == []


def test_who_nobody_knows_is_held_until_a_contract_does_and_is_not_answered(
    office: tuple[Acme, Mailbox], imap: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, box = office
    imap.deliver(mail(sender="new@other.example"))
    imap.deliver(mail(subject="Something else"))
    imap.deliver(mail(files={NAME: b"x" * (2 << 20)}, subject="Prices, too large"))
    imap.deliver(mail(files={}, subject="Prices, forgotten"))
    imap.deliver(mail(sender=f"{SUPPLIER}, other@supplier.example", subject="Prices of two"))
    imap.deliver(mail(subject="Prices forged", Authentication_Results="mx.acme.example; spf=fail; dkim=fail"))
    looked = look_at_mailbox(acme.ctx)
    assert (looked.taken, looked.counts) == ([], {"held": 4, "passed over": 1, "refused": 1})
    mailbox = read_status(acme.ctx)["mailbox"]
    assert mailbox is not None
    why = " ".join(one["why"] for one in mailbox["held"])
    for says in ("no contract knows its sender", "has this subject for Prices.xlsx", "more than 1 MB", "DKIM, SPF"):
        assert says in why
    with acme.ctx.warehouse.connect() as connection:
        told = mail_matters(acme.ctx, connection, dt.datetime.now(dt.UTC))
    assert told[0].title == "A mail of new@other.example is held: Price list November"
    send_messages(acme.ctx, {})
    assert box.recipients == []
    assert look_at_mailbox(acme.ctx).counts == {}
    book = acme.ctx.catalog.workbooks["acme_prices"]
    monkeypatch.setitem(book.__dict__, "mailed_by", ("*@supplier.example", "new@other.example"))
    known = look_at_mailbox(acme.ctx)
    assert [path.split("/")[1] for path in known.taken] == ["new@other.example"]


def test_a_mailbox_that_is_away_or_lets_nobody_in_is_told_without_the_password(
    office: tuple[Acme, Mailbox], imap: MailServer
) -> None:
    acme, _ = office
    for changed, says in (
        ({"mailbox_port": 1}, "Connection refused"),
        ({"mailbox_user": "nobody"}, "does not accept S2P_MAILBOX_USER"),
        ({"mailbox_folder": "None"}, "there is no folder 'None'"),
        ({"mailbox_security": "tls"}, "speaks no TLS"),
    ):
        ctx = type(acme.ctx)(acme.ctx.settings.model_copy(update=changed), acme.ctx.catalog, acme.ctx.warehouse)
        looked = look_at_mailbox(ctx)
        assert says in str(looked.problem)
        assert "right" not in str(looked.problem)
        mailbox = read_status(ctx)["mailbox"]
        assert mailbox is not None
        assert mailbox["problem"] == looked.problem


@pytest.mark.parametrize(
    ("headers", "authserv", "proof"),
    [
        (["mx; dkim=pass header.d=supplier.example"], "mx", "proven"),
        (["mx (host) 1; spf=pass (ok) smtp.mailfrom=a@supplier.example"], "mx", "proven"),
        (["mx; dmarc=pass header.from=mail.supplier.example"], "mx", "open"),
        (["mx; dkim=pass header.d=evil.example"], "mx", "open"),
        (["mx; dkim=pass header.d=example"], "mx", "open"),
        (["evil; dkim=pass header.d=supplier.example"], "mx", "open"),
        (["mx; dkim=fail", "mx; dkim=pass header.d=supplier.example"], "mx", "refuted"),
        (["mx; dkim=pass header.d=supplier.example"], None, "open"),
        (["any; spf=fail smtp.mailfrom=x"], None, "refuted"),
        (["any; spf=softfail; dkim=none"], None, "open"),
        (["none"], None, "open"),
        ([";;==;=", "x" * 10_000], "mx", "open"),
        ([], "mx", "open"),
    ],
)
def test_only_the_companys_own_server_proves_a_sender(headers: list[str], authserv: str | None, proof: str) -> None:
    assert sender_proof(headers, "supplier.example", authserv) == proof


def test_names_of_attachments_lead_nowhere_and_are_each_there_once() -> None:
    names = ("../../etc/passwd.xlsx", "C:\\x\\a.xlsx", "a.xlsx", "..", "b\x07.xlsx")
    raw = mail(files={}).as_bytes().replace(b"\n\n", b"\n\n", 1)
    made = mail(files={})
    for name in names:
        made.add_attachment(b"x", maintype="application", subtype="octet-stream", filename=name)
    read = read_mail(made.as_bytes(), None)
    assert [name for name, _ in read.attachments][:3] == ["passwd.xlsx", "a.xlsx", "a (2).xlsx"]
    assert all("/" not in name and name not in (".", "..") for name, _ in read.attachments)
    assert read_mail(raw, None).attachments == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"From: a@b\nFrom: c@d\n\nx",
        b"From: <>\nMessage-ID: <<>>\nSubject: =?utf-8?q?=ff?=\n\n",
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\nContent-Type: multipart/mixed; boundary=a\n\n" * 3000,
        b"Content-Type: " + b"x" * 100_000 + b"\n\n",
        b"From: a@b\nContent-Type: multipart/mixed; boundary=a\n\n"
        + b'--a\nContent-Disposition: attachment; filename="x.csv"\n\nx\n' * 300,
    ],
)
def test_a_mail_that_is_none_is_read_as_such(raw: bytes) -> None:
    read = read_mail(raw, "mx")
    assert read.attachments == ()
    with contextlib.suppress(UnicodeEncodeError):
        f"{read.sender}{read.subject}{read.message_id}".encode()


@pytest.mark.parametrize(
    ("subject", "plain"),
    [
        ("Re: AW: Fwd: Price list", "Price list"),
        ("Prices 1/2: new?", "Prices 1_2_ new_"),
        ("..", ""),
        ("RE[2]: x", "x"),
        ("x" * 200, "x" * 80),
    ],
)
def test_a_subject_and_a_sender_are_names_of_folders(subject: str, plain: str) -> None:
    assert thread_subject(subject) == plain
    assert folder_of_sender("../Ev il@x/y.example") == "ev_il@x_y.example"
