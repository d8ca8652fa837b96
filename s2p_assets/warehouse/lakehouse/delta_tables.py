"""A lakehouse: a folder or a bucket of object storage with a Delta table for each table, and when each was so.

What s2p knows of a version stands in its own commit, so that a target which was wiped, moved or written by others is
known for what it is. Nothing is ever removed: every version can be read for as long as nobody vacuums.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2p_assets.contracts.errors import MendableError
from s2p_assets.warehouse.lakehouse.buckets import BUCKET, Bucket

if TYPE_CHECKING:
    import pyarrow

S2P = "s2p"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
MOMENTS = ("s2p", "moments")
KEPT_FOR_EVER = {
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}
"""Who vacuums with the defaults of the tables removes nothing."""


class LakehouseUnwritable(MendableError):
    """The target cannot be written or read; one line with the reason and what to do."""


@dataclass(frozen=True)
class Written:
    """What s2p noted of a version of a Delta table when it wrote it; `ours`: whether the newest version is s2p's.

    `content`: the version of the table's content; `count`: of buckets, of which `buckets` have rows.
    """

    version: int
    ours: bool
    moment: dt.datetime | None = None
    content: str = ""
    columns: str = ""
    count: int = 1
    buckets: Mapping[int, Bucket] = field(default_factory=dict)


@dataclass(frozen=True)
class Commit:
    """What a version is of: the moment, and the content by its version and its buckets."""

    moment: dt.datetime
    content: str
    count: int
    buckets: Mapping[int, Bucket]


@dataclass(frozen=True)
class Lakehouse:
    """Where the tables lie: a folder, or the address of object storage such as `s3://bucket/s2p`, with its options."""

    root: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_folder(self) -> bool:
        return "://" not in self.root

    def place(self, domain: str, name: str) -> str:
        return f"{self.root}/{domain}/{name}"

    def require(self) -> None:
        """Raises LakehouseUnwritable where the extra is missing, or the folder above the tables."""
        try:
            import deltalake  # noqa: F401
        except ImportError:
            raise LakehouseUnwritable(
                "Delta tables need the extra `lakehouse`: pip install 's2p-assets[lakehouse]'"
            ) from None
        if self.is_folder and not Path(self.root).parent.is_dir():
            raise LakehouseUnwritable(
                f"{self.root}: there is no folder {Path(self.root).parent}; make it, or connect its disk"
            )

    def written(self, domain: str, name: str) -> Written | None:
        """What stands there; None where nothing does. Raises LakehouseUnwritable."""
        place = self.place(domain, name)
        with _told(place):
            table = self._open(place)
            return None if table is None else _written(table.version(), table.history(1)[0])

    def read_bucket(
        self, domain: str, name: str, number: int, version: int, columns: Sequence[str] = ()
    ) -> "pyarrow.Table":
        """The rows of one bucket, all columns or some of them. Raises LakehouseUnwritable."""
        from deltalake import DeltaTable

        place = self.place(domain, name)
        with _told(place):
            table = DeltaTable(place, version=version, storage_options=dict(self.options))
            return table.to_pyarrow_table(filters=[(BUCKET, "=", number)], columns=list(columns) or None)

    def replace(
        self, domain: str, name: str, rows: "pyarrow.RecordBatchReader", commit: Commit, only: Iterable[int] | None
    ) -> int:
        """Put rows in place of those of the buckets `only`, or of all; the new version. Raises LakehouseUnwritable."""
        from deltalake import write_deltalake

        place, more = self.place(domain, name), dict[str, Any]()
        if only is None:
            more["schema_mode"] = "overwrite"
        else:
            more["predicate"] = f"{BUCKET} in ({', '.join(map(str, sorted(only)))})"
        with _told(place):
            write_deltalake(place, rows, mode="overwrite", **self._terms(_noted(rows.schema, commit), [BUCKET]), **more)
            table = self._open(place)
            assert table is not None
            return int(table.version())

    def last_moment(self) -> dt.datetime | None:
        """The newest moment of which a version is noted, None where nothing is. Raises LakehouseUnwritable."""
        place = self.place(*MOMENTS)
        with _told(place):
            return self._noted(place)[1]

    def note_moments(self, names: Iterable[tuple[str, str]]) -> int:
        """Note in the table of moments which version each table had when; how many were not noted yet."""
        import pyarrow
        from deltalake import write_deltalake

        place = self.place(*MOMENTS)
        with _told(place):
            noted, _ = self._noted(place)
            new = [row for domain, name in names for row in self._moments_of(domain, name, noted)]
            if new:
                known = noted | {f"{row['domain']}/{row['table']}": row["version"] for row in new}
                said = {"versions": known, "last": max(row["moment"] for row in new).isoformat()}
                rows = pyarrow.Table.from_pylist(new, schema=_moments_schema())
                write_deltalake(place, rows, mode="append", **self._terms(said, []))
            return len(new)

    def _noted(self, place: str) -> tuple[dict[str, int], dt.datetime | None]:
        """(table → its newest version that is noted, the newest moment)."""
        table = self._open(place)
        if table is None:
            return {}, None
        said = json.loads(table.history(1)[0].get(S2P) or "{}")
        if "versions" in said:
            return said["versions"], dt.datetime.fromisoformat(said["last"])
        rows = table.to_pyarrow_table().sort_by("version").to_pylist()  # somebody else wrote last
        newest = max((row["moment"] for row in rows), default=None)
        return {f"{row['domain']}/{row['table']}": row["version"] for row in rows}, newest

    def _moments_of(self, domain: str, name: str, noted: Mapping[str, int]) -> Iterator[dict[str, Any]]:
        table = self._open(self.place(domain, name))
        last = noted.get(f"{domain}/{name}", -1)
        if table is None or table.version() <= last:
            return
        for commit in reversed(table.history(table.version() - last)):
            found = _written(commit["version"], commit)
            if found.ours:
                rows = sum(bucket.rows for bucket in found.buckets.values())
                yield {"moment": found.moment, "domain": domain, "table": name, "version": found.version, "rows": rows}

    def _open(self, place: str) -> Any:
        """The Delta table there, or None."""
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        try:
            return DeltaTable(place, storage_options=dict(self.options))
        except TableNotFoundError:
            return None

    def _terms(self, said: Mapping[str, Any], partition_by: list[str]) -> dict[str, Any]:
        """How every version is written."""
        from deltalake import CommitProperties, PostCommitHookProperties, WriterProperties

        return {
            "partition_by": partition_by or None,
            "storage_options": dict(self.options),
            "configuration": KEPT_FOR_EVER,
            "writer_properties": WriterProperties(compression="ZSTD"),
            "commit_properties": CommitProperties(custom_metadata={S2P: json.dumps(said, separators=(",", ":"))}),
            "post_commithook_properties": PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False),
        }


def schema_text(schema: "pyarrow.Schema") -> str:
    """The columns of a version in words, by which another shape is known."""
    return ", ".join(f"{one.name} {one.type}" for one in schema)


def _noted(schema: "pyarrow.Schema", commit: Commit) -> dict[str, Any]:
    return {
        "moment": commit.moment.isoformat(),
        "content": commit.content,
        "columns": schema_text(schema),
        "count": commit.count,
        "buckets": {str(number): [one.rows, one.digest] for number, one in sorted(commit.buckets.items())},
    }


def _written(version: int, commit: Mapping[str, Any]) -> Written:
    said = json.loads(commit.get(S2P) or "{}")
    if "moment" not in said:
        return Written(version, ours=False)
    buckets = {int(number): Bucket(*known) for number, known in said["buckets"].items()}
    moment = dt.datetime.fromisoformat(said["moment"])
    return Written(version, True, moment, said["content"], said["columns"], said["count"], buckets)


def _moments_schema() -> "pyarrow.Schema":
    import pyarrow

    return pyarrow.schema(
        [
            ("moment", pyarrow.timestamp("us", tz="UTC")),
            ("domain", pyarrow.string()),
            ("table", pyarrow.string()),
            ("version", pyarrow.int64()),
            ("rows", pyarrow.int64()),
        ]
    )


@contextmanager
def _told(place: str) -> Iterator[None]:
    """What kept a target from being read or written, in one line."""
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError) as error:
        raise LakehouseUnwritable(f"{place}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    text = " ".join(_COLOURS.sub("", str(error)).replace("↳", "").split())
    if "No space left" in text or "os error 28" in text:
        return "the disk is full; make room there, and the next export goes on; nothing half-done is shown"
    if "Permission denied" in text or "os error 13" in text or "os error 30" in text:
        return "s2p may not write there; give it the right, and the next export goes on"
    return f"cannot be reached or written ({text[:300]}); see that it is there, and the next export goes on"
