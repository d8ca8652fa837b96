"""What is promised of a question at the prompt: it loads no more than it needs, and a wrong name answers at once."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from s2p_assets.cli.console import BRACKET, escape, rendered, table_lines
from s2p_assets_tests.retail_home import Company

pytestmark = pytest.mark.long

Ask = Callable[..., tuple[int, str, set[str]]]

HEAVY = {"dagster", "pandas", "numpy", "pyarrow", "pandera", "sklearn", "mlflow", "sqlalchemy", "rich", "lxml"}
ASKED = f"""
import sys
sys.argv = ["s2p", *sys.argv[1:]]
from s2p_assets.cli import main
try:
    main()
finally:
    print("loaded:", *sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def ask(company: Company) -> Ask:
    """Puts a question to the sample company: exit code, what is printed, and what of the heavy libraries was loaded."""
    home, url = company.settings.home, company.settings.database_url

    def asked(*words: str) -> tuple[int, str, set[str]]:
        environment = {"S2P_HOME": str(home), "S2P_DATABASE_URL": str(url), "COLUMNS": "80", "PATH": ""}
        command = [sys.executable, "-c", ASKED, *words]
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        said, _, loaded = answer.stderr.rpartition("loaded:")
        return answer.returncode, answer.stdout + said, set(loaded.split())

    asked("status")  # the outline is kept from here on
    return asked


@pytest.mark.parametrize(
    "question",
    [
        "status",
        "why retail_demand_champion",
        "champion retail_demand_champion",
        "trace retail_sales_coverage",
        "trace retail_weekly_outlook F1",
        "keep nothing.xlsx",
    ],
)
def test_a_question_is_answered_without_dagster_and_without_pandas(ask: Ask, question: str) -> None:
    words = question.split()
    if words[1:] == ["retail_sales_coverage"]:
        words.append("source=retail")
    code, said, loaded = ask(*words)
    assert loaded == set(), said
    assert code in (0, 1, 2)
    assert said


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("trace retail_deman sku=1", "retail_demand"),
        ("trace retail_weekly_outlok F1", "retail_weekly_outlook"),
        ("report retail_weekly_outlok", "retail_weekly_outlook"),
        ("why retail_demand_bosting", "retail_demand_boosting"),
        ("template pricelist", "retail_price_list"),
        ("check Prices.xlsx --as price_list", "retail_price_list"),
        ("statsu", "status"),
    ],
)
def test_a_wrong_name_is_answered_at_once_with_what_was_meant(ask: Ask, question: str, meant: str) -> None:
    code, said, loaded = ask(*question.split())
    assert code == 2
    assert "did you mean" in said.lower()
    assert meant in said.lower().partition("did you mean")[2]
    assert loaded <= {"rich"}, "typer draws what it says itself"


@pytest.mark.parametrize("question", ["predict retail_demand_champion", "report retail_prices"])
def test_what_computes_on_frames_does_without_dagster(ask: Ask, question: str) -> None:
    code, said, loaded = ask(*question.split())
    assert code == 0, said
    assert "dagster" not in loaded
    assert "mlflow" not in loaded


@pytest.mark.parametrize(
    ("command", "needed"), [("check", set[str]()), ("plan", {"numpy", "pandas", "pyarrow"})], ids=["check", "plan"]
)
def test_a_file_is_read_by_a_light_parent_and_one_child(
    ask: Ask, company: Company, command: str, needed: set[str]
) -> None:
    """`plan` compares frames itself, so that its child is forked with what both need: imports are paid once."""
    file = min((company.settings.share / "prices").glob("*.xlsx"))
    code, said, loaded = ask(command, str(file))
    assert code in (0, 1)
    assert "retail_price_list" in said
    assert loaded <= needed


def test_help_is_asked_for_in_short_and_loads_no_settings(ask: Ask) -> None:
    for words in (["-h"], ["trace", "-h"]):
        code, said, loaded = ask(*words)
        assert code == 0
        assert "Usage" in said
        assert loaded == {"rich"}


def test_the_commands_are_known_without_the_settings() -> None:
    """Which take as long to import as all of the rest."""
    asked = "import sys, s2p_assets.cli; print('pydantic_settings' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_shell_completes_the_names_of_what_there_is(company: Company) -> None:
    environment = {"S2P_HOME": str(company.settings.home), "_S2P_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    found = subprocess.run(
        [str(Path(sys.executable).with_name("s2p"))],
        env=environment | {"COMP_WORDS": "s2p why retail_demand_b"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout.split() == ["retail_demand_boosting"]


def test_status_says_first_whether_anything_needs_a_person(ask: Ask) -> None:
    code, said, _ = ask("status")
    first = said.splitlines()[0]
    assert first.startswith("Needs a person: ") if code else first == "Nothing needs a person."


def test_no_line_of_the_status_table_is_cut_or_longer_than_the_terminal(ask: Ask) -> None:
    _, said, _ = ask("status")
    table = said.split("\n\n")[1].splitlines()
    assert table[0].split()[0] == "workbook"
    assert max(map(len, table)) <= 80
    assert "…" not in said
    for name in ("f1_constructor_standings", "retail_wholesale_sales"):
        assert any(line.split()[0] == name for line in table)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


@pytest.mark.usefixtures("narrow")
def test_a_long_name_has_a_line_of_its_own() -> None:
    rows = [("short", "1", "2026-11-29"), ("a name that is much too long", "12,345", "2026-11-28")]
    lines = [rendered(line, colours=False) for line in table_lines(("name", "rows", "last"), rows, right=[1])]
    assert lines == [
        "name                    rows  last",
        "short                      1  2026-11-29",
        "a name that is much too long",
        "                      12,345  2026-11-28",
    ]


@pytest.mark.usefixtures("narrow")
def test_a_table_that_does_not_fit_is_told_cell_by_cell() -> None:
    header = ("sku", "what it is called", "when it was counted", "how many")
    lines = list(table_lines(header, [("A-1", "Lamp", "2026-11-29", "12")]))
    assert lines[:2] == ["sku                  A-1", "what it is called    Lamp"]


def test_wide_letters_take_two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = list(table_lines(("name", "rows"), [("合計", "1"), ("e\u0301", "2")]))
    assert lines[1:] == ["合計  1", "e\u0301     2"]


@pytest.mark.parametrize("text", ["[bold]", r"C:\[red]x", "a [b] c", "[/red", ""])
def test_brackets_of_a_name_are_printed_as_they_are(text: str) -> None:
    assert rendered(f"[red]{escape(text)}[/red]", colours=False) == text
    assert rendered(f"[red]{escape(text)}[/red]", colours=True) == f"\x1b[31m{text}\x1b[0m"
    assert BRACKET not in rendered(escape(text), colours=True)


WHAT_UP_DOES = """
from s2p_assets.cli import share
from s2p_assets.settings import read_settings
from s2p_assets.services.arrivals import Arrivals
settings = read_settings()
list(Arrivals(settings).lines())
share._print_address(settings)
"""


def test_s2p_up_itself_stays_small_for_as_long_as_it_serves(company: Company) -> None:
    """Its first process kept 70 MB of shelves that it had read to print its address."""
    environment = {"S2P_HOME": str(company.settings.home), "S2P_DATABASE_URL": str(company.settings.database_url)}
    seen = f"import sys; print(sorted({HEAVY - {'rich'}!r} & set(sys.modules)))"
    command = [sys.executable, "-c", f"{WHAT_UP_DOES}{seen}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
