"""A held file goes the whole way: a run holds it, a person accepts it, the next run brings it into the tables."""

import json
from pathlib import Path

import pytest

from s2p_assets_tests.small_company import SmallCompany, build, order_rows, save

pytestmark = pytest.mark.long


def revenue(company: SmallCompany) -> float:
    with company.database() as connection:
        (total,) = connection.execute("select sum(revenue)::float8 from acme.revenue").fetchone() or (0.0,)
    return float(total)


def published(company: SmallCompany) -> float:
    """What the newest report says was taken in."""
    edition = max((company.share / "s2p-reports").glob("*/[0-9]*/edition.json"))
    return float(str(json.loads(edition.read_text())["headline"]).partition(" ")[0])


def test_a_person_decides_and_the_next_run_brings_the_tables_up_to_date(folder: Path) -> None:
    company = build(folder)
    company.run()
    before = revenue(company)
    save(company.share / "orders/Orders 05.xlsx", order_rows(5)[:3], 100)
    held = company.run()
    assert held.code == 1, held.text
    assert "6 of the 8 rows" in held.out
    assert "s2p accept 'orders/Orders 05.xlsx'" in held.out
    assert revenue(company) == before == pytest.approx(published(company))
    assert company.run("accept", "orders/Orders 05.xlsx").code == 0
    accepted = company.run()
    assert "6 withdrawn" in accepted.out or "6 rows withdrawn" in accepted.out, accepted.text
    assert revenue(company) < before
    less = revenue(company)
    assert published(company) == pytest.approx(less)
    company.run("forget", "orders/Orders 06.xlsx")
    company.run()
    assert revenue(company) < less
    (company.share / "orders/Orders 07.xlsx").unlink()
    gone = company.run()
    assert "s2p keep 'orders/Orders 07.xlsx'" in gone.out
    assert published(company) == pytest.approx(revenue(company))
    company.run("keep", "orders/Orders 07.xlsx")
    assert "orders/Orders 07.xlsx" not in company.run("status").out
