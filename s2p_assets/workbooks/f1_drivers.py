"""Drivers. Their results are in `f1_results.py`."""

from s2p_assets.columns import Day, Row, Text, code, day, text
from s2p_assets.spreadsheet.contract import Workbook


class Driver(Row):
    """One driver, from the race office's database."""

    driver_id: Text = code(says="The driver's number in this data")
    driver_ref: Text = code(says="A short name")
    car_number: Text = code("Number", says="The number on the car", optional=True)
    letters: Text = code("Code", says="Three letters", optional=True)
    forename: Text = text(says="First name")
    surname: Text = text(says="Last name")
    born_on: Day = day("Dob", "Born on", says="Day of birth", written=("%Y-%m-%d", "%m/%d/%Y"))
    nationality: Text = text(says="Nationality")


drivers = Workbook(
    rows=Driver,
    found_at="f1/**/drivers*.*",
    owner="race-office@example.com",
    key=("driver_id",),
    blanks=("\\N",),
    ignores=("url",),
)
