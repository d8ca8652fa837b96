"""House tests of the documentation: links lead somewhere, commands are named as they are, decisions have their form.

What the code samples in it do is tested where they belong, as the tutorial's are in `test_tutorial.py`.
"""

import re
from pathlib import Path

import pytest

from s2p_assets.cli import app

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md"), *ROOT.glob("s2p_assets*/**/*.md")]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
DECISION = re.compile(r"# (\d{4}) .+\n\n- Date: \d{4}-\d\d-\d\d\n- Status: (proposed|accepted|superseded by \d{4})\n\n")
COMMANDS = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
COMMANDS |= {str(group.typer_instance.info.name) for group in app.registered_groups if group.typer_instance}


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The names by which a page's headings are linked to."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(page)))
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [one or other for one, other in LINK.findall(prose(page))]
    lost = []
    for link in links:
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_every_command_stands_in_the_readme_and_every_command_in_the_docs_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`s2p {name}" not in readme] == []
    named = {
        word for page in PAGES for word in re.findall(r"(?:`|uv run )s2p ([a-z]+(?:-[a-z]+)*)", page.read_text("utf-8"))
    }
    assert named - COMMANDS == set()


def test_every_page_is_found_from_the_readme_or_the_index() -> None:
    indexes = [ROOT / "README.md", ROOT / "docs/README.md", ROOT / "docs/decisions/README.md"]
    linked = {
        (index.parent / (one or other).partition("#")[0]).resolve()
        for index in indexes
        for one, other in LINK.findall(prose(index))
    }
    assert [str(page) for page in ROOT.glob("docs/**/*.md") if page.resolve() not in {*linked, *indexes}] == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/decisions/0*.md")), ids=lambda page: page.stem)
def test_every_decision_has_number_date_and_status(page: Path) -> None:
    head = DECISION.match(page.read_text(encoding="utf-8"))
    assert head
    assert head[1] == page.name[:4]


def test_the_glossary_says_each_word_once() -> None:
    words = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    words = [word for word in words if word != "word"]
    assert len(words) > 50
    assert sorted(set(words)) == sorted(words)
