"""Makes the site of the documentation: `uv run --group docs python docs/site.py site`. Needs no network.

The pages are those of the repository, unchanged; their order, and the reference from docstrings, are made here. It ends
with 1 and a line for each where a link leads nowhere or a page asks for something from elsewhere.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
WORDS = ROOT / "s2p_assets/__init__.pyi"
COPIED = (
    "*.md",
    "LICENSE",
    "docs/**/*.md",
    "docs/pictures/*",
    "docs/notebooks/*",
    "deploy/**/*.md",
    "deploy/systemd/*",
)
MERMAID = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
NAVIGATION: dict[str, tuple[str, ...]] = {
    "Start": ("README.md", "docs/README.md", "docs/glossary.md"),
    "For employees": (
        "docs/what-s2p-makes-of.md",
        "docs/screen.md",
        "docs/runbooks/first-workbook.md",
        "docs/runbooks/file-came-back.md",
    ),
    "For managers": ("docs/models.md", "docs/messages.md", "docs/examples.md", "docs/formula1.md"),
    "For engineers": (
        "docs/tutorial.md",
        "docs/adding.md",
        "docs/streams.md",
        "docs/remote.md",
        "docs/sql-tables.md",
        "docs/dbt.md",
        "docs/lakehouse.md",
        "docs/beyond-one-machine.md",
        "docs/api.md",
        "docs/architecture.md",
        "docs/runbooks/new-engineer.md",
        "docs/runbooks/run-failed.md",
        "docs/runbooks/environments.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ),
    "For operators": (
        "deploy/README.md",
        "docs/backup.md",
        "docs/watching.md",
        "docs/security.md",
        "SECURITY.md",
        "docs/runbooks/install.md",
        "docs/runbooks/upgrade.md",
        "docs/runbooks/restore.md",
        "docs/runbooks/share-gone.md",
        "docs/runbooks/disk-full.md",
        "docs/runbooks/remote-away.md",
        "docs/runbooks/stream-lags.md",
        "docs/runbooks/rotate-secrets.md",
        "docs/runbooks/remove-data.md",
    ),
}
"""Each page under whom it is written for; decisions and the reference follow by themselves."""

CONFIGURATION = """\
[project]
site_name = "s2p"
site_description = "Sheets to pipelines: an Excel share drive becomes a database, forecasts and reports."
docs_dir = "pages"
site_dir = "site"
use_directory_urls = false
nav = {nav}

[project.theme]
font = false
language = "en"
features = ["navigation.sections", "navigation.top", "content.code.copy", "search.highlight"]

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"

[project.markdown_extensions]
tables = {{}}
attr_list = {{}}
pymdownx.superfences = {{}}
pymdownx.highlight.pygments_lang_class = true
toc.permalink = true

[project.plugins.mkdocstrings.handlers.python]
paths = ["{root}"]

[project.plugins.mkdocstrings.handlers.python.options]
show_source = false
show_root_heading = true
heading_level = 2
separate_signature = true
show_signature_annotations = true
docstring_style = "google"
"""


def build(to: Path) -> list[str]:
    """The site in a folder; a line for each link that leads nowhere. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="s2p-site-") as folder:
        place = Path(folder)
        pages = place / "pages"
        for pattern in COPIED:
            for file in ROOT.glob(pattern):
                target = pages / file.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
        for page in pages.rglob("*.md"):
            _draw(page)
        navigation = [{title: list(files)} for title, files in NAVIGATION.items()]
        navigation += [{"Reference": _write_reference(pages)}, {"Decisions": decisions()}]
        text = CONFIGURATION.format(nav=_toml(navigation), root=ROOT)
        (place / "zensical.toml").write_text(text, encoding="utf-8")
        program = Path(sys.executable).with_name("zensical")
        done = subprocess.run([program, "build"], cwd=place, capture_output=True, text=True, check=False)
        if done.returncode:
            return [*done.stdout.splitlines(), *done.stderr.splitlines()]
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(place / "site", to)
    return lost_links(to)


def decisions() -> list[str]:
    files = sorted(ROOT.glob("docs/decisions/*.md"), key=lambda file: (file.name != "README.md", file.name))
    return [str(file.relative_to(ROOT)) for file in files]


def _toml(value: Any) -> str:
    """Tables in line, in which TOML writes them with `=`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items()) + "}"
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list) else json.dumps(value)


def _draw(page: Path) -> None:
    """Pictures that are written as text are drawn here, not by a script from elsewhere."""
    text = page.read_text(encoding="utf-8")
    for number, found in enumerate(MERMAID.findall(text), 1):
        from mermaidx import Diagram

        picture = page.with_name(f"{page.stem}-{number}.svg")
        picture.write_text(str(Diagram(found, backend="quickjs").svg()), encoding="utf-8")
        text = text.replace(f"```mermaid\n{found}```", f"![The picture that the text says]({picture.name})")
    page.write_text(text, encoding="utf-8")


def words() -> dict[str, list[str]]:
    """Module → the words of a shelf file that are defined in it."""
    found: dict[str, list[str]] = {}
    for module, name in re.findall(r"^from \.([\w.]+) import (\w+) as \w+$", WORDS.read_text(encoding="utf-8"), re.M):
        found.setdefault(module, []).append(name)
    return found


def _write_reference(pages: Path) -> list[str]:
    """A page a room with every word of a shelf file, from its docstring."""
    rooms: dict[str, list[str]] = {}
    for module, names in words().items():
        rooms.setdefault(module.partition(".")[0], []).extend(f"s2p_assets.{module}.{name}" for name in names)
    rooms.setdefault("api", []).append("s2p_assets.api.client.Client")
    (pages / "reference").mkdir()
    for room, paths in rooms.items():
        blocks = "\n\n".join(f"::: {path}" for path in dict.fromkeys(paths))
        text = f"# Words of {room}\n\nWhat a shelf file imports from `s2p_assets`.\n\n{blocks}\n"
        (pages / f"reference/{room}.md").write_text(text, encoding="utf-8")
    return [f"reference/{room}.md" for room in rooms]


def lost_links(site: Path) -> list[str]:
    """Links of built pages that lead to no file or place of the site, and whatever they load from elsewhere."""
    from lxml import html

    pages = {page.resolve(): html.fromstring(page.read_bytes()) for page in site.rglob("*.html")}
    places = {page: {*tree.xpath("//@id"), *tree.xpath("//a/@name"), ""} for page, tree in pages.items()}
    lost = []
    for page, tree in pages.items():
        if page.name == "404.html":
            continue
        for kind, address in _addresses(tree):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                lost += [f"{page.relative_to(site.resolve())} loads {address}"] if kind == "loads" else []
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            if not target.exists() or (target in places and unquote(parts.fragment) not in places[target]):
                lost.append(f"{page.relative_to(site.resolve())} links to {address}, which is not there")
    return sorted(set(lost))


def _addresses(tree: Any) -> Iterator[tuple[str, str]]:
    yield from (("loads", one) for one in tree.xpath("//img/@src | //script/@src | //link[@rel='stylesheet']/@href"))
    yield from (("links", one) for one in tree.xpath("//a/@href"))


def main() -> int:
    to = Path(sys.argv[1] if len(sys.argv) > 1 else "site").resolve()
    problems = build(to)
    print("\n".join(problems) or f"the site is in {to}", file=sys.stderr if problems else sys.stdout)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
