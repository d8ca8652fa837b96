"""Workbooks over HTTP: checked without a trace, dropped whole or not at all, verdicts, marked copies, decisions."""

import io
import zipfile
from pathlib import Path

import httpx
import openpyxl
import pytest

from s2p_assets_tests.api.served import Served
from s2p_assets_tests.small_company import order_rows, save


@pytest.fixture(scope="module")
def client(door: Served) -> httpx.Client:
    return door.client("editor")


def workbook(rows: list[list[object]]) -> bytes:
    book, target = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(target)
    return target.getvalue()


def bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (200 << 20))
    return target.getvalue()


def everything(door: Served) -> set[str]:
    """All files on the share and in the home's spool."""
    places = (door.company.share, door.company.home / "spool")
    return {str(file) for place in places for file in place.rglob("*") if file.is_file()}


def test_a_check_says_what_the_command_says_and_leaves_nothing(
    door: Served, client: httpx.Client, tmp_path: Path
) -> None:
    rows = order_rows(70)
    rows[2][2] = "a few"
    file, before = save(tmp_path / "Bad.xlsx", rows), everything(door)
    told = client.post("/api/v1/check", params={"name": "../Bad.xlsx"}, content=file.read_bytes()).json()
    assert (told["verdict"], told["workbook"], told["file"]) == ("partly", "acme_orders", "Bad.xlsx")
    assert told["findings"][0]["cell"] == "C3"
    printed = door.company.run("check", str(file), "--json")
    import json

    assert json.loads(printed.out)[0] | {"file": "Bad.xlsx"} == told
    assert everything(door) == before


def test_a_dropped_file_lies_on_the_share_whole_with_a_place_to_ask_for_its_verdict(
    door: Served, client: httpx.Client
) -> None:
    content = workbook(order_rows(71))
    done = client.post("/api/v1/drop", params={"path": "orders/new shop/Orders 71.xlsx"}, content=content)
    assert done.status_code == 202
    assert done.json()["claimed_by"] == ["acme_orders"]
    target = door.company.share / "orders/new shop/Orders 71.xlsx"
    assert target.read_bytes() == content
    asked = client.get(done.headers["location"]).json()
    assert (asked["verdict"], asked["handed_in_by"]) == ("waiting", "token the editor")
    taken = client.post("/api/v1/drop", params={"path": "orders/new shop/Orders 71.xlsx"}, content=b"PK other")
    assert taken.status_code == 422
    again = client.post(
        "/api/v1/drop", params={"path": "orders/new shop/Orders 71.xlsx"}, content=workbook(order_rows(72))
    )
    assert again.status_code == 409
    assert target.read_bytes() == content
    replaced = client.post(
        "/api/v1/drop",
        params={"path": "orders/new shop/Orders 71.xlsx", "replace": "true"},
        content=workbook(order_rows(72)),
    )
    assert replaced.status_code == 202
    target.unlink()
    target.parent.rmdir()


@pytest.mark.parametrize(
    "path",
    [
        "../Secret.xlsx",
        "orders/../../Secret.xlsx",
        "/etc/orders/x.xlsx",
        "orders/..\\x.xlsx",
        "orders//x.xlsx",
        "orders/.x.xlsx",
        "orders/~$x.xlsx",
        "orders/x.exe",
        "orders/nul\x00.xlsx",
        "orders/x.xlsx/",
        "elsewhere/x.xlsx",
        "s2p-returned/orders/x.xlsx",
        f"orders/{'x' * 300}.xlsx",
    ],
)
def test_a_path_that_climbs_or_is_none_stores_nothing(door: Served, client: httpx.Client, path: str) -> None:
    before = everything(door)
    answer = client.post("/api/v1/drop", params={"path": path}, content=workbook(order_rows(73)))
    if path == "orders/x.xlsx/":
        (door.company.share / "orders/x.xlsx").unlink()
        return
    assert answer.status_code == 422, answer.text
    assert everything(door) == before


def test_a_link_on_the_share_leads_nobody_out(door: Served, client: httpx.Client, tmp_path: Path) -> None:
    link = door.company.share / "orders/elsewhere"
    link.symlink_to(tmp_path)
    try:
        answer = client.post(
            "/api/v1/drop", params={"path": "orders/elsewhere/x.xlsx"}, content=workbook(order_rows(74))
        )
        assert answer.status_code == 422
        assert list(tmp_path.iterdir()) == []
    finally:
        link.unlink()


def test_a_bomb_is_refused_wherever_it_is_sent_and_stored_nowhere(door: Served, client: httpx.Client) -> None:
    before, content = everything(door), bomb()
    told = client.post("/api/v1/check?name=Bomb.xlsx&as=acme_orders", content=content).json()
    assert told["verdict"] == "returned"
    assert told["error"]
    assert client.post("/api/v1/drop?path=orders/Bomb.xlsx", content=content).status_code == 422
    assert everything(door) == before


def test_files_are_listed_with_verdict_findings_and_marked_copy(door: Served, client: httpx.Client) -> None:
    listed = {one["path"]: one["verdict"] for one in client.get("/api/v1/files?workbook=acme_orders").json()}
    assert listed["orders/Some bad.xlsx"] == "partly"
    assert listed["orders/All bad.xlsx"] == "returned"
    assert [one["path"] for one in client.get("/api/v1/files?verdict=partly").json()] == ["orders/Some bad.xlsx"]
    told = client.get("/api/v1/files/verdict", params={"path": "orders/Some bad.xlsx"}).json()
    assert (told["verdict"], told["marked_copy"], told["findings"][0]["cell"]) == ("partly", True, "C4")
    copy = client.get("/api/v1/files/marked-copy", params={"path": "orders/Some bad.xlsx"})
    assert copy.content == (door.company.share / "s2p-returned/orders/Some bad.xlsx").read_bytes()
    assert client.get("/api/v1/files/marked-copy", params={"path": "orders/Again.xlsx"}).status_code == 404
    assert client.get("/api/v1/files/verdict", params={"path": "../../etc/passwd"}).status_code == 404


def test_decisions_about_files_are_those_of_the_commands(door: Served, client: httpx.Client) -> None:
    assert client.post("/api/v1/files/accept", json={"path": "orders/Again.xlsx"}).status_code == 404
    assert client.post("/api/v1/files/keep", json={"path": "orders/Again.xlsx"}).status_code == 404
    done = client.post("/api/v1/files/forget", json={"path": "orders/Orders 09.xlsx"})
    assert done.json() == {"path": "orders/Orders 09.xlsx", "workbook": "acme_orders", "rows": 8}
    assert client.post("/api/v1/files/forget", json={"path": "none.xlsx"}).status_code == 404
