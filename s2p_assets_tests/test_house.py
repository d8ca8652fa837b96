"""House tests: what must hold of every file on every shelf, and of every command."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.catalog.loading import load_catalog
from s2p_assets.cli import app
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.definitions import build
from s2p_assets.graph.asset_keys import asset_key, group_name, sheet_key
from s2p_assets.settings import Settings

ROOT = Path(__file__).parents[1]
PACKAGES = ("s2p_assets", "s2p_assets.examples")
SHELVES = ("workbooks", "tables", "features", "models", "reports")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(PACKAGES)


def shelf_files() -> list[Path]:
    folders = [ROOT.joinpath(*package.split("."), shelf) for package in PACKAGES for shelf in SHELVES]
    return [file for folder in folders for file in sorted(folder.glob("[!_]*.py"))]


def test_no_shelf_file_has_a_fault(catalog: Catalog) -> None:
    assert [str(fault) for fault in catalog.faults] == []


@pytest.mark.parametrize("file", shelf_files(), ids=lambda file: file.stem)
def test_every_shelf_file_reaches_the_graph(catalog: Catalog, file: Path) -> None:
    assert file.stem in {declared.full_name for declared in catalog.declared()}


@pytest.mark.parametrize("file", shelf_files(), ids=lambda file: file.stem)
def test_a_shelf_file_has_one_import_of_s2p(file: Path) -> None:
    imported = [
        alias.name if isinstance(node, ast.Import) else f"{'.' * node.level}{node.module or ''}"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names[:1]
    ]
    assert [name for name in imported if name.startswith((".", "s2p_assets"))] == ["s2p_assets"]


def test_every_declaration_is_an_asset_with_owner_group_and_description(tmp_path: Path) -> None:
    graph = build(Settings(home=tmp_path, shelves=PACKAGES))
    assets = graph.definitions.resolve_asset_graph()
    for declared in graph.ctx.catalog.declared():
        node = assets.get(asset_key(declared))
        assert node.owners == [declared.owner]
        assert node.group_name == group_name(declared)
        assert node.description
        assert node.kinds
    for workbook in graph.ctx.catalog.workbooks.values():
        assert assets.get(sheet_key(workbook)).metadata["dagster/column_schema"].columns
    assert [str(node.key) for node in assets.asset_nodes if not node.owners or not node.description] == []
    assert [sensor.name for sensor in graph.definitions.sensors or () if not sensor.description] == []


def test_every_stored_column_says_what_it_is_and_where_it_comes_from(catalog: Catalog) -> None:
    stored: list[Table | FeatureSet] = [*catalog.tables.values(), *catalog.features.values()]
    for declared in stored:
        for column in declared.columns:
            assert column.description, f"{declared.full_name}.{column.name}"
            assert column.derived_from, f"{declared.full_name}.{column.name}"


def test_every_module_opens_with_what_belongs_in_it() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in ROOT.glob("s2p_assets/**/*.py")
        if file.read_text().strip() and not file.read_text().startswith('"""')
    ]
    assert silent == []


def generic_files() -> list[Path]:
    """Every module that is on no shelf and no door: what knows no company."""
    company = (*SHELVES, "streams", "samples", "examples")
    doors = ("cli", "terminal", "api", "screen", "consumer")
    files = [(file, file.relative_to(ROOT / "s2p_assets").parts[0]) for file in ROOT.glob("s2p_assets/**/*.py")]
    return [file for file, room in sorted(files) if room not in company and not room.startswith(doors)]


def words_of_code(file: Path) -> Iterator[tuple[int, str, bool]]:
    """(line, identifier or text, whether it is a text) of a module, without comments and docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value, True
        for name in ("id", "attr", "arg", "name", "module"):
            value = getattr(node, name, None)
            if isinstance(value, str):
                yield getattr(node, "lineno", 0), value, False


def names_of_companies(catalog: Catalog) -> tuple[set[str], set[str], set[str]]:
    """What only a shelf may name: its declarations, its domains, and the columns by which its things are told apart.

    Of declarations and columns only those that are no plain English word, as any function may have `results`.
    """
    declared = list(catalog.declared())
    names = {one.full_name for one in declared} | {one.name for one in declared if "_" in one.name}
    keys = {column for features in catalog.features.values() for column in features.entity}
    return names, {one.domain for one in declared}, keys


def test_no_tool_names_a_thing_of_a_company(catalog: Catalog) -> None:
    names, domains, keys = names_of_companies(catalog)
    stored: list[Workbook | Table | FeatureSet] = [
        *catalog.workbooks.values(),
        *catalog.tables.values(),
        *catalog.features.values(),
    ]
    columns = {f"{one.name}.{column.name}" for one in stored for column in one.columns}
    in_code = re.compile(rf"\b({_any(names | keys)})\b")
    in_texts = re.compile(rf"\b({_any(names | columns)})\b|\bthis\.({_any(keys)})\b|^({_any(keys | domains)})$")
    faults = []
    for file in generic_files():
        for line, word, is_text in words_of_code(file):
            found = (in_texts if is_text else in_code).search(word)
            if found:
                faults.append(f"{file.relative_to(ROOT)}:{line}: {found.group()}")
    assert faults == []


def _any(words: set[str]) -> str:
    return "|".join(map(re.escape, sorted(words)))


COMMANDS = [command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands]
GROUPS = [str(group.typer_instance.info.name) for group in app.registered_groups if group.typer_instance]


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPS])
def test_every_command_has_help_an_example_and_a_line_in_the_readme(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert "Example" in shown.output
    assert f"s2p {command}" in (ROOT / "README.md").read_text()


def test_every_setting_is_documented() -> None:
    readme = (ROOT / "README.md").read_text()
    missing = [name for name in Settings.model_fields if f"S2P_{name.upper()}" not in readme]
    assert missing == []
