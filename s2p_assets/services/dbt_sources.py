"""s2p's tables as sources of dbt: the yml that a company's dbt project names them by, written from their declarations.

What the project makes of them is read in `catalog/dbt_shelf.py`.
"""

from pathlib import Path
from typing import Any

from s2p_assets.catalog.catalog import Catalog, Stored
from s2p_assets.catalog.dbt_shelf import PROJECT_FILE, model_folder
from s2p_assets.services.errors import NotFound
from s2p_assets.settings import Settings

WRITTEN_BY = "# Written by `s2p dbt sources`; what is changed here goes when it is written again.\n"


def sources_text(catalog: Catalog) -> str:
    """The yml: a source for each domain, with its tables and their columns."""
    import yaml

    domains: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(catalog.stored(), key=lambda one: one.full_name):
        domains.setdefault(one.domain, []).append(_table(one))
    sources = [{"name": domain, "schema": domain, "tables": tables} for domain, tables in domains.items()]
    return WRITTEN_BY + yaml.safe_dump({"version": 2, "sources": sources}, sort_keys=False, allow_unicode=True)


def sources_file(settings: Settings, to: Path | None) -> Path:
    """Where the yml goes: `to`, or the project's folder of models. Raises NotFound for a place it cannot go to."""
    if to is None:
        if settings.dbt_project is None:
            raise NotFound("no dbt project is set; set S2P_DBT_PROJECT to its folder, or give --to FILE")
        if not (settings.dbt_project / PROJECT_FILE).is_file():
            raise NotFound(f"{settings.dbt_project}: there is no {PROJECT_FILE} in it; correct S2P_DBT_PROJECT")
        to = model_folder(settings.dbt_project) / "sources.yml"
    if not to.parent.is_dir():
        raise NotFound(f"{to.parent}: there is no such folder; make it, or give --to another file")
    if to.exists() and not to.read_text(encoding="utf-8", errors="replace").startswith(WRITTEN_BY):
        raise NotFound(f"{to} was written by somebody else, and is left as it is; give --to another file")
    return to


def write_sources(settings: Settings, catalog: Catalog, to: Path | None) -> tuple[Path, bool]:
    """Write the yml where it differs from what is there; where it is, and whether it was written."""
    file, text = sources_file(settings, to), sources_text(catalog)
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return file, False
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
    return file, True


def _table(one: Stored) -> dict[str, Any]:
    columns = [
        {"name": column.name, "description": _plain(column.description), "data_type": column.postgres_type}
        for column in one.columns
    ]
    return {"name": one.name, "description": _plain(one.description), "columns": columns}


def _plain(text: str) -> str:
    """A description in which dbt, which takes it for a template, finds none."""
    return text.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")
