"""Each kind of remote folder against a real server: listed, read, written, and told when it cannot be used."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from s2p_assets.fetching.guarded_hosts import HostGuard, is_public
from s2p_assets.fetching.logins import Login, LoginsUnusable, read_logins
from s2p_assets.fetching.opening import open_remote, shown_address
from s2p_assets.fetching.remote_files import (
    RemoteAway,
    RemoteFiles,
    RemoteListing,
    RemoteRefused,
    copy_bounded,
    list_remote,
    safe_name,
)
from s2p_assets.remote_folder import remote_folder
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.share import OWN_FOLDERS, is_ignored_name, is_looked_at
from s2p_assets_tests.elsewhere.acme import lay
from s2p_assets_tests.elsewhere.graph_server import graph
from s2p_assets_tests.elsewhere.servers import Served, bucket, object_store, openssh, rclone

NAME, CONTENT = "prices/März 26.csv", b"Article,Price\nA1,2\n"
KINDS = ("sftp", "openssh", "webdav", "http", "s3", "graph")


@pytest.fixture(scope="module", params=KINDS)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """A folder with a workbook, a link, an owner file, and s2p's own folder, as each kind serves it."""
    with tempfile.TemporaryDirectory(prefix="s2p-elsewhere-") as place, contextlib.ExitStack() as running:
        folder = Path(place) / "there"
        lay(folder / NAME, CONTENT)
        lay(folder / "prices/~$open.xlsx", b"")
        lay(folder / "s2p-returned/old.csv", b"")
        (folder / "prices/link.csv").symlink_to("/etc/passwd")
        kind = request.param
        if kind == "s3":
            found = running.enter_context(object_store())
            for file in (NAME, "prices/~$open.xlsx", "s2p-returned/old.csv"):
                bucket(found.login).put_object(Bucket="lists", Key=file, Body=(folder / file).read_bytes())
        elif kind == "graph":
            found = running.enter_context(graph(folder))
        else:
            found = running.enter_context(openssh(folder) if kind == "openssh" else rclone(kind, folder))
        yield found


@contextlib.contextmanager
def opened(served: Served, url: str = "", **other: str) -> Iterator[RemoteFiles]:
    with contextlib.closing(open_remote(url or served.url, Login.model_validate(served.login | other))) as there:
        yield there


def listed(there: RemoteFiles) -> RemoteListing:
    return list_remote(there, is_looked_at, is_ignored_name, OWN_FOLDERS)


def test_a_folder_is_listed_and_read_and_what_did_not_change_is_known_as_such(served: Served) -> None:
    with opened(served) as there:
        found = listed(there)
        assert (list(found.files), found.is_complete, found.notes) == ([NAME], True, [])
        assert b"".join(there.read(NAME)) == CONTENT
        assert there.look_at(NAME).is_version_of(found.files[NAME])
        assert found.files[NAME].size == len(CONTENT)


def test_a_copy_is_put_there_over_itself_and_taken_away(served: Served, tmp_path: Path) -> None:
    copy = lay(tmp_path / "copy.xlsx", b"first")
    place = "s2p-returned/prices/März 26.xlsx"
    with opened(served) as there:
        if there.is_read_only:
            with pytest.raises(RemoteRefused, match="nothing can be written there"):
                there.put(place, copy)
            return
        there.put(place, copy)
        copy.write_bytes(b"second")
        there.put(place, copy)
        assert b"".join(there.read(place)) == b"second"
        there.remove(place)
        there.remove(place)
        with pytest.raises((RemoteRefused, RemoteAway), match="not there"):
            there.look_at(place)


def test_a_folder_that_is_not_there_or_lets_nobody_in_is_told_in_one_line_without_a_secret(served: Served) -> None:
    if not served.url.startswith("s3://"):  # where a folder of no object is no folder
        with pytest.raises(RemoteAway, match="not there") as gone, opened(served, f"{served.url}/none") as there:
            listed(there)
        assert shown_address(served.url) in str(gone.value)
    else:
        with pytest.raises(RemoteAway, match="not there"), opened(served, "s3://nobucket") as there:
            listed(there)
    if "password" in served.login and not served.url.startswith("s3://"):
        with pytest.raises(RemoteAway, match="accept") as shut, opened(served, password="geheim") as there:
            listed(there)
        assert "geheim" not in str(shut.value)


def test_an_ssh_server_whose_key_is_not_known_is_not_spoken_to(served: Served, tmp_path: Path) -> None:
    if not served.url.startswith("sftp://"):
        pytest.skip("of SFTP alone")
    other = lay(tmp_path / "known", Path(served.login["known_hosts"]).read_bytes().replace(b"AAAA", b"AAAB"))
    with pytest.raises(RemoteAway, match=r"known hosts|cannot be used"), opened(served, known_hosts=str(other)):
        pass


@pytest.mark.parametrize(
    ("folder", "path", "name"),
    [
        ("", "a.xlsx", "a.xlsx"),
        ("prices", "prices/a.xlsx", "a.xlsx"),
        ("prices", "prices/../a.xlsx", None),
        ("prices", "../a.xlsx", None),
        ("prices", "prices/..", None),
        ("", "/etc/passwd", None),
        ("", "..\\a.xlsx", None),
        ("", "a\x00.xlsx", None),
        ("", "a\n.xlsx", None),
        ("", "\ud800.xlsx", None),
        ("", f"{'x' * 300}.xlsx", None),
        ("", "Ma\u0308rz.xlsx", "März.xlsx"),
    ],
)
def test_a_name_that_leads_out_or_is_none_is_not_taken(folder: str, path: str, name: str | None) -> None:
    assert safe_name(folder, path) == name


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("http://127.0.0.1:8080/x", True),
        ("https://127.0.0.1/x", False),
        ("http://127.0.0.1:9000/x", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("http://[::1]/", False),
        ("http://[::ffff:127.0.0.1]/", False),
        ("http://0/", False),
        ("http://2130706433/", False),
        ("http://localhost/", False),
        ("http://10.0.0.1/", False),
        ("http://93.184.216.34/x", True),
        ("file:///etc/passwd", False),
        ("ftp://93.184.216.34/x", False),
    ],
)
def test_a_server_sends_nobody_on_into_the_companys_own_network(url: str, is_allowed: bool) -> None:
    assert HostGuard.of("http://127.0.0.1:8080/lists").allows_looked_up(url) is is_allowed


def test_an_address_of_the_open_internet_is_known() -> None:
    assert [is_public(one) for one in ("8.8.8.8", "100.64.0.1", "fe80::1%eth0", "2002:7f00:1::", "no")] == [
        True,
        *[False] * 4,
    ]


def test_a_file_that_goes_on_after_its_bound_is_given_up(tmp_path: Path) -> None:
    closed = []

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
        finally:
            closed.append(True)

    with pytest.raises(RemoteRefused, match="more than 1 MB"):
        copy_bounded(endless(), tmp_path / "draft", 1 << 20)
    assert closed == [True]


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        ("a: {user: x", 0o600, "cannot be read"),
        ("- a", 0o600, "write a name"),
        ("a: {pasword: x}", 0o600, "a.pasword: extra inputs"),
        ("a: {password: x}", 0o644, "chmod 600"),
    ],
)
def test_a_file_of_logins_that_cannot_be_meant_is_told(tmp_path: Path, text: str, mode: int, says: str) -> None:
    file = lay(tmp_path / "remotes.yaml", text.encode())
    file.chmod(mode)
    with pytest.raises(LoginsUnusable, match=says):
        read_logins(file)


def test_what_logs_in_may_stand_in_a_file_of_its_own_and_is_shown_nowhere(tmp_path: Path) -> None:
    secret = lay(tmp_path / "secret", b"geheim\n")
    file = lay(tmp_path / "remotes.yaml", f"a: {{user: x, password_file: {secret}}}\nb: {{token: geheim}}".encode())
    file.chmod(0o600)
    found = read_logins(file)
    assert (found["a"].secret("password"), found["b"].secret("token")) == ("geheim", "geheim")
    assert "geheim" not in repr(found)
    secret.unlink()
    with pytest.raises(LoginsUnusable, match="let s2p read it"):
        found["a"].secret("password")


@pytest.mark.parametrize(
    ("share", "local", "names"),
    [
        ("/srv/share", "/srv/share", []),
        ("/srv/a, b:c", "/srv/a, b:c", []),
        ("sftp://u@h/p", "remote-share", ["share"]),
        ("/srv/share,suppliers=sftp://h/p,s3://Bucket/x", "/srv/share", ["suppliers", "bucket"]),
        ("s3://a/b,webdavs://c/d", "remote-share", ["share", "c"]),
    ],
)
def test_a_share_may_lie_elsewhere_and_there_may_be_several(
    tmp_path: Path, share: str, local: str, names: list[str]
) -> None:
    made = Settings(home=tmp_path, share=share)
    assert made.share == tmp_path / local
    assert [one.name for one in made.remote_shares] == names
    again = Settings(home=tmp_path, share=made.share_setting)
    assert (again.share, again.remote_shares) == (made.share, made.remote_shares)


@pytest.mark.parametrize(
    ("share", "says"),
    [
        ("/a,/b,s3://x/y", "one of them may be a folder"),
        ("ftp://x/y", "is no remote folder"),
        ("sftp://u:geheim@h/p", "belongs into the file S2P_REMOTES"),
        ("https://h/p?token=geheim", "belongs into the file S2P_REMOTES"),
        ("Bad name=s3://x/y", "is no name for a remote folder"),
        ("/a,s3://x/y,x=s3://z", "two shares are called 'x'"),
    ],
)
def test_a_share_that_is_none_is_told_without_its_password(tmp_path: Path, share: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as told:
        Settings(home=tmp_path, share=share)
    assert "geheim" not in told.value.errors()[0]["msg"]  # type: ignore[attr-defined]


def test_a_folder_that_a_workbook_declares_has_a_name_that_no_share_can_have() -> None:
    made = remote_folder("sftp://files.example.com/lists", declared=True)
    assert made.name.startswith("files-example-com~")
    assert shown_address("sftp://anna@files.example.com/lists") == "sftp://files.example.com/lists"
