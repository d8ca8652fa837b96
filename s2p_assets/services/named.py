"""What a person names, found among what the shelves declare, or what they may have meant. Nothing is loaded for it."""

from s2p_assets.catalog.catalog import Catalog, Readable
from s2p_assets.contracts.errors import meant_by
from s2p_assets.contracts.report import Report
from s2p_assets.services.errors import NotFound

LEDGER = "s2p_"
"""What the ledger says of the inside of files is traced too."""


def report_named(catalog: Catalog, name: str) -> Report:
    """A report by its name, also as its folder is called. Raises NotFound naming those there are."""
    plain = name.replace("-", "_")
    if plain not in catalog.reports:
        raise NotFound(f"no report {name!r}; {meant_by(plain, catalog.reports)}")
    return catalog.reports[plain]


def stored_named(catalog: Catalog, name: str) -> Readable:
    """A table by its name, `retail_demand` or `retail.demand`. Raises NotFound naming those that may be meant."""
    plain, stored = name.replace("-", "_").replace(".", "_", 1), {one.full_name: one for one in catalog.readable()}
    if plain not in stored:
        raise NotFound(f"no table {name[:80]!r}; {meant_by(plain, stored)}")
    return stored[plain]


def require_traceable(catalog: Catalog, name: str) -> None:
    """Raises NotFound for what is neither a stored table nor a report."""
    stored = [one.full_name for one in catalog.readable()]
    if name not in (*stored, *catalog.reports) and not name.startswith(LEDGER):
        raise NotFound(f"no table or report {name}; {meant_by(name, [*stored, *catalog.reports])}")
