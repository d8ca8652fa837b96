"""Each recipient is told of each matter once, whatever the mail server, the disk or a kill does in between."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import psycopg
import pytest

from s2p_assets.messaging import record
from s2p_assets.messaging import sent_log as sent_log_module
from s2p_assets.messaging.address_book import AddressBook
from s2p_assets.messaging.delivery import MailWay, Post, deliver
from s2p_assets.messaging.heartbeat import send_heartbeat
from s2p_assets.messaging.mail import Outbox
from s2p_assets.messaging.matters import Matter
from s2p_assets.messaging.outcomes import NotDelivered
from s2p_assets.messaging.smtp import MailServer, SmtpWay
from s2p_assets.warehouse.server.connection import connect
from s2p_assets_tests.messaging.servers import (
    Certified,
    Mailbox,
    certify,
    chat_services,
    falling_silent,
    mail_server,
    webhook,
)

ANNA, BORIS = "anna@example.com", "boris@example.com"
BOOK = AddressBook(engineers=("it@example.com",))


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    return certify(tmp_path_factory.mktemp("certificate"))


def returned(name: str = "Prices.xlsx", owner: str = ANNA, **changed: Any) -> Matter:
    words = {"title": f"{name} was returned: nothing of it was loaded", "next_step": "Correct the red cells."}
    return Matter("returned", name, owner=owner, **{**words, **changed})


def by_smtp(port: int, **changed: Any) -> SmtpWay:
    return SmtpWay(MailServer(**{"host": "127.0.0.1", "port": port, "security": "none", "seconds": 5.0, **changed}))


def post(mail: MailWay, book: AddressBook = BOOK, **changed: Any) -> Post:
    settings = {"sender": "s2p@example.com", "from_whom": "s2p", "book_place": "addresses.yaml"}
    return Post(mail, book, **{**settings, "collected_minutes": 0.0, **changed})


def so_now(conn: psycopg.Connection, matters: Iterable[Matter], kinds: tuple[str, ...] = ("returned",)) -> None:
    record.record_matters(conn, kinds, list(matters))


def at_once(conn: psycopg.Connection) -> None:
    """What is tried again later is due now, and nobody got messages of late."""
    conn.execute("update s2p.messages set due_at = now(), created_at = now() - interval '1 day'")


def states(conn: psycopg.Connection) -> list[str]:
    return [state for (state,) in conn.execute("select state from s2p.messages order by id").fetchall()]


def test_a_thousand_bad_files_are_one_message_and_none_is_told_twice(conn: psycopg.Connection) -> None:
    matters = [returned(f"{number}.xlsx") for number in range(1000)]
    with mail_server() as box:
        so_now(conn, matters)
        deliver(conn, post(by_smtp(box.port)))
        so_now(conn, matters)
        at_once(conn)
        deliver(conn, post(by_smtp(box.port)))
    assert [mail["Subject"] for mail in box.mails] == ["0.xlsx was returned: nothing of it was loaded, and 999 more"]
    text = box.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "and 950 more" in text
    assert len(text) < 6_000


def test_matters_are_collected_over_minutes_and_over_more_for_who_got_messages_of_late(
    conn: psycopg.Connection,
) -> None:
    with mail_server() as box:
        patient = post(by_smtp(box.port), collected_minutes=5.0)
        so_now(conn, [returned("1.xlsx")])
        assert deliver(conn, patient) == {}
        conn.execute("update s2p.matters set opened_at = now() - interval '6 minutes'")
        assert deliver(conn, patient) == {"sent": 1}
        so_now(conn, [returned("1.xlsx"), returned("2.xlsx")])
        conn.execute("update s2p.matters set opened_at = now() - interval '6 minutes'")
        assert deliver(conn, patient) == {}
        conn.execute("update s2p.matters set opened_at = now() - interval '11 minutes'")
        assert deliver(conn, patient) == {"sent": 1}
    assert len(box.mails) == 2


def test_what_was_mended_in_time_is_never_told_and_what_comes_back_within_a_day_is_not_told_again(
    conn: psycopg.Connection,
) -> None:
    with mail_server() as box:
        so_now(conn, [returned("1.xlsx")])
        so_now(conn, [])
        assert deliver(conn, post(by_smtp(box.port))) == {}
        for there in ([returned("2.xlsx")], [], [returned("2.xlsx")]):
            so_now(conn, there)
            deliver(conn, post(by_smtp(box.port)))
        assert len(box.mails) == 1
        so_now(conn, [])
        conn.execute("update s2p.matters set cleared_at = now() - interval '25 hours'")
        so_now(conn, [returned("2.xlsx")])
        deliver(conn, post(by_smtp(box.port)))
    assert len(box.mails) == 2


def test_a_refused_recipient_costs_the_others_nothing_and_is_told_to_the_status(conn: psycopg.Connection) -> None:
    book = AddressBook(people={"prices@example.com": (ANNA, BORIS)})
    with mail_server(Mailbox(refused=frozenset({ANNA}))) as box:
        so_now(conn, [returned(owner="prices@example.com")])
        assert deliver(conn, post(by_smtp(box.port), book)) == {"refused": 1, "sent": 1}
        at_once(conn)
        assert deliver(conn, post(by_smtp(box.port), book)) == {}
    assert box.recipients == [BORIS]
    (stuck,) = record.read_messages(conn, ["refused"])
    assert (stuck.recipient, stuck.error) == (ANNA, f"the mail server refuses {ANNA}: 550 5.1.1 no such user here")


def test_a_server_that_is_away_or_says_later_is_tried_again_and_later_and_later(conn: psycopg.Connection) -> None:
    so_now(conn, [returned()])
    pauses = []
    for _ in range(7):
        assert deliver(conn, post(by_smtp(9))) == {"waiting": 1}
        row = conn.execute("select round(extract(epoch from due_at - now()) / 60) from s2p.messages").fetchone()
        pauses.append(int(row[0]) if row else 0)
        assert deliver(conn, post(by_smtp(9))) == {}
        at_once(conn)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    (stuck,) = record.read_messages(conn, ["waiting"])
    assert "cannot be reached" in (stuck.error or "")
    with mail_server(Mailbox(greylisted={ANNA})) as box:
        assert deliver(conn, post(by_smtp(box.port))) == {"waiting": 1}
        at_once(conn)
        assert deliver(conn, post(by_smtp(box.port))) == {"sent": 1}
    assert len(box.mails) == 1


def test_an_answer_that_is_lost_is_the_only_doubt_and_the_message_goes_again_under_its_id(
    conn: psycopg.Connection,
) -> None:
    so_now(conn, [returned("1.xlsx"), returned("2.xlsx", BORIS)])
    with mail_server(Mailbox(drops=1)) as box:
        assert deliver(conn, post(by_smtp(box.port))) == {"waiting": 1}
        assert sorted(states(conn)) == ["sending", "waiting"]
        at_once(conn)
        assert deliver(conn, post(by_smtp(box.port))) == {"sent": 2}
    ids = [mail["Message-ID"] for mail in box.mails]
    assert sorted(box.recipients) == [ANNA, ANNA, BORIS]
    assert len(set(ids)) == 2
    assert [one.times_in_doubt for one in record.read_messages(conn, ["sent"]) if one.recipient == ANNA] == [1]


@pytest.mark.parametrize("after", ["EHLO", "MAIL", "DATA"])
def test_a_server_that_falls_silent_keeps_nobody(conn: psycopg.Connection, after: str) -> None:
    so_now(conn, [returned()])
    with falling_silent(after) as port:
        assert deliver(conn, post(by_smtp(port, seconds=0.2))) == {"waiting": 1}
    (stuck,) = record.read_messages(conn, ["waiting", "sending"])
    assert "did not answer within 0.2 seconds" in (stuck.error or "")


def test_a_mail_that_is_too_big_for_the_server_goes_without_its_attachments(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    copy = tmp_path / "Prices.xlsx"
    copy.write_bytes(os.urandom(60_000))
    so_now(conn, [returned(attachments=(str(copy),))])
    with mail_server(Mailbox(largest=30_000)) as box:
        assert deliver(conn, post(by_smtp(box.port))) == {"waiting": 1, "sent": 1}
    assert [list(mail.iter_attachments()) for mail in box.mails] == [[]]


def test_attachments_stay_within_their_bound_and_one_that_was_withdrawn_is_left_out(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    sizes = {"small.xlsx": 400, "large.xlsx": 5_000, "other/small.xlsx": 300}
    for name, size in sizes.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    names = [*sizes, "withdrawn.xlsx"]
    so_now(conn, [returned(name, attachments=(str(tmp_path / name),)) for name in names])
    with mail_server() as box:
        deliver(conn, post(by_smtp(box.port), attachment_bytes=1_000))
    found = {str(part.get_filename()): len(part.get_content()) for part in box.mails[0].iter_attachments()}
    assert found == {"small.xlsx": 400, "other – small.xlsx": 300}


@pytest.mark.parametrize(
    "name",
    [
        "Preise\r\nBcc: thief@example.com.xlsx",
        "価格表.xlsx",
        "אבג.xlsx",
        "a\u2028b\x00.xlsx",
        "x" * 4000,
        "\udcff.xlsx",
    ],
)
def test_a_file_name_is_never_a_header_and_is_read_in_any_script(
    conn: psycopg.Connection, tmp_path: Path, name: str
) -> None:
    copy = tmp_path / "copy.xlsx"
    copy.write_bytes(b"bytes")
    so_now(conn, [returned(name, title=f"{name} was returned", details=(name,), attachments=(str(copy),))])
    with mail_server() as box:
        assert deliver(conn, post(by_smtp(box.port))) == {"sent": 1}
    (mail,) = box.mails
    assert mail["Bcc"] is None
    assert len(mail.get_all("Subject") or []) == 1
    assert "\n" not in mail["Subject"]
    shown = name.encode("utf-8", "replace").decode().split()[0]
    assert mail["Subject"].startswith(shown[:3])
    assert box.recipients == [ANNA]


def test_a_message_that_cannot_be_written_keeps_no_other(conn: psycopg.Connection) -> None:
    so_now(conn, [returned("1.xlsx", details=("A1",)), returned("2.xlsx", BORIS)])
    conn.execute('update s2p.matters set content = content || \'{"more": "many"}\' where owner = %s', (ANNA,))
    with mail_server() as box:
        assert deliver(conn, post(by_smtp(box.port))) == {"sent": 1, "waiting": 1}
    assert box.recipients == [BORIS]
    assert "it could not be written" in (record.read_messages(conn, ["waiting"])[0].error or "")


def test_before_there_is_a_mail_server_mails_lie_in_the_outbox_and_open_matters_are_told_when_there_is_one(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    box = Outbox(tmp_path / "outbox")
    so_now(conn, [returned("1.xlsx"), returned("2.xlsx")])
    so_now(conn, [Matter("failed", "demand", "Demand failed")], ("failed",))
    assert deliver(conn, post(box, AddressBook())) == {"spooled": 2}
    assert deliver(conn, post(box, AddressBook())) == {}
    mails = [message_from_bytes(file.read_bytes(), policy=default) for file in (tmp_path / "outbox").iterdir()]
    assert sorted(mail["To"] for mail in mails) == [ANNA, "engineers <engineers@s2p.invalid>"]
    so_now(conn, [returned("2.xlsx")])
    so_now(conn, [], ("failed",))
    at_once(conn)
    with mail_server() as server:
        assert deliver(conn, post(by_smtp(server.port))) == {"sent": 1}
        at_once(conn)
        assert deliver(conn, post(by_smtp(server.port))) == {}
    assert [mail["Subject"] for mail in server.mails] == ["2.xlsx was returned: nothing of it was loaded"]


def test_with_a_mail_server_nobody_is_an_engineer_until_one_is_named(conn: psycopg.Connection) -> None:
    so_now(conn, [Matter("failed", "demand", "Demand failed")], ("failed",))
    with mail_server() as box:
        assert deliver(conn, post(by_smtp(box.port), AddressBook())) == {"refused": 1}
        (stuck,) = record.read_messages(conn, ["refused"])
        assert stuck.error == "engineers has no mail address; give one in addresses.yaml"
        assert deliver(conn, post(by_smtp(box.port))) == {"sent": 1}
    assert box.recipients == ["it@example.com"]


def test_a_service_gets_the_text_and_its_secret_stands_nowhere(conn: psycopg.Connection, tmp_path: Path) -> None:
    with webhook() as (host, received), webhook(500) as (broken, _):
        services = {"ops": f"json://user:token-1@{host}/hook", "down": f"json://user:token-2@{broken}/hook"}
        book = AddressBook(engineers=("ops", "down"), services=services)
        so_now(
            conn, [Matter("failed", "demand", "Demand failed", details=("<!channel> division by zero",))], ("failed",)
        )
        assert deliver(conn, post(Outbox(tmp_path), book)) == {"sent": 1, "waiting": 1}
    ((where, body),) = received
    assert where == "POST /hook"
    assert body["title"] == "Demand failed"
    assert "division by zero" in body["message"]
    everything = conn.execute("select g::text from s2p.messages g").fetchall()
    assert "token" not in str(everything)
    assert "token" not in repr(book)


CHATS = {
    "slack": (
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/ops",
        "https://hooks.slack.com/services/T1JJ3T3L2/",
    ),
    "teams": (
        "workflows://example.westeurope.logic.azure.com/0123456789abcdef/sig-1",
        "https://example.westeurope.logic.",
    ),
    "pagerduty": ("pagerduty://A1BRTD4JD@TIiajkdnlazkcOXrIdevi7FQ", "https://events.pagerduty.com/v2/enqueue"),
}


@pytest.mark.parametrize("chat", CHATS)
def test_slack_teams_and_pagerduty_are_told_what_failed_in_their_own_form(
    chat: str, conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, where = CHATS[chat]
    certified = certify(tmp_path, "hooks.slack.com", "example.westeurope.logic.azure.com", "events.pagerduty.com")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certified.ca_file))
    book = AddressBook(engineers=("ops",), services={"ops": address})
    failed = Matter("failed", "demand", "Demand could not be made", "See its run.", ("division by zero",))
    with chat_services(certified) as (proxy, received):
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy)
        for _ in range(2):
            so_now(conn, [failed], ("failed",))
            assert deliver(conn, post(Outbox(tmp_path), book)) in ({"sent": 1}, {})
    ((posted, body),) = received
    assert posted.startswith(where)
    assert "Demand could not be made" in str(body)
    assert "division by zero" in str(body)


def test_an_event_is_told_to_everybody_once_and_is_over(conn: psycopg.Connection) -> None:
    event = Matter("champion", "demand:2", "Smoothing is in service now", owner=ANNA)
    with mail_server() as box:
        for _ in range(3):
            so_now(conn, [event], ("champion",))
            deliver(conn, post(by_smtp(box.port)))
            at_once(conn)
        so_now(conn, [], ("champion",))
        deliver(conn, post(by_smtp(box.port)))
    assert sorted(box.recipients) == [ANNA, "it@example.com"]
    assert conn.execute("select count(*) from s2p.matters where cleared_at is null").fetchone() == (0,)


def test_a_mail_says_that_no_person_wrote_it_and_whom_to_answer(conn: psycopg.Connection) -> None:
    so_now(conn, [returned()])
    with mail_server() as box:
        deliver(conn, post(by_smtp(box.port)))
    (mail,) = box.mails
    assert (mail["Auto-Submitted"], mail["Reply-To"], mail["To"]) == ("auto-generated", "it@example.com", ANNA)
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_a_wrong_password_is_told_without_it_and_mail_waits(conn: psycopg.Connection, certified: Certified) -> None:
    so_now(conn, [returned()])
    with mail_server(tls_context=certified.server, require_starttls=True, auth_required=True) as box:
        tls = {"host": "localhost", "security": "starttls", "ca_file": certified.ca_file, "user": "s2p"}
        wrong = by_smtp(box.port, **tls, password="secret-1")
        assert deliver(conn, post(wrong)) == {"waiting": 1}
        (stuck,) = record.read_messages(conn, ["waiting"])
        assert "does not accept S2P_SMTP_USER and its password" in (stuck.error or "")
        assert "secret-1" not in f"{stuck} {wrong.server}"
        at_once(conn)
        assert deliver(conn, post(by_smtp(box.port, **tls, password="right"))) == {"sent": 1}


def test_a_server_is_spoken_to_by_tls_that_the_company_signed_and_by_no_other(
    conn: psycopg.Connection, certified: Certified
) -> None:
    so_now(conn, [returned()])
    with mail_server(ssl_context=certified.server) as box:
        for changed, said in (
            ({"security": "tls"}, "is not trusted (self-signed certificate); see S2P_SMTP_CA_FILE"),
            ({"security": "starttls", "seconds": 0.3}, "did not answer within"),
        ):
            assert deliver(conn, post(by_smtp(box.port, host="localhost", **changed))) == {"waiting": 1}
            assert said in (record.read_messages(conn, ["waiting"])[0].error or "")
            at_once(conn)
        by_tls = by_smtp(box.port, host="localhost", security="tls", ca_file=certified.ca_file)
        assert deliver(conn, post(by_tls)) == {"sent": 1}
    at_once(conn)
    so_now(conn, [returned("2.xlsx")])
    with mail_server() as plain:
        assert deliver(conn, post(by_smtp(plain.port, security="starttls"))) == {"waiting": 1}
        assert "see S2P_SMTP_SECURITY" in (record.read_messages(conn, ["waiting"])[0].error or "")


KILLED = """
import sys
from s2p_assets.messaging.delivery import deliver
from s2p_assets.warehouse.server.connection import connect
from s2p_assets_tests.messaging.test_delivery import by_smtp, post
import os, signal
from s2p_assets.messaging import record
from s2p_assets.messaging import sent_log as sent_log_module
if sys.argv[3] != "never":
    setattr(record, sys.argv[3], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
with connect(sys.argv[1]) as conn:
    print(deliver(conn, post(by_smtp(int(sys.argv[2])))))
"""


def once_it_is_ours(conn: psycopg.Connection, way: Post) -> dict[str, int]:
    """PostgreSQL takes a moment to learn that the process that had the turn is dead."""
    deadline = time.monotonic() + 30
    while (counts := deliver(conn, way)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return counts


def started(url: str, port: int, at: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", KILLED, url, str(port), at]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("at", "arrived"), [("next_due", 1), ("mark_sending", 1), ("mark_settled", 2)])
def test_a_kill_between_sending_and_recording_is_the_only_one_that_sends_twice(
    conn: psycopg.Connection, empty_database_url: str, at: str, arrived: int
) -> None:
    so_now(conn, [returned()])
    with mail_server() as box:
        first = started(empty_database_url, box.port, at)
        first.communicate(timeout=60)
        assert first.returncode == -signal.SIGKILL
        assert once_it_is_ours(conn, post(by_smtp(box.port))) == {"sent": 1}
    assert len(box.mails) == arrived
    assert len({mail["Message-ID"] for mail in box.mails}) == 1
    assert [one.times_in_doubt for one in record.read_messages(conn, ["sent"])] == [arrived - 1]


def test_two_processes_at_once_send_a_message_once(conn: psycopg.Connection, empty_database_url: str) -> None:
    so_now(conn, [returned(f"{number}.xlsx", f"{number}@example.com") for number in range(8)])
    with mail_server(Mailbox(slow_seconds=0.05)) as box:
        both = [started(empty_database_url, box.port, "never") for _ in range(2)]
        with connect(empty_database_url) as other, record.sending_turn(other) as ours:
            pass
        said = [process.communicate(timeout=60) for process in both]
        deliver(conn, post(by_smtp(box.port)))
    assert isinstance(ours, bool)
    assert all("Error" not in err for _, err in said), said
    assert sorted(box.recipients) == sorted(f"{number}@example.com" for number in range(8))


def test_a_sign_of_life_is_asked_for_by_get_or_post_and_its_failure_names_no_secret() -> None:
    with webhook() as (host, received), webhook(500) as (broken, _):
        send_heartbeat(f"http://{host}/ping/token-1")
        send_heartbeat(f"http://{host}/ping/token-1", "POST")
        with pytest.raises(NotDelivered, match="Internal Server Error") as problem:
            send_heartbeat(f"http://{broken}/ping/token-1")
    assert [where for where, _ in received] == ["GET /ping/token-1", "POST /ping/token-1"]
    assert "token-1" not in str(problem.value)
    with pytest.raises(NotDelivered, match="begins with https"):
        send_heartbeat("file:///etc/passwd")


def test_after_a_pass_the_first_message_goes_at_once_and_the_next_is_collected(conn: psycopg.Connection) -> None:
    with mail_server() as box:
        after_a_pass = post(by_smtp(box.port), collected_minutes=5.0, at_once=True)
        so_now(conn, [returned("1.xlsx")])
        assert deliver(conn, after_a_pass) == {"sent": 1}
        so_now(conn, [returned("1.xlsx"), returned("2.xlsx")])
        assert deliver(conn, after_a_pass) == {}
    assert len(box.mails) == 1


def test_a_database_brought_back_from_before_tells_nothing_again(conn: psycopg.Connection, tmp_path: Path) -> None:
    """Of what was sent since the backup only the file beside the database knows."""
    sent_log = tmp_path / "sent.jsonl"
    event = Matter("received", "Good", "Good.xlsx was received: 8 rows", owner=ANNA)
    with mail_server() as box:
        so_now(conn, [returned("Before.xlsx")])
        deliver(conn, post(by_smtp(box.port), sent_log=sent_log))
        backup = sent_log.read_bytes()
        so_now(conn, [returned("Before.xlsx"), returned("Since.xlsx"), returned("Mended.xlsx", BORIS)])
        so_now(conn, [event], ("received",))
        at_once(conn)
        deliver(conn, post(by_smtp(box.port), sent_log=sent_log))
        assert len(box.mails) == 3
        assert sent_log.read_bytes().startswith(backup)
        conn.execute("delete from s2p.messages where id > 1")
        conn.execute("delete from s2p.matters where id > 1")
        for _ in range(2):
            so_now(conn, [returned("Before.xlsx"), returned("Since.xlsx")])
            so_now(conn, [event], ("received",))
            deliver(conn, post(by_smtp(box.port), sent_log=sent_log))
        so_now(conn, [returned("Before.xlsx"), returned("Since.xlsx"), returned("New.xlsx", BORIS)])
        at_once(conn)
        deliver(conn, post(by_smtp(box.port), sent_log=sent_log))
    assert [mail["Subject"].partition(" ")[0] for mail in box.mails] == [
        "Before.xlsx",
        "Since.xlsx",
        "Mended.xlsx",
        "New.xlsx",
    ]
    assert set(states(conn)) == {"sent"}


def test_a_message_that_a_backup_knows_as_being_sent_is_sent_no_more(conn: psycopg.Connection, tmp_path: Path) -> None:
    sent_log = tmp_path / "sent.jsonl"
    with mail_server() as box:
        so_now(conn, [returned()])
        deliver(conn, post(by_smtp(box.port), sent_log=sent_log))
        conn.execute("update s2p.messages set state = 'sending', settled_at = null")
        deliver(conn, post(by_smtp(box.port), sent_log=sent_log))
    assert len(box.mails) == 1
    assert states(conn) == ["sent"]


def test_the_file_beside_the_database_is_read_past_what_a_power_cut_left_and_stays_small(
    conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_log = tmp_path / "sent.jsonl"
    monkeypatch.setattr(sent_log_module, "LARGEST_BYTES", 4_000)
    with mail_server() as box:
        for number in range(12):
            so_now(conn, [returned(f"{number}.xlsx")])
            at_once(conn)
            deliver(conn, post(by_smtp(box.port), sent_log=sent_log))
            if number == 5:
                with sent_log.open("a") as file:
                    file.write('{"message_id": "<s2p-')
        assert len(box.mails) == 12
    assert sent_log.stat().st_size < 6_000
