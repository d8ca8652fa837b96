"""Workbooks of any size for measurement, written cell by cell as Excel writes them: shared strings, styles, no extras.

What is done with them, and how long it takes, belongs to `ingestion.py`.
"""

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets_tests.benchmarks.company.workbooks.company_sales import CHANNELS

HEADERS = ("Order", "Day", "SKU", "Channel", "Quantity", "Unit price", "Discount", "Customer")
ROWS_AT_ONCE = 50_000
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SMALL_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    + "".join(
        f'<Override PartName="/xl/{part}.xml" '
        f'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml"/>'
        for part, kind in (
            ("workbook", "sheet.main"),
            ("worksheets/sheet1", "worksheet"),
            ("styles", "styles"),
            ("sharedStrings", "sharedStrings"),
        )
    )
    + "</Types>",
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATED}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATED}">'
    '<sheets><sheet name="Sales" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATED}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_RELATED}/styles" Target="styles.xml"/>'
    f'<Relationship Id="rId3" Type="{_RELATED}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font>'
    '</fonts><fills count="1"><fill><patternFill patternType="none"/></fill></fills><borders count="1"><border/>'
    '</borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf numFmtId="0" xfId="0"/>'
    '<xf numFmtId="14" xfId="0" applyNumberFormat="1"/><xf numFmtId="4" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="10" xfId="0" applyNumberFormat="1"/></cellXfs><cellStyles count="1">'
    '<cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


@dataclass(frozen=True)
class Sales:
    """Rows of the benchmark's workbook; texts are shared strings, so they are indices here."""

    order_no: npt.NDArray[np.int64]
    sold_on: npt.NDArray[np.int64]
    sku: npt.NDArray[np.int64]
    channel: npt.NDArray[np.int64]
    quantity: npt.NDArray[np.int64]
    unit_price_cents: npt.NDArray[np.int64]
    discount_percent: npt.NDArray[np.int64]
    customer: npt.NDArray[np.int64]


SKUS, CUSTOMERS = 5_000, 20_000
STRINGS = (
    *HEADERS,
    "n/a yet",
    *CHANNELS,
    *(f"{'ABCDEFGH'[number % 8]}X-{number:05}" for number in range(SKUS)),
    *(f"Customer {number} & Sons" for number in range(CUSTOMERS)),
)
_UNREADABLE = len(HEADERS)
_FIRST_CHANNEL = _UNREADABLE + 1
_FIRST_SKU = _FIRST_CHANNEL + len(CHANNELS)
_FIRST_CUSTOMER = _FIRST_SKU + SKUS


def sales(rows: int, *, first: int = 0, seed: int = 1) -> Sales:
    """`rows` sales whose order numbers count from `first` + 1."""
    chance = np.random.default_rng(seed)
    return Sales(
        order_no=np.arange(first + 1, first + rows + 1),
        sold_on=chance.integers(44_000, 46_000, rows),
        sku=_FIRST_SKU + chance.integers(0, SKUS, rows),
        channel=_FIRST_CHANNEL + chance.integers(0, len(CHANNELS), rows),
        quantity=chance.integers(1, 500, rows),
        unit_price_cents=chance.integers(99, 500_000, rows),
        discount_percent=chance.integers(0, 60, rows),
        customer=_FIRST_CUSTOMER + chance.integers(0, CUSTOMERS, rows),
    )


def write_workbook(path: Path, rows: Sales, *, bad: int = 0, age_seconds: int = 3600) -> Path:
    """Writes `rows` as an `.xlsx`, the quantity of `bad` of them, evenly spread, unreadable or out of its range."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in _SMALL_PARTS.items():
            archive.writestr(name, _HEAD + text)
        used = np.unique(np.concatenate([np.arange(_FIRST_CHANNEL), rows.sku, rows.channel, rows.customer]))
        archive.writestr("xl/sharedStrings.xml", "".join(_shared_strings(used)))
        texts = {name: np.searchsorted(used, getattr(rows, name)) for name in ("sku", "channel", "customer")}
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for piece in _sheet(replace(rows, **texts), bad):
                sheet.write(piece)
    _make_older(path, age_seconds)
    return path


def _make_older(path: Path, seconds: int) -> None:
    now = path.stat().st_mtime
    os.utime(path, (now - seconds, now - seconds))


def _shared_strings(used: npt.NDArray[np.int64]) -> Iterator[str]:
    yield f'{_HEAD}<sst xmlns="{_MAIN}" count="{len(used)}" uniqueCount="{len(used)}">'
    for number in used.tolist():
        yield f"<si><t>{STRINGS[number].replace('&', '&amp;')}</t></si>"
    yield "</sst>"


def _sheet(rows: Sales, bad: int) -> Iterator[bytes | memoryview]:
    count = len(rows.order_no)
    wrong = np.zeros(count, dtype=np.int8)
    wrong[np.linspace(0, count - 1, bad).astype(np.int64)] = np.arange(bad) % 2 + 1
    yield f'{_HEAD}<worksheet xmlns="{_MAIN}"><dimension ref="A1:H{count + 1}"/><sheetData>'.encode()
    cells = "".join(f'<c r="{"ABCDEFGH"[place]}1" t="s"><v>{place}</v></c>' for place in range(8))
    yield f'<row r="1" spans="1:8">{cells}</row>'.encode()
    for start in range(0, count, ROWS_AT_ONCE):
        yield _rows(rows, slice(start, start + ROWS_AT_ONCE), wrong)
    yield b"</sheetData></worksheet>"


def _rows(rows: Sales, part: slice, wrong: npt.NDArray[np.int8]) -> memoryview:
    number = pyarrow.array(np.arange(part.start + 2, part.start + 2 + len(rows.order_no[part]))).cast(pyarrow.string())
    here = wrong[part]
    quantity = np.where(here == 1, -rows.quantity[part], np.where(here == 2, _UNREADABLE, rows.quantity[part]))
    kind = pc.if_else(pyarrow.array(here == 2), ' t="s"', "")
    cells = [
        _cells("A", number, "", rows.order_no[part]),
        _cells("B", number, ' s="1"', rows.sold_on[part]),
        _cells("C", number, ' t="s"', rows.sku[part]),
        _cells("D", number, ' t="s"', rows.channel[part]),
        _cells("E", number, kind, quantity),
        _cells("F", number, ' s="2"', rows.unit_price_cents[part] / 100),
        _cells("G", number, ' s="3"', rows.discount_percent[part] / 100),
        _cells("H", number, ' t="s"', rows.customer[part]),
    ]
    written = pc.binary_join_element_wise('<row r="', number, '" spans="1:8">', *cells, "</row>", "")
    return memoryview(written.buffers()[2])


def _cells(column: str, row: pyarrow.Array, attributes: str | pyarrow.Array, values: npt.NDArray[np.generic]) -> object:
    texts = pyarrow.array(values).cast(pyarrow.string())
    return pc.binary_join_element_wise(f'<c r="{column}', row, '"', attributes, "><v>", texts, "</v></c>", "")


ORDER_HEADERS = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
_WORDS = ("SET", "OF", "6", "WHITE", "HANGING", "HEART", "T-LIGHT", "HOLDER", "RED", "RETROSPOT", "CAKE", "STAND")
_COUNTRIES = ("United Kingdom", "Germany", "France", "EIRE", "Spain", "Netherlands")


def write_orders(path: Path, rows: int, *, day: int, age_seconds: int = 3600) -> Path:
    """Writes the order lines of one day as CSV, every fourth without a customer, some without a description."""
    chance = np.random.default_rng(day)
    path.parent.mkdir(parents=True, exist_ok=True)
    date = np.datetime64("2024-01-01") + day
    names = [" ".join(chance.choice(_WORDS, 4).tolist()) for _ in range(400)]
    invoices = 500_000 + day * 200 + np.sort(chance.integers(0, 120, rows))
    minutes = np.sort(chance.integers(0, 600, rows))
    lines = [ORDER_HEADERS]
    for number in range(rows):
        article, minute = int(chance.integers(0, 400)), int(minutes[number])
        cancelled = chance.random() < 0.02
        units = -int(chance.integers(1, 9)) if cancelled else int(chance.integers(1, 96))
        customer = "" if number % 4 == 0 else f"{12_000 + int(invoices[number]) % 5_000}"
        name = "" if article == 7 else names[article]
        when = f"{date} {8 + minute // 60:02}:{minute % 60:02}:00"
        code = f"{22_000 + article}{'ABC'[article % 3] if article % 5 == 0 else ''}"
        price = int(chance.integers(10, 2_500)) / 100
        country = _COUNTRIES[0] if number % 9 else _COUNTRIES[int(invoices[number]) % 6]
        invoice = f"{'C' if cancelled else ''}{invoices[number]}"
        lines.append(f"{invoice},{code},{name},{units},{when},{price},{customer},{country}")
    path.write_text("\n".join(lines) + "\n")
    _make_older(path, age_seconds)
    return path
