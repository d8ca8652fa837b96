"""The rows of a table in buckets, which are written anew where a row of theirs changed and left alone elsewhere.

Writing them is for `delta_tables.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from s2p_assets.contracts.columns import Kind
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.sql_tables.row_digests import row_hash
from s2p_assets.warehouse.tables.table_declaration import TableDeclaration

BUCKET = "s2p_bucket"
ROWS_A_BUCKET, MOST_BUCKETS = 1 << 15, 1 << 10
SOURCE_FIELDS: tuple[tuple[str, Kind], ...] = (("s2p_path", "text"), ("s2p_sheet", "text"), ("s2p_row", "integer"))
"""What is added to the rows of workbooks: which file, sheet and row each was read from."""
_TIMES = ("date", "timestamp")
_SEPARATOR = chr(31)


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many rows a bucket has, and a digest of them in any order."""

    rows: int
    digest: str


@dataclass(frozen=True)
class BucketedRows:
    """The rows of a table as it stands in a connection, or as it was restored there, with the bucket of each.

    The rows of a workbook are in the bucket of their file, those of a feature set in that of their entity, those of a
    table in that of their key without its times; of what dbt makes without a key in that of all values.
    """

    declared: Workbook | TableDeclaration | DbtModel
    place: sql.Composable

    @property
    def fields(self) -> list[tuple[str, Kind]]:
        """The columns that are written, but for the bucket."""
        added = SOURCE_FIELDS if isinstance(self.declared, Workbook) else ()
        return [*((column.name, column.kind) for column in self.declared.columns), *added]

    def count(self, conn: psycopg.Connection) -> int:
        row = conn.execute(sql.SQL("select count(*) from {}").format(self.place)).fetchone()
        return int(row[0]) if row else 0

    def buckets(self, conn: psycopg.Connection, count: int) -> dict[int, Bucket]:
        """Bucket → what is in it, of those that have rows."""
        # rows that may be there twice would leave an exclusive or as it was
        digest = "sum({digest}::numeric)" if isinstance(self.declared, DbtModel) else "bit_xor({digest})"
        text = f"select {{bucket}}, count(*), {digest} from {{rows}} s group by 1"  # noqa: S608  one of the two above
        query = sql.SQL(text).format(
            bucket=sql.Identifier(BUCKET),
            digest=row_hash(sql.SQL("row({})").format(self._names()), 0),
            rows=self._rows(count),
        )
        return {
            number: Bucket(rows, f"{int(digest) & (1 << 64) - 1:016x}") for number, rows, digest in conn.execute(query)
        }

    def query(self, count: int, buckets: Iterable[int] | None) -> sql.Composed:
        """The rows of some buckets of `count`, or all, with the bucket as the last column."""
        query = sql.SQL("select {names}, {bucket} from {rows} s").format(
            names=self._names(), bucket=sql.Identifier(BUCKET), rows=self._rows(count)
        )
        if buckets is None:
            return query
        chosen = sql.SQL(", ").join(map(sql.Literal, sorted(buckets)))
        return query + sql.SQL(" where {} in ({})").format(sql.Identifier(BUCKET), chosen)

    def _names(self) -> sql.Composed:
        return sql.SQL(", ").join(sql.Identifier(name) for name, _ in self.fields)

    def _rows(self, count: int) -> sql.Composed:
        """The rows as a from item, with their buckets."""
        columns = sql.SQL(", ").join(sql.SQL("r.{}").format(sql.Identifier(one.name)) for one in self.declared.columns)
        added, files = sql.SQL(""), sql.SQL("")
        if isinstance(self.declared, Workbook):
            added = sql.SQL(", f.path as s2p_path, r._sheet as s2p_sheet, r._row as s2p_row")
            files = sql.SQL(" join s2p.files f on f.id = r._file")
        number = sql.SQL("(('x' || left(md5({}), 8))::bit(32)::bigint & {})::integer").format(
            self._named(), sql.Literal(count - 1)
        )
        return sql.SQL("(select {columns}{added}, {number} as {bucket} from {place}{files})").format(
            columns=columns, added=added, number=number, bucket=sql.Identifier(BUCKET), place=self._from(), files=files
        )

    def _from(self) -> sql.Composable:
        """The place under the name r."""
        if isinstance(self.declared, DbtModel):
            return sql.SQL("(select * from {}) r").format(self.place)
        return sql.SQL("{} r").format(self.place)

    def _named(self) -> sql.Composable:
        """By which text a row finds its bucket."""
        if isinstance(self.declared, Workbook):
            return sql.SQL("f.path")
        names = key_of_bucket(self.declared)
        texts = (sql.SQL("r.{}::text").format(sql.Identifier(name)) for name in names)
        return sql.SQL("concat_ws({}, {})").format(sql.Literal(_SEPARATOR), sql.SQL(", ").join(texts))


def key_of_bucket(declared: Workbook | TableDeclaration | DbtModel) -> tuple[str, ...]:
    """The columns by whose values a row of a derived table finds its bucket."""
    if isinstance(declared, FeatureSet):
        return declared.entity
    kinds = {column.name: column.kind for column in declared.columns}
    names = declared.key or tuple(kinds)
    return tuple(name for name in names if kinds[name] not in _TIMES) or names


def buckets_for(rows: int, before: int = 1) -> int:
    """How many buckets so many rows want, a power of two; never fewer than before, as then all would be written."""
    count = before
    while rows > count * ROWS_A_BUCKET and count < MOST_BUCKETS:
        count *= 2
    return count
