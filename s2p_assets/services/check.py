"""Checking a file against a contract, and drafting a contract from a file; nothing is loaded."""

import importlib.util
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from s2p_assets.catalog.kept_outline import kept_catalog
from s2p_assets.catalog.shelves import read_shelf
from s2p_assets.contracts.errors import meant_by
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import ReferenceValues, Workbook
from s2p_assets.services.errors import NotFound
from s2p_assets.services.kept_aliases import kept_aliases, read_by_aliases
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.sandbox import Sandbox


def workbook_contracts(settings: Settings) -> dict[str, Workbook]:
    """The workbook contracts on the shelves, by name."""
    outlined = kept_catalog(settings.shelves, settings.country, settings.cache)
    return outlined.workbooks if outlined else read_shelf(settings.shelves, "workbooks", Workbook).items


def find_contract(settings: Settings, name: str) -> Workbook:
    """Raises NotFound, naming the contracts there are."""
    known = workbook_contracts(settings)
    if name not in known:
        raise NotFound(f"no workbook contract {name!r}; {meant_by(name, known)}")
    return known[name]


def check_files(settings: Settings, files: list[Path], name: str | None, marked: Path | None) -> Iterator[ReadResult]:
    """Read each file as the share drive would; with `marked`, write the marked copy of one that has findings."""
    known = [find_contract(settings, name)] if name else list(workbook_contracts(settings).values())
    if marked and len(files) != 1:
        raise NotFound("--marked writes one copy; name one file")
    if marked and marked.exists() and files[0].exists() and marked.samefile(files[0]):
        raise NotFound(f"{marked} is the file itself; give the marked copy another place")
    owners = {workbook.full_name: workbook.owner for workbook in known}
    with Sandbox.within(settings) as sandbox:
        for file in files:
            reading = read_with_references(settings, sandbox, file, known, with_rows=False)
            if marked and (reading.findings or reading.error):
                from s2p_assets.spreadsheet.returned.copies import write_returned

                owner = owners.get(reading.workbook or "", "its owner")
                write_returned(file, reading, marked, name=file.name, owner=owner, sandbox=sandbox)
            yield reading


def read_with_references(
    settings: Settings,
    sandbox: Sandbox,
    file: Path,
    claiming: Sequence[Workbook],
    *,
    display_name: str | None = None,
    others: Sequence[Workbook] = (),
    with_rows: bool = True,
) -> ReadResult:
    """`file` read as the share drive would, with what it refers to looked up in what is loaded, where there is any.

    `with_rows`: whether the rows themselves are wanted, which only Arrow can hold.
    Raises DatabaseUnreachable.
    """
    known_headers = kept_aliases(settings)
    claiming, others = read_by_aliases(claiming, known_headers), read_by_aliases(others, known_headers)
    by_name = {book.full_name: book for book in claiming}

    def look_up(name: str) -> ReferenceValues:
        if not has_database(settings):
            return {}
        from s2p_assets.warehouse.server.connection import connect, database_url
        from s2p_assets.warehouse.tables.references import referenced_values

        with connect(database_url(settings)) as connection:
            return referenced_values(connection, by_name[name])

    return sandbox.read(file, claiming, display_name=display_name, others=others, look_up=look_up, with_rows=with_rows)


def has_database(settings: Settings) -> bool:
    """Whether anything can have been loaded: a database is named, or s2p's own was begun."""
    return bool(settings.database_url) or (settings.home / "postgres").exists()


class NoContract(Exception):
    """Of this file no contract can be written that loads it; the message is one line that says why."""


def write_contracts(settings: Settings, file: Path, name: str, target: Path | None, sheet: str | None) -> list[Path]:
    """Write the inferred contracts of `file`, one for each kind of table in it; never over a file that is there.

    They go to `target`, or to the company's own shelf: the first of `settings.shelves` that is not s2p's. With
    `sheet`, or a `target`, of one table alone. Raises NotFound, NoContract.
    """
    from s2p_assets.spreadsheet.inferring.draft import Asked, infer_contracts  # what infers is large, and rarely asked

    if not file.is_file():
        raise NotFound(f"{file}: there is no such file")
    folder = target.parent if target else _workbook_shelf(settings)
    if (target or folder / f"{name}.py").exists():
        raise NotFound(f"{target or folder / f'{name}.py'} exists already; choose another --name or --to")
    try:
        with Sandbox.within(settings) as sandbox:
            sources = infer_contracts(Asked(file, name, sheet, settings.share), sandbox=sandbox)
    except ValueError as reason:
        raise NotFound(f"{file}: no contract was written: {reason}") from reason
    except WorkbookUnreadable as reason:
        raise NoContract(f"{file}: no contract was written: {reason}") from reason
    if target or sheet:
        return [_write(target or folder / f"{name}.py", sources[name])]
    places = {folder / f"{one}.py": source for one, source in sources.items()}
    return [_write(place, source) for place, source in places.items() if not place.exists()]


def draft_contract(settings: Settings, sandbox: Sandbox, file: Path, called: str) -> tuple[dict[str, str], str]:
    """The contracts that `write_contracts` would write, by name, and nothing written; else why there are none."""
    from s2p_assets.spreadsheet.inferring.draft import Asked, infer_contracts

    words = re.sub(r"[^a-z0-9]+", "_", Path(called).stem.casefold()).strip("_")
    name = f"my_{words}" if re.fullmatch(r"[a-z0-9_]{1,60}", words) else "my_workbook"
    try:
        return infer_contracts(Asked(file, name, None, settings.share), sandbox=sandbox), ""
    except (ValueError, WorkbookUnreadable) as reason:
        return {}, str(reason)


def _workbook_shelf(settings: Settings) -> Path:
    """The folder of the shelf that the company's own contracts stand on, made where there is none yet."""
    own = [package for package in settings.shelves if package.partition(".")[0] != "s2p_assets"]
    package = (own or list(settings.shelves))[0]
    found = importlib.util.find_spec(package)
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise NotFound(f"the package {package!r} of S2P_SHELVES is not found; write the contract elsewhere with --to")
    shelf = Path(places[0]) / "workbooks"
    shelf.mkdir(exist_ok=True)
    (shelf / "__init__.py").touch()
    return shelf


def _write(target: Path, source: str) -> Path:
    beside = target.with_suffix(".tmp")
    beside.write_text(source, encoding="utf-8")
    beside.replace(target)
    return target
