"""What people are told of their files and engineers of the installation, in words that a clerk understands."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from s2p_assets.cli.app import app
from s2p_assets.learning.registry.mlflow_tables import Tenure
from s2p_assets.messaging import record
from s2p_assets.messaging.address_book import EXAMPLE, AddressBook, AddressBookUnusable, parse_address_book
from s2p_assets.messaging.letters import write_letter
from s2p_assets.messaging.matters import KINDS, Matter
from s2p_assets.services.context import Context, open_context
from s2p_assets.services.ingest import ingest, store_ingest
from s2p_assets.services.messages.file_matters import place_on_share
from s2p_assets.services.messages.house_matters import full_disks, held_back_matters, newest_change
from s2p_assets.services.messages.sending import send_messages
from s2p_assets.services.messages.standing import messages_status
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.files.deliveries import delivery_rows
from s2p_assets_tests.messaging.servers import Mailbox, mail_server
from s2p_assets_tests.small_company import SHELVES, order_rows, save

OWNER, IT = "sales@example.com", "it@example.com"


@pytest.fixture(scope="module")
def reader() -> Iterator[Sandbox]:
    with Sandbox(packages=("told_shelves",)) as sandbox:
        yield sandbox


@pytest.fixture
def ctx(tmp_path: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Context:
    """The small company with two good files and two bad ones, its mail going to `box`."""
    for name, source in SHELVES.items():
        file = tmp_path / "told_shelves" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        for package in (file.parent, file.parent.parent):
            (package / "__init__.py").touch()
        file.write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "home").mkdir()
    (tmp_path / "home/addresses.yaml").write_text(f"engineers: [{IT}]\n")
    return open_context(settings_of(tmp_path, empty_database_url))


def settings_of(folder: Path, url: str, **changed: Any) -> Settings:
    known = {"home": folder / "home", "share": folder / "share", "database_url": url, "shelves": ("told_shelves",)}
    return Settings(**{**known, "mail_from": "s2p@example.com", "message_minutes": 0, **changed})


def with_mail(ctx: Context, box: Mailbox) -> Context:
    changed = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_security": "none"}
    return Context(ctx.settings.model_copy(update=changed), ctx.catalog, ctx.warehouse)


def take(ctx: Context, reader: Sandbox) -> None:
    """What lies on the share, into the tables and the ledger."""
    for book in ctx.catalog.workbooks.values():
        taken = ingest(ctx, book, reader, progress=lambda _: None)
        with ctx.warehouse.connect() as connection:
            store_ingest(connection, book, taken, "run")


def drop_orders(ctx: Context) -> None:
    header = ["Article", "Name"]
    save(ctx.settings.share / "articles/Lamps.xlsx", [header, ["L-1", "Lamp"], ["C-1", "Chair"], ["L-2", "Bulb"]])
    save(ctx.settings.share / "orders/Good.xlsx", order_rows(1))
    bad = order_rows(2)
    for row in bad[1:8]:
        row[3] = "n/a"
    save(ctx.settings.share / "orders/Bad.xlsx", bad)


def text_of(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


def test_an_owner_gets_the_marked_copy_with_the_cells_and_the_next_step_once(ctx: Context, reader: Sandbox) -> None:
    drop_orders(ctx)
    take(ctx, reader)
    with mail_server() as box:
        mailing = with_mail(ctx, box)
        assert send_messages(mailing, {}).counts == {"sent": 1}
        assert send_messages(mailing, {}).counts == {}
        (mail,) = box.mails
        assert (mail["To"], mail["Subject"]) == (OWNER, "Bad.xlsx was returned: nothing of it was loaded")
        text = text_of(mail)
        assert "Sheet › D2, D3, D4, D5, D6 and 2 more: 'n/a' is not a price" in text
        assert "save it as 'Bad.xlsx' at its old place on the share" in text
        (copy,) = mail.iter_attachments()
        marked = ctx.settings.returned / "orders/Bad.xlsx"
        assert (copy.get_filename(), copy.get_content()) == ("Bad.xlsx", marked.read_bytes())
        save(ctx.settings.share / "orders/Bad.xlsx", order_rows(2), 5)
        take(ctx, reader)
        assert send_messages(mailing, {}).counts == {}
    with ctx.warehouse.connect() as connection:
        assert connection.execute("select count(*) from s2p.matters where cleared_at is null").fetchone() == (0,)


def test_a_delivery_says_whom_a_message_reached_only_once_one_did(ctx: Context, reader: Sandbox) -> None:
    drop_orders(ctx)
    take(ctx, reader)

    def sent() -> list[Any]:
        with ctx.warehouse.connect() as connection:
            rows = delivery_rows(connection, ["acme_orders"], [])
        return [value for value in rows.loc[rows["path"] == "orders/Bad.xlsx", "sent_to"] if value]

    send_messages(ctx, {})
    assert sent() == []
    with mail_server(Mailbox(refused=frozenset({OWNER}))) as box:
        send_messages(with_mail(ctx, box), {})
    assert sent() == []
    with ctx.warehouse.connect() as connection, mail_server() as box:
        record.make_due(connection)
        send_messages(with_mail(ctx, box), {})
    assert sent() == [OWNER]


def test_who_wants_to_hears_of_good_files_and_gets_reports(ctx: Context, reader: Sandbox) -> None:
    drop_orders(ctx)
    take(ctx, reader)
    edition = ctx.settings.reports / "acme-takings/2026-01-31"
    edition.mkdir(parents=True)
    (edition / "Takings 2026-01-31.pdf").write_bytes(b"%PDF")
    made_at = dt.datetime.now(dt.UTC).isoformat()
    card = {"title": "Takings", "as_of": "2026-01-31", "headline": "90.00 taken in", "made_at": made_at}
    (edition / "edition.json").write_text(json.dumps(card | {"picture": False}))
    ctx.settings.addresses.write_text(f"received: [{OWNER}]\nreports:\n  acme_takings: [board@example.com]\n")
    with mail_server() as box:
        for _ in range(2):
            send_messages(with_mail(ctx, box), {})
    by_recipient = dict(zip(box.recipients, box.mails, strict=True))
    assert "Good.xlsx was received: 8 rows" in text_of(by_recipient[OWNER])
    assert "They are in the next edition of Takings." in text_of(by_recipient[OWNER])
    report = by_recipient["board@example.com"]
    assert report["Subject"] == "Takings, Saturday 31 January 2026"
    assert "90.00 taken in" in text_of(report)
    assert [part.get_filename() for part in report.iter_attachments()] == ["Takings 2026-01-31.pdf"]


def test_engineers_are_told_of_files_nobody_claims_and_of_a_share_that_is_gone(ctx: Context, reader: Sandbox) -> None:
    drop_orders(ctx)
    save(ctx.settings.share / "Notes.xlsx", order_rows(3))
    take(ctx, reader)
    with mail_server() as box:
        send_messages(with_mail(ctx, box), {})
        ctx.settings.share.rename(ctx.settings.share.with_name("away"))
        done = send_messages(with_mail(ctx, box), {})
        done = send_messages(with_mail(ctx, box), {})
    told = [mail["Subject"] for mail, to in zip(box.mails, box.recipients, strict=True) if to == IT]
    assert told == [
        "Notes.xlsx is not read, as no kind of workbook is looked for there",
        "The share drive is not there",
    ]
    assert any("unclaimed" in problem for problem in done.problems)


def test_a_disk_that_fills_and_a_report_that_is_held_back_are_told(ctx: Context) -> None:
    settings = ctx.settings.model_copy(update={"disk_free_mb": 1 << 40})
    ctx.settings.share.mkdir()
    assert "MB are free" in next(full_disks(settings)).details[0]
    away = dict.fromkeys(("home", "share", "results"), ctx.settings.home / "no")
    backups = settings.model_copy(update=away | {"backup_to": ctx.settings.share})
    assert next(full_disks(backups)).title.startswith("The disk of S2P_BACKUP_TO fills")
    shelf = ctx.settings.reports / "acme-takings"
    shelf.mkdir(parents=True)
    fault = {"what": "Revenue", "why": "division by zero", "since": "2026-05-01T10:00:00+00:00"}
    (shelf / "held-back.json").write_text(json.dumps([fault]))
    (matter,) = held_back_matters(ctx)
    assert (matter.owner, matter.details) == (OWNER, ("Revenue: division by zero",))


def test_what_could_not_be_delivered_stands_in_the_status_and_reaches_the_engineers(
    ctx: Context, reader: Sandbox
) -> None:
    drop_orders(ctx)
    take(ctx, reader)
    with mail_server(Mailbox(refused=frozenset({OWNER}))) as box:
        for _ in range(3):
            send_messages(with_mail(ctx, box), {})
    assert [mail["Subject"] for mail in box.mails] == [f"Messages to {OWNER} are refused"]
    with ctx.warehouse.connect() as connection:
        status = messages_status(ctx.settings, connection)
    (stuck,) = status["undelivered"]
    assert (stuck["recipient"], stuck["for_good"]) == (OWNER, True)
    assert "550 5.1.1 no such user here" in stuck["error"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("engineers: [anna]", "'anna' is no mail address and no name under services"),
        ("engineers: ['slack://token-1']", "slack://… is no mail address"),
        ("engineer: [a@example.com]", "engineer is not known; there are engineers, services"),
        ("kinds:\n  drifting: [engineers]", "kinds › drifting is not known; there are returned"),
        ("reports:\n  sales: [a@example.com]", "reports › sales is not known; there are takings"),
        ("services:\n  ops: 7", "services › ops takes an address"),
        ("services:\n  ops: {file: /nowhere}", "/nowhere cannot be read"),
        ("a: [b", "book.yaml, line 1 is not YAML"),
        ("- a", "book.yaml is no list of names"),
    ],
)
def test_an_address_book_that_cannot_be_meant_says_where_and_what_to_write(text: str, said: str) -> None:
    with pytest.raises(AddressBookUnusable) as problem:
        parse_address_book(text, "book.yaml", ["takings"])
    assert said in str(problem.value)
    assert "token-1" not in str(problem.value)


def test_the_first_book_can_be_read_and_an_owner_may_want_none() -> None:
    assert parse_address_book(EXAMPLE, "book.yaml", []) == AddressBook()
    book = parse_address_book(f"people: {{{OWNER}: []}}\nkinds: {{drift: [owner, {IT}]}}", "book.yaml")
    assert book.recipients(Matter("returned", "x", "x", owner=OWNER)) == []
    assert book.recipients(Matter("drift", "x", "x", owner="ds@example.com")) == ["ds@example.com", IT]


def test_a_letter_of_every_kind_is_text_and_a_page_in_which_nothing_is_markup() -> None:
    for kind in KINDS:
        matter = Matter(kind, "k", f"<b>{kind}</b> happened", "Do this.", ("A › C5: '<i>' is not a price",), 3)
        letter = write_letter([matter], [], "s2p")
        assert f"<b>{kind}</b> happened." in letter.text
        assert "&lt;b&gt;" in letter.html
        assert "<i>" not in letter.html
        assert letter.text.index("Do this.") < letter.text.index("C5") < letter.text.index("and 3 more")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (None, "s2p-returned/a/b.xlsx on the share"),
        ("\\\\files\\company\\", "\\\\files\\company\\s2p-returned\\a\\b.xlsx"),
        ("smb://files/company", "smb://files/company/s2p-returned/a/b.xlsx"),
    ],
)
def test_people_are_told_places_as_they_call_them(tmp_path: Path, address: str | None, shown: str) -> None:
    settings = Settings(home=tmp_path, share=tmp_path, share_address=address)
    assert place_on_share(settings, tmp_path / "s2p-returned/a/b.xlsx") == shown


def test_the_command_lists_messages_sends_a_test_and_writes_a_first_book(
    ctx: Context, reader: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {"HOME": tmp_path / "home", "SHARE": tmp_path / "share", "MAIL_FROM": "s2p@example.com"}.items():
        monkeypatch.setenv(f"S2P_{name}", str(value))
    monkeypatch.setenv("S2P_DATABASE_URL", str(ctx.settings.database_url))
    monkeypatch.setenv("S2P_SHELVES", "told_shelves")
    drop_orders(ctx)
    take(ctx, reader)
    send_messages(ctx, {})

    def said(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["messages", *words])
        return result.exit_code, result.output

    code, listed = said("--json")
    assert code == 0
    assert [(one["recipient"], one["state"]) for one in json.loads(listed)] == [(OWNER, "spooled")]
    assert said("--book") == (0, f"{tmp_path}/home/addresses.yaml: is there already\n")
    with mail_server() as box:
        for name, value in {"HOST": "127.0.0.1", "PORT": box.port, "SECURITY": "none"}.items():
            monkeypatch.setenv(f"S2P_SMTP_{name}", str(value))
        assert said("--test", "anna@example.com") == (0, "the message to anna@example.com was taken\n")
        assert said("--test", "anna") == (
            2,
            f"not delivered: anna has no mail address; give one in {ctx.settings.addresses}\n",
        )
    assert [mail["Subject"] for mail in box.mails] == ["This is a test message"]


def test_a_password_comes_from_a_file_and_is_never_printed(tmp_path: Path) -> None:
    from s2p_assets.services.messages.sending import PasswordUnreadable, mail_way

    (tmp_path / "password").write_text("secret-1\n")
    settings = Settings(home=tmp_path, smtp_host="mail.example.com", smtp_password_file=tmp_path / "password")
    way = mail_way(settings)
    assert way.server.password == "secret-1"  # type: ignore[attr-defined]
    assert "secret-1" not in f"{way.server}"  # type: ignore[attr-defined]
    with pytest.raises(PasswordUnreadable, match="S2P_SMTP_PASSWORD_FILE"):
        mail_way(settings.model_copy(update={"smtp_password_file": tmp_path / "none"}))


def test_what_is_recorded_twice_at_once_is_one_matter(conn: psycopg.Connection) -> None:
    matter = Matter("failed", "x", "x failed")
    for _ in range(2):
        record.record_matters(conn, ["failed"], [matter, matter])
    assert conn.execute("select count(*) from s2p.matters").fetchone() == (1,)


def test_a_model_that_is_trained_again_is_no_news_another_one_and_a_persons_word_are() -> None:
    def tenures(*of: tuple[str, str]) -> list[Tenure]:
        return [Tenure(at, name, f"v{at}", "2026-11-29", by, "", "") for at, (name, by) in enumerate(of, 1)]

    found = newest_change(tenures(("mean", "the test"), ("trees", "the test"), ("trees", "the test")))
    assert found is not None
    assert found.number == 2
    assert newest_change(tenures(("mean", "the test"), ("mean", "the test"))) is None
    by_person = newest_change(tenures(("mean", "the test"), ("mean", "ann@example.com")))
    assert by_person is not None
    assert by_person.by == "ann@example.com"
