"""The pictures of the architecture, drawn from text, say what the code's imports, modules and settings say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from s2p_assets.settings import Settings

ROOT = Path(__file__).parents[1]
CODE = ROOT / "s2p_assets"
Arrow = tuple[str, str]


def pictures() -> list[str]:
    return re.findall(r"```mermaid\n(.*?)```", (ROOT / "docs/architecture.md").read_text(encoding="utf-8"), re.DOTALL)


def arrows(picture: str, kind: str = r"<?-->") -> set[Arrow]:
    found: set[Arrow] = set()
    for one, arrow, other in re.findall(rf"^ *(\w+) ({kind})(?:\|[^|]*\|)? (\w+)$", picture, re.MULTILINE):
        ends = (one.rstrip("_"), other.rstrip("_"))
        found |= {ends, ends[::-1]} if arrow.startswith("<") else {ends}
    return found


def nodes(picture: str) -> set[str]:
    bare = re.sub(r"(subgraph|flowchart) .*", "", picture)
    alone = re.findall(r"^ *(\w+)(?:\[.*\]|\(.*\))?$", bare, re.MULTILINE)
    return {name.rstrip("_") for name in alone} - {"end"}


def rooms() -> set[str]:
    folders = {place.parent.name for place in CODE.glob("*/__init__.py")}
    return folders | {file.stem for file in CODE.glob("*.py") if not file.stem.startswith("__")}


def imports() -> set[Arrow]:
    """(room, room that it imports), at the top of modules or within functions; not for annotations alone."""
    known = rooms()
    return {
        (room, to)
        for file in CODE.rglob("*.py")
        if (room := file.relative_to(CODE).parts[0].removesuffix(".py")) in known
        for to in imported(file)
        if to in known and to != room
    }


def imported(file: Path) -> Iterator[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    idle = {id(one) for node in ast.walk(tree) if _for_types(node) for one in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) not in idle and isinstance(node, ast.ImportFrom) and node.module:
            first, _, rest = node.module.partition(".")
            if first == "s2p_assets":
                yield from [rest.partition(".")[0]] if rest else [one.name for one in node.names]


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def reachable(drawn: set[Arrow]) -> set[Arrow]:
    found = set(drawn)
    while more := {(a, d) for a, b in found for c, d in found if b == c} - found:
        found |= more
    return found


def test_the_third_level_draws_every_room_and_no_arrow_that_the_code_does_not_have() -> None:
    picture = pictures()[2]
    assert nodes(picture) == rooms()
    drawn, real = arrows(picture), imports()
    assert drawn - real == set()
    assert real - reachable(drawn) == set()


def test_a_wrong_arrow_is_seen() -> None:
    picture = pictures()[2]
    assert arrows(picture + "\n  contracts --> graph_\n") - imports() == {("contracts", "graph")}
    without = picture.replace("  warehouse --> settings\n", "").replace("  services --> settings\n", "")
    assert imports() - reachable(arrows(without)) >= {("services", "settings")}


def test_every_process_and_store_of_the_second_level_is_a_module() -> None:
    named = re.findall(r"[\w/]+\.py", pictures()[1])
    assert len(named) > 10
    assert [name for name in named if not (CODE / name).is_file()] == []


def test_every_setting_in_a_picture_is_one() -> None:
    named = set(re.findall(r"S2P_([A-Z_]+)", "".join(pictures())))
    assert len(named) > 8
    assert {name.lower() for name in named} <= set(Settings.model_fields)
