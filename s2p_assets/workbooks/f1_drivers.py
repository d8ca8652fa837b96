"""Drivers. Their results are in `f1_results.py`."""

from s2p_assets import Code, Date, Row, Text, Workbook, column


class Driver(Row):
    """One driver, from the race office's database."""

    driver_id: Code = column(description="The driver's number in this data")
    driver_ref: Code = column(description="A short name")
    car_number: Code = column("Number", description="The number on the car", nullable=True)
    letters: Code = column("Code", description="Three letters", nullable=True)
    forename: Text = column(description="First name")
    surname: Text = column(description="Last name")
    born_on: Date = column("Dob", "Born on", description="Day of birth", formats=("%Y-%m-%d", "%m/%d/%Y"))
    nationality: Text = column(description="Nationality")


drivers = Workbook(
    rows=Driver,
    path="f1/**/drivers*.*",
    owner="race-office@example.com",
    key=("driver_id",),
    na_values=("\\N",),
    ignores=("url",),
)
