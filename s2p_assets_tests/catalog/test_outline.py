"""What is promised of the outline: it says what the shelves say, and never what they said before."""

import json
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from s2p_assets.catalog.catalog import Catalog, key_of
from s2p_assets.catalog.kept_outline import kept_catalog, load_and_keep, outlined_catalog
from s2p_assets.catalog.loading import load_catalog
from s2p_assets.catalog.outline import PARTS, DeferredFunction, catalog_of, declared_facts, outline_of
from s2p_assets.contracts.columns import row_rules_of
from s2p_assets.warehouse.tables.contract_versions import contract_version

PACKAGES = ("s2p_assets", "s2p_assets.examples")
ORDERS = '''"""Orders."""

from s2p_assets import Code, Integer, Row, Workbook, column


class Order(Row):
    """One order."""

    number: Code = column("Number", description="Its number")
    pieces: Integer = column("Pieces", description="How many", ge=0)


orders = Workbook(rows=Order, path="orders/*.xlsx", owner="orders@example.com", key=("number",))
'''


@pytest.fixture(scope="module")
def read() -> Catalog:
    return load_catalog(PACKAGES, "DE")


@pytest.fixture(scope="module")
def outlined(read: Catalog) -> Catalog:
    return catalog_of(json.loads(json.dumps(outline_of(read))))


@pytest.mark.parametrize("part", PARTS)
def test_every_declaration_says_the_same_from_the_outline(read: Catalog, outlined: Catalog, part: str) -> None:
    assert list(getattr(read, part)) == list(getattr(outlined, part)) != []
    for name, declared in getattr(read, part).items():
        assert declared_facts(declared) == declared_facts(getattr(outlined, part)[name])


def test_what_depends_on_what_is_the_same_from_the_outline(read: Catalog, outlined: Catalog) -> None:
    for declared in read.declared():
        key = key_of(declared)
        assert read.upstream(key) == outlined.upstream(key)
        assert read.columns_at(key) == outlined.columns_at(key)
    assert [read.trace_indexes(one) for one in read.stored()] == [
        outlined.trace_indexes(one) for one in outlined.stored()
    ]


def test_the_version_of_a_contract_and_its_rules_are_the_same_from_the_outline(
    read: Catalog, outlined: Catalog
) -> None:
    for name, workbook in read.workbooks.items():
        assert contract_version(workbook) == contract_version(outlined.workbooks[name])
        assert row_rules_of(workbook.rows) == row_rules_of(outlined.workbooks[name].rows)


def test_a_contract_of_the_outline_reaches_another_process_as_that_of_the_shelf(
    read: Catalog, outlined: Catalog
) -> None:
    name = "retail_price_list"
    assert pickle.loads(pickle.dumps(outlined.workbooks[name])).rows is read.workbooks[name].rows


def test_a_function_of_the_outline_is_that_of_the_shelf_once_it_is_called(read: Catalog, outlined: Catalog) -> None:
    name = "retail_demand_seasonal_naive"
    stands_in = outlined.models[name].build
    assert isinstance(stands_in, DeferredFunction)
    assert stands_in.load_declared() is read.models[name].build
    assert type(stands_in()) is type(read.models[name].build())
    assert outlined.models[name].code_version == read.models[name].code_version


@pytest.fixture(autouse=True)
def _no_modules_of_places_that_are_gone() -> None:
    """Beside which no outline is kept; other tests load shelves from folders that they remove."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and Path(file).is_absolute() and not Path(file).exists():
            del sys.modules[name]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workbook contract on a shelf of its own, last saved a while ago."""
    package = f"outlined_{tmp_path.name.replace('-', '_')}"
    file = tmp_path / package / "workbooks" / "acme_orders.py"
    file.parent.mkdir(parents=True)
    for folder in (file.parent, file.parent.parent):
        (folder / "__init__.py").touch()
    file.write_text(ORDERS)
    age(file)
    (tmp_path / "home").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    yield file
    forget_modules(package)


def age(file: Path) -> None:
    for one in (file, *file.parents[1].rglob("__init__.py")):
        os.utime(one, (time.time() - 3600, time.time() - 3600))


def forget_modules(package: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def asked(shelf: Path, what: Callable[..., Catalog] = outlined_catalog) -> Catalog:
    """The catalogue as a process that has just begun gets it."""
    package = shelf.parents[1].name
    forget_modules(package)
    return what((package,), None, shelf.parents[2] / "home" / "cache")


def is_loaded(shelf: Path) -> bool:
    return f"{shelf.parents[1].name}.workbooks.{shelf.stem}" in sys.modules


def kept(shelf: Path) -> list[Path]:
    return sorted((shelf.parents[2] / "home").glob("cache/*"))


def test_the_shelves_are_read_once_and_then_no_more(shelf: Path) -> None:
    first = asked(shelf)
    assert is_loaded(shelf)
    again = asked(shelf)
    assert not is_loaded(shelf)
    assert declared_facts(first.workbooks["acme_orders"]) == declared_facts(again.workbooks["acme_orders"])


@pytest.mark.parametrize("saved_at", [-60.0, -7200.0], ids=["saved later", "an older file put back"])
def test_a_changed_shelf_is_read_anew(shelf: Path, saved_at: float) -> None:
    asked(shelf)
    shelf.write_text(ORDERS.replace("orders@", "sales@"))
    os.utime(shelf, (time.time() + saved_at, time.time() + saved_at))
    found = asked(shelf)
    assert found.workbooks["acme_orders"].owner == "sales@example.com"


def test_a_file_more_on_a_shelf_is_seen(shelf: Path) -> None:
    asked(shelf)
    shelf.with_name("acme_returns.py").write_text(ORDERS)
    found = asked(shelf)
    assert list(found.workbooks) == ["acme_orders", "acme_returns"]


def test_what_a_shelf_loads_from_elsewhere_counts_too(shelf: Path) -> None:
    words = shelf.parents[2] / f"words_of_{shelf.parents[1].name}.py"
    words.write_text('OWNER = "orders@example.com"\n')
    os.utime(words, (time.time() - 3600, time.time() - 3600))
    shelf.write_text(f"from {words.stem} import OWNER\n" + ORDERS.replace('"orders@example.com"', "OWNER"))
    age(shelf)
    asked(shelf)
    words.write_text('OWNER = "sales@example.com"\n')
    forget_modules(words.stem)
    found = asked(shelf)
    assert found.workbooks["acme_orders"].owner == "sales@example.com"


@pytest.mark.parametrize(
    "damage", ["", "{", '{"code": "x"}\n{}', None], ids=["empty", "half", "of others", "one letter"]
)
def test_a_damaged_outline_is_passed_over_and_written_anew(shelf: Path, damage: str | None) -> None:
    asked(shelf)
    (file,) = kept(shelf)
    whole = file.read_text()
    file.write_text(whole.replace("orders@", "0rders@") if damage is None else damage)
    found = asked(shelf)
    assert found.workbooks["acme_orders"].owner == "orders@example.com"
    assert [one.read_text() for one in kept(shelf)] == [whole]


def test_the_outline_of_a_shelf_with_a_fault_is_not_kept(shelf: Path) -> None:
    shelf.with_name("acme_broken.py").write_text("import nowhere_to_be_found\n")
    age(shelf)
    found = asked(shelf)
    assert len(found.faults) == 1
    assert kept(shelf) == []


def test_the_outline_of_a_shelf_that_is_being_edited_is_not_kept(shelf: Path) -> None:
    os.utime(shelf)
    assert asked(shelf)
    assert kept(shelf) == []


def test_what_was_loaded_before_an_edit_is_not_kept_as_what_the_shelf_says_after_it(shelf: Path) -> None:
    asked(shelf, load_catalog_of)
    shelf.write_text(ORDERS.replace("orders@", "sales@"))
    age(shelf)
    load_and_keep((shelf.parents[1].name,), None, shelf.parents[2] / "home" / "cache")  # a process that goes on
    assert kept(shelf) == []


def load_catalog_of(packages: tuple[str, ...], country: str | None, _folder: Path) -> Catalog:
    return load_catalog(packages, country)


def test_where_nothing_can_be_kept_the_shelves_are_read(shelf: Path) -> None:
    home = shelf.parents[2] / "home"
    (home / "cache").write_text("a file where the folder should be")
    found = asked(shelf)
    assert list(found.workbooks) == ["acme_orders"]
    home.joinpath("cache").unlink()
    home.rmdir()
    asked(shelf)
    assert not home.exists()
    assert kept_catalog((shelf.parents[1].name,), None, home / "cache") is None
