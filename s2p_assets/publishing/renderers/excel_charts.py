"""Native Excel charts, drawn from the same `Plot` as those on the page.

Where a chart stands belongs to `excel`; what it shows belongs to the report.
"""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import ReportColumn, ValueFormat
from s2p_assets.publishing.charts.plots import Plot, band_colour
from s2p_assets.publishing.charts.vega import PRINT_PALETTE
from s2p_assets.publishing.renderers.excel_cells import NUMBER_FORMATS, ReportBook

SHEET = "Chart data"
SERIES = PRINT_PALETTE.series
EXCEL_DASHES = ("solid", "dash", "round_dot", "long_dash")
GREY = {"color": PRINT_PALETTE.text, "size": 9}
EXCEL_CHART_WIDTH, EXCEL_CHART_HEIGHT = 880, 380


def plot_table(plot: Plot) -> tuple[pd.DataFrame, tuple[ReportColumn, ...]]:
    """The chart's numbers as a table: the place, every line or bar, and the ends of the band."""
    place: ValueFormat = "date" if plot.over_time else "text" if plot.x.dtype == object else "number"
    named = {plot.x_title: plot.x, **plot.lines}
    if plot.low is not None and plot.high is not None:
        named |= {f"{plot.chart.band_title}, from": plot.low, f"{plot.chart.band_title}, to": plot.high}
    frame = pd.DataFrame({f"c{n}": values for n, values in enumerate(named.values())})
    kinds = [place, *[plot.chart.format] * (len(named) - 1)]
    columns = (ReportColumn(f"c{n}", title, kinds[n]) for n, title in enumerate(named))
    return frame, tuple(columns)


@dataclass
class ChartData:
    """The last sheet of a workbook, where the numbers that its charts draw stand side by side."""

    tables: list[tuple[int, pd.DataFrame, tuple[ReportColumn, ...]]] = field(default_factory=list)
    next_column: int = 0

    def add(self, plot: Plot) -> "PlacedChart":
        """Keep the plot's numbers; returns where on the sheet they will stand."""
        frame, columns = plot_table(plot)
        has_band = plot.low is not None
        if has_band:
            frame, columns = _with_stack(frame, columns)
        self.tables.append((self.next_column, frame, columns))
        drawn = PlacedChart(plot, self.next_column, len(frame), has_band)
        self.next_column += len(columns) + 1
        return drawn

    def write(self, book: ReportBook) -> None:
        """Add the sheet, if there are charts."""
        if not self.tables:
            return
        sheet = book.workbook.add_worksheet(SHEET)
        sheet.freeze_panes(1, 0)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        for column, frame, columns in self.tables:
            widths = book.widths(frame, columns)
            book.write_table(sheet, 0, column, frame, columns, widths)
            for at, width in enumerate(widths, column):
                sheet.set_column(at, at, width)


def _with_stack(
    frame: pd.DataFrame, columns: tuple[ReportColumn, ...]
) -> tuple[pd.DataFrame, tuple[ReportColumn, ...]]:
    """Two columns that Excel stacks to draw the band: an unseen foot and the band's height on it.

    Before the band begins the foot follows the lines with no height, because Excel takes a blank for 0 and would
    draw a wedge from there.
    """
    low, high = columns[-2].name, columns[-1].name
    lines = frame[[column.name for column in columns[1:-2]]]
    foot = frame[low].fillna(lines.bfill(axis=1).iloc[:, 0]).ffill().bfill()
    stack = frame.assign(foot=foot, height=(frame[high] - frame[low]).fillna(0.0))
    kind = columns[-1].format
    more = (ReportColumn("foot", "Foot of the band", kind), ReportColumn("height", "Height of the band", kind))
    return stack, (*columns, *more)


@dataclass(frozen=True, slots=True)
class PlacedChart:
    """A plot and where its numbers stand: from which column on the sheet of chart data, and how many rows."""

    plot: Plot
    column: int
    rows: int
    has_band: bool

    def chart(self, book: ReportBook) -> Any:
        """A new native chart of the plot."""
        if self.plot.chart.kind == "bar":
            chart = book.workbook.add_chart({"type": "bar" if self.plot.is_horizontal else "column"})
            self._add_lines(chart, is_line=False)
        elif self.has_band:
            chart = self._add_band(book.workbook.add_chart({"type": "area", "subtype": "stacked"}))
            lines = book.workbook.add_chart({"type": "line"})
            self._add_lines(lines, is_line=True)
            chart.combine(lines)
        else:
            chart = book.workbook.add_chart({"type": "line"})
            self._add_lines(chart, is_line=True)
        return self._dressed(chart)

    def _range(self, nth: int) -> list[Any]:
        return [SHEET, 1, self.column + nth, self.rows, self.column + nth]

    def _series(self, nth: int) -> dict[str, Any]:
        return {
            "name": [SHEET, 0, self.column + nth],
            "categories": self._range(0),
            "values": self._range(nth),
        }

    def _add_lines(self, chart: Any, *, is_line: bool) -> None:
        for n, values in enumerate(self.plot.lines.values()):
            colour = SERIES[n % len(SERIES)]
            if is_line:
                marker = {"type": "circle" if values.notna().sum() == 1 else "none"}
                line = {"color": colour, "width": 2.25, "dash_type": EXCEL_DASHES[n % len(EXCEL_DASHES)]}
                chart.add_series({**self._series(n + 1), "line": line, "marker": marker})
            else:
                chart.add_series({**self._series(n + 1), "fill": {"color": colour}, "gap": 60})

    def _add_band(self, chart: Any) -> Any:
        foot = len(self.plot.lines) + 3
        colour = SERIES[band_colour(self.plot)]
        unseen = {"fill": {"none": True}, "border": {"none": True}}
        shaded = {"fill": {"color": colour, "transparency": 78}, "border": {"none": True}}
        chart.add_series(self._series(foot) | unseen)
        chart.add_series(self._series(foot + 1) | shaded | {"name": self.plot.chart.band_title.lstrip("=")})
        return chart

    def _dressed(self, chart: Any) -> Any:
        plot = self.plot
        chart.set_title({"name": plot.chart.title.lstrip("="), "name_font": {"size": 12}})
        chart.set_size({"width": EXCEL_CHART_WIDTH, "height": EXCEL_CHART_HEIGHT})
        unseen = {"delete_series": [0]} if self.has_band else {}
        is_alone = len(plot.lines) == 1 and not self.has_band
        chart.set_legend({"none": True} if is_alone else {"position": "bottom", **unseen})
        places, numbers = _places_axis(plot), _numbers_axis(plot)
        chart.set_x_axis(numbers if plot.is_horizontal else places)
        chart.set_y_axis(places if plot.is_horizontal else numbers)
        return chart


def _places_axis(plot: Plot) -> dict[str, Any]:
    axis = {"num_font": GREY, "line": {"color": "#C9CED6"}, "major_tick_mark": "none", "reverse": plot.is_horizontal}
    axis["major_gridlines"] = {"visible": False}
    if not plot.over_time:
        return axis
    axis["num_format"] = "d mmm yy"
    if plot.chart.kind == "bar":
        return axis | {"text_axis": True, "interval_unit": -(-len(plot.x) // 12)}
    months = round((plot.x.max() - plot.x.min()).days / 300)
    step = {"major_unit": months, "major_unit_type": "months"} if months else {}
    return axis | {"date_axis": True, **step}


def _numbers_axis(plot: Plot) -> dict[str, Any]:
    written = NUMBER_FORMATS[plot.chart.format]
    is_large = any(values.abs().max() >= 10 for values in plot.lines.values())
    return {
        "num_font": GREY,
        "num_format": "#,##0" if is_large and plot.chart.format in ("money", "number") else written,
        "major_gridlines": {"visible": True, "line": {"color": "#E3E6EB"}},
        "line": {"none": True},
    }
