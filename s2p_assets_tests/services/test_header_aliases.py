"""Headers that people matched: written into contracts as a person would, and refused where that would be wrong."""

from pathlib import Path

import psycopg
import pytest

from s2p_assets.contracts.columns import Code, Row, column
from s2p_assets.services.header_aliases import AliasRefused, refresh_aliases, with_header
from s2p_assets.services.kept_aliases import kept_aliases
from s2p_assets.settings import Settings
from s2p_assets.warehouse.files.header_aliases import forget_alias, list_aliases, note_taken, remember_alias


class Thing(Row):
    """A thing."""

    quantity: Code = column("Quantity", "Qty", description="Pieces")


QUANTITY = Thing.s2p_columns[0]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ('column("Quantity", "Qty", description="é")', 'column("Quantity", "Qty", "Qty sold", description="é")'),
        ('column("Menge €", ge=1)', 'column("Menge €", "Qty sold", ge=1)'),
        (
            'column(\n        "Quantity",\n        ge=1,\n    )',
            'column(\n        "Quantity", "Qty sold",\n        ge=1,\n    )',
        ),
        ('column(description="x")', 'column("Quantity", "Qty sold", description="x")'),
        ("column()", 'column("Quantity", "Qty sold")'),
    ],
)
def test_a_header_stands_behind_those_that_stand_there(declared: str, expected: str) -> None:
    source = '"""Things."""\n\n\nclass Thing(Row):\n    other: Code = column("Other")\n    quantity: Code = {}\n'
    assert with_header(source.format(declared), QUANTITY, "Qty sold") == source.format(expected)


@pytest.mark.parametrize(
    "declared", ["shared_quantity()", "columns.quantity", 'column("A")\n    quantity: Code = column("B")']
)
def test_a_column_that_is_declared_otherwise_is_left_to_a_person(declared: str) -> None:
    with pytest.raises(AliasRefused, match="by hand"):
        with_header(f"class Thing(Row):\n    quantity: Code = {declared}\n", QUANTITY, "Qty sold")


def test_a_header_with_quotes_is_written_as_python_reads_it() -> None:
    source = 'class Thing(Row):\n    quantity: Code = column("Quantity")\n'
    written = with_header(source, QUANTITY, 'a "b" \\ c')
    assert 'column("Quantity", "a \\"b\\" \\\\ c")' in written


def test_the_list_is_the_warehouses_and_its_copy_follows(conn: psycopg.Connection, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert kept_aliases(settings) == {}
    remember_alias(conn, "acme_orders", "quantity", "Qty sold", "qtysold", "ann@example.com")
    remember_alias(conn, "acme_orders", "price", "QTY SOLD", "qtysold", "bob@example.com")  # the last word counts
    refresh_aliases(settings, conn)
    assert kept_aliases(settings) == {"acme_orders": {"price": ["QTY SOLD"]}}
    note_taken(conn, "acme_orders", "qtysold")
    assert [(one.added_by, one.taken_at is not None) for one in list_aliases(conn)] == [("bob@example.com", True)]
    assert forget_alias(conn, "acme_orders", "qtysold")
    assert not forget_alias(conn, "acme_orders", "qtysold")
    refresh_aliases(settings, conn)
    assert kept_aliases(settings) == {}
