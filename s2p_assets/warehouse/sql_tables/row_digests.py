"""The digest of a table's rows, taken by PostgreSQL: of any part of them, so that a change is a part out and a part in.

That of frames is in `tables/content_versions.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from s2p_assets.contracts.columns import Column

Run = Callable[[sql.Composable], psycopg.Cursor[Any]]
"""Runs one statement of a making."""


@dataclass(frozen=True, slots=True)
class RowDigest:
    """Two hashes of 64 bits over rows in any order; as no row is there twice, a row's hash takes it in or out."""

    first: int = 0
    second: int = 0
    rows: int = 0

    def __xor__(self, other: "RowDigest") -> "RowDigest":
        return RowDigest(self.first ^ other.first, self.second ^ other.second, self.rows)

    def version(self, rows: int) -> str:
        """As a content version of so many rows."""
        mask = (1 << 64) - 1
        return f"{rows:x}-{self.first & mask:016x}{self.second & mask:016x}"


def row_hash(row: sql.Composable, seed: int) -> sql.Composed:
    """A hash of 64 bits of a row, of which sums and exclusive ors may be taken.

    PostgreSQL's own hash of a row is a sum over its values, in which no value is 0 and the number 0 the seed: two rows
    that exchange the two would leave an exclusive or as it was.
    """
    return sql.SQL("hashtextextended(hash_record_extended({0}, {1})::text, {1})").format(row, sql.Literal(seed))


def row_digest(run: Run, rows: sql.Composable, columns: Sequence[Column]) -> RowDigest:
    """The digest of `rows`, a from item."""
    row = sql.SQL("row({})").format(sql.SQL(", ").join(sql.Identifier(column.name) for column in columns))
    query = sql.SQL("select coalesce(bit_xor({}), 0), coalesce(bit_xor({}), 0), count(*) from {}").format(
        row_hash(row, 1), row_hash(row, 2), rows
    )
    found = run(query).fetchone()
    assert found is not None
    return RowDigest(*found)
