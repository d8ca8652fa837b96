"""Today: what needs whoever asks comes first, with what they may do; what it shows is what stands."""

import datetime as dt
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from s2p_assets.api.caller import Caller
from s2p_assets.contracts.report import Chart, Document, Imprint, Section
from s2p_assets.publishing.editions.publish import write_unlisted
from s2p_assets.screen.needs import needs_of
from s2p_assets.screen.status_at_hand import SECONDS as STATUS_SECONDS
from s2p_assets.screen.today import live_streams
from s2p_assets.services import access
from s2p_assets.services.report_charts import first_chart
from s2p_assets.warehouse.files.versions import mark_gone
from s2p_assets_tests.api.served import Served
from s2p_assets_tests.screen.conftest import PersonOf
from s2p_assets_tests.screen.test_frame import browser_of

FILE = {"path": "a/b.xlsx", "workbook": "w", "owner": "ann@example.com"}
STATUS: Mapping[str, Any] = {
    "sent_back": [
        FILE | {"verdict": "returned", "error": None, "findings": [f"b.xlsx › S › C{n}: 'x'" for n in range(5)]}
    ],
    "held": [FILE | {"owner": "bob@example.com", "questions": ["8 rows would go"], "says": "8 rows withdrawn"}],
    "gone": [FILE | {"rows": 3, "replaced_by": "a/c.xlsx"}],
    "missing": [
        {
            "name": "the sales of May",
            "owner": "bob@example.com",
            "says": "due on 5 June",
            "is_late": True,
            "workbook": "w",
        }
    ],
    "unclaimed": [{"path": "x.docx", "says": ""}],
    "implausible": [{"says": "A1: 900 is unlike all others"}],
    "faults": ["w.py: line 3"],
    "live_tables": [
        {"name": "till_hourly", "problem": "till_hourly.sql: line 9: division by zero", "made_at": None},
        {"name": "till_daily", "problem": None, "made_at": "2026-05-01T08:00:00+00:00"},
    ],
    "remotes": [],
    "mailbox": None,
    "messages": {
        "problem": None,
        "undelivered": [{"recipient": f"{name}@example.com", "error": "no such user"} for name in ("ann", "bob")],
    },
}


def kinds_of(role: Any, name: str = "eve@example.com") -> list[str]:
    return [need.kind for need in needs_of(STATUS, Caller(name, role, "user"))]


def test_each_role_sees_what_it_can_act_on() -> None:
    of_all = ["came back", "held: is it right?", "gone", "late"]
    assert kinds_of("viewer") == of_all
    assert kinds_of("editor") == [*of_all, "not read", "is it right?"]
    assert kinds_of("engineer") == [*of_all, "not read", "is it right?", "left out", "not made", "not told"]
    told = list(needs_of(STATUS, Caller("eve", "engineer", "user")))[-1]
    assert told.title == "2 messages were not delivered"
    assert told.lines[:2] == ("To ann@example.com: no such user", "To bob@example.com: no such user")
    deeds = {need.kind: need.deeds for need in needs_of(STATUS, Caller("a", "editor", "user"))}
    assert deeds["came back"] == ("mend",)
    assert deeds["held: is it right?"] == ("accept", "mend")
    assert deeds["gone"] == ("keep", "forget")
    assert not any(need.deeds for need in needs_of(STATUS, Caller("a", "viewer", "user")))
    damaged = {**STATUS, "sent_back": [FILE | {"verdict": "returned", "error": "the file is damaged", "findings": []}]}
    cut_off = next(need for need in needs_of(damaged, Caller("a", "editor", "user")) if need.kind == "came back")
    assert cut_off.deeds == (), "a cell cannot be mended in what cannot be opened"


def test_what_is_ones_own_comes_first_and_says_where() -> None:
    found = needs_of(STATUS, Caller("bob@example.com", "editor", "user"))
    assert [need.is_mine for need in found] == [True, True, False, False, False, False]
    returned = next(need for need in found if need.kind == "came back")
    assert (returned.lines[0], len(returned.lines), returned.more) == ("S › C0: 'x'", 3, 2)


def test_the_first_chart_of_an_edition_stands_alone_with_its_words_and_colours(tmp_path: Path) -> None:
    frame = pd.DataFrame({"week": pd.date_range("2026-01-05", periods=6, freq="7D"), "units": [3.0, 4, 5, 4, 6, 7]})
    chart = Chart("line", "week", ("units",), title="Sales <grew> & grew", y_title="Units")
    document = Document("Sold", dt.date(2026, 2, 9), "More", (), (Section("Weeks", "", frame, (), chart),))
    made = dt.datetime(2026, 2, 9, tzinfo=dt.UTC)
    edition = write_unlisted(document, tmp_path / "edition", Imprint("acme_sold", (), "EUR", made))
    found = first_chart(edition)
    assert found is not None
    assert found.title.startswith("Sales <grew> & grew: 7")
    assert found.shows.startswith("Sales <grew> & grew. Units")
    assert found.svg.startswith("<svg")
    assert found.svg.count("<svg") == 1
    assert "prefers-color-scheme: dark" in found.svg
    assert "--series-1:" in found.svg


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_today_says_what_came_back_and_what_reports_say(door: Served, role: str) -> None:
    shown = browser_of(door, role).get("/").text
    for said in ("orders/<wbr>All bad.xlsx", "is not a price", "taken in", "What came in"):
        assert said in shown
    assert ("Mend it here" in shown) == (role == "editor")


def test_what_is_kept_to_others_is_not_there(door: Served) -> None:
    left = access.keep_to_groups(door.ctx, "acme_orders", ["sales"])
    try:
        shown = browser_of(door, "editor").get("/").text
        assert "All bad.xlsx" not in shown
        assert "articles/<wbr>Chairs.xlsx" in shown
        assert left is not None
    finally:
        access.keep_to_groups(door.ctx, "acme_orders", [])


def test_a_share_that_is_away_is_said_and_reports_are_shown(door: Served) -> None:
    share = door.company.share
    away = share.with_name("share away")
    time.sleep(STATUS_SECONDS + 0.1)
    share.rename(away)
    try:
        answer = browser_of(door, "viewer").get("/")
        assert answer.status_code == 200
        assert 'role="alert"' in answer.text
    finally:
        away.rename(share)


def test_a_gone_file_is_kept_by_one_click(person_of: PersonOf, door: Served) -> None:
    path = "orders/Orders 02.xlsx"
    place, away = door.company.share / path, door.company.folder / "away.xlsx"
    place.rename(away)
    try:
        with door.ctx.warehouse.connect() as connection:
            mark_gone(connection, door.ctx.catalog.workbooks["acme_orders"], [path])
        time.sleep(STATUS_SECONDS + 0.1)  # as long as a status is at hand
        ann = person_of("editor")
        page = ann.open("/")
        ann.require_accessible()
        button = page.get_by_role("button", name=f"Keep its rows: {path}")
        button.click()
        button.wait_for(state="detached")
        for width in (1440, 1024, 390):
            ann.require_fits(width)
    finally:
        away.rename(place)


def test_what_is_typed_into_one_table_is_one_line(door: Served) -> None:
    ann = browser_of(door, "editor")
    for number in range(2):
        values = {"order_no": f"T-{number}", "article": "A1", "quantity": 1, "price": 2.5, "ordered": "2026-05-01"}
        content = {"reason": "by telephone", "rows": [{"action": "add", "values": values}]}
        assert ann.post("/api/v1/tables/acme_orders/entries", json=content).status_code == 201
    time.sleep(STATUS_SECONDS + 0.1)
    shown = ann.get("/").text.partition("What came in")[2]
    assert shown.count("/tables/acme_orders") == 1
    assert re.search(r"Orders: \d+ entries", shown)
    assert "s2p-entries" not in shown


def test_streams_that_brought_something_are_shown_and_what_keeps_them() -> None:
    stream = {"name": "retail_web_orders", "rows": 7, "returned": 0, "last_stored": None, "lag": 0, "readers": []}
    readers = [{"problem": "the brokers at k:9092 do not answer"}]
    shown = live_streams(
        {
            "streams": [
                stream | {"events": 0},
                stream | {"events": 9, "lag": 1200},
                stream | {"events": 9, "readers": readers},
            ]
        }
    )
    assert [(one["title"], one["waits"], one["problem"]) for one in shown] == [
        ("web orders", "1,200 wait", ""),
        ("web orders", "", "waits for what it is read from"),
    ]
