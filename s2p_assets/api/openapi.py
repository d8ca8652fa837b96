"""The description of the API, with a path for each table in the contract's words.

The routes that answer are generic; what a table's columns mean comes from its declaration.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from s2p_assets.api.answers import raw_answer, to_json
from s2p_assets.api.caller import needs
from s2p_assets.catalog.catalog import Catalog, Readable
from s2p_assets.contracts.columns import Column, Kind
from s2p_assets.contracts.dbt_model import DbtModel

TYPES: Mapping[Kind, dict[str, Any]] = {
    "text": {"type": "string"},
    "code": {"type": "string"},
    "number": {"type": "number"},
    "money": {"type": "number"},
    "percent": {"type": "number"},
    "integer": {"type": "integer"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
    "boolean": {"type": "boolean"},
}
PROBLEM = {
    "type": "object",
    "description": "What went wrong and what to do (RFC 9457)",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "findings": {"type": "array", "items": {"type": "object"}, "description": "Where, one by one"},
    },
}
ROWS = "/api/v1/tables/{name}/rows"


def describe(app: FastAPI, catalog: Catalog) -> None:
    """Serve the description at `/api/openapi.json`."""
    router = APIRouter(include_in_schema=False)

    @cache
    def written() -> bytes:
        return to_json(description(app, catalog))

    @router.get("/api/openapi.json", **needs("viewer"))
    def openapi() -> Response:
        return raw_answer(written())

    app.include_router(router)


def description(app: FastAPI, catalog: Catalog) -> dict[str, Any]:
    """The OpenAPI document of all routes, and of the rows of each table."""
    found = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    parts = found.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = PROBLEM
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": "`s2p tokens add`"}}
    found["security"] = [{"token": []}]
    generic = found["paths"][ROWS]["get"]
    for declared in sorted(catalog.readable(), key=lambda one: one.full_name):
        found["paths"][ROWS.replace("{name}", declared.full_name)] = {"get": _of_table(declared, generic)}
    return found


def _of_table(declared: Readable, generic: dict[str, Any]) -> dict[str, Any]:
    own = [one for one in generic["parameters"] if one["in"] == "query"]
    names = {one["name"] for one in own}
    columns = [
        {
            "name": f"where.{column.name}" if column.name in names else column.name,
            "in": "query",
            "required": False,
            "description": _words(column),
            "schema": TYPES[column.kind],
        }
        for column in declared.columns
    ]
    row = {
        "type": "object",
        "description": (declared.description if isinstance(declared, DbtModel) else declared.rows.__doc__)
        or declared.full_name,
        "properties": {
            column.name: TYPES[column.kind] | {"description": _words(column)} for column in declared.columns
        },
    }
    page = {
        "type": "object",
        "properties": {"rows": {"type": "array", "items": row}, "next": {"type": ["string", "null"]}},
    }
    return generic | {
        "tags": [f"tables of {declared.domain}"],
        "summary": declared.full_name,
        "description": declared.description,
        "operationId": f"rows_of_{declared.full_name}",
        "parameters": [*columns, *own],
        "responses": generic["responses"]
        | {"200": {"description": "A page", "content": {"application/json": {"schema": page}}}},
    }


def _words(column: Column) -> str:
    unit = f" [{column.unit}]" if column.unit else ""
    rules = f"; {', '.join(column.rules)}" if column.rules else ""
    return f"{column.description}{unit}{rules}"
