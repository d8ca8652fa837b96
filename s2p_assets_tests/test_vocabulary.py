"""House tests of the words: a public name means one thing in the whole house."""

import ast
from collections import defaultdict
from pathlib import Path

HOUSE = Path(__file__).parents[1] / "s2p_assets"
SHELVES = ("workbooks", "streams", "tables", "features", "models", "reports", "samples", "examples")
DOORS = ("cli", "api", "screen", "consumer")

MEANT_TWINS = {
    "Boosting": "gradient boosting, as forecaster and as classifier",
    "upgrade": "the step of a migration, and all steps that are lacking",
}
"""Names that mean the same idea in two modules, and which idea that is."""


def definitions() -> dict[str, list[str]]:
    """Public top-level function or class → the modules that define it; a door's commands are named for their users."""
    found = defaultdict(list)
    for file in sorted(HOUSE.rglob("*.py")):
        place = file.relative_to(HOUSE).with_suffix("")
        if place.parts[0] in SHELVES or place.parts[0].partition("_")[0] in DOORS:
            continue
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(".".join(place.parts))
    return found


def test_no_public_name_means_two_things() -> None:
    twice = {name: places for name, places in definitions().items() if len(places) > 1 and name not in MEANT_TWINS}
    assert twice == {}


def test_every_listed_twin_is_one() -> None:
    found = definitions()
    assert [name for name in MEANT_TWINS if len(found.get(name, ())) < 2] == []
