"""What was known at an earlier moment, made again from the archive up to a report's document.

Which rows stood then is the warehouse's to say; a report of today is made by its asset.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pyarrow

from s2p_assets.catalog.catalog import Declaration, Key, key_of
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.deliveries import DeliveryTable
from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.entered import contracts_for
from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.model import Contest
from s2p_assets.contracts.report import Document, Report, SourceFile
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.contracts.stream import Stream
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.validation import conform
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.learning.incremental_features import build_features
from s2p_assets.publishing.document.wording import fill_in_currency, use_locale
from s2p_assets.services.champion_as_of import champion_as_of
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.kept_aliases import kept_aliases, read_by_aliases
from s2p_assets.services.streams.rereading import rows_of_days
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.files.delivery_history import deliveries_at
from s2p_assets.warehouse.sql_tables.making import run_select
from s2p_assets.warehouse.tables import as_of as as_of_tables
from s2p_assets.warehouse.tables.as_of import LoadedVersion
from s2p_assets.warehouse.tables.contract_versions import contract_version
from s2p_assets.warehouse.tables.restored_places import as_of_table

Progress = Callable[[str], None]
FILES_NAMED = 3


@dataclass
class AsOf:
    """An earlier moment. Tables are made again when first asked for, and kept in `connection` until it is closed.

    `notices`: what could not be had as it was, a sentence each. `sources`: the files that stood then, by key.
    """

    ctx: Context
    connection: psycopg.Connection
    reader: Sandbox
    as_of: dt.datetime
    progress: Progress
    notices: list[str] = field(default_factory=list)
    sources: list[SourceFile] = field(default_factory=list)
    _known: dict[Key, Any] = field(default_factory=dict)
    _restored: set[Key] = field(default_factory=set)

    def document(self, report: Report) -> Document:
        """The report as it would have been made then. Raises NotFound for what cannot be had."""
        with use_locale(self.ctx.settings.locale):
            document = self._built(report)
            assert isinstance(document, Document)
            return fill_in_currency(document, self.ctx.settings.currency)

    def of(self, key: Key) -> Any:
        """What an asset held then: a frame, or a champion."""
        if key not in self._known:
            self._known[key] = self._made(self.ctx.catalog.by_key[key])
        return self._known[key]

    def restore(self, key: Key) -> None:
        """Put a table as it was into `connection`, without reading it where the database makes it."""
        declared = self.ctx.catalog.by_key[key]
        if not isinstance(declared, Workbook | SqlTable):
            self.of(key)
        elif key not in self._restored:
            self._say(declared)
            if isinstance(declared, Workbook):
                self._restore_rows(declared)
            else:
                self._restore_selected(declared)
            self._restored.add(key)

    def _say(self, declared: Declaration) -> None:
        self.progress(f"{declared.full_name.replace('_', ' ')}, as it was on {to_minute(self.as_of)}")

    def _made(self, declared: Declaration) -> Any:
        if isinstance(declared, Workbook | SqlTable):
            self.restore(key_of(declared))
            return as_of_tables.read_as_of(self.connection, declared.domain, declared.name, declared.columns)
        self._say(declared)
        if isinstance(declared, Contest):
            return champion_as_of(self.ctx.registry, declared, self.as_of)
        if isinstance(declared, Table | FeatureSet):
            as_of_tables.restore_derived(self.connection, declared, self._built(declared))
            return as_of_tables.read_as_of(self.connection, declared.domain, declared.name, declared.columns)
        if isinstance(declared, DeliveryTable):
            return self._delivered(declared)
        by = " is made by dbt, and" if isinstance(declared, DbtModel) else ":"
        raise NotFound(f"{declared.full_name}{by} what it was on {to_minute(self.as_of)} is not kept")

    def _restore_selected(self, declared: SqlTable) -> None:
        for key in self.ctx.catalog.inputs_of(declared).values():
            self.restore(key)
        place = as_of_tables.begin_derived(self.connection, declared)
        run_select(self.connection, declared, place, as_of_table)

    def _built(self, declared: Table | FeatureSet | Report) -> Any:
        inputs = {parameter: self.of(key) for parameter, key in self.ctx.catalog.inputs_of(declared).items()}
        cannot = f"{declared.full_name} could not be made on {to_minute(self.as_of)} yet"
        try:
            if isinstance(declared, FeatureSet):
                return build_features(declared, inputs, None, lambda frame: conform(frame, declared.rows)).frame
            built = declared.build(**inputs)
            return conform(built, declared.rows) if isinstance(declared, Table) else built
        except NotYet as reason:
            raise NotFound(f"{cannot}: {reason}") from reason
        except Exception as error:  # a shelf's own; where there is nothing to make it of, it is no fault of its
            empty = [name for name, known in inputs.items() if getattr(known, "empty", False)]
            if not empty or isinstance(error, MendableError):
                raise
            raise NotFound(f"{cannot}: {' and '.join(empty)} had no rows") from error

    def _delivered(self, table: DeliveryTable) -> Any:
        rows = deliveries_at(self.connection, table, self.as_of)
        if rows.empty:
            raise NotFound(f"{table.full_name}: what had come in by {to_minute(self.as_of)} is not kept")
        for name in table.workbooks:
            self._note_sources(
                as_of_tables.loaded_versions_at(self.connection, self.ctx.catalog.workbooks[name], self.as_of)
            )
        as_of_tables.restore_derived(self.connection, table, rows)
        return rows

    def _note_sources(self, files: list[LoadedVersion]) -> None:
        stood = [SourceFile(file.path, file.sha256, file.rows, file.loaded_at) for file in files]
        self.sources += [source for source in stood if source not in self.sources]

    def _restore_rows(self, workbook: Workbook) -> None:
        files = as_of_tables.loaded_versions_at(self.connection, workbook, self.as_of)
        self._note_sources(files)
        again = [file for file in files if not file.is_loaded]
        as_of_tables.restore_workbook(self.connection, workbook, files, self._again(workbook, again), self.as_of)

    def _again(self, workbook: Workbook, files: list[LoadedVersion]) -> Iterator[tuple[LoadedVersion, pyarrow.Table]]:
        if isinstance(workbook, Stream):
            yield from rows_of_days(self.ctx.settings, self.connection, workbook, files, self.as_of)
        else:
            yield from self._read_again(workbook, files)

    def _read_again(
        self, workbook: Workbook, files: list[LoadedVersion]
    ) -> Iterator[tuple[LoadedVersion, pyarrow.Table]]:
        """The rows of files that no longer stand, from their archived bytes by today's contract."""
        changed = [file for file in files if file.contract_version != contract_version(workbook)]
        if changed:
            self.notices.append(
                f"{workbook.full_name}: its contract changed since; {_named(changed)} read again by today's contract"
            )
        for file in files:
            if not (file.archived and (self.ctx.settings.archive / file.archived).is_file()):
                raise NotFound(f"{file.path}: the archive no longer holds what stood on {to_minute(self.as_of)}")
        archive, known_headers = self.ctx.settings.archive, kept_aliases(self.ctx.settings)
        contract = read_by_aliases([workbook], known_headers)
        jobs = (
            (
                archive / str(file.archived),
                read_by_aliases(contracts_for(workbook, file.entered), known_headers),
                file.path,
            )
            for file in files
        )
        known = {workbook.full_name: self._values_there(workbook)} if files else {}
        readings = self.reader.read_many(jobs, others=contract, reference_values=known)
        for number, (file, reading) in enumerate(zip(files, readings, strict=True), start=1):
            self.progress(
                f"{workbook.full_name}: {number} of {len(files)} files read again from the archive, {file.path}"
            )
            rows = reading.rows
            if reading.error or rows is None:
                raise NotFound(f"{file.path}: today's contract does not take what stood on {to_minute(self.as_of)}")
            if rows.num_rows != file.rows:
                self.notices.append(f"{file.path}: {file.rows:,} rows stood then, {rows.num_rows:,} are read today")
            yield file, rows

    def _values_there(self, workbook: Workbook) -> dict[str, pyarrow.Array]:
        """What its columns may refer to, as it was; a workbook that refers to itself is asked about no other file."""
        there, kinds = {}, {column.name: column.arrow_type for column in workbook.columns}
        for reference in workbook.references:
            if reference.workbook != workbook.full_name:
                rows = self.of(Key(reference.domain, reference.name))
                there[reference.column] = pyarrow.array(rows[reference.target_column], kinds[reference.column])
        return there


@contextmanager
def open_as_of(ctx: Context, as_of: dt.datetime, progress: Progress) -> Iterator[AsOf]:
    """What was known at `as_of`, for as long as the block lasts. Raises NotFound before anything was loaded."""
    with ctx.warehouse.reading() as connection, ctx.reader() as reader:
        first = as_of_tables.first_loaded_at(connection)
        if first is None or first > as_of:
            known = f"the first file was loaded on {to_minute(first)}" if first else "no file has been loaded yet"
            raise NotFound(f"nothing was known on {to_minute(as_of)}: {known}")
        yield AsOf(ctx, connection, reader, as_of, progress)


def parse_as_of(text: str) -> dt.datetime:
    """The end of a day such as `2026-03-31`, or a moment such as `2026-03-31T14:05`, here. Raises NotFound."""
    try:
        now = dt.datetime.now().astimezone()
        text = re.sub(r"(T\d\d:\S*) (\d\d:?\d\d)$", r"\1+\2", text)  # the plus of an address that was not written %2B
        if len(text) > len("2026-03-31"):
            return _past(text, dt.datetime.fromisoformat(text).astimezone(), now)
        day = dt.date.fromisoformat(text)
        _past(text, dt.datetime.combine(day, dt.time()).astimezone(), now)
        after = day + dt.timedelta(days=1)
    except (ValueError, OverflowError):
        raise NotFound(f"{text!r} is no day; write it as 2026-03-31, or with a time as 2026-03-31T14:05") from None
    return dt.datetime.combine(after, dt.time()).astimezone() - dt.timedelta(microseconds=1)


def _past(text: str, moment: dt.datetime, now: dt.datetime) -> dt.datetime:
    if moment > now:
        raise NotFound(f"{text} has not come yet; name a moment up to now, {to_minute(now)}")
    return moment


def to_minute(as_of: dt.datetime) -> str:
    """A moment as a person writes it, to the minute."""
    return f"{as_of.astimezone():%Y-%m-%d %H:%M}"


def _named(files: list[LoadedVersion]) -> str:
    more = f" and {len(files) - FILES_NAMED} more" if len(files) > FILES_NAMED else ""
    return ", ".join(file.path for file in files[:FILES_NAMED]) + more + (" is" if len(files) == 1 else " are")
