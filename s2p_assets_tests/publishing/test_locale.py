"""Numbers and dates follow the locale in HTML and PDF; Excel keeps native ones, and texts stay English."""

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import openpyxl
import pydantic
import pytest

from s2p_assets.contracts.report import RelativeChange
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.document.wording import use_locale
from s2p_assets.publishing.renderers.excel import write_excel
from s2p_assets.publishing.renderers.html import write_html
from s2p_assets.publishing.renderers.pdf import write_pdf
from s2p_assets.settings import Settings
from s2p_assets_tests.publishing.test_publishing import IMPRINT, document

DAY = dt.date(2026, 3, 5)
EXPECTED = {
    "en": ["−1,234,567.5", "€1,234.50", "CHF 1,234.50", "5.2 %", "5 Mar 2026", "Thursday 5 March 2026"],
    "en_GB": ["−1,234,567.5", "€1,234.50", "CHF 1,234.50", "5.2%", "5 Mar 2026", "Thursday, 5 March 2026"],
    "en_US": ["−1,234,567.5", "€1,234.50", "CHF 1,234.50", "5.2%", "Mar 5, 2026", "Thursday, March 5, 2026"],
    "de_DE": ["−1.234.567,5", "1.234,50 €", "1.234,50 CHF", "5,2 %", "05.03.2026", "Donnerstag, 5. März 2026"],
    "en_IN": ["−12,34,567.5", "€1,234.50", "CHF 1,234.50", "5.2%", "5 Mar 2026", "Thursday, 5 March 2026"],
}


@pytest.mark.parametrize("locale", EXPECTED)
def test_values_are_written_as_the_country_writes_them(locale: str) -> None:
    with use_locale(locale):
        said = [
            wording.format_number(-1234567.5, 1),
            wording.format_money(1234.5, "EUR", 2),
            wording.format_money(1234.5, "CHF", 2),
            wording.format_percent(0.052, 1),
            wording.format_date(DAY),
            wording.format_long_date(DAY),
        ]
        assert [text.replace(wording.SPACE, " ") for text in said] == EXPECTED[locale]
        assert (wording.format_number(999), wording.format_number(0), wording.format_number(-0.01)) == ("999", "0", "0")
    assert wording.format_number(1234.5, 1) == "1,234.5"


def test_a_german_page_has_commas_german_months_and_english_texts(tmp_path: Path) -> None:
    with use_locale("de_DE"):
        page = write_html(document(), tmp_path / "r.html", IMPRINT).read_text(encoding="utf-8")
        assert (
            wording.describe_change(RelativeChange(0.052, "before")).replace(wording.SPACE, " ")
            == "5,2 % more than before"
        )
    page = page.replace(wording.SPACE, " ")
    for text in ('<html lang="en-DE">', "1.234.567", "98.765 €", "1.234,50", "12,3 %", "−50,0 %", "02.11.2026"):
        assert text in page, text
    assert "Data up to Sonntag, 15. November 2026" in page
    assert "1,234" not in page
    assert "1.000</text>" in page


def test_a_british_page_has_points_and_no_space_before_the_sign(tmp_path: Path) -> None:
    with use_locale("en_GB"):
        page = write_html(document(), tmp_path / "r.html", IMPRINT).read_text(encoding="utf-8")
    for text in ('<html lang="en-GB">', "1,234,567", "€98,765", "12.3%", "Sunday, 15 November 2026"):
        assert text in page, text


def test_numbers_of_a_sentence_from_elsewhere_are_rewritten_and_names_are_left() -> None:
    said = "loss 0.705 against 0.741, p = 0.03; 1,234 of 5803 rows, WAPE 45.9%; version 3d1.9 of 2026-11-21."
    with use_locale("de_DE"):
        written = wording.localize_numbers(said).replace(wording.SPACE, " ")
    assert (
        written == "loss 0,705 against 0,741, p = 0,03; 1.234 of 5803 rows, WAPE 45,9 %; version 3d1.9 of 2026-11-21."
    )


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no reader of PDF on this machine")
def test_a_german_pdf_is_written_alike(tmp_path: Path) -> None:
    with use_locale("de_DE"):
        pdf = write_pdf(document(), tmp_path / "r.pdf", IMPRINT)
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
    assert "Sonntag, 15. November 2026" in text
    assert "1.234,50" in text


def test_excel_keeps_native_numbers_and_dates(tmp_path: Path) -> None:
    with use_locale("de_DE"):
        sheet = openpyxl.load_workbook(write_excel(document(), tmp_path / "r.xlsx", IMPRINT))["Products"]
    assert [cell.value for cell in sheet[5]][1:5] == [1234567, 1234.5, 0.1234, dt.datetime.fromisoformat("2026-11-02")]


def test_a_locale_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    assert Settings(home=tmp_path, locale="de-DE.UTF-8").locale == "de_DE"
    with pytest.raises(pydantic.ValidationError, match="write it as de_DE"):
        Settings(home=tmp_path, locale="xx_YY")
