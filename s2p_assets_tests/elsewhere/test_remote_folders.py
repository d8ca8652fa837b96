"""Remote folders: fetched as they change, read like the share, answered there, and never taken for bare by mistake."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from s2p_assets.services.status import read_status
from s2p_assets_tests.elsewhere.acme import Acme, acme_at, as_json, lay, price_list
from s2p_assets_tests.elsewhere.servers import Served, bucket, object_store, openssh, rclone


@dataclass
class Kind:
    """A kind of remote folder: how one is served, and how who owns it lays and takes files."""

    served: Served
    lay: Callable[[str, bytes], None]
    drop: Callable[[str], None]
    there: Callable[[], list[str]]


@contextlib.contextmanager
def _of_folder(served: AbstractContextManager[Served], folder: Path) -> Iterator[Kind]:
    def there() -> list[str]:
        return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())

    with served as found:
        yield Kind(
            found,
            lambda path, content: lay(folder / path, content) and None,
            lambda path: (folder / path).unlink(),
            there,
        )


@contextlib.contextmanager
def _of_bucket() -> Iterator[Kind]:
    with object_store() as served:
        client = bucket(served.login)
        yield Kind(
            served,
            lambda path, content: client.put_object(Bucket="lists", Key=path, Body=content) and None,
            lambda path: client.delete_object(Bucket="lists", Key=path) and None,
            lambda: sorted(one["Key"] for one in client.list_objects_v2(Bucket="lists").get("Contents", ())),
        )


KINDS = ("sftp", "openssh", "webdav", "http", "s3")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s2p-elsewhere-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest, place: Path) -> Iterator[Kind]:
    folder = place / request.param / "there"
    folder.mkdir(parents=True)
    if request.param == "s3":
        made: AbstractContextManager[Kind] = _of_bucket()
    else:
        made = _of_folder(openssh(folder) if request.param == "openssh" else rclone(request.param, folder), folder)
    with made as found:
        yield found


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s2p-elsewhere-", ignore_cleanup_errors=True) as made:
        yield Path(made)


def test_a_list_elsewhere_is_read_once_sent_back_there_and_gone_when_it_is_gone(
    kind: Kind, home: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way of a remote folder, for each kind: fetched, unchanged, changed, returned with a copy, gone."""
    kind.lay("prices/März.xlsx", price_list({"A1": 1.5, "A2": 2}))
    kind.lay("prices/~$März.xlsx", b"owner")
    share = f"{home}/share,lists={kind.served.url}"
    (home / "share").mkdir()
    with acme_at(home, monkeypatch, empty_database_url, share, {"lists": kind.served.login}) as acme:
        first = acme.fetch("lists")
        assert (first.state, first.problem, first.fetched, first.notes) == ("fetched", None, ["prices/März.xlsx"], [])
        path = "s2p-remote/lists/prices/März.xlsx"
        assert acme.take()[path].verdict == "accepted"
        assert acme.prices() == {"A1": 1.5, "A2": 2}

        again = acme.fetch("lists")
        assert (again.fetched, again.unchanged) == ([], 1)
        assert acme.take() == {}

        kind.lay("prices/März.xlsx", price_list({"A1": 1.75, "A2": "dear"}))
        assert acme.fetch("lists").fetched == ["prices/März.xlsx"]
        assert acme.take()[path].verdict == "returned"
        assert acme.prices() == {"A1": 1.5, "A2": 2}
        put = acme.fetch("lists")
        marked = "s2p-returned/prices/März.xlsx"
        (remote,) = read_status(acme.ctx)["remotes"]
        if kind.served.url.startswith("http:"):
            assert remote["kept_from_returning"] == "nothing can be written there"
        else:
            assert (put.put, remote["kept_from_returning"]) == ([marked], None)
            assert marked in kind.there()
            assert acme.fetch("lists").put == []

        kind.lay("prices/März.xlsx", price_list({"A1": 1.75, "A2": 3}))
        kind.lay("prices/April.xlsx", price_list({"A3": 3}))
        acme.fetch("lists")
        assert {one.verdict for one in acme.take().values()} == {"accepted"}
        acme.fetch("lists")
        assert marked not in kind.there()

        kind.drop("prices/April.xlsx")
        assert acme.fetch("lists").gone == ["prices/April.xlsx"]
        acme.take()
        assert acme.ask("select path, status from s2p.files where status = 'gone'") == [
            ("s2p-remote/lists/prices/April.xlsx", "gone")
        ]
        kind.drop("prices/März.xlsx")
        bare = acme.fetch("lists")
        assert bare.state == "away"
        assert "it is bare, though 1 files were there" in str(bare.problem)
        assert acme.take() == {}
        assert not any(secret in as_json(read_status(acme.ctx)) for secret in ("right", "secret"))
