"""The documentation's site holds every page under whom it is for, builds without a network, has no lost link."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_of_docs", ROOT / "docs/site.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_stands_once_in_the_navigation(site: Any) -> None:
    named = [name for names in site.NAVIGATION.values() for name in names] + site.decisions()
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/*.md")]
    told = "put each page of the documentation into NAVIGATION of docs/site.py, under whom it is for"
    assert sorted(named) == sorted(str(file.relative_to(ROOT)) for file in found), told
    assert {"For employees", "For managers", "For engineers", "For operators"} <= set(site.NAVIGATION)


def test_the_reference_names_every_word_of_a_shelf_file(site: Any) -> None:
    lines = [line for line in site.WORDS.read_text().splitlines() if line.startswith("from .")]
    assert sum(map(len, site.words().values())) == len(lines) > 50


def test_a_lost_link_and_a_script_from_elsewhere_are_named(site: Any, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<p id="here"><a href="#here">a</a><a href="more.html#no">b</a></p>')
    (tmp_path / "more.html").write_text('<script src="https://example.com/x.js"></script><a href="gone.html">c</a>')
    assert [line.partition(" which")[0].rstrip(",") for line in site.lost_links(tmp_path)] == [
        "index.html links to more.html#no",
        "more.html links to gone.html",
        "more.html loads https://example.com/x.js",
    ]


@pytest.mark.long
def test_the_site_is_built_without_a_network_and_has_no_lost_link(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which("zensical", path=str(Path(site.sys.executable).parent)):
        pytest.skip("Zensical is not installed: uv sync --group docs")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert site.build(tmp_path / "site") == []
    pages = {page.relative_to(tmp_path / "site").as_posix() for page in (tmp_path / "site").rglob("*.html")}
    assert {"index.html", "docs/glossary.html", "docs/runbooks/restore.html", "reference/contracts.html"} <= pages
    assert "What s2p knows, as pandas" in (tmp_path / "site/reference/api.html").read_text()
    architecture = (tmp_path / "site/docs/architecture.html").read_text()
    assert architecture.count("architecture-") >= 3
