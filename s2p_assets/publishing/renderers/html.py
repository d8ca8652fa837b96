"""A report as one HTML file that opens offline, on a screen, on a phone and on paper.

What the report says comes in as a Document; how it looks stands in `templates/`.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from s2p_assets.contracts.report import Document, Imprint, Section
from s2p_assets.publishing.charts.chart_headlines import chart_headline
from s2p_assets.publishing.charts.plots import Plot, legend_of, plot_of
from s2p_assets.publishing.charts.point_ids import point_ids
from s2p_assets.publishing.charts.vega import chart_svg, describe_plot
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.document.report_terms import term_of
from s2p_assets.publishing.renderers.atomic_file import replace_file
from s2p_assets.publishing.renderers.page_parts import figure_card, made_at_text, source_text, table_cells

TEMPLATES = Path(__file__).parent / "templates"
BREAK_AFTER = re.compile(r"([/@_])(?=\S)")
WIDE_CHART, NARROW_CHART, CHART_HEIGHT = 960, 360, 300


def write_html(document: Document, target: Path, imprint: Imprint, *, index: str = "") -> Path:
    """Write the report to `target` and return it; the Excel of the same name beside it is linked.

    `index`: the relative address of the page of all reports, where there is one.
    The same arguments give the same bytes. Raises OSError when `target` cannot be written.
    """
    page = render_html(document, imprint, beside=target.stem, index=index)
    with replace_file(target) as draft:
        draft.write_text(page, encoding="utf-8", newline="\n")
    return target


def render_html(document: Document, imprint: Imprint, *, beside: str, index: str = "") -> str:
    """The report's page; `beside` is the name of its Excel and PDF files, without their endings."""
    return render_template(
        "report.html.j2",
        document=document,
        where_from=imprint.trace_command("ID", document.as_of),
        name=imprint.name,
        which=imprint.which_edition(document.as_of),
        as_of=wording.format_long_date(document.as_of),
        made_at=made_at_text(imprint),
        figures=[figure_card(figure, place, imprint.currency) for place, figure in enumerate(document.figures)],
        abreast=_cards_in_a_row(len(document.figures)),
        sections=[_part(section, place, imprint.currency) for place, section in enumerate(document.sections)],
        sources=[source_text(source) for source in imprint.sources],
        index=index,
        excel=quote(f"{beside}.xlsx"),
        pdf=quote(f"{beside}.pdf"),
    )


def render_template(template: str, **values: Any) -> str:
    """A page made from one of the templates; every value is escaped."""
    return _environment().get_template(template).render(language=wording.language_tag(), **values)


def prepare_templates() -> None:
    """Compile the templates, so that whoever is forked has them."""
    for template in TEMPLATES.glob("*.html.j2"):
        _environment().get_template(template.name)


@functools.cache
def _environment() -> Any:
    import jinja2

    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"breakable": _breakable, "explained": _explained}
    return environment


def _breakable(text: str) -> Any:
    """A cell's text that may be broken after `/`, `@` and `_`, as paths and addresses have no spaces."""
    from markupsafe import Markup, escape

    return Markup(BREAK_AFTER.sub(r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped before


def _explained(title: str) -> Any:
    """A title with the place for a link to the word that explains it, where there is one."""
    from markupsafe import Markup

    term = term_of(title)
    return Markup('<a data-term="{}">{}</a>').format(term.id, title) if term else title


def _cards_in_a_row(cards: int) -> int:
    """How many cards stand in a full row, so that no card is left alone in the last one."""
    return cards if cards <= 4 else 3 if cards % 3 == 0 else 5 if cards % 5 == 0 else 4


def _part(section: Section, place: int, currency: str) -> dict[str, Any]:
    plot = plot_of(section)
    rows = table_cells(section, place, currency)
    is_empty = plot is None and rows is None
    return {
        "id": f"section-{place + 1}",
        "title": section.title,
        "says": section.says,
        "description": section.description,
        "chart": None if plot is None else _drawing(plot, currency, point_ids(section, place, plot)),
        "table": rows,
        "empty": section.when_empty if is_empty and (section.chart or section.columns) else "",
    }


def _drawing(plot: Plot, currency: str, ids: Mapping[tuple[int, int], str]) -> dict[str, Any]:
    from markupsafe import Markup

    sizes = {"wide": WIDE_CHART, "narrow": NARROW_CHART}
    drawn = {
        name: chart_svg(plot, width=width, height=CHART_HEIGHT, currency=currency, ids=ids)
        for name, width in sizes.items()
    }
    title, unit = plot.chart.title, plot.chart.y_title
    return {
        "title": title,
        "says": chart_headline(plot, currency),
        "shows": f"{title}. {describe_plot(plot, currency)}",
        "unit": wording.format_column_title(unit, plot.chart.format, currency) if unit else "",
        "legend": legend_of(plot),
        "pictures": {name: Markup(picture) for name, picture in drawn.items()},  # noqa: S704 - Vega escaped its texts
    }
