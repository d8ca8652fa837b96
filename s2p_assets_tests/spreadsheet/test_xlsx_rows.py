"""Promises of cutting plain rows all at once: exactly the cells that are written, or a refusal."""

import pytest

from s2p_assets.spreadsheet.readers.xlsx_rows import plain_cells

ROWS = (
    '<row r="9" spans="1:3"><c r="A9" t="s"><v>0</v></c><c r="AB9"/><c r="XFD9" s="3"><v>-1.5E3</v></c></row>'
    '<row r="10"/><row r="11"></row>'
    '<row r="1048576" ht="15"><c r="C1048576" s="1"></c><c r="D1048576" t="str"><v>é &amp; x</v></c></row>'
)


def test_plain_cells_have_address_attributes_and_value() -> None:
    cells = plain_cells(ROWS)
    assert cells is not None
    found = zip(cells.columns, cells.rows, cells.attributes.to_pylist(), cells.values.to_pylist(), strict=True)
    assert list(found) == [
        (1, 9, ' t="s"', "0"),
        (16_384, 9, ' s="3"', "-1.5E3"),
        (4, 1_048_576, ' t="str"', "é &amp; x"),
    ]


def test_rows_without_a_value_are_plain_and_empty() -> None:
    cells = plain_cells('<row r="1"><c r="A1"/></row>')
    assert cells is not None
    assert len(cells.rows) == len(cells.columns) == len(cells.values) == 0


@pytest.mark.parametrize(
    "odd",
    [
        "",
        " ",
        "</row>",
        '<row r="1">',
        '<row><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c><v>1</v></c></row>',
        '<row r="1"> <c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A2"><v>1</v></c></row>',
        '<row r="1"><c r="A12"><v>1</v></c></row>',
        '<row r="12"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c s="1" r="A1"><v>1</v></c></row>',
        "<row r='1'><c r='A1'><v>1</v></c></row>",
        '<row r="1"><c r="a1"><v>1</v></c></row>',
        '<row r="1"><c r="1"><v>1</v></c></row>',
        '<row r="1"><c r="AAAA1"><v>1</v></c></row>',
        '<row r=""><c r="A"><v>1</v></c></row>',
        '<row r="12345678"><c r="A12345678"><v>1</v></c></row>',
        '<row r="1x"><c r="A1x"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><f>B1</f><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>',
        '<row r="1"><c r="A1"><v/></c></row>',
        '<row r="1"><c r="A1"><v>1</v><v>2</v></c></row>',
        '<row r="1"><c r="A1"><v>1 > 0</v></c></row>',
        '<row r="1"><c r="A1"><v>1</c></v></row>',
        '<row r="1"><c r="A1"><v>1</v></row>',
        '<row r="1"><!-- a --><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><row r="2"></row></row>',
        '<row r="1"><c r="A1">1</c></row>',
        '<row r="1"><x:c r="A1"><v>1</v></x:c></row>',
        '<c r="A1"><v>1</v></c>',
    ],
)
def test_whatever_is_written_otherwise_is_refused(odd: str) -> None:
    assert plain_cells(odd) is None
