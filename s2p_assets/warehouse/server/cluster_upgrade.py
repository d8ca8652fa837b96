"""The data of an embedded PostgreSQL of an older major version made those of the one that the wheel runs now.

By `pg_upgrade`, which copies: the old data stay beside, whole, as the way back. Starting either is `embedded.py`'s.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from s2p_assets.contracts.errors import MendableError
from s2p_assets.warehouse.server.embedded import (
    SUPERUSER,
    UTF8_EVERYWHERE,
    ServerAccount,
    give_to_server,
    postgres_versions,
    server_account,
)

ROOM = 1.1
"""So many times the size of the old data the disk has to have free."""


class ClusterNotUpgraded(MendableError):
    """The data could not be upgraded; they are as they were."""


def data_version(folder: Path) -> int | None:
    """The major version that wrote the data of the server in `folder`; None where there are none."""
    try:
        return int((folder / "data/PG_VERSION").read_text().strip())
    except (FileNotFoundError, ValueError):
        return None


def upgrade_cluster(folder: Path) -> Path | None:
    """Upgrade the data in `folder`, which no server may be using; where the old ones lie now, None if nothing was due.

    Raises ClusterNotUpgraded; the data are then as they were.
    """
    programs, wanted = postgres_versions()
    found = data_version(folder)
    if found is None or found == wanted:
        return None
    if found not in programs:
        known = " and ".join(map(str, sorted(programs)))
        raise ClusterNotUpgraded(
            f"its data were written by PostgreSQL {found}, and this s2p has {known}; install the s2p that wrote them, "
            "make `s2p backup` there with pg_dump, or the s2p between"
        )
    if found > wanted:
        raise ClusterNotUpgraded(f"its data were written by PostgreSQL {found}, this one is {wanted}; it is too old")
    _require_room(folder)
    account = server_account(folder)
    work = Path(tempfile.mkdtemp(prefix="s2p-upgrade-"))
    try:
        return _Upgrade(folder, programs[found], programs[wanted], account, work).done(found)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _require_room(folder: Path) -> None:
    size = sum(file.lstat().st_size for file in (folder / "data").rglob("*") if not file.is_dir())
    free = shutil.disk_usage(folder).free
    if free < size * ROOM:
        raise ClusterNotUpgraded(
            f"{folder} has {free >> 20:,} MB free, and the upgrade needs {int(size * ROOM) >> 20:,} MB, "
            "as the old data are kept; make room"
        )


class _Upgrade:
    """`old`, `new`: the programs of both versions. `work`: a folder of the server's user, for logs and sockets."""

    def __init__(self, folder: Path, old: Path, new: Path, account: ServerAccount | None, work: Path) -> None:
        self.folder, self.old, self.new, self.account, self.work = folder, old, new, account, work
        self.data, self.draft = folder / "data", folder / "data.new"
        if account:
            give_to_server(work, account)

    def done(self, found: int) -> Path:
        aside = self.folder / f"data.postgresql-{found}"
        if aside.exists():
            raise ClusterNotUpgraded(f"{aside} is there from an earlier upgrade; move it away first")
        self._end_cleanly()
        shutil.rmtree(self.draft, ignore_errors=True)
        try:
            self._make_new()
            self._run(
                self.new / "pg_upgrade",
                *("--old-bindir", str(self.old), "--new-bindir", str(self.new), "--old-datadir", str(self.data)),
                *("--new-datadir", str(self.draft), "--username", SUPERUSER, "--socketdir", str(self.work)),
            )
        except BaseException:
            shutil.rmtree(self.draft, ignore_errors=True)
            raise
        self.data.rename(aside)
        self.draft.rename(self.data)
        return aside

    def _make_new(self) -> None:
        self.draft.mkdir(mode=0o700)
        if self.account:
            give_to_server(self.draft, self.account)
        checksums = "--no-data-checksums" if self._told("Data page checksum version") == "0" else "--data-checksums"
        words = ["-D", str(self.draft), "-U", SUPERUSER, "--auth=trust", *UTF8_EVERYWHERE, checksums]
        self._run(self.new / "initdb", *words)

    def _told(self, what: str) -> str:
        said = self._run(self.old / "pg_controldata", "-D", str(self.data))
        found = re.search(rf"^{re.escape(what)}:\s*(.*)$", said, re.MULTILINE)
        return found.group(1) if found else ""

    def _end_cleanly(self) -> None:
        """A server that was killed left its log to be replayed, which only its own version can do."""
        if self._told("Database cluster state") == "shut down":
            return
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        options = f"-k {self.work} -c listen_addresses= -c archive_mode=off"
        words = ("-D", str(self.data), "-w", "-l", str(self.work / "old.log"))
        self._run(self.old / "pg_ctl", "start", *words, "-o", options)
        self._run(self.old / "pg_ctl", "stop", *words, "-m", "fast")

    def _run(self, program: Path, *words: str) -> str:
        account = self.account
        done = subprocess.run(
            [str(program), *words],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.work,
            env={"PATH": os.defpath, "LC_ALL": "C", "TMPDIR": str(self.work)},
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode:
            lines = [line.strip() for line in done.stdout.splitlines() if line.strip()] or ["it said nothing"]
            raise ClusterNotUpgraded(f"{program.name} did not succeed ({lines[-1]}); the data are as they were")
        return done.stdout
