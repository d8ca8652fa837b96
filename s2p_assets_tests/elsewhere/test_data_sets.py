"""Public data sets: fetched with a token onto the share, once, and never over what a person put there."""

import io
import tempfile
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from s2p_assets.fetching.logins import Login
from s2p_assets.services.remotes.data_sets import DataSetUnusable, fetch_data_set
from s2p_assets_tests.elsewhere import hostile
from s2p_assets_tests.elsewhere.acme import Acme, acme_at, lay
from s2p_assets_tests.retail_home import emptied

TOKEN = "geheim"
CIRCUITS = b"circuitId,name\n1,Monza\n"


def archive(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return made.getvalue()


def with_token(answer: hostile.Answer) -> hostile.Answer:
    def answered(asked: BaseHTTPRequestHandler) -> None:
        if asked.headers.get("Authorization") == f"Bearer {TOKEN}":
            return answer(asked)
        return asked.send_error(401)

    return answered


def without_token(answer: hostile.Answer) -> hostile.Answer:
    def answered(asked: BaseHTTPRequestHandler) -> None:
        return asked.send_error(400) if asked.headers.get("Authorization") else answer(asked)

    return answered


@pytest.fixture(scope="module")
def served(database_url: str) -> Iterator[tuple[Acme, dict[str, hostile.Answer], str]]:
    answers: dict[str, hostile.Answer] = {}
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="s2p-elsewhere-", ignore_cleanup_errors=True) as made,
        hostile.web(answers) as url,
    ):
        (Path(made) / "share").mkdir()
        with acme_at(Path(made), patch, emptied(database_url), f"{made}/share", {}, remote_file_mb=1) as acme:
            yield acme, answers, url


def test_an_archive_is_fetched_with_a_token_and_put_on_the_share_once(
    served: tuple[Acme, dict[str, hostile.Answer], str],
) -> None:
    """The server sends on to where the bytes are, as Kaggle's does."""
    acme, answers, url = served
    packed = archive(**{"data/circuits.csv": CIRCUITS, "../../races.csv": b"raceId\n", "run.sh": b"rm", "x/": b""})
    answers |= {"/download/f1": with_token(hostile.sends_on("/bytes")), "/bytes": hostile.gives(packed)}
    login, share = Login.model_validate({"token": TOKEN}), acme.ctx.settings.share
    first = fetch_data_set(acme.ctx, f"{url}/download/f1", "f1", login)
    assert sorted(first.put) == ["f1/circuits.csv", "f1/races.csv"]
    assert sorted(str(one.relative_to(share)) for one in share.rglob("*.*")) == sorted(first.put)
    assert sorted(fetch_data_set(acme.ctx, f"{url}/download/f1", "f1", login).unchanged) == sorted(first.put)
    newer = archive(**{"circuits.csv": CIRCUITS + b"2,Spa\n", "races.csv": b"raceId\n1\n"})
    lay(share / "f1/races.csv", b"raceId\n7\n")
    answers["/bytes"] = hostile.gives(newer)
    again = fetch_data_set(acme.ctx, f"{url}/download/f1", "f1", login)
    assert (again.put, again.left) == (["f1/circuits.csv"], ["f1/races.csv"])
    assert (share / "f1/races.csv").read_bytes() == b"raceId\n7\n"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (with_token(hostile.gives(b"")), "does not accept user, password or token"),
        (hostile.gives(archive(**{"a.csv": b"x" * (2 << 20)})), "more than 1 MB"),
        (hostile.gives(archive(**{"readme.md": b"x"})), "no workbook or text file in it"),
        (hostile.gives(b"no archive"), "no workbook or text file in it"),
        (hostile.sends_on("http://localhost:1/x"), "inside the company"),
    ],
)
def test_a_data_set_that_cannot_be_had_is_told_and_leaves_nothing(
    served: tuple[Acme, dict[str, hostile.Answer], str], answer: hostile.Answer, says: str
) -> None:
    acme, answers, url = served
    answers["/download/x"] = answer
    with pytest.raises(Exception, match=says):
        fetch_data_set(acme.ctx, f"{url}/download/x", "x")
    assert not (acme.ctx.settings.share / "x").exists()
    assert not list((acme.ctx.settings.remote_copies / ".incoming").iterdir())


def test_a_folder_that_is_none_is_refused(served: tuple[Acme, dict[str, hostile.Answer], str]) -> None:
    acme, _, url = served
    for folder in ("..", "s2p-returned", "a/b"):
        with pytest.raises(DataSetUnusable, match="is no name for a folder"):
            fetch_data_set(acme.ctx, f"{url}/x.csv", folder)
