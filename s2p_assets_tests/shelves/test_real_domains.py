"""The public CRM and Formula 1 data as their authors left them: what is read of them, and how well outcomes are told.

What pandas counts in the raw files is the measure; it runs only where the data is.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow
import pytest

from s2p_assets.catalog.loading import load_catalog
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.model import ClassificationTask, Classifier
from s2p_assets.contracts.validation import conform
from s2p_assets.features.crm_deal_features import DealFeatures, deal_features
from s2p_assets.features.f1_entry_features import EntryFeatures, entry_features
from s2p_assets.learning.classification.cases import decided_cases, outcome_values
from s2p_assets.learning.classification.exclusive_outcomes import exclusive_probabilities
from s2p_assets.learning.classification.models.known_rate import KnownRate
from s2p_assets.learning.classification.models.threshold import Threshold
from s2p_assets.learning.classification.scores import MEASURES
from s2p_assets.learning.classification.time_folds import predict_probabilities
from s2p_assets.models.f1_failure_champion import DID_NOT_FINISH
from s2p_assets.models.f1_failure_mean import failure_mean
from s2p_assets.models.f1_top_ten_champion import TOP_TEN
from s2p_assets.models.f1_top_ten_mean import top_ten_mean
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.tables.content_versions import content_version
from s2p_assets_tests.retail_home import emptied
from s2p_assets_tests.shelves.f1_tables import made_in_sql
from s2p_assets_tests.shelves.real_companies import DATA

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real workbooks are not here")

BOOKS = load_catalog(("s2p_assets",)).workbooks
FILES = {"opportunities": "sales_pipeline"}


def read_domain(domain: str) -> dict[str, ReadResult]:
    """Every table of a domain by its thing, each read against what it refers to."""
    waiting = {name: book for name, book in BOOKS.items() if book.domain == domain}
    readings: dict[str, ReadResult] = {}
    while waiting:
        ready = [name for name, book in waiting.items()
                 if not {one.workbook for one in book.references} & (waiting.keys() - {name})]  # fmt: skip
        book = waiting.pop(ready[0])
        known = {
            one.column: column(readings[one.name], one.target_column)
            for one in book.references
            if one.workbook != book.full_name
        } | {
            one.column: pyarrow.array([], pyarrow.string())
            for one in book.references
            if one.workbook == book.full_name
        }  # fmt: skip
        file = DATA / domain / f"{FILES.get(book.name, book.name)}.csv"
        readings[book.name] = read_file(file, [book], reference_values={book.full_name: known})
    return readings


def column(reading: ReadResult, name: str) -> pyarrow.Array:
    assert reading.rows is not None, reading.findings
    return reading.rows[name].combine_chunks()


def frames(readings: dict[str, ReadResult], made: FeatureSet) -> pd.DataFrame:
    """The features of a domain, of what was read."""
    return made.build(**read_tables(readings, made.inputs))


def read_tables(readings: dict[str, ReadResult], names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """What was read, as tables are read back."""
    tables = {}
    for table in names:
        rows = readings[table].rows
        assert rows is not None
        tables[table] = rows.drop_columns(["_sheet", "_row"]).to_pandas(
            types_mapper={pyarrow.string(): pd.StringDtype("pyarrow"), pyarrow.int64(): pd.Int64Dtype()}.get
        )
        for name in rows.column_names:
            if pyarrow.types.is_date(rows.schema.field(name).type):
                tables[table][name] = pd.to_datetime(tables[table][name])
    return tables


@pytest.fixture(scope="module")
def crm() -> dict[str, ReadResult]:
    return read_domain("crm")


@pytest.fixture(scope="module")
def f1() -> dict[str, ReadResult]:
    return read_domain("f1")


@pytest.fixture(scope="module")
def entries(f1: dict[str, ReadResult], database_url: str) -> pd.DataFrame:
    with connect(emptied(database_url)) as conn:
        facts = made_in_sql(conn, read_tables(f1, f1))
    return conform(entry_features.build(fct_entries=facts), EntryFeatures)


def test_the_public_seasons_are_in_sql_what_they_were_in_python(entries: pd.DataFrame) -> None:
    """The version is that of the rows that pandas made of the same files, before the tables were SQL."""
    assert content_version(entries) == "03316ec809e9a3e174eff4b87d26b036ffb586851cc1c108ecc6aa48a4cc7dc1"


def raw(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@pytest.mark.parametrize("domain", ["crm", "f1"])
def test_every_row_of_every_file_is_accepted(domain: str, request: pytest.FixtureRequest) -> None:
    for name, reading in request.getfixturevalue(domain).items():
        count = len(raw(DATA / domain / f"{FILES.get(name, name)}.csv"))
        assert (reading.verdict, reading.rows_accepted) == ("accepted", count), name


def test_another_spelling_and_deals_without_account_are_counted_as_pandas_counts_them(
    crm: dict[str, ReadResult],
) -> None:
    deals, found = raw(DATA / "crm/sales_pipeline.csv"), crm["opportunities"]
    told = [finding.message for finding in found.findings if finding.rule == "replace"]
    many = (deals["product"] == "GTXPro").sum()
    assert told == [f"'GTXPro' was read as 'GTX Pro', as agreed for this column ({many:,} such cells)"]
    assert column(found, "account").null_count == (deals["account"] == "").sum() == 1425


def test_the_copy_with_american_dates_holds_the_same_deals(crm: dict[str, ReadResult]) -> None:
    book = BOOKS["crm_opportunities"]
    copy = read_file(DATA / "crm/lf_copy/sales_pipeline.csv", [book])
    assert copy.rows is not None
    assert crm["opportunities"].rows is not None
    assert copy.rows.drop_columns(["_sheet"]).equals(crm["opportunities"].rows.drop_columns(["_sheet"]))


def test_every_week_of_every_deal_is_a_case(crm: dict[str, ReadResult]) -> None:
    rows = conform(frames(crm, deal_features), DealFeatures)
    assert rows.groupby(rows["won"].isna())["opportunity_id"].nunique().to_dict() == {False: 6711, True: 2089}
    assert rows["account"].isna().sum() == 1425


def later_cases(entries: pd.DataFrame, classifier: Classifier, task: ClassificationTask) -> pd.DataFrame:
    """The cases of the seasons 2022 to 2025, with what was told of them from all that was decided before 2022."""
    cases = decided_cases(entries, task)
    later = cases[task.time] >= pd.Timestamp("2022-01-01")
    return cases[later].assign(
        said=predict_probabilities(classifier.fit(cases[~later], task), cases[later], task),
        actual=outcome_values(cases[later], task),
    )


def measures(actual: pd.Series, said: pd.Series) -> dict[str, float]:
    return {name: taken(actual, said) for name, taken in MEASURES.items()}


def told(entries: pd.DataFrame, classifier: Classifier, task: ClassificationTask) -> dict[str, float]:
    cases = later_cases(entries, classifier, task)
    return measures(cases["actual"], cases["said"])


def test_one_distribution_of_the_outcomes_is_as_good_as_each_alone(entries: pd.DataFrame) -> None:
    top_ten, failures = (
        later_cases(entries, top_ten_mean.build(), TOP_TEN),
        later_cases(entries, failure_mean.build(), DID_NOT_FINISH),
    )
    alone, rule = (
        top_ten["said"] + failures["said"],
        told(entries, KnownRate("constructor_failures_60"), DID_NOT_FINISH),
    )
    found = exclusive_probabilities(top_ten["said"], failures["said"], top_ten["race_day"], most=10)
    first, second = measures(top_ten["actual"], found["first"]), measures(failures["actual"], found["second"])
    assert (alone > 1).sum() > 200  # what each says by itself contradicts the other
    assert (found["first"] + found["second"]).max() < 1
    assert first["auc"] >= 0.870
    assert first["brier"] < 0.1445
    assert second["brier"] < 0.1067 < rule["brier"]


def test_the_top_ten_is_told_better_than_by_the_grid(entries: pd.DataFrame) -> None:
    model, rule = told(entries, top_ten_mean.build(), TOP_TEN), told(entries, Threshold("grid", at_most=10), TOP_TEN)
    assert rule["accuracy"] == pytest.approx(0.775, abs=0.001)
    assert model["accuracy"] >= 0.80
    assert model["auc"] >= 0.868
    assert model["brier"] <= 0.146


def test_failures_are_told_better_than_by_the_teams_rate(entries: pd.DataFrame) -> None:
    model = told(entries, failure_mean.build(), DID_NOT_FINISH)
    rule = told(entries, KnownRate("constructor_failures_60"), DID_NOT_FINISH)
    assert model["brier"] < 0.1067 < rule["brier"]
    assert model["accuracy"] == pytest.approx(1 - model["base_rate"], abs=0.01)
