"""Remote folders: fetched as they change, read like the share, answered there, and never taken for bare by mistake."""

import asyncio
import datetime as dt
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from s2p_assets.api.app import routes_in_process
from s2p_assets.messaging.matters import Matter
from s2p_assets.services.attention import what_needs_a_person
from s2p_assets.services.messages.sending import send_messages
from s2p_assets.services.remotes import telling
from s2p_assets.services.share import look_at_share
from s2p_assets.services.status import read_status
from s2p_assets.spreadsheet.share import ShareMissing
from s2p_assets_tests.elsewhere import hostile
from s2p_assets_tests.elsewhere.acme import Acme, acme_at, as_json, lay, price_list
from s2p_assets_tests.elsewhere.servers import Served, rclone
from s2p_assets_tests.retail_home import emptied

MARCH, THERE = "prices/März.xlsx", "s2p-remote/lists/prices/März.xlsx"


@pytest.fixture(scope="module")
def there() -> Iterator[Path]:
    """The folder elsewhere, as who owns it sees it."""
    with tempfile.TemporaryDirectory(prefix="s2p-elsewhere-", ignore_cleanup_errors=True) as made:
        (Path(made) / "there").mkdir()
        yield Path(made) / "there"


@pytest.fixture(scope="module")
def served(there: Path) -> Iterator[Served]:
    with rclone("webdav", there) as found:
        yield found


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s2p-elsewhere-", ignore_cleanup_errors=True) as made:
        (Path(made) / "share").mkdir()
        yield Path(made)


@pytest.fixture
def acme(home: Path, there: Path, served: Served, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Acme]:
    """With one list elsewhere, fetched and taken."""
    lay(there / MARCH, price_list({"A1": 1.5, "A2": 2}))
    share = f"{home}/share,lists={served.url}"
    with acme_at(home, monkeypatch, emptied(database_url), share, {"lists": served.login}) as made:
        assert made.fetch("lists").fetched == [MARCH]
        assert made.take()[THERE].verdict == "accepted"
        yield made
    for file in there.rglob("*.xlsx"):
        file.unlink()


def test_a_list_elsewhere_is_read_once_sent_back_there_and_gone_when_it_is_gone(acme: Acme, there: Path) -> None:
    """The whole way of a remote folder: fetched, unchanged, changed, returned with a copy, corrected, gone."""
    assert acme.prices() == {"A1": 1.5, "A2": 2}
    again = acme.fetch("lists")
    assert (again.fetched, again.unchanged) == ([], 1)
    assert acme.take() == {}

    lay(there / MARCH, price_list({"A1": 1.75, "A2": "dear"}))
    assert acme.fetch("lists").fetched == [MARCH]
    assert acme.take()[THERE].verdict == "returned"
    assert acme.prices() == {"A1": 1.5, "A2": 2}
    marked = f"s2p-returned/{MARCH}"
    assert acme.fetch("lists").put == [marked]
    assert (there / marked).is_file()
    assert acme.fetch("lists").put == []

    lay(there / MARCH, price_list({"A1": 1.75, "A2": 3}))
    lay(there / "prices/April.xlsx", price_list({"A3": 3}))
    acme.fetch("lists")
    assert [one.verdict for one in acme.take().values()] == ["accepted", "accepted"]
    acme.fetch("lists")
    assert not (there / marked).exists()

    (there / "prices/April.xlsx").unlink()
    assert acme.fetch("lists").gone == ["prices/April.xlsx"]
    acme.take()
    assert acme.ask("select path from s2p.files where status = 'gone'") == [("s2p-remote/lists/prices/April.xlsx",)]


def test_a_folder_that_is_away_or_bare_takes_nothing_away_and_is_told_once(
    acme: Acme, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (there / MARCH).unlink()
    bare = acme.fetch("lists")
    assert bare.state == "away"
    assert "it is bare, though 1 files were there" in str(bare.problem)
    (acme.ctx.settings.remotes).write_text("lists: {user: s2p, password: geheim}")
    shut = acme.fetch("lists")
    assert (shut.state, shut.gone) == ("away", [])
    assert acme.take() == {}
    status = read_status(acme.ctx)
    assert (status["remotes"][0]["state"], status["remotes"][0]["files"], status["gone"]) == ("away", 1, [])
    assert "1 folder elsewhere is away or listed in part" in what_needs_a_person(status)
    monkeypatch.setattr(telling, "PATIENCE", dt.timedelta())
    told = [_matters(acme), _matters(acme)]
    assert [one.title for one in told[0]] == [f"{status['remotes'][0]['place']} is away"]
    assert told[0] == told[1]
    for _ in range(2):
        send_messages(acme.ctx, {})
    assert acme.ask("select count(*) from s2p.matters where kind = 'remote'") == [(1,)]
    said = (
        as_json(status) + as_json([one.as_json() for one in told[0]]) + as_json(acme.ask("select * from s2p.remotes"))
    )
    assert "geheim" not in said
    assert "right" not in said


def _matters(acme: Acme) -> list[Matter]:
    with acme.ctx.warehouse.connect() as connection:
        return telling.remote_matters(acme.ctx, connection, dt.datetime.now(dt.UTC))


def test_other_bytes_of_the_same_size_and_time_are_seen_and_the_same_bytes_touched_are_not_read_again(
    acme: Acme, there: Path
) -> None:
    """Where a server tells content apart by an ETag, size and time are not what decides."""
    file = there / MARCH
    first, moment = file.read_bytes(), file.stat().st_mtime
    os.utime(file, (moment + 5, moment + 5))
    touched = acme.fetch("lists")
    assert (touched.fetched, acme.take()) == ([], {})
    other = price_list({"A1": 1.6, "A2": 2})
    assert len(other) == len(first)
    file.write_bytes(other)
    os.utime(file, (moment + 5, moment + 5.5))
    assert acme.fetch("lists").fetched == [MARCH]
    acme.take()
    assert acme.prices()["A1"] == 1.6


def test_what_was_fetched_and_is_lost_here_stops_the_look_and_is_fetched_again(acme: Acme) -> None:
    place = acme.ctx.settings.remote_copies / "lists"
    (place / MARCH).unlink()
    (place / "prices").rmdir()
    place.rmdir()
    with pytest.raises(ShareMissing, match="s2p fetch fetches it again"):
        look_at_share(acme.ctx)
    assert acme.fetch("lists").fetched == [MARCH]
    assert acme.take() == {}


def test_a_workbook_may_name_its_own_folder_and_the_share_itself_may_lie_elsewhere(
    home: Path, there: Path, served: Served, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The share takes marked copies and reports; what a workbook names is claimed by that workbook alone."""
    lay(there / "own/prices/a.xlsx", price_list({"B1": 1}))
    lay(there / "all/prices/b.xlsx", price_list({"B2": 2}))
    books = {"prices": "", "own": f'remote="{served.url}/own"'}
    logins = {"127.0.0.1": served.login}
    with acme_at(home, monkeypatch, emptied(database_url), f"{served.url}/all", logins, books) as acme:
        with pytest.raises(ShareMissing, match="nothing was fetched from webdav://"):
            look_at_share(acme.ctx)
        own = acme.ctx.catalog.workbooks["acme_own"].remote_folder
        assert own is not None
        assert acme.fetch("share").fetched == ["prices/b.xlsx"]
        assert acme.fetch(own.name).fetched == ["prices/a.xlsx"]
        assert list(acme.take("acme_own")) == [f"s2p-remote/{own.name}/prices/a.xlsx"]
        assert list(acme.take("acme_prices")) == ["prices/b.xlsx"]
        lay(acme.ctx.settings.reports / "index.html", b"<html>")
        assert acme.fetch("share").put == ["s2p-reports/index.html"]
        assert (there / "all/s2p-reports/index.html").read_bytes() == b"<html>"
        assert asyncio.run(_handed_in(acme, "c.xlsx", price_list({"C3": 3})))[0] == 200
        assert (there / "all/prices/c.xlsx").read_bytes() == price_list({"C3": 3})
        assert acme.fetch("share").problem is None
        assert list(acme.take("acme_prices")) == ["prices/c.xlsx"]
        (there / "all/prices").rename(there / "prices-before")
        (there / "all/prices").write_bytes(b"no folder any more")
        status, says = asyncio.run(_handed_in(acme, "d.xlsx", price_list({"D4": 4})))
        assert status == 503
        assert "prices/d.xlsx cannot be put there" in says
        assert not (acme.ctx.settings.share / "prices/d.xlsx").exists()


async def _handed_in(acme: Acme, name: str, content: bytes) -> tuple[int, str]:
    """Handed in on the screen, looked at and stored, as a person does; with what that was answered."""
    async with (
        routes_in_process(acme.ctx) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
    ):
        begun = await client.post("/hand-in/upload", params={"name": name}, content=content, headers={"Accept": "*/*"})
        assert begun.status_code == 201, begun.text
        address = begun.json()["address"]
        page = await client.get(address)
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        stored = await client.post(f"{address}/store", data=fields, headers={"HX-Request": "true"})
        return stored.status_code, stored.text


XLSX = price_list({"A1": 1})
BEGUN = {"/l/": hostile.page("a.xlsx", "b.xlsx"), "/l/a.xlsx": hostile.gives(XLSX), "/l/b.xlsx": hostile.gives(XLSX)}
FAULTS: dict[str, tuple[dict[str, hostile.Answer], str, str]] = {
    "cut short": ({"/l/": hostile.page("a.xlsx", is_whole=False)}, "away", "its page of links was cut short"),
    "a folder that fails": ({"/l/": hostile.page("a.xlsx", "sub/")}, "partly", "sub: it is not there"),
    "no end": ({"/l/": hostile.goes_on(b"<a href='a.xlsx'>x</a>" * 5000)}, "away", "more than 16 MB"),
    "for ever deeper": ({f"/l/{'d/' * n}": hostile.page("d/") for n in range(45)}, "partly", "lies too deep"),
    "names that climb": (
        {
            "/l/": hostile.page(
                "a.xlsx", "b.xlsx", "..%2f..%2fetc%2fx.xlsx", "/x.xlsx", "http://other/l/y.xlsx", "%00.xlsx"
            )
        },
        "fetched",
        "has no name that a file here can have",
    ),
    "sent on inwards": (
        {"/l/a.xlsx": hostile.sends_on("http://169.254.169.254/latest/meta-data")},
        "away",
        "to a computer inside the company",
    ),
    "sent on to loopback": ({"/l/a.xlsx": hostile.sends_on("http://localhost:1/x")}, "away", "inside the company"),
    "larger than may be": ({"/l/a.xlsx": hostile.gives(b"", says=9 << 30)}, "fetched", "more than 1 MB"),
    "without an end": (
        {"/l/": hostile.page("a.xlsx", "b.xlsx", "c.xlsx"), "/l/c.xlsx": hostile.goes_on(b"x" * 100_000)},
        "fetched",
        "more than 1 MB",
    ),
    "less than it says": ({"/l/a.xlsx": hostile.gives(XLSX[:-9], len(XLSX), ETag="2")}, "away", "cut short"),
}


@pytest.fixture(scope="module")
def on_the_web(database_url: str) -> Iterator[tuple[Acme, dict[str, hostile.Answer]]]:
    """A folder on the web that fared well once, and what its server answers."""
    answers = dict(BEGUN)
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="s2p-elsewhere-", ignore_cleanup_errors=True) as made,
        hostile.web(answers) as url,
    ):
        (Path(made) / "share").mkdir()
        share = f"{made}/share,web={url}/l"
        with acme_at(Path(made), patch, emptied(database_url), share, {}, remote_file_mb=1) as acme:
            yield acme, answers


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_means_no_good_takes_nothing_away_and_reaches_nothing(
    on_the_web: tuple[Acme, dict[str, hostile.Answer]], fault: str
) -> None:
    acme, answers = on_the_web
    answers.clear()
    answers |= BEGUN
    assert acme.fetch("web").state == "fetched"
    kept = _kept(acme)
    changed, state, says = FAULTS[fault]
    answers |= changed
    done = acme.fetch("web")
    assert done.state == state
    assert says in " ".join([done.problem or "", *done.notes])
    assert done.gone == []
    assert _kept(acme) == kept
    assert not list((acme.ctx.settings.remote_copies / ".incoming").iterdir())


def test_no_more_is_taken_than_a_server_said(on_the_web: tuple[Acme, dict[str, hostile.Answer]]) -> None:
    acme, answers = on_the_web
    answers.clear()
    answers |= BEGUN
    acme.fetch("web")
    kept = _kept(acme)
    answers |= {"/l/a.xlsx": hostile.gives(b"x" * (2 << 20), says=1000)}
    done = acme.fetch("web")
    now = _kept(acme)
    if done.state == "away":  # where the rest came before the answer was put aside
        assert "not as HTTP wants it" in (done.problem or "")
        assert now == kept
    else:
        assert {len(one) for one in now.values() if one not in kept.values()} == {1000}


def _kept(acme: Acme) -> dict[str, bytes]:
    folder = acme.ctx.settings.remote_copies / "web"
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
