"""A file on its way in as its page shows it: one sentence on how it stands, and every cell with what is said of it.

What is said comes from the services; nothing is decided here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from s2p_assets.api.caller import Caller
from s2p_assets.services.context import Context
from s2p_assets.services.judging import ROWS_AT_ONCE, findings_by_cell, there_now
from s2p_assets.services.submissions import Submission
from s2p_assets.spreadsheet.grid import cell_address, column_letters, parse_cell_address
from s2p_assets.spreadsheet.sheet_view import SheetView

MOST_SAID = 20
LIKELY = 2
STATES: Mapping[str, tuple[str, str, str]] = {
    "unreadable": ("fault", "Cannot be read", "Nothing of it can be taken as it is."),
    "unclaimed": ("fault", "Not recognised", "No kind of workbook here has these columns."),
    "returned": ("fault", "Would come back", "Nothing of it would be loaded before the red cells are in order."),
    "held": ("warn", "Would be held", "It is good, but somebody would be asked first, for what it changes."),
    "partly": ("warn", "In part", "The good rows would be loaded; the others would come back."),
    "accepted": ("good", "Good as it is", "It can be handed in."),
}


def state_of_submission(judged: Mapping[str, Any]) -> str:
    """One of STATES."""
    if judged["error"]:
        return "unreadable"
    if judged["workbook"] is None:
        return "unclaimed"
    if judged["refused"] or judged["verdict"] == "returned":
        return "returned"
    return "held" if judged["questions"] else str(judged["verdict"])


def shown_submission(
    ctx: Context, caller: Caller, submission: Submission, name: str | None, views: Sequence[SheetView], first: int
) -> dict[str, Any]:
    """What the template shows. `name`: the contract that the sheets are seen by; `first`: the bad row they begin at."""
    judged = submission.judged
    state = state_of_submission(judged)
    workbook = ctx.catalog.workbooks.get(name or "")
    by_cell = findings_by_cell(judged["findings"])
    loose = [one for one in judged["findings"] if not _stands_in_a_row(one, views)]
    shown = [one for one in loose if one["severity"] == "reject"] + [
        one for one in loose if one["severity"] != "reject"
    ]
    place = judged["places"][0] if judged["places"] else None
    return {
        "submission": submission,
        "judged": judged,
        "state": state,
        "badge": STATES[state],
        "kind": (workbook.full_name.replace("_", " ") if workbook else None),
        "workbook": name,
        "rejects": sum(one["severity"] == "reject" for one in judged["findings"]),
        "notices": sum(one["severity"] != "reject" for one in judged["findings"]),
        "loose": shown[:MOST_SAID],
        "more_loose": max(0, len(shown) - MOST_SAID),
        "sheets": [_sheet(view, by_cell.get(view.name, {})) for view in views],
        "lacking": _lacking(views, state),
        "has_bad_cells": any(
            one["severity"] == "reject" and _stands_in_a_row(one, views) for one in judged["findings"]
        ),
        "first": first,
        "at_once": ROWS_AT_ONCE,
        "most_bad": max((view.bad_rows for view in views), default=0),
        "place": place,
        "there": there_now(ctx, place) if place else None,
        "of": submission.of,
        "kinds": sorted(one for one in ctx.catalog.workbooks if caller.sees(one)),
        "may_store": caller.may("editor"),
    }


def _stands_in_a_row(finding: Mapping[str, Any], views: Sequence[SheetView]) -> bool:
    """Whether a finding is said beside its cell, on this page of rows or on another."""
    place = parse_cell_address(finding["cell"])
    return place is not None and any(
        view.name == finding["sheet"] and place[0] > view.header_row and place[1] in view.columns for view in views
    )


def _sheet(view: SheetView, found: Mapping[tuple[int, int], Any]) -> dict[str, Any]:
    """Columns with their titles, then rows of cells with what is said of each."""
    heads = [
        {
            "letters": column_letters(number),
            "title": view.titles.get(number, ""),
            "read": number in view.read_as,
            "colour": _colour_of_head(view, number, found),
        }
        for number in view.columns
    ]
    rows = [(row, [_cell(view, row, number, texts, found) for number in view.columns]) for row, texts in view.rows]
    return {"name": view.name, "heads": heads, "rows": rows, "bad_rows": view.bad_rows, "has_table": bool(view.titles)}


def _colour_of_head(view: SheetView, number: int, found: Mapping[tuple[int, int], Any]) -> str:
    """As the cell under which the worst is said of the header."""
    said = [
        one for (row, column), all_of in found.items() if row <= view.header_row and column == number for one in all_of
    ]
    return "bad" if any(one.severity == "reject" for one in said) else "odd" if said else ""


def _cell(view: SheetView, row: int, number: int, texts: Mapping[int, str], found: Mapping[Any, Any]) -> dict[str, Any]:
    text, said = texts.get(number, ""), found.get((row, number), [])
    address = cell_address(row, number)
    return {
        "address": address,
        "text": text,
        "said": list(dict.fromkeys(one.message for one in said)),
        "severity": said[0].severity if said else "",
        "title": view.titles.get(number) or column_letters(number),
        "of": json.dumps([view.name, address, text]) if said else "",
        "sheet": view.name,
    }


def _lacking(views: Sequence[SheetView], state: str) -> list[dict[str, Any]]:
    """The columns that were not found and may be among those that nobody reads, each with those that may be it."""
    found: dict[str, dict[str, Any]] = {}
    for view in views:
        by_text = {one.text: one for one in view.spare}
        for one in view.lacking if view.spare else ():
            likely = [by_text[text] for text in one.likely if text in by_text][:LIKELY]
            if one.required or (likely and state == "unclaimed"):
                others = [spare for spare in view.spare if spare not in likely]
                found.setdefault(one.name, {"column": one, "likely": likely, "others": others})
    return list(found.values())
