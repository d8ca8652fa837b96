"""A week of a company in an hour, with faults of every kind, restarts, a full disk and a lost database.

It must end with the tables of an undisturbed week, everybody told of each fault once, and memory and logs as small as
on the first day.

    uv run python -m s2p_assets_tests.benchmarks.week                              # 2,000 files, 50 owners; an hour
    uv run python -m s2p_assets_tests.benchmarks.week --files 200 --owners 10 --days 4
    uv run python -m s2p_assets_tests.benchmarks.week --disturbances --no-undisturbed   # only for what grows

Nothing's clock is changed: a week's files are delivered in their order, a day in minutes, and who has to correct a file
does so when the message has come. What depends on days passing, such as a reminder, is not part of it. The disk that
fills is a small one in memory, which root alone may mount. Linux only.
"""

import argparse
import contextlib
import hashlib
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg
from psycopg import sql

from s2p_assets.warehouse.server import embedded
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable
from s2p_assets_tests import small_company
from s2p_assets_tests.benchmarks.week_company import ENGINEERS, Burst, Size, Told, Week, take_steps, write_shelves
from s2p_assets_tests.free_ports import free_port
from s2p_assets_tests.messaging.servers import Mailbox, mail_server

DISK_MB, FREE_MB = 3072, 600
"""The disk of the home, and the room on it below which engineers are told."""
QUIET_SECONDS = 4.0
DISTURBANCES = ("restart", "kill", "kill-servers", "fill-disk", "lose-database")
FULL_SECONDS, MESSAGES_SECONDS = 20.0, 70.0
LIKE_RUN = {"seen_at", "sent_at", "sent_to", "version", "status", "first_seen"}
"""Columns of what came in that differ from run to run."""
UNFINISHED = "select count(*) from dagster.runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED')"
NEWEST = "select coalesce(max(id), 0) from dagster.event_logs"
SERVERS = ("code server", "daemon", "web server")
AWAY = (psycopg.Error, OSError, DatabaseUnreachable)
"""What is met while PostgreSQL or its disk is away."""
Say = Callable[[str], None]
Tables = dict[str, list[tuple[Any, ...]]]


@dataclass
class Company:
    """Its folder, in which lie home, share, shelves and backups, and what it sees of the world."""

    folder: Path
    size: Size
    mail_port: int | None = None
    port: int = field(default_factory=free_port)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def share(self) -> Path:
        return self.folder / "share"

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("S2P_", "DAGSTER_"))}
        path = os.pathsep.join(filter(None, (str(self.folder), os.environ.get("PYTHONPATH"))))
        mail = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(self.mail_port), "SMTP_SECURITY": "none"}
        own = {"HOME": str(self.home), "SHARE": str(self.share), "SHELVES": "week_shelves", "PORT": str(self.port)}
        own |= {"OPEN": "1", "MESSAGE_MINUTES": "0", "DISK_FREE_MB": str(FREE_MB), "MAIL_FROM": "s2p@example.com"}
        return (
            inherited
            | {f"S2P_{k}": v for k, v in (own | (mail if self.mail_port else {})).items()}
            | {"PYTHONPATH": path}
        )

    def build(self) -> None:
        write_shelves(self.folder / "week_shelves", self.size)
        self.home.mkdir(exist_ok=True)
        self.share.mkdir()
        (self.home / "addresses.yaml").write_text(f"engineers: [{ENGINEERS}]\n")

    def command(self, *words: str, fails: bool = False) -> str:
        """What a command prints. Raises RuntimeError where it could not do it, unless that is to be."""
        done = subprocess.run(
            [sys.executable, "-m", "s2p_assets.cli", *words],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1) and not fails:
            raise RuntimeError(f"s2p {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    @contextlib.contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """A connection to its database, which is held up for as long."""
        place = self.home / "postgres"
        with connect(embedded.start_server(place)) as connection:
            yield connection
        embedded.release_server(place)

    def ask(self, query: LiteralString) -> list[tuple[Any, ...]]:
        with self.database() as connection:
            return connection.execute(query).fetchall()


class Up:
    """`s2p up` of a company, which can be stopped, killed and begun anew."""

    def __init__(self, company: Company) -> None:
        self.company, self.process = company, self._start(company)

    def _start(self, company: Company) -> "subprocess.Popen[str]":
        with (company.folder / "up.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "s2p_assets.cli", "up"],
                env=company.environment,
                cwd=company.folder,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        with socket.socket() as probe:
            while probe.connect_ex(("127.0.0.1", company.port)):
                assert process.poll() is None, (company.folder / "up.log").read_text()[-2000:]
                time.sleep(0.5)
        return process

    def begin(self) -> None:
        self.process = self._start(self.company)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(120)

    def kill(self) -> None:
        small_company.kill(self.process)

    def kill_servers(self) -> None:
        """PostgreSQL and the process that forks the servers, as an operator's mistake or a lack of memory would."""
        for process in postgres_of(self.company.home):
            with contextlib.suppress(psutil.Error):
                process.kill()
        for name, process in self.processes().items():
            if name == "zygote":
                process.kill()

    def processes(self) -> dict[str, psutil.Process]:
        """The processes that stand, by what they do."""
        found = {"up": psutil.Process(self.process.pid)}
        for child in found["up"].children():
            words = " ".join(child.cmdline())
            if "zygote" in words:
                found["zygote"] = child
                forked = sorted(child.children(), key=lambda one: one.create_time())
                found |= dict(zip(SERVERS, forked, strict=False))
            elif "s2p_assets.api" in words:
                found["door"] = child
        return found

    def memory(self) -> dict[str, tuple[int, float]]:
        """Process → (its id, MiB of it alone, with its share of what it shares).

        Of PostgreSQL without its cache of pages and its log's buffers, which are as large as its settings allow when
        they have filled.
        """
        found = {}
        for name, process in self.processes().items():
            with contextlib.suppress(OSError, psutil.Error):
                found[name] = process.pid, memory_of(process.pid)
        if main := postmaster(self.company.home):
            found["PostgreSQL"] = main, sum(memory_of(one.pid, "Pss_Anon:") for one in postgres_of(self.company.home))
        return found


def memory_of(process: int, what: str = "Pss:") -> float:
    """MiB of one process alone, with its share of what it shares; none of one that has ended."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024
    return 0.0


def postmaster(home: Path) -> int | None:
    try:
        return int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def postgres_of(home: Path) -> list[psutil.Process]:
    main = postmaster(home)
    try:
        return [psutil.Process(main), *psutil.Process(main).children(recursive=True)] if main else []
    except psutil.Error:
        return []


@dataclass
class Outcome:
    """What a week came to: the rows of every table, the mails, memory at the end of each burst, what was noticed."""

    tables: Tables = field(default_factory=dict)
    memory: list[tuple[int, dict[str, tuple[int, float]]]] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    disturbances: list[str] = field(default_factory=list)
    log_bytes: int = 0


class Disturbed:
    """A week at a running `s2p up`, with all that befalls it."""

    def __init__(self, company: Company, week: Week, box: Mailbox, say: Say, given: argparse.Namespace) -> None:
        self.company, self.week, self.box, self.say, self.patience = company, week, box, say, given.patience
        self.until = time.monotonic() + 60 * given.minutes
        self.outcome, self.up = Outcome(), Up(company)
        self.told: list[Told] = []
        known = [self._restart, self._kill, self._kill_servers, self._fill_disk, self._lose_database]
        deeds = [deed for deed in known if _name(deed) in given.disturbances]
        last = max(len(week.bursts) * 4 // 7 - 1, 1)
        self.deeds = [(1 + place * last // max(len(deeds), 1), deed) for place, deed in enumerate(deeds)]
        """In the first four of seven days, so that what comes after shows whether memory grows."""

    def run(self) -> Outcome:
        try:
            for at, burst in enumerate(self.week.bursts):
                begun = time.monotonic()
                if begun > self.until:
                    self.say(f"{at} of {len(self.week.bursts)} bursts in the time that was given; the rest is left out")
                    del self.week.bursts[at:]
                    break
                self._burst(at, burst)
                memory = self.up.memory()
                self.outcome.memory.append((burst.day, memory))
                whole = sum(mib for _, mib in memory.values())
                self.say(
                    f"burst {at + 1} of {len(self.week.bursts)}, day {burst.day + 1}: {len(burst.steps)} deeds, "
                    f"{len(self.box.mails)} mails, {whole:.0f} MiB, {time.monotonic() - begun:.0f} s"
                )
            self.outcome.tables = tables_of(self.company)
        finally:
            self.up.stop()
        self.outcome.log_bytes = log_bytes(self.company)
        return self.outcome

    def _burst(self, at: int, burst: Burst) -> None:
        """What befalls the company does so in the middle of it; the database is lost after it."""
        deeds, half = [deed for place, deed in self.deeds if place == at], len(burst.steps) // 2
        if self._lose_database in deeds:
            self.company.command("backup", str(self.company.backups))
        take_steps(self.company.share, burst.steps[:half])
        for deed in deeds:
            if deed != self._lose_database:
                self._befall(burst, deed)
        take_steps(self.company.share, burst.steps[half:])
        self._wait(at, burst)
        if self._lose_database in deeds:
            self._befall(burst, self._lose_database)
            self._wait(at, burst)
            time.sleep(MESSAGES_SECONDS)  # in which what was told before would be told again

    def _befall(self, burst: Burst, deed: Callable[[], None]) -> None:
        self.say(f"  {_name(deed)}")
        self.outcome.disturbances.append(f"day {burst.day + 1}: {_name(deed)}")
        deed()

    def _wait(self, at: int, burst: Burst) -> None:
        """Until all is read and made, and who is to be told of something was."""
        self.told += burst.told
        until = time.monotonic() + self.patience
        missing: list[str] = ["not looked at yet"]
        while missing and time.monotonic() < until:
            time.sleep(1.0)
            missing = self._wanting(burst)
        self.outcome.late += [f"burst {at + 1}: {one}" for one in missing]
        for one in missing[:5]:
            self.say(f"  still not so after {self.patience:.0f} s: {one}")

    def _wanting(self, burst: Burst) -> list[str]:
        try:
            unread = _unread(self.company, burst)
            if unread:
                return [f"{len(unread)} files are not read: {unread[0]}"]
            wait_until_quiet(self.company, self.patience)
        except AWAY as problem:
            return [f"{type(problem).__name__}: {problem}"]
        return [f"{one.recipient} was not told of {one.title}" for one in burst.told if not mails_on(self.box, one)]

    def _restart(self) -> None:
        self.up.stop()
        self.up.begin()

    def _kill(self) -> None:
        self.up.kill()
        self.up.begin()

    def _kill_servers(self) -> None:
        self.up.kill_servers()

    def _fill_disk(self) -> None:
        """First nearly, and then to the last byte for a while, in which files are dropped all the same."""
        if not os.path.ismount(self.company.home):
            self.outcome.disturbances[-1] += " (not done: no disk of its own could be mounted)"
            return
        ballast = self.company.home / "ballast"
        told = Told(ENGINEERS, "The disk of S2P_HOME fills")
        fill(ballast, leave=FREE_MB // 2)
        self._until(lambda: bool(mails_on(self.box, told)))
        self.told.append(told)
        fill(ballast, leave=0)
        time.sleep(FULL_SECONDS)
        ballast.unlink()
        if self.up.process.poll() is not None:  # an operator begins it again
            self.outcome.disturbances[-1] += " (s2p up had ended, and was begun again)"
            self.up.begin()

    def _lose_database(self) -> None:
        """Its folder is gone, some time after the backup: the backup is brought back, and s2p begun again."""
        self.up.stop()
        self._until(lambda: postmaster(self.company.home) is None)
        shutil.rmtree(self.company.home / "postgres")
        self.company.command("restore", str(self.company.backups))
        self.up.begin()

    def _until(self, is_so: Callable[[], bool]) -> None:
        until = time.monotonic() + self.patience
        while time.monotonic() < until:
            with contextlib.suppress(*AWAY):
                if is_so():
                    return
            time.sleep(0.5)


def _name(deed: Callable[[], None]) -> str:
    return deed.__name__.strip("_").replace("_", "-")


def undisturbed(company: Company, week: Week, say: Say) -> Tables:
    """The same deliveries, each burst processed by `s2p run`; its tables."""
    for at, burst in enumerate(week.bursts):
        take_steps(company.share, burst.steps)
        company.command("run", "--json", fails=True)  # in one burst an article fails
        say(f"undisturbed, burst {at + 1}")
    return tables_of(company)


def fill(file: Path, leave: int) -> None:
    """Have the disk of `file` with so many MiB free, or full to the last block."""
    block = bytes(1 << 20)
    with contextlib.suppress(OSError), file.open("ab", buffering=0) as ballast:
        while shutil.disk_usage(file.parent).free > leave << 20:
            ballast.write(block)
        while not leave:
            ballast.write(block[:4096])


def _unread(company: Company, burst: Burst) -> list[str]:
    """The files of a burst that the ledger does not know as they are now."""
    known = set(company.ask("select path, sha256 from s2p.files"))
    newest = {step.path: step for step in burst.steps if step.deed == "put" and not step.path.startswith("misc/")}
    return [path for path, step in newest.items() if (path, hashlib.sha256(step.content).hexdigest()) not in known]


def wait_until_quiet(company: Company, patience: float) -> None:
    """Until no run is unfinished and nothing happened for some seconds."""
    until, seen, since = time.monotonic() + patience, (-1, -1), time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS and time.monotonic() < until:
        now = int(company.ask(NEWEST)[0][0]), int(company.ask(UNFINISHED)[0][0])
        if now != seen or now[1]:
            seen, since = now, time.monotonic()
        time.sleep(0.5)


def tables_of(company: Company) -> Tables:
    """Every table of the company's own, its rows sorted, in which the ledger's ids are the paths."""
    with company.database() as connection:
        found: Tables = {}
        for schema in company.size.domains:
            tables = connection.execute("select tablename from pg_tables where schemaname = %s", (schema,)).fetchall()
            found |= {f"{schema}.{table}": rows_of(connection, schema, str(table)) for (table,) in tables}
        return found


def differences(ours: Tables, theirs: Tables) -> list[str]:
    """The tables that are not the same, each with the first row that is not in the other."""
    found = []
    for name in sorted({*ours, *theirs}):
        one, other = ours.get(name, []), theirs.get(name, [])
        if one != other:
            row = next(iter([row for row in one if row not in other] or [row for row in other if row not in one]), ())
            found.append(f"{name} ({len(one)} and {len(other)} rows): {row}"[:300])
    return found


def rows_of(connection: psycopg.Connection, schema: str, table: str) -> list[tuple[Any, ...]]:
    query = "select column_name from information_schema.columns where table_schema = %s and table_name = %s"
    names = sorted(str(name) for (name,) in connection.execute(query, (schema, table)) if name not in LIKE_RUN)
    path = sql.SQL("(select f.path from s2p.files f where f.id = t.{0})")
    shown = [
        path.format(sql.Identifier(name))
        if name in ("_file", "_superseded_by", "file")
        else sql.SQL("t.{}::text").format(sql.Identifier(name))
        for name in names
    ]
    order = sql.SQL(", ").join(sql.SQL(str(place + 1)) for place in range(len(shown)))
    whole = sql.SQL("select {} from {} t order by {}").format(
        sql.SQL(", ").join(shown), sql.Identifier(schema, table), order
    )
    return connection.execute(whole).fetchall()


def text_of(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


def mails_on(box: Mailbox, told: Told) -> int:
    """How many mails to somebody tell of a thing; a later letter may name its file in passing."""
    return sum(
        recipient == told.recipient
        and any(
            line.lstrip(" -•*").startswith(told.title) for line in (str(mail["Subject"]), *text_of(mail).split("\n"))
        )
        for mail, recipient in zip(box.mails, box.recipients, strict=True)
    )


def repeated(box: Mailbox) -> list[str]:
    """What came twice: by the Message-ID, or with the same words to the same recipient."""
    ids = Counter(str(mail["Message-ID"]) for mail in box.mails)
    said = Counter(
        (recipient, re.sub(r"\s+", " ", text_of(mail)))
        for mail, recipient in zip(box.mails, box.recipients, strict=True)
    )
    return [f"{id_} came {count} times" for id_, count in ids.items() if count > 1] + [
        f"{recipient} read the same {count} times: {text[:80]}"
        for (recipient, text), count in said.items()
        if count > 1
    ]


def log_bytes(company: Company) -> int:
    """Bytes of all that was logged: at the terminal, by runs, by Dagster and by PostgreSQL."""
    logs = [company.folder / "up.log", *company.home.rglob("*.log"), *(company.home / "dagster/logs").rglob("*")]
    return sum(file.stat().st_size for file in {one for one in logs if one.is_file()})


def growth(memory: Sequence[tuple[int, dict[str, tuple[int, float]]]]) -> dict[str, tuple[float, float]]:
    """Process → (MiB after the first day of its last life, and at the end); a life of one day says nothing."""
    found = {}
    for name in memory[-1][1] if memory else ():
        last = memory[-1][1][name][0]
        life = [(day, one[name][1]) for day, one in memory if name in one and one[name][0] == last]
        days = sorted({day for day, _ in life})
        if len(days) > 1:
            found[name] = [mib for day, mib in life if day == days[0]][-1], life[-1][1]
    return found


def print_table(outcome: Outcome, right: Tables | None, box: Mailbox, told: list[Told]) -> int:
    """The figures and whether each is as it must be; how many are not."""
    counts = {one: mails_on(box, one) for one in dict.fromkeys(told)}
    never, often = [one for one, n in counts.items() if not n], [one for one, n in counts.items() if n > 1]
    other = differences(outcome.tables, right) if right else []
    twice, grown = repeated(box), growth(outcome.memory)
    lines = [
        ("disturbances", "; ".join(outcome.disturbances), True),
        ("tables as in an undisturbed week", f"{len(right) - len(other)} of {len(right)} {'; '.join(other)}", not other)
        if right
        else ("tables", f"{len(outcome.tables)}, compared with none", True),
        ("told of each fault once", f"{len(counts) - len(never) - len(often)} of {len(counts)}", not never + often),
        *(("never told", f"{one.recipient}: {one.title}", False) for one in never[:10]),
        *(("told more than once", f"{one.recipient}: {one.title}", False) for one in often[:10]),
        ("mails, and those that came twice", f"{len(box.mails)}, {len(twice)} {'; '.join(twice[:3])}", not twice),
        *(
            (f"memory of {name}, MiB", f"{first:.0f} → {last:.0f} ({last / first - 1:+.1%})", last <= first * 1.05)
            for name, (first, last) in grown.items()
        ),
        ("log, MB", f"{outcome.log_bytes / 1e6:.1f}", outcome.log_bytes < 50e6),
        ("what came too late", f"{len(outcome.late)} {'; '.join(outcome.late[:3])}", not outcome.late),
    ]
    print("\n| what | figure | as it must be |\n|---|---|---|")
    for what, figure, is_right in lines:
        print(f"| {what} | {figure} | {'yes' if is_right else '**no**'} |")
    return sum(not is_right for _, _, is_right in lines)


@contextlib.contextmanager
def disk(place: Path) -> Iterator[None]:
    """A small disk in memory at `place`, where it may be mounted; else a folder."""
    place.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=755", "tmpfs", str(place)]
    mounted = shutil.which("mount") and not subprocess.run(command, check=False, capture_output=True).returncode
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=False)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--owners", type=int, default=50)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--bursts", type=int, default=3, help="so many a day")
    parser.add_argument("--disturbances", nargs="*", default=DISTURBANCES, choices=DISTURBANCES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=900.0, help="seconds until something counts as not come")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no burst later; judge what came by then")
    parser.add_argument("--no-undisturbed", action="store_true", help="do not compare with an undisturbed week")
    given = parser.parse_args(arguments)
    size, begun = Size(given.files, given.owners, given.days, given.bursts), time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - begun:6.0f} s  {line}", flush=True)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started and mounted is cleared away
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s2p-week-", ignore_cleanup_errors=True)))
        place.chmod(0o755)
        week = Week(size, given.seed)
        say(f"{week.number} files; faults: {', '.join(f'{count} {kind}' for kind, count in week.faults.items())}")
        box = stack.enter_context(mail_server())
        company = Company(place / "disturbed", size, box.port)
        stack.enter_context(disk(company.home))
        company.build()
        there = Disturbed(company, week, box, say, given)
        outcome = there.run()
        right = None
        if not given.no_undisturbed:
            calm = Company(place / "undisturbed", size)
            calm.folder.mkdir()
            calm.build()
            right = undisturbed(calm, week, say)
        wrong = print_table(outcome, right, box, there.told)
        say("the end")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
