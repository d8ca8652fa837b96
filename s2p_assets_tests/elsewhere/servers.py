"""Real servers of remote folders on loopback: rclone's WebDAV, HTTP and SFTP, OpenSSH's own, and an S3.

What is tested against them is in the tests.
"""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from s2p_assets_tests.free_ports import free_port

PATIENCE_SECONDS = 30.0
SFTP_SERVER = Path("/usr/lib/openssh/sftp-server")


@contextlib.contextmanager
def running(port: int, *command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> Iterator[None]:
    """A server for as long as the block lasts, once it listens."""
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=silent, stderr=silent, cwd=cwd, env=os.environ | (env or {}))
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not listen")


@dataclass(frozen=True)
class Served:
    """A remote folder that is served: its address, and what stands in the file of logins for it."""

    url: str
    login: dict[str, str]


def _rclone() -> str:
    found = shutil.which("rclone")
    if not found:
        pytest.skip("rclone is not installed; .ci/run installs it")
    return found


@contextlib.contextmanager
def rclone(kind: str, folder: Path, *options: str) -> Iterator[Served]:
    """`kind`: webdav, http or sftp, of a folder. It looks at the folder anew for every listing."""
    port, command = free_port(), [_rclone(), "serve", kind, str(folder), "--dir-cache-time", "0s", *options]
    login = {} if kind == "http" else {"user": "s2p", "password": "right"}
    given = ["--user", "s2p", "--pass", "right"] if login else []
    with running(port, *command, "--addr", f"127.0.0.1:{port}", *given):
        if kind == "sftp":
            known = folder.parent / f"known-{port}"
            known.write_text(_host_key(port))
            login = login | {"known_hosts": str(known)}
        yield Served(f"{kind}://127.0.0.1:{port}", login)


def _host_key(port: int) -> str:
    scan = ["ssh-keyscan", "-p", str(port), "127.0.0.1"]
    return subprocess.run(scan, capture_output=True, text=True, check=True).stdout


@contextlib.contextmanager
def openssh(folder: Path) -> Iterator[Served]:
    """OpenSSH's own server as this user, who logs in with a key; it serves the whole computer."""
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(sshd).exists() or not SFTP_SERVER.exists():
        pytest.skip("openssh-server is not installed; .ci/run installs it")
    home, port = folder.parent / "sshd", free_port()
    home.mkdir(exist_ok=True)
    for name in ("host", "user"):
        key = home / f"{name}_key"
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (home / "authorized").write_text((home / "user_key.pub").read_text())
    (home / "config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {home}/host_key\nAuthorizedKeysFile {home}/authorized\n"
        f"StrictModes no\nPidFile none\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        f"Subsystem sftp {SFTP_SERVER}\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with running(port, sshd, "-D", "-f", str(home / "config")):
        known = home / "known"
        known.write_text(f"[127.0.0.1]:{port} {(home / 'host_key.pub').read_text()}")
        login = {"user": getpass.getuser(), "key_file": str(home / "user_key"), "known_hosts": str(known)}
        yield Served(f"sftp://127.0.0.1:{port}{folder}", login)


@contextlib.contextmanager
def object_store(port: int | None = None) -> Iterator[Served]:
    """An S3 on loopback with a bucket `lists`, by moto's server."""
    port = port or free_port()
    login = {"user": "key", "password": "secret", "endpoint": f"http://127.0.0.1:{port}", "region": "us-east-1"}
    with running(port, sys.executable, "-W", "ignore", "-m", "moto.server", "-p", str(port)):
        bucket(login).create_bucket(Bucket="lists")
        yield Served("s3://lists", login)


def bucket(login: dict[str, str]) -> "boto3.client.BaseClient":  # type: ignore[name-defined]  # noqa: F821
    """The bucket as who fills it sees it."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=login["endpoint"],
        aws_access_key_id=login["user"],
        aws_secret_access_key=login["password"],
        region_name=login["region"],
    )
