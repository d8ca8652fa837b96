"""A real IMAP server on loopback, Dovecot as any user, and mails laid into its folder as a mail server does.

What is tested with it is in the tests.
"""

import contextlib
import getpass
import grp
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from s2p_assets_tests.elsewhere.servers import running
from s2p_assets_tests.free_ports import free_port


@dataclass
class MailServer:
    """Its port, and the Maildir of its one user."""

    port: int
    folder: Path
    count: int = 0

    def deliver(self, mail: EmailMessage | bytes) -> None:
        """Into the inbox, whole, as a delivery agent does."""
        self.count += 1
        raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=SMTP)
        for part in ("tmp", "new", "cur"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns()}.{self.count}.here"
        (self.folder / "tmp" / name).write_bytes(raw)
        _own(self.folder)
        (self.folder / "tmp" / name).rename(self.folder / "new" / name)


@contextlib.contextmanager
def dovecot() -> Iterator[MailServer]:
    """The user `s2p` with the password `right`."""
    program = shutil.which("dovecot") or "/usr/sbin/dovecot"
    if not Path(program).exists() or not Path("/usr/lib/dovecot/imap").exists():
        pytest.skip("dovecot-imapd is not installed; .ci/run installs it")
    with tempfile.TemporaryDirectory(prefix="s2p-mail-", ignore_cleanup_errors=True) as made:
        home, port = Path(made), free_port()
        home.chmod(0o755)
        is_root = os.geteuid() == 0
        user = "mail" if is_root else getpass.getuser()
        group = "mail" if is_root else grp.getgrgid(os.getgid()).gr_name
        (home / "users").write_text("s2p:{plain}right\n")
        inside = "dovenull" if is_root else user
        (home / "dovecot.conf").write_text(
            f"base_dir = {home}/run\nstate_dir = {home}/state\nprotocols = imap\nlisten = 127.0.0.1\nssl = no\n"
            f"log_path = {home}/log\ndisable_plaintext_auth = no\ndefault_internal_user = {user}\n"
            f"default_internal_group = {group}\ndefault_login_user = {inside}\n"
            f"mail_location = maildir:{home}/maildir\nmail_uid = {user}\nmail_gid = {group}\nfirst_valid_uid = 1\n"
            f"passdb {{\n driver = passwd-file\n args = {home}/users\n}}\n"
            f"userdb {{\n driver = static\n args = uid={user} gid={group} home={home}\n}}\n"
            f"service imap-login {{\n chroot =\n inet_listener imap {{\n  port = {port}\n }}\n"
            "inet_listener imaps {\n port = 0\n }\n}\n"
            "service anvil {\n chroot =\n}\nservice stats {\n chroot =\n}\n"
        )
        box = MailServer(port, home / "maildir")
        _own(home)
        with running(port, program, "-F", "-c", str(home / "dovecot.conf")):
            yield box


def _own(folder: Path) -> None:
    """Dovecot reads mails as another user where we are root."""
    if os.geteuid() == 0:
        for place in (folder, *folder.rglob("*")):
            with contextlib.suppress(FileNotFoundError):
                shutil.chown(place, "mail", "mail")
