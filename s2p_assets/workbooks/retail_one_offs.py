"""What people say of single weeks: which are no guide to the future. How they are found: `tables/retail_demand.py`."""

from s2p_assets import Code, Date, Row, Text, Workbook, column

WORDS = ("one_off", "keep")


class OneOff(Row):
    """What a person says of an article's demand in one week."""

    sku: Code = column("SKU", "Item no.", "Item number", "Article", description="The company's own article number")
    week: Date = column(
        *("Week", "Date", "Day", "Week of"),
        description="Any day of the week, such as that of the order",
        formats=("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%G-W%V"),
    )
    word: Text = column(
        *("Word", "Decision", "Verdict"),
        description="one_off: learn nothing from it; keep: it is demand like any other, however unlikely it looks",
        replace={
            "one-off": "one_off",
            "One-off": "one_off",
            "one off": "one_off",
            "One off": "one_off",
            "Keep": "keep",
        },
        isin=WORDS,
    )
    reason: Text = column("Reason", "Remark", description="Why, for those who read it", nullable=True, required=False)


one_offs = Workbook(
    rows=OneOff,
    path=("one-offs/**/*.xls*", "one-offs/**/*.csv"),
    owner="planning@example.com",
    key=("sku", "week"),
)
