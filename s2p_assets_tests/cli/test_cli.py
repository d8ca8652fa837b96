"""What a person at a terminal is promised: one clear line, the right exit code, nothing half-written."""

import json
import os
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import openpyxl
import pytest

pytestmark = pytest.mark.long


def s2p(*words: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("S2P_", "DAGSTER_"))}
    environment |= {"S2P_HOME": str(home), **settings}
    return subprocess.run(
        [sys.executable, "-m", "s2p_assets.cli", *words],
        env=environment,
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["SKU", "Description", "MSRP", "T2 cost", "Item cost", "Effective date"])
    sheet.append(["A-1", "Lamp", 20, 12, 8, "2026-01-01"])
    sheet.append(["A-2", "Chair", "n/a", 12, -8, "2026-01-01"])
    book.save(tmp_path / "Prices.xlsx")
    return tmp_path / "Prices.xlsx"


def one_line(answer: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in answer.stderr.strip().splitlines() if line.startswith("s2p: ")]
    assert len(lines) == 1, answer.stderr
    assert "Traceback" not in answer.stderr
    return lines[0]


def test_help_loads_nothing_that_reads_a_workbook_or_draws_a_graph() -> None:
    heavy = "{'pandas', 'pyarrow', 'pandera', 'dagster', 'sqlalchemy', 'mlflow', 'sklearn'}"
    code = f"import sys, s2p_assets.cli.app; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_check_names_every_bad_cell_and_loads_nothing(home: Path, prices: Path) -> None:
    answer = s2p("check", str(prices), "--as", "retail_price_list", "--json", home=home)
    assert answer.returncode == 1
    (verdict,) = json.loads(answer.stdout)
    assert verdict["verdict"] == "returned"
    assert (verdict["rows_read"], verdict["rows_accepted"], verdict["rows_returned"]) == (2, 0, 2)
    assert {finding["cell"] for finding in verdict["findings"] if finding["severity"] == "reject"} == {"C3", "E3"}
    assert set(verdict["findings"][0]) == {"sheet", "cell", "column", "value", "rule", "message", "severity"}
    assert not home.exists()


def test_check_writes_the_marked_copy_where_it_is_told(home: Path, prices: Path, tmp_path: Path) -> None:
    answer = s2p("check", str(prices), "--marked", str(tmp_path / "marked.xlsx"), home=home)
    assert answer.returncode == 1
    marked = openpyxl.load_workbook(tmp_path / "marked.xlsx")
    assert marked["Sheet"]["C3"].comment is not None


def test_a_good_file_checks_with_exit_code_zero(home: Path, prices: Path) -> None:
    book = openpyxl.load_workbook(prices)
    book.worksheets[0].delete_rows(3)
    book.save(prices)
    assert s2p("check", str(prices), home=home).returncode == 0


def test_an_unknown_contract_is_named_with_those_that_exist(home: Path, prices: Path) -> None:
    answer = s2p("check", str(prices), "--as", "retail_prices", home=home)
    assert answer.returncode == 2
    assert "retail_price_list" in one_line(answer)


def test_a_missing_share_is_one_line(home: Path) -> None:
    answer = s2p("run", home=home, S2P_SHARE=str(home / "nowhere"))
    assert answer.returncode == 2
    assert "S2P_SHARE" in one_line(answer)
    assert not (home / "nowhere").exists()


def test_an_unreachable_database_is_one_line_without_the_password(home: Path) -> None:
    url = "postgresql://s2p:very-secret@127.0.0.1:1/s2p"
    answer = s2p("run", home=home, S2P_DATABASE_URL=url)
    assert answer.returncode == 2
    assert "127.0.0.1:1" in one_line(answer)
    assert "very-secret" not in answer.stderr + answer.stdout


def test_a_wrong_database_url_is_one_line(home: Path) -> None:
    answer = s2p("status", home=home, S2P_DATABASE_URL="mysql://somewhere")
    assert answer.returncode == 2
    assert "S2P_DATABASE_URL" in one_line(answer)


def test_a_busy_port_is_one_line_before_anything_is_started(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = s2p("up", home=home, S2P_PORT=str(taken.getsockname()[1]))
    assert answer.returncode == 2
    assert "S2P_PORT" in one_line(answer)
    assert not (home / "postgres").exists()


def test_a_wrong_setting_is_named(home: Path) -> None:
    answer = s2p("status", home=home, S2P_PORT="high")
    assert answer.returncode == 2
    assert "S2P_PORT='high'" in one_line(answer)


def test_a_shelf_file_with_a_fault_is_named_with_its_line_and_the_others_load(
    home: Path, prices: Path, tmp_path: Path
) -> None:
    shelf = tmp_path / "acme" / "workbooks"
    shelf.mkdir(parents=True)
    (tmp_path / "acme" / "__init__.py").touch()
    (shelf / "__init__.py").touch()
    (shelf / "acme_orders.py").write_text('"""Orders."""\n\nimport nowhere_to_be_found\n')
    answer = s2p("status", home=home, S2P_SHELVES="s2p_assets,acme", PYTHONPATH=str(tmp_path), S2P_SHARE=str(tmp_path))
    assert "acme_orders.py:3" in answer.stderr
    assert "retail_price_list" in answer.stdout
    assert answer.returncode == 1


def test_a_template_and_a_new_contract_are_written(home: Path, prices: Path, tmp_path: Path) -> None:
    assert s2p("template", "retail_price_list", "--to", str(tmp_path / "t.xlsx"), home=home).returncode == 0
    assert openpyxl.load_workbook(tmp_path / "t.xlsx").worksheets[0]["A1"].value
    target = tmp_path / "acme_prices.py"
    assert s2p("new", str(prices), "--name", "acme_prices", "--to", str(target), home=home).returncode == 0
    assert "Workbook(" in target.read_text()


def test_a_new_contract_lies_on_the_shelf_of_the_company_and_not_in_s2p(
    home: Path, prices: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    words = ("new", str(prices), "--name", "acme_prices")
    assert s2p(*words, home=home, S2P_SHELVES="mine", PYTHONPATH=str(tmp_path)).returncode == 0
    assert "Workbook(" in (tmp_path / "mine/workbooks/acme_prices.py").read_text()
    answer = s2p(*words, home=home, S2P_SHELVES="nowhere_here", PYTHONPATH=str(tmp_path))
    assert answer.returncode == 2
    assert "'nowhere_here' of S2P_SHELVES is not found" in answer.stderr


def test_the_version_is_that_of_the_package_and_needs_no_settings(home: Path) -> None:
    answer = s2p("--version", home=home, S2P_PORT="no port")
    assert (answer.returncode, answer.stdout) == (0, f"s2p {metadata.version('s2p-assets')}\n")
    assert not home.exists()
