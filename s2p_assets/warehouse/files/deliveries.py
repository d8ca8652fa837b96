"""The rows of a domain's deliveries, made from the ledger.

What the ledger keeps belongs to `ledger.py`; the columns are declared in `contracts/deliveries.py`.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import psycopg

from s2p_assets.contracts.columns import columns_of
from s2p_assets.contracts.deliveries import UNCLAIMED, FileDelivery
from s2p_assets.warehouse.files.change_record import change_sentence
from s2p_assets.warehouse.files.summaries import find_gone_files
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables


def delivery_rows(conn: psycopg.Connection, workbooks: Sequence[str], unclaimed: Sequence[str]) -> pd.DataFrame:
    """The rows of `FileDelivery`, by path and version, for these kinds of workbook.

    `unclaimed`: paths of files that nobody claims. A file that more than one kind of workbook might have claimed is
    shown with the one that did.
    """
    ensure_own_tables(conn)
    query = """
        with rejected as (
            select r.file as id, count(*) problems,
                (array_agg(concat_ws(': ', nullif(concat_ws(' › ', r.sheet, r.cell), ''), r.message)
                    order by r.finding_number))[1] as problem
            from s2p.rejected_cells r join s2p.files f on f.id = r.file
            where f.workbook = any(%(workbooks)s) group by r.file),
        messages as (
            select m.kind, m.content ->> 'about' as about, string_agg(distinct g.recipient, ', ') as sent_to,
                min(g.settled_at) at time zone 'UTC' as sent_at
            from s2p.matters m join s2p.message_matters t on t.matter = m.id join s2p.messages g on g.id = t.message
            where m.cleared_at is null and g.state = 'sent' group by m.id)
        select f.id as file, f.path, row_number() over (partition by f.path order by f.id) as version, f.workbook,
            f.owner, f.verdict, f.status,
            f.status = 'current' and f.verdict in ('returned', 'partly', 'held') as is_open,
            f.rows_read, f.rows_accepted, f.rows_returned, f.rows_held, null::bigint as rows_left,
            (select string_agg(q, '; ') from jsonb_array_elements_text(f.questions) q) as question, f.changes,
            coalesce(r.problems, 0) as problems, r.problem, s.sent_to, s.sent_at,
            to_timestamp(f.as_of_ns / 1e9) at time zone 'UTC' as saved_at, f.first_seen at time zone 'UTC' as seen_at,
            f.sha256
        from s2p.files f left join rejected r using (id)
            left join messages s on f.status = 'current' and (s.kind, s.about) = (f.verdict, f.path)
        where f.workbook = any(%(workbooks)s) and not (f.verdict = 'accepted' and f.headers = '{}')
        order by f.path, version"""
    claimed = conn.execute(query, {"workbooks": list(workbooks)}).fetchall()
    names = [column.name for column in columns_of(FileDelivery)]
    rows = pd.DataFrame([*claimed, *(_unclaimed_row(path) for path in sorted(unclaimed))], columns=names)
    rows["changes"] = rows["changes"].map(lambda changes: change_sentence(changes or {}) or None)
    left = {gone.file: gone.rows for gone in find_gone_files(conn) if gone.workbook in workbooks}
    rows["rows_left"] = rows["file"].map(left).astype("Int64")
    rows["is_open"] |= rows["rows_left"].notna()
    return rows


def _unclaimed_row(path: str) -> tuple[Any, ...]:
    return (
        None,
        path,
        0,
        None,
        None,
        UNCLAIMED,
        "current",
        True,
        0,
        0,
        0,
        0,
        None,
        None,
        None,
        0,
        None,
        None,
        None,
        None,
        None,
        None,
    )
