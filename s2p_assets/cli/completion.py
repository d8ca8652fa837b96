"""What a shell completes: the names of tables, reports, models and workbooks. Installing it is typer's work."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s2p_assets.catalog.catalog import Catalog


def workbook_names(incomplete: str) -> list[str]:
    """The workbook contracts that begin so."""
    return _beginning(incomplete, lambda catalog: catalog.workbooks)


def report_names(incomplete: str) -> list[str]:
    """The reports that begin so."""
    return _beginning(incomplete, lambda catalog: catalog.reports)


def table_names(incomplete: str) -> list[str]:
    """The tables that begin so."""
    return _beginning(incomplete, lambda catalog: [one.full_name for one in catalog.readable()])


def traceable_names(incomplete: str) -> list[str]:
    """The tables and reports that begin so."""
    return _beginning(incomplete, lambda catalog: [*(one.full_name for one in catalog.readable()), *catalog.reports])


def contest_names(incomplete: str) -> list[str]:
    """The contests that begin so."""
    return _beginning(incomplete, lambda catalog: catalog.contests)


def learned_names(incomplete: str) -> list[str]:
    """The contests and models that begin so."""
    return _beginning(incomplete, lambda catalog: [*catalog.contests, *catalog.models])


def _beginning(incomplete: str, names: "Callable[[Catalog], Iterable[str]]") -> list[str]:
    """Nothing where the shelves cannot be read: a shell that completes has no place for a message."""
    with suppress(Exception):
        from s2p_assets.services.context import open_outlined
        from s2p_assets.settings import read_settings

        return sorted(name for name in names(open_outlined(read_settings()).catalog) if name.startswith(incomplete))
    return []
