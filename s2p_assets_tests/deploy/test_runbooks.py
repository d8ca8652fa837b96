"""Every runbook tried as written: its commands in their order, against the home of a small company.

What needs a server (systemd, sudo, mount) is tried by hand; which commands these are is kept here too.
"""

import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from s2p_assets_tests.small_company import Answer, SmallCompany, build, order_rows, save

RUNBOOKS = Path(__file__).parents[2] / "docs/runbooks"
COMMAND = re.compile(r"`((?:uv run )?s2p(?: [^`]+)?)`")
OTHERS = re.compile(r"`((?:sudo|systemctl|journalctl|curl|findmnt|rsync|pip|/opt)\b[^`]*)`")
NOT_TRIED = ("s2p", "s2p up", "s2p demo", "uv run s2p demo")
"""Tried by tests of their own: `graph/test_daemon.py`, `cli/test_demo.py`."""
WELL = (0, 1)
HELD = "orders/Orders 01 (Ann's conflicted copy 2026-01-05).xlsx"
PERSONAL = "orders/Orders 03.xlsx"


@dataclass
class Tried:
    """A company, where its backups lie, and how each command ended that was run already."""

    company: SmallCompany
    known: dict[str, Answer] = field(default_factory=dict)

    @property
    def backups(self) -> Path:
        return self.company.folder / "backups"

    def run(self, words: str, codes: tuple[int, ...] = WELL) -> Answer:
        ended = self.company.run(*shlex.split(words), env={"S2P_BACKUP_TO": str(self.backups)})
        assert ended.code in codes, f"s2p {words}: {ended.text}"
        assert "Traceback" not in ended.text
        return ended

    def once(self, words: str) -> Answer:
        """A command that takes seconds: run once, however many runbooks name it."""
        if words not in self.known:
            self.known[words] = self.run(words)
        return self.known[words]


@pytest.fixture(scope="module")
def tried(folder: Path) -> Tried:
    found = Tried(build(folder / "company"))
    held = found.company.share / HELD
    save(held, order_rows(1, quantity=3), 70)
    return found


def commands(name: str) -> list[str]:
    """The commands of s2p in a runbook, in order, without those that have tests of their own."""
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    return [word for word in COMMAND.findall(text) if word not in NOT_TRIED]


def follow(tried: Tried, name: str, meant: Mapping[str, str | None]) -> list[Answer]:
    """Run what a runbook says, in its order. `meant`: what stands for a command's capitals; None: run elsewhere."""
    written = commands(name)
    assert set(written) == set(meant), f"{name}.md has other commands than this test: {written}"
    heavy = ("run", "drill", "upgrade", "backup")
    words = [meant[one] for one in dict.fromkeys(written)]
    return [tried.once(one) if one in heavy else tried.run(one) for one in words if one is not None]


@pytest.mark.long
def test_the_first_workbook(tried: Tried) -> None:
    company = tried.company
    rows: list[list[Any]] = [
        ["Slip", "Article", "Pieces", "Sold on"],
        *([f"S-{n}", "L-1", n + 1, f"2026-10-{n + 1:02}"] for n in range(9)),
    ]
    file = save(company.folder / "Sales October.xlsx", rows)
    new = "new 'Sales October.xlsx' --name shop_sales --to small_shelves/workbooks/shop_sales.py"
    tried.run(new)
    declared = company.folder / "small_shelves/workbooks/shop_sales.py"
    pattern = re.search(r'path="([^"]+)"', declared.read_text())
    assert pattern
    place = company.share / pattern[1].replace("**/", "").replace("*", "Sales October", 1).replace("*", "")
    place = place if place.suffix else place / "Sales October.xlsx"
    assert "accepted" in tried.run("check 'Sales October.xlsx' --as shop_sales").out
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, place)
    tried.once("run")
    assert "S-3" in tried.run("sql 'select * from shop.sales limit 5'").out
    assert set(commands("first-workbook")) == {
        f"s2p {new.replace('small_shelves', 'shelves')}",
        "s2p check 'Sales October.xlsx' --as shop_sales",
        "s2p run",
        "s2p status",
        "s2p sql 'select * from shop.sales limit 5'",
    }


@pytest.mark.long
def test_a_file_came_back(tried: Tried) -> None:
    tried.once("run")
    company = tried.company
    assert "Some bad" in tried.run("status").out
    assert (company.share / "s2p-returned/orders/All bad.xlsx").exists()
    for gone in ("orders/Orders 08.xlsx", "orders/Orders 09.xlsx"):
        (company.share / gone).unlink()
    tried.run("run")  # which sees that they are gone
    meant = {
        "s2p status": "status",
        "s2p plan FILE": f'plan "{company.share / HELD}"',
        "s2p accept FILE": f'accept "{HELD}"',
        "s2p keep FILE": "keep 'orders/Orders 08.xlsx'",
        "s2p forget FILE": "forget 'orders/Orders 09.xlsx'",
        "s2p check FILE": f"check '{company.share}/orders/Some bad.xlsx'",
        "s2p messages": "messages",
        "s2p messages --again": "messages --again",
    }
    follow(tried, "file-came-back", meant)
    said = tried.run("status").out
    assert "Orders 08" not in said
    assert "Orders 09" not in said


@pytest.mark.long
def test_the_share_is_gone(tried: Tried) -> None:
    tried.once("run")
    share = tried.company.share
    away = share.rename(share.with_name("away"))
    assert "share" in tried.run("status", (2,)).err
    share.mkdir()
    assert "bare" in tried.run("run", (2,)).err
    share.rmdir()
    away.rename(share)
    tried.run("status")
    assert set(commands("share-gone")) == {
        "s2p keep",
        "s2p forget",
        "s2p status",
        "s2p fetch",
    }  # file-came-back.md, remote


@pytest.mark.long
def test_a_new_engineer_comes_and_leaves_and_secrets_change(tried: Tried) -> None:
    tried.once("run")
    tried.run("users add boss@example.com --role engineer")
    added = follow(
        tried,
        "new-engineer",
        {
            "s2p users add ann@example.com --role engineer": "users add ann@example.com --role engineer",
            "s2p check": f"check '{tried.company.share}/orders/Orders 00.xlsx'",
            "s2p messages --book": "messages --book",
        },
    )
    assert "/join/" in added[0].out
    tried.run("tokens add old --role viewer")
    before = tried.run("connection --json").out
    (tried.company.home / "reader.password").unlink()
    follow(
        tried,
        "rotate-secrets",
        {
            "s2p users link ADDRESS": "users link ann@example.com",
            "s2p tokens add NAME": "tokens add new --role viewer",
            "s2p tokens revoke OLD": "tokens revoke old",
            "s2p connection": "connection",
            "s2p roles --sql": "roles --sql",
            "s2p users logout ADDRESS": "users logout ann@example.com",
            "s2p users list": "users list",
            "s2p users lock ADDRESS": "users lock ann@example.com",
            "s2p tokens list": "tokens list",
        },
    )
    assert tried.run("connection --json").out != before


@pytest.mark.long
def test_a_companys_data_is_removed(tried: Tried) -> None:
    tried.once("run")
    company = tried.company
    traced = "trace acme_orders order_no=3-1"
    assert PERSONAL in tried.run(traced).out
    (company.share / PERSONAL).unlink()
    select = f"select distinct archived from s2p.files where path = '{PERSONAL}' and archived is not null"
    named = tried.run(f'sql "{select}" --json').out
    change = f"update s2p.files set findings = '[]', archived = null where path = '{PERSONAL}'"
    follow(
        tried,
        "remove-data",
        {
            "s2p trace TABLE COLUMN=VALUE": None,
            "s2p forget FILE": f"forget '{PERSONAL}'",
            f's2p sql "{select.replace(PERSONAL, "PATH")}"': f'sql "{select}"',
            f's2p sql --write "{change.replace(PERSONAL, "PATH")}"': f'sql --write "{change}"',
            "s2p report NAME": None,
        },
    )
    held = [company.home / "archive" / name for name in re.findall(r'"archived": "([^"]+)"', named)]
    assert held
    for file in held:
        file.unlink()
    tried.run("run")
    tried.run("report acme_takings")
    assert "3-1" not in tried.run(traced, (0, 1, 2)).out


@pytest.mark.long
def test_restore_upgrade_and_what_else_there_is(tried: Tried) -> None:
    tried.once("run")
    rows = tried.run("status --json").out.count('"path"')
    follow(
        tried,
        "restore",
        {"s2p backup": "backup", "s2p drill": "drill", "s2p restore /mnt/backups/s2p": None, "s2p status": "status"},
    )
    tried.run(f"restore '{tried.backups}'")
    assert tried.run("status --json").out.count('"path"') == rows
    follow(
        tried,
        "upgrade",
        {
            "s2p restore": None,
            "s2p upgrade --to /tmp/before": None,
            "s2p run": "run",
            "s2p upgrade": "upgrade",
            "s2p status": "status",
        },
    )
    for name in ("environments", "disk-full", "run-failed", "install"):
        known = {"s2p restore", "s2p upgrade", "s2p run", "s2p status", "s2p drill"}
        assert set(commands(name)) <= known, name


def test_what_is_tried_by_hand_is_known_by_its_program() -> None:
    every = "".join(file.read_text(encoding="utf-8") for file in RUNBOOKS.glob("*.md"))
    programs = {shlex.split(one.partition("$(")[0])[0] for one in OTHERS.findall(every)}
    assert programs <= {"sudo", "systemctl", "journalctl", "curl", "findmnt", "rsync", "pip", "/opt/s2p/bin/pip"}
