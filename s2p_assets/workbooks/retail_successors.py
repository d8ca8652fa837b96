"""Which article follows which, and in which units. How its history is carried on: `tables/retail_demand.py`."""

from s2p_assets import Code, Frame, Number, Row, Series, Text, Workbook, column, leads_back, row_rule


class Succession(Row):
    """An article that is sold under another number from now on, or in other units."""

    predecessor: Code = column(
        *("Predecessor", "Old SKU", "Old item no.", "Old item number", "Replaced SKU"),
        description="The article's number until now",
    )
    successor: Code = column(
        *("Successor", "New SKU", "New item no.", "New item number", "Replaced by"),
        description="The number under which it is sold from now on",
    )
    old_units_per_new: Number = column(
        *("Old units per new unit", "Old units per new", "Factor"),
        description="How many units of the predecessor one unit of the successor is: 12 when pieces became a case of "
        "12; 1, or nothing, when only the number changed",
        nullable=True,
        required=False,
        gt=0,
    )
    reason: Text = column("Reason", "Remark", description="Why, for those who read it", nullable=True, required=False)

    @row_rule("an article cannot follow itself, nor can those that follow it lead back to it", at="successor")
    def leads_on(cls, rows: Frame) -> Series:
        return ~leads_back(rows["predecessor"], rows["successor"])


successors = Workbook(
    rows=Succession,
    path=("successors/**/*.xls*", "successors/**/*.csv"),
    owner="planning@example.com",
    key=("predecessor",),
)
