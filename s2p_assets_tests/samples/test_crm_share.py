"""The sample sales department through the whole house: what loads, what comes back, and what waits for a list."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import s2p_assets
from s2p_assets.definitions import build
from s2p_assets.graph.asset_keys import asset_key
from s2p_assets.graph.assets.workbook_assets import REFERENCES_HOLD
from s2p_assets.graph.running.instance import open_instance
from s2p_assets.samples.crm_share import EXPORT, FAIR, MISTAKES, write_share
from s2p_assets.settings import Settings
from s2p_assets.warehouse.files import ledger
from s2p_assets.warehouse.tables import store
from s2p_assets_tests.retail_home import Company, emptied, nothing_set

UNTIL = dt.date(2026, 3, 31)
NEW = "crm/Deals this year.xlsx"


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Company]:
    """A company with CRM workbooks alone, whose share lacks the list of agents, and one account on another list."""
    home = tmp_path_factory.mktemp("department")
    shelf = home / "only_workbooks" / "workbooks"
    shelf.mkdir(parents=True)
    for file in (Path(s2p_assets.__file__).parent / "workbooks").glob("crm_*.py"):
        shutil.copy(file, shelf)
    url = emptied(database_url)
    settings = Settings(home=home, share=home / "share", database_url=url, shelves=("only_workbooks",))
    list(write_share(settings.share, until=UNTIL, deals=160))
    (settings.share / "crm/Sales teams.xlsx").rename(home / "Sales teams.xlsx")
    deals = openpyxl.load_workbook(settings.share / NEW)
    deals["Deals"]["E5"] = "Newcomer Ltd"
    deals.save(settings.share / NEW)
    with nothing_set() as patch:
        patch.syspath_prepend(home)
        yield Company(settings, build(settings))


def verdicts(company: Company) -> dict[str, tuple[str, int]]:
    with company.graph.ctx.warehouse.connect() as connection:
        return {
            path: (file.verdict, file.rows_accepted)
            for path, file in ledger.latest_versions(
                connection, company.graph.ctx.catalog.workbooks["crm_opportunities"]
            ).items()
        }


def accounts_of_deals(company: Company) -> "pd.Series[str]":
    book = company.graph.ctx.catalog.workbooks["crm_opportunities"]
    with company.graph.ctx.warehouse.connect() as connection:
        return store.read_rows(connection, book.domain, book.name, book.columns)["account"]


def test_deals_wait_for_the_list_of_those_who_make_them(department: Company) -> None:
    status = department.run()
    assert {verdict for verdict, _ in verdicts(department).values()} == {"returned"}
    told = [line for file in status["sent_back"] for line in file["findings"]]
    assert any("refers to the sales teams, of which nothing has been loaded yet" in line for line in told)


def test_when_it_comes_they_are_read_again_but_for_the_planted_faults(department: Company) -> None:
    home, share = department.settings.home, department.settings.share
    (home / "Sales teams.xlsx").rename(share / "crm/Sales teams.xlsx")
    status = department.run()
    assert verdicts(department) == {FAIR: ("returned", 0), EXPORT: ("partly", 79), NEW: ("partly", 79)}
    found = {line.partition(":")[0] for file in status["sent_back"] for line in file["findings"]}
    planted = {" › ".join((Path(path).name, sheet, cell)) for path, sheet, cell, _ in MISTAKES if sheet and cell}
    assert found == planted | {"Deals this year.xlsx › Deals › E5"}


def test_a_file_taken_in_part_loads_the_rest_when_what_it_refers_to_has_come(department: Company) -> None:
    share = department.settings.share
    lists = openpyxl.load_workbook(share / "crm/Accounts.xlsx")
    lists["Accounts"].append(["Newcomer Ltd", "retail"])
    lists.save(share / "crm/Accounts.xlsx")
    department.run()
    assert verdicts(department)[NEW] == ("accepted", 80)
    assert not [path for path in (share / "s2p-returned/crm").iterdir() if "this year" in path.name]
    assert "Newcomer Ltd" in set(accounts_of_deals(department))


def test_what_refers_to_a_row_that_was_withdrawn_is_named_by_a_check(department: Company) -> None:
    lists = openpyxl.load_workbook(department.settings.share / "crm/Accounts.xlsx")
    lists["Accounts"].delete_rows(lists["Accounts"].max_row)
    lists.save(department.settings.share / "crm/Accounts.xlsx")
    department.run()
    assert "Newcomer Ltd" in set(accounts_of_deals(department))
    with open_instance(department.settings) as instance:
        key = asset_key(department.graph.ctx.catalog.workbooks["crm_opportunities"])
        (check,) = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [check for check in department.graph.definitions.resolve_asset_graph().get_check_keys_for_assets({key})
             if check.name == REFERENCES_HOLD]
        ).values()  # fmt: skip
        said = check.event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
        assert not said.passed
        assert "Deals this year.xlsx › Deals › E5: 'Newcomer Ltd'" in str(said.metadata["lead nowhere"].value)
