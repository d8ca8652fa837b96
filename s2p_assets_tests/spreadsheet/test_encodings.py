"""Promises of encodings: what is assumed is named, what the contract states is used, what looks wrong is said."""

import re
from pathlib import Path

import openpyxl
import pytest

from s2p_assets.contracts.columns import Code, DeclarationError, Integer, Money, Row, Text, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet import mojibake
from s2p_assets.spreadsheet.mojibake import is_misread
from s2p_assets.spreadsheet.reading import read_file


class Stock(Row):
    """Pieces of an article."""

    article: Code = column("Article", description="article")
    name: Text = column("Name", description="name")
    pieces: Integer = column("Qty", description="pieces")


class Priced(Row):
    """What an article costs."""

    article: Code = column("Article", description="article")
    pieces: Integer = column("Pieces", description="pieces")
    price: Money = column("Price", description="price of one")


def contract(encoding: str | None = None) -> Workbook:
    return Workbook(rows=Stock, path="*", owner="o@example.org", encoding=encoding)


WORDS = {
    "polish": "Łódź kubek żółty,Kraków,Gdańsk,śruba,wkręt,źródło,Wałbrzych,książka,jabłko",
    "czech": "Příbram,žlutý hrnek,České Budějovice,šroub,dřevo,kůže,nůž,čaj,Plzeň",
    "hungarian": "Győr,szűrő,bögre,Székesfehérvár,tűzhely,fűrész,őszi körte,vödör",
    "russian": "Кружка,чайник,Москва,сахар,молоко,хлеб,стакан,тарелка,Новосибирск",
    "greek": "Αθήνα,κούπα,ζάχαρη,γάλα,ψωμί,Θεσσαλονίκη,πιάτο,κουτάλι",
    "turkish": "İstanbul,şeker,çay,ekmek,ığdır,bardak,kaşık,bıçak,tuğla,gümüş,öğrenci",
    "german": "Müller,Größe,Köln,Straße,Bügeleisen,Schlüssel,Löffel,Käse",
    "french": "Crème brûlée,pâte,café,théière,maïs,Noël,façade",
    "danish": "København,rødgrød,smørrebrød,Århus,æble,øl",
    "spanish": "España,niño,año,señal,camión,jamón,piña",
    "chinese": "牛奶,面包,食盐,面粉,茶叶,糖果,北京,上海",
    "taiwanese": "牛奶,麵包,食鹽,麵粉,茶葉,糖果,臺北",
    "japanese": "牛乳,砂糖,パン,東京,大阪,コップ,醤油",
    "korean": "우유,설탕,빵,서울,부산,접시,간장",
}


def write(tmp_path: Path, words: list[str], encoding: str) -> Path:
    path = tmp_path / "stock.csv"
    lines = ["Article;Name;Qty", *(f"A{row:03};{word};{row}" for row, word in enumerate(words, 1))]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def names(reading: ReadResult) -> list[str]:
    assert reading.rows is not None, reading.findings
    return reading.rows["name"].to_pylist()


@pytest.mark.parametrize(
    ("language", "encoding", "label"),
    [
        ("polish", "cp1250", "Central European"),
        ("polish", "iso8859-2", "Central European"),
        ("polish", "cp852", "Central European"),
        ("czech", "cp1250", "Central European"),
        ("hungarian", "cp1250", "Central European"),
        ("russian", "cp1251", "Cyrillic"),
        ("russian", "koi8-r", "Russian"),
        ("russian", "cp866", "Cyrillic"),
        ("greek", "cp1253", "Greek"),
        ("turkish", "cp1254", "Turkish"),
        ("german", "cp1252", "European"),
        ("german", "cp850", "Western European"),
        ("french", "cp1252", "European"),
        ("danish", "cp1252", "European"),
        ("spanish", "cp1252", "European"),
        ("chinese", "gbk", "Chinese"),
        ("taiwanese", "big5", "Chinese"),
        ("japanese", "cp932", "Japanese"),
        ("japanese", "euc-jp", "Japanese"),
        ("korean", "cp949", "Korean"),
    ],
)
def test_an_eight_bit_file_is_read_right_and_its_encoding_named(
    tmp_path: Path, language: str, encoding: str, label: str
) -> None:
    words = WORDS[language].split(",")
    reading = read_file(write(tmp_path, words, encoding), [contract()])
    assert names(reading) == words
    (named,) = reading.findings
    assert (named.rule, named.severity, named.cell) == ("encoding", "notice", "B2")
    assert label in named.message
    assert f"'{words[0]}'" in named.message


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Muñoz,Jamón,Málaga", "cp1252"),
        ("Peña,Año,Córdoba", "cp1252"),
        ("Élan,Noël,Forêt", "cp1252"),
        ("Żółty,Gęś", "iso8859-2"),
        ("Małgorzata,Więcek", "cp852"),
        ("Nakrętka,Śruba", "cp1250"),
        ("Plzeň,Dvořák", "cp1250"),
        ("Győr,Fűrész", "iso8859-2"),
        ("Şeker,Yıldız", "cp1254"),
        ("Crème,Façade,Été", "cp850"),
    ],
)
def test_two_or_three_words_are_enough_to_tell_an_encoding_by(tmp_path: Path, text: str, encoding: str) -> None:
    reading = read_file(write(tmp_path, text.split(","), encoding), [contract()])
    assert names(reading) == text.split(",")
    assert [one.rule for one in reading.findings] == ["encoding"]


@pytest.mark.parametrize(
    "text", ["Müller", "Łódź kubek żółty", "Кружка", "25 °C", "5 €", "£5", "Straße", "Crème brûlée"]
)
def test_one_word_alone_is_read_right_too(tmp_path: Path, text: str) -> None:
    encoding = "cp1250" if "Ł" in text else "cp1251" if "К" in text else "cp1252"
    assert names(read_file(write(tmp_path, [text], encoding), [contract()])) == [text]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "ascii"])
def test_a_file_that_says_its_encoding_gets_no_notice(tmp_path: Path, encoding: str) -> None:
    word = "Mug" if encoding == "ascii" else "Łódź Кружка 牛奶"
    reading = read_file(write(tmp_path, [word], encoding), [contract()])
    assert (names(reading), reading.findings) == ([word], [])


def test_the_contract_can_state_the_encoding(tmp_path: Path) -> None:
    reading = read_file(write(tmp_path, ["şeker"], "cp1254"), [contract("cp1254")])
    assert (names(reading), reading.findings) == (["şeker"], [])
    wrong = read_file(write(tmp_path, ["naïve"], "cp1252"), [contract("utf-8")])
    assert wrong.error == "the text is not valid utf-8, as agreed; save it again so"
    with pytest.raises(DeclarationError, match="there is no encoding 'cp99'"):
        contract("cp99")


def test_a_stated_encoding_that_makes_nonsense_of_utf8_is_said(tmp_path: Path) -> None:
    reading = read_file(write(tmp_path, ["Müller"], "utf-8"), [contract("cp1252")])
    assert "looks wrongly decoded, perhaps 'Müller'" in reading.findings[0].message


WRONG = (
    "MÃ¼ller",
    "£ódŸ",
    "Êðóæêà",
    "KrÃ¶ger & SÃ¶hne",
    "ÐšÑ€ÑƒÐ¶ÐºÐ°",
    "K\ufffdln",
    "¿ó³ty kubek",
    "CafÃ©",
    "donâ€™t",
    "ÃœberlÃ¤nge",
    "M?ller",
    "Gr?n & Söhne",
    "рТЙЧЕФ",
    *("þeker", "Kuþadasý", "Yýldýz", "Gyõr", "Kõszeg", "Fûrész", "Tömlõ", "Straáe", "Groáe", "Weiá", "MŸller", "K”ln"),
)
RIGHT = (
    *(
        "Müller",
        "Łódź",
        "Кружка",
        "Αθήνα",
        "São Paulo",
        "naïve",
        "Crème Brûlée",
        "ÉTÉ",
        "CÔTÉ",
        "5 m³",
        "Umsatz¹",
        "25°C",
    ),
    *(
        "¿Qué?",
        "Mª José",
        "«mot»",
        "N° 5",
        "½ l",
        "10 µm",
        "Þórður Ægisson",
        "Åse Ørsted",
        "Şeker",
        "Nguyễn",
        "ÁÉÍÓÖŐÚÜŰ",
    ),
    *(
        "ÄÖÜ",
        "£5",
        "£ each",
        "Zürich €",
        "œuf",
        "LŒUVRE",
        "§ 5",
        "Größe™",
        "牛奶",
        "우유",
        "ﾊﾟﾝ",
        "Đorđe",
        "Kraków",
        "ÅÄÖ",
        "What? No",
        "page?id=5",
        "Why?Because.",
        "МОСКВА",
        "ГОСТ 5",
    ),
    *(
        "Sigurður",
        "Þingvellir",
        "þýska",
        "Camões",
        "ações",
        "Põltsamaa",
        "Jõgi",
        "août",
        "Dégoût",
        "Châteaudun",
        "Brûly",
    ),
    *("švýcarský", "Nový Bydžov", "Křivoklátský", "Croácia", "Tauá", "Ceará", "Oceánico", "L'Haÿ", "„Zitat“", "Lego™s"),
)


@pytest.mark.parametrize("text", WRONG)
def test_what_looks_wrongly_decoded_is_a_finding(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stock.xlsx"
    book = openpyxl.Workbook()
    for row in (["Article", "Name", "Qty"], ["A1", "Mug", 1], ["A2", text, 2], ["A3", text, 2]):
        book.active.append(row)
    book.save(path)
    (found,) = read_file(path, [contract()]).findings
    assert (found.cell, found.rule) == ("B3", "encoding")
    assert "looks wrongly decoded" in found.message
    assert "(2 such cells)" in found.message


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert not is_misread(text)


@pytest.mark.parametrize(
    ("pieces", "rejected"),
    [
        (["1.200", "3.000", "5"], ["C2", "C3"]),
        (["3.000", "12.000"], ["C2", "C3"]),
        (["-3.000", "7"], ["C2"]),
        (["3.000", "0.000", "1250.000"], []),
        (["3.0", "12.00", "5"], []),
    ],
)
def test_thousands_are_never_read_as_decimals(tmp_path: Path, pieces: list[str], rejected: list[str]) -> None:
    lines = ["Article;Name;Qty", *(f"A{at};x;{text}" for at, text in enumerate(pieces))]
    (tmp_path / "stock.csv").write_text("\n".join(lines))
    reading = read_file(tmp_path / "stock.csv", [contract()])
    assert [finding.cell for finding in reading.findings if finding.severity == "reject"] == rejected


@pytest.mark.parametrize(
    ("delimiter", "prices", "found"),
    [
        (";", ["2,500", "1,250"], ["C2", "C3"]),
        (";", ["2,500", "1,250.50"], []),
        (";", ["1,250,000", "2,500"], []),
        (";", ["2500", "1250"], []),
        ("|", ["2,500", "1,250"], []),
    ],
)
def test_a_comma_before_three_digits_is_a_finding_in_a_file_parted_by_semicolons(
    tmp_path: Path, delimiter: str, prices: list[str], found: list[str]
) -> None:
    lines = [["Article", "Pieces", "Price"], *(["A1", "5", price] for price in prices)]
    path = tmp_path / "prices.csv"
    path.write_text("".join(delimiter.join(line) + "\n" for line in lines))
    reading = read_file(path, [Workbook(rows=Priced, path="*", owner="o@example.org")])
    assert [one.cell for one in reading.findings] == found


def test_no_word_is_searched_to_its_end_from_each_of_its_letters() -> None:
    """A cell of 40,000 times the same letter took 14 CPU seconds: what a pattern repeats is bounded."""
    for pattern, *_ in mojibake._CODE_PAGES:
        assert not re.search(r"(?:\\w|\])[*+]", pattern.pattern), pattern.pattern
    assert not is_misread("é" * 40_000)
