"""A value's way down in words: to the cell, or to the person who entered it and what they put it in place of."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.archived_files import archived_file, entered_rows, window_of
from s2p_assets.services.own_faults import SAID
from s2p_assets.services.trace import person_lines, trace_table
from s2p_assets.services.way_down import Step, WayDown, file_rows_of
from s2p_assets.warehouse.trace.file_rows import FileRow
from s2p_assets_tests.services.test_entries import Desk, desk, package, reader

__all__ = ["desk", "package", "reader"]


def way_of(desk: Desk, article: str, hidden: tuple[str, ...] = ()) -> tuple[Step, ...]:
    traced = trace_table(desk.ctx, "desk_articles", {"article": article}, ("price",), most=5)
    return WayDown(desk.ctx.catalog, lambda name: name not in hidden).steps((traced,))


def end_of(desk: Desk, article: str) -> FileRow:
    return next(file_rows_of(way_of(desk, article)))


def test_a_way_ends_at_the_cell_of_a_file_that_can_be_shown(desk: Desk) -> None:
    (step,) = way_of(desk, "0002")
    assert (step.title, step.what, step.count, step.is_file) == ("Articles", "Price of one", 1, True)
    assert (step.rows[0].named, step.rows[0].values) == ("0002", (("Price of one", "2.5"),))
    end = end_of(desk, "0002")
    file = archived_file(desk.ctx, end.path, end.sha256, lambda _: True)
    window = window_of(desk.ctx, desk.reader, file, end.sheet, tuple(end.cells.values()), end.row)
    assert [cell.text for _, row in window.rows for cell in row if cell.marked] == ["2.5"]
    assert entered_rows(desk.ctx, [end]) == {}


def test_who_handed_a_file_in_stands_at_the_end_of_its_trace(desk: Desk) -> None:
    end = end_of(desk, "0002")
    assert list(person_lines(end, {})) == []
    with desk.ctx.warehouse.connect() as connection:
        connection.execute(
            "insert into s2p.handed_in (path, sha256, handed_in_by) values (%s, %s, 'ann@example.com')",
            (end.path, end.sha256),
        )
    handed_in = end_of(desk, "0002")
    assert (handed_in.handed_in_by, handed_in.handed_in_at is not None) == ("ann@example.com", True)
    (line,) = person_lines(handed_in, {})
    assert line.startswith("handed in by ann@example.com on 20")


def test_a_fault_of_ours_is_told_as_one_and_a_damaged_file_as_damaged(
    desk: Desk, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    end = end_of(desk, "0003")
    file = archived_file(desk.ctx, end.path, end.sha256, lambda _: True)
    no_number: Any = "x"
    ours = window_of(desk.ctx, desk.reader, file, end.sheet, (), no_number)
    assert (ours.problem, ours.rows) == (SAID, ())
    assert "TypeError" in caplog.text
    (tmp_path / "Cut.xlsx").write_bytes(file.original.read_bytes()[:900])
    damaged = window_of(desk.ctx, desk.reader, replace(file, original=tmp_path / "Cut.xlsx"), end.sheet, (), 2)
    assert "damaged" in damaged.problem


def test_a_way_ends_at_the_person_who_entered_it_and_at_what_stood_there_before(desk: Desk) -> None:
    desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6.0), reason="a slip <b>")
    end = end_of(desk, "0001")
    (entry,) = entered_rows(desk.ctx, [end]).values()
    assert (entry.entered_by, entry.reason, entry.is_correction) == ("ann@example.com", "a slip <b>", False)
    assert {name: float(value) for name, value in entry.before.items()} == {"price": 5.0}
    assert entry.base
    assert (entry.base.path, entry.base.row) == ("articles/All.xlsx", 2)
    file = archived_file(desk.ctx, end.path, end.sha256, lambda _: True)
    assert (file.entered_by, file.reason) == ("ann@example.com", "a slip <b>")


def test_what_is_kept_to_others_has_no_rows_on_the_way(desk: Desk) -> None:
    (step,) = way_of(desk, "0002", hidden=("desk_articles",))
    assert step == Step("Kept to others", hidden=True)
    book: Workbook = desk.book("articles")
    desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6.0))
    rows = trace_table(desk.ctx, "desk_articles", {"article": "0001"}, ("price",), most=5).rows
    without = WayDown(desk.ctx.catalog, lambda name: name != book.full_name)
    assert [without._may_show(row) for row in rows] == [False] * len(rows)
