"""What the demo promises a newcomer: a cell that comes back when it is broken, and links that lead there."""

import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from s2p_assets.catalog.paths import matching_contracts
from s2p_assets.catalog.shelves import read_shelf
from s2p_assets.cli.demo import _print_exercises, _print_links, _write_samples
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.samples.share_files import Exercise, sample_shares, shown_first
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("demo") / "home"
    settings = Settings(home=home, database_url="postgresql://ann:secret@db.example.com:5433/firm?sslmode=require")
    _write_samples(settings, shown_first(sample_shares()))
    return settings


def exercise() -> Exercise:
    (only,) = [sample.exercise for sample in shown_first(sample_shares()).values()]
    assert only is not None
    return only


def newest(settings: Settings) -> Path:
    return sorted(settings.share.glob(exercise().pattern))[-1]


def test_one_company_is_shown_and_all_on_demand() -> None:
    assert len(shown_first(sample_shares())) == 1 < len(sample_shares())


def test_the_cell_that_is_to_be_broken_comes_back_and_mended_it_is_taken(settings: Settings) -> None:
    file, cell = newest(settings), exercise().cell
    name = file.relative_to(settings.share).as_posix()
    contracts = matching_contracts(name, list(read_shelf(["s2p_assets"], "workbooks", Workbook).items.values()))
    broken = settings.home / file.name
    book = openpyxl.load_workbook(file)
    book[exercise().sheet][cell] = exercise().text
    book.save(broken)
    with Sandbox(seconds=60, memory_mb=2048) as sandbox:
        before = sandbox.read(file, contracts, display_name=name)
        after = sandbox.read(broken, contracts, display_name=name)
    assert not before.findings
    assert [finding.cell for finding in after.findings] == [cell]


def test_file_cell_and_marked_copy_are_named_and_no_password_is(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    _print_exercises(settings, shown_first(sample_shares()), is_watched=False)
    _print_links(settings, is_watched=False)
    said = capsys.readouterr().out
    file = newest(settings)
    for part in (str(file), exercise().cell, str(settings.returned / file.relative_to(settings.share)), "s2p run"):
        assert part in said
    assert str(settings.reports / "index.html") in said
    assert settings.address in said
    assert "postgresql://ann@db.example.com:5433/firm?sslmode=require" in said
    assert "secret" not in said


WITHOUT_A_DATABASE = """
import sys, typer
from s2p_assets.cli import demo
from s2p_assets.settings import Settings
try:
    demo._process_apart(Settings(home=sys.argv[1], database_url="postgresql://nobody@127.0.0.1:1/none"))
except typer.Exit as ended:
    print("ended", ended.exit_code, {"dagster", "pandas"} & set(sys.modules))
"""


def test_what_serves_the_demo_holds_nothing_of_what_processed_it(tmp_path: Path) -> None:
    """It kept 800 MB for as long as it served. What cannot be processed is not served."""
    command = [sys.executable, "-c", WITHOUT_A_DATABASE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "ended 1 set()", done.stderr
    assert "DatabaseUnreachable" in done.stderr
