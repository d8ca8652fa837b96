"""Promises of looking at the share: what is an input, whose it may be, when it counts as changed."""

import os
from pathlib import Path

import pytest

from s2p_assets.catalog.paths import matching_contracts
from s2p_assets.contracts.columns import Row, Text, column
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.share import ShareMissing, scan_share


class NameRow(Row):
    """One name."""

    name: Text = column("Name", description="name")


def contract(*patterns: str) -> Workbook:
    return Workbook(rows=NameRow, path=patterns, owner="a@example.org")


def put(share: Path, *names: str) -> None:
    for name in names:
        (share / name).parent.mkdir(parents=True, exist_ok=True)
        (share / name).write_bytes(b"x")


def test_only_spreadsheets_that_people_finished_are_inputs(tmp_path: Path) -> None:
    put(tmp_path, "a.xlsx", "deep/er/b.CSV", "~$a.xlsx", ".hidden.xlsx", "c.xlsx.tmp", "d.xlsx.crdownload", "~d.xls")
    put(tmp_path, "notes.log", "README.txt", "s2p-returned/a.xlsx", "s2p-reports/r.xlsx", ".git/e.xlsx")
    (tmp_path / "link.xlsx").symlink_to(tmp_path / "a.xlsx")
    os.mkfifo(tmp_path / "pipe.xlsx")
    found = scan_share(tmp_path, [contract("**")])
    assert [file.relative for file in found.files["test_share"]] == ["a.xlsx", "deep/er/b.CSV"]
    assert found.unclaimed == ()


@pytest.mark.parametrize(
    ("pattern", "name", "claimed"),
    [
        ("prices/*.xlsx", "Prices/March.XLSX", True),
        ("prices/*.xlsx", "prices/2024/March.xlsx", False),
        ("prices/**/*.xls*", "prices/2024/q1/March.xlsm", True),
        ("prices/**/*.xls*", "prices/March.xls", True),
        ("**/stock ?.csv", "stock 1.csv", True),
        ("**/stock [0-9].csv", "a/stock x.csv", False),
        ("prices/**", "prices/a/b.ods", True),
        ("preise/münchen.xlsx", "preise/mu\u0308nchen.xlsx", True),
    ],
)
def test_patterns_know_folders_and_no_case(pattern: str, name: str, claimed: bool) -> None:
    assert bool(matching_contracts(name, [contract(pattern)])) == claimed


def test_a_file_that_nobody_may_claim_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.xlsx", "other/b.xlsx")
    found = scan_share(tmp_path, [contract("*.xlsx")])
    assert [file.relative for file in found.unclaimed] == ["other/b.xlsx"]


def test_the_digest_changes_with_names_sizes_and_dates_alone(tmp_path: Path) -> None:
    put(tmp_path, "a.xlsx", "b.xlsx")
    workbooks = [contract("*.xlsx")]

    def digest() -> str:
        return scan_share(tmp_path, workbooks).digest("test_share")

    first = digest()
    assert digest() == first
    assert len(first) == 32
    (tmp_path / "unrelated.txt").write_text("x")
    assert digest() == first
    os.utime(tmp_path / "a.xlsx", ns=(1, 1))
    second = digest()
    (tmp_path / "b.xlsx").rename(tmp_path / "c.xlsx")
    assert len({first, second, digest()}) == 3


def test_a_share_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ShareMissing, match="is the drive connected"):
        scan_share(tmp_path / "gone", [])
