"""A report whose inputs failed is not published: the last good edition stays and says since when and why."""

from pathlib import Path

import pytest

from s2p_assets_tests.small_company import SmallCompany, build, order_rows, save

LIMIT = ('("orders.quantity", "orders.price"))', '("orders.quantity", "orders.price"), le=100_000)')


@pytest.fixture(scope="module")
def company(folder: Path) -> SmallCompany:
    company = build(folder)
    table = folder / "small_shelves/tables/acme_revenue.py"
    table.write_text(table.read_text().replace(*LIMIT))
    for file in (company.share / "orders/Some bad.xlsx", company.share / "orders/All bad.xlsx"):
        file.unlink()
    assert company.run().code == 1
    return company


def test_the_last_good_edition_says_since_when_and_why_until_the_next_good_one(company: SmallCompany) -> None:
    reports = company.share / "s2p-reports"
    shelf = reports / "acme-takings"
    pages = (shelf / "latest.html", reports / "index.html")
    good = {file: file.read_bytes() for file in shelf.rglob("*") if file.is_file()}
    assert all("Not renewed since" not in page.read_text() for page in pages)

    file = save(company.share / "orders/Orders 20.xlsx", order_rows(20, quantity=1_000_000), 70)
    ended = company.run()
    assert ended.code == 2, ended.text
    for page in pages:
        text = page.read_text()
        assert text.count('<aside class="held-back"') == 1
        assert "This is the last good edition, with data up to" in text
        assert "Revenue: acme_revenue breaks its declaration, nothing was stored: revenue" in text
    unchanged = {file: content for file, content in good.items() if file.name != "latest.html"}
    assert {file: file.read_bytes() for file in unchanged} == unchanged

    since = pages[0].read_text().partition("Not renewed since ")[2][:20]
    save(company.share / "orders/Orders 21.xlsx", order_rows(21, quantity=2_000_000), 71)
    assert company.run().code == 2
    assert pages[0].read_text().partition("Not renewed since ")[2][:20] == since

    save(file, order_rows(20), 80)
    save(company.share / "orders/Orders 21.xlsx", order_rows(21), 81)
    assert "s2p accept" in company.run().out
    assert company.run("accept", "orders/Orders 20.xlsx", "orders/Orders 21.xlsx").code == 0
    ended = company.run()
    assert ended.code == 1, ended.text
    assert all("Not renewed since" not in page.read_text() for page in pages)
    assert not list(shelf.glob("held-back*"))
