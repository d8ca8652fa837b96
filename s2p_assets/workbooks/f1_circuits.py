"""Where races are held. The races themselves are in `f1_races.py`."""

from s2p_assets import Code, Integer, Number, Row, Text, Workbook, column


class Circuit(Row):
    """One race track, from the race office's database."""

    circuit_id: Code = column(description="The track's number")
    circuit_ref: Code = column(description="A short name for it")
    name: Text = column(description="What it is called")
    location: Text = column(description="The town")
    country: Text = column(description="The country")
    lat: Number = column(description="Degrees north", ge=-90, le=90)
    lng: Number = column(description="Degrees east", ge=-180, le=180)
    alt: Integer = column(description="Metres above the sea", nullable=True)


circuits = Workbook(
    rows=Circuit,
    path="f1/**/circuits*.*",
    owner="race-office@example.com",
    key=("circuit_id",),
    na_values=("\\N",),
    ignores=("url",),
)
