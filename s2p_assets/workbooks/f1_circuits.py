"""Where races are held. The races themselves are in `f1_races.py`."""

from s2p_assets.columns import Number, Row, Text, Whole, code, number, text, whole
from s2p_assets.spreadsheet.contract import Workbook


class Circuit(Row):
    """One race track, from the race office's database."""

    circuit_id: Text = code(says="The track's number")
    circuit_ref: Text = code(says="A short name for it")
    name: Text = text(says="What it is called")
    location: Text = text(says="The town")
    country: Text = text(says="The country")
    lat: Number = number(says="Degrees north", ge=-90, le=90)
    lng: Number = number(says="Degrees east", ge=-180, le=180)
    alt: Whole = whole(says="Metres above the sea", optional=True)


circuits = Workbook(
    rows=Circuit,
    found_at="f1/**/circuits*.*",
    owner="race-office@example.com",
    key=("circuit_id",),
    blanks=("\\N",),
    ignores=("url",),
)
