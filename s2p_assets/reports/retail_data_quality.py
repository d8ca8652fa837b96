"""The letter on data quality: what came in, what went back and to whom, what is still open, how fresh everything is.

The files it tells of are noted where they are taken; what is wrong in one is told to its owner in the marked copy.
"""

from s2p_assets import Document, Frame, NotYet, SourceTable, freshness_by_kind, pluralize, report, sections

NOTES = (
    "Rows read are always rows taken, rows returned and rows held together. A file that could not be read at all "
    "counts as a file, without rows.",
    "The same bytes under another name are taken once; the second file is told as the same as another.",
    "Days are those on which s2p saw a file first, or on which it was saved where the text says so, in UTC.",
)


@report(title="Retail data quality", owner="data@example.com")
def data_quality(deliveries: Frame) -> Document:
    """What came in and what of it was taken, what went back and to whom, what is open, and how fresh each kind is.

    One edition per day on which files came in; made again whenever a file was taken, returned or taken away.
    """
    arrivals = sections.deliveries.Deliveries(SourceTable("deliveries", deliveries, key=("path", "version")))
    if arrivals.files.empty:
        nobodys = len(arrivals.unclaimed_files)
        besides = f"; nobody claims the {pluralize(nobodys, 'file')} on the share" if nobodys else ""
        raise NotYet(f"no file has come in yet{besides}")
    return Document(
        title="Retail data quality",
        as_of=arrivals.last_day.date(),
        headline=sections.deliveries.describe_deliveries(arrivals),
        figures=sections.deliveries.delivery_figures(arrivals),
        sections=(
            sections.deliveries.open_files(arrivals),
            sections.deliveries.late_and_missing(arrivals),
            sections.deliveries.held_files(arrivals),
            sections.deliveries.gone_files(arrivals),
            sections.deliveries.unclaimed_files(arrivals),
            sections.deliveries.returned_by_owner(arrivals),
            freshness_by_kind(arrivals),
            sections.deliveries.recent_arrivals(arrivals),
        ),
        notes=NOTES,
        action=sections.deliveries.what_to_decide(arrivals),
    )
