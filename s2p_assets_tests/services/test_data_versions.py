"""States that were: a pinned one is kept, what nothing needs may go, and a model that comes out otherwise says why."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from s2p_assets.services.clean_up import archive_room, tag_state, untag_state
from s2p_assets.services.errors import NotFound
from s2p_assets.services.past_tables import show_rows
from s2p_assets.services.reproduction import differences_between
from s2p_assets.services.tables import TableQuestion
from s2p_assets_tests.learning.histories import seasonal
from s2p_assets_tests.learning.test_registry import CONTEST, trained
from s2p_assets_tests.retail_home import emptied
from s2p_assets_tests.services.lake_company import LakeCompany, commands_of, lake_company, lake_shelves


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[LakeCompany]:
    """Three versions of one workbook; moments lie between them."""
    with (
        lake_shelves(tmp_path_factory.mktemp("shelves"), "version_shelves"),
        lake_company(tmp_path_factory.mktemp("company"), emptied(database_url), "version_shelves") as made,
    ):
        for price in (5.0, 6.0, 7.0):
            made.articles(("0001", "Lamp", price), ("0002", "Bulb", 2.5))
            MOMENTS[price] = dt.datetime.now().astimezone().isoformat()
        yield made


MOMENTS: dict[float, str] = {}


def price_at(company: LakeCompany, moment: str) -> Any:
    declared = company.ctx.catalog.workbooks["desk_articles"]
    return show_rows(company.ctx, declared, TableQuestion(limit=1), moment, print).rows[0]["price"]


def test_what_no_row_edition_model_or_tag_needs_is_told_and_goes_only_when_asked(company: LakeCompany) -> None:
    before = sorted(file.name for file in company.ctx.settings.archive.glob("??/*"))
    assert [file.path for file in archive_room(company.ctx).files] == ["articles/All.xlsx"] * 2
    tag_state(company.ctx, "annual", MOMENTS[5.0], "the annual accounts", "ann")
    room = archive_room(company.ctx)
    assert (len(room.files), room.kept) == (1, {"editions": 0, "models": 0, "tags": 1})
    assert sorted(file.name for file in company.ctx.settings.archive.glob("??/*")) == before
    given = archive_room(company.ctx, remove=True)
    assert given.files == room.files
    assert len(before) - sum(1 for _ in company.ctx.settings.archive.glob("??/*")) == 1
    assert archive_room(company.ctx).files == ()
    assert price_at(company, MOMENTS[5.0]) == 5
    with pytest.raises(NotFound, match=r"articles/All.xlsx: the archive no longer holds what stood on"):
        price_at(company, MOMENTS[6.0])
    assert price_at(company, MOMENTS[7.0]) == 7
    with pytest.raises(NotFound, match=r"'annual' is the name of a state already; take another, or remove it"):
        tag_state(company.ctx, "annual", None, "", "ann")
    untag_state(company.ctx, "annual")
    assert len(archive_room(company.ctx).files) == 1
    with pytest.raises(NotFound, match=r"'annual' is the name of no state; `s2p tag` lists them"):
        untag_state(company.ctx, "annual")


def test_what_a_person_entered_is_never_given_back(company: LakeCompany) -> None:
    desk = company.desk
    entered = desk.enter("articles", desk.change("articles", {"article": "0002"}, price=3.0))
    desk.undo("articles", entered.name)
    assert not [file for file in archive_room(company.ctx).files if file.path.startswith("s2p-entries/")]


@pytest.fixture
def asked(company: LakeCompany) -> Callable[..., Any]:
    return commands_of(company)


def test_states_are_pinned_and_room_is_asked_for_at_a_terminal(asked: Callable[..., Any]) -> None:
    code, printed, _ = asked("tag", "spring", "--as-of", MOMENTS[7.0], "--because", "the audit")
    assert (code, "spring" in printed, "the audit" in printed) == (0, True, True)
    assert "MB could be given back" in asked("gc")[1]
    for words, says in (
        (["tag", "later", "--as-of", "2999-01-01"], "2999-01-01 has not come yet"),
        (["tag", " "], "is no name for a state; write one such as annual-2026"),
        (["reproduce", "desk_nothing"], "desk_nothing: there is no such model, contest or forecast"),
    ):
        code, printed, said = asked(*words)
        assert (code, printed, says in " ".join(said.split())) == (2, "", True), said


def test_a_version_that_comes_out_otherwise_says_what_is_not_the_same() -> None:
    old = trained(weeks=60)
    assert differences_between(CONTEST, old, trained(weeks=60), seasonal(3, 60)) == []
    other = differences_between(CONTEST, old, trained(weeks=61), seasonal(3, 61))
    assert other[0].startswith("the rows are others: 87 of 180 are not restored, 90 are new; shelves or contracts")
    assert "its scores" in other[-1]
    changed = replace(
        old, version="x", fingerprint="another", scores=old.scores.assign(rmsse=old.scores["rmsse"] + 0.5)
    )
    said = differences_between(CONTEST, changed, old, seasonal(3, 60))
    assert said == ["the model's code or parameters changed since", "its scores differ, rmsse the most, by 0.5"]
