"""The contract of one kind of workbook: where it lies, which rows it holds, whose it is.

The columns themselves are declared with `s2p_assets.contracts.columns`; how cells are read is elsewhere in this room.
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

from s2p_assets.contracts.columns import Column, DeclarationError, Row, columns_of, domain_and_name, parse_column_path
from s2p_assets.contracts.schedule import Every, Schedule, sender_pattern
from s2p_assets.remote_folder import RemoteFolder, remote_folder

if TYPE_CHECKING:
    import pyarrow

TOTAL_WORDS = (
    *("total", "totals", "grand total", "subtotal", "sub-total", "sub total", "subtotals", "sum", "sum total"),
    *("overall total", "net total", "gross total", "total net", "total gross"),
    *("summe", "gesamt", "gesamtsumme", "gesamtergebnis", "endsumme", "zwischensumme", "teilsumme", "insgesamt"),
    *("totaal", "eindtotaal", "subtotaal", "summa", "totalt", "sum totalt", "i alt", "samlet", "yhteensä", "välisumma"),
    *("sous-total", "total général", "total ht", "total ttc", "somme", "ensemble"),
    *("suma", "suma total", "total general", "total geral", "soma", "totale", "totale generale", "totale complessivo"),
    *("razem", "ogółem", "łącznie", "celkem", "spolu", "összesen", "mindösszesen", "ukupno", "skupaj", "iš viso"),
    *("kokku", "kopā", "toplam", "genel toplam", "ara toplam", "jumlah", "tổng", "tổng cộng", "σύνολο"),
    *("итого", "всего", "общо", "разом", "всього", "סה״כ", "المجموع", "الإجمالي", "कुल", "รวม"),
    *("合計", "小計", "総計", "合计", "总计", "小计", "總計", "합계", "총계", "소계"),
)

MAX_ROWS_GONE = 1 / 3
MAX_RESTATED = 0.1

RowHandling = Literal["read", "notice", "leave_out", "reject"]
"""What becomes of a row that bears a mark: read as any other, read and told, no row, back to its owner."""
FILL_COLOURS = ("any", "red", "orange", "yellow", "green", "blue", "purple", "grey", "black")
"""What `where_filled` may name besides a colour of its own, `#FFFF00`."""

ReferenceValues = Mapping[str, "pyarrow.Array"]
"""What a workbook's columns may refer to: column → the values that are there, none when nothing was loaded yet."""
ReferenceValuesByWorkbook = Mapping[str, ReferenceValues]
"""`ReferenceValues` by the name of the workbook that refers."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A column whose values must be found in a column, `target_column`, of a kind of workbook: a foreign key."""

    column: str
    domain: str
    name: str
    target_column: str

    @property
    def workbook(self) -> str:
        """The name of the workbook referred to, `crm_accounts`."""
        return f"{self.domain}_{self.name}"


@dataclass(frozen=True)
class Workbook:
    """One kind of workbook; a shelf file in `workbooks/` holds exactly one.

    `rows`: what one row is; the module it is written in names the workbook (`retail_price_list.py`).
    `path`: patterns relative to the share, case-insensitive (`prices/**/*.xls*`).
    `key`: the columns that name a row; the same key twice in one file is a finding, the same key
    in two files is settled for the newer file. Empty: rows belong to their file alone.
    `sheets`: pattern of the sheets that may hold the table; several are separated by `|`, and one that begins with
    `!` leaves sheets out. What a sheet's name says in brackets, as in `March (old)`, is meant where a pattern has
    brackets too (`*|*(*)`), else told.
    `max_reject_rate`: the share of rows that may come back to their owner while the others load;
    above it, and by default, one bad row returns the whole file.
    `ignores`: headers that are known and not wanted.
    `totals`: words for a total, alone or with a group's name (`A100 Total`), that mark a row which is no row where its
    numbers or empty cells bear it out; none where a name may be such a word. What the file itself marks as a total
    (an Excel table's total row, `SUBTOTAL` and its like, an outline's sums) is none whatever it is called.
    `remote`: the folder elsewhere in which its files lie, `sftp://files.example.com/lists`, or the name of one that
    `S2P_SHARE` has; `path` is then meant there. Without it they lie on the share, wherever that is.
    `mailed_by`: whose mails bring such files too, `*@supplier.example`; `mail_subject`: and under which subjects.
    `na_values`: texts that mean "no value" in every column, such as a database's `\\N`, besides each column's own.
    `every`: for which periods a file is expected: `"day"`, `"workday"`, `"week"`, `"month"`, `"quarter"` or `"year"`;
    what is missing or late is told in `s2p status` and to those who read about data quality.
    `by`: by when after a period's end: `"5th"` of the month after, `"Tuesday"` of the week after, or `"3 days"`.
    `one_per`: that each of several senders sends one: a column whose values name them (`"store"`); each sender's name
    with the pattern of its paths (`{"Berlin": "sales/berlin/*"}`); or the place in a path where the name of each
    stands (`"sales/{store}/*"`), for senders that become known by their first file.
    `dated_by`: the column of dates that says for which period rows are; without it the day on which a file was saved
    does, for the period that had just ended.
    `tables`: `all` where a sheet may hold several tables with this header, side by side or below each other.
    `where_struck`: what becomes of rows that are struck through; `where_filled`: of rows filled with a colour
    (`{"yellow": "leave_out", "#FF0000": "reject"}`, `any` for whatever colour); `where_commented`: of rows with a
    comment. Each is `read`, `notice`, `leave_out` or `reject`.
    `where_full`: what becomes of a table that ends on the last row which its format can have, as one that was cut off
    does: `reject`, `notice` or `read`.
    `encoding`: the encoding of its text files (`cp1250`), where it is known; else it is recognised, and named.

    A file that changes more of what is loaded than these bounds allow is held: nothing of it is stored until a person
    says `s2p accept FILE`, or another version of it takes its place. None: no bound. They hold from the second
    delivery on.
    `spans`: the two columns of the key with the first and last day that a row is about. What is told of the same days
    twice, as weeks and again as their month, would count twice: the file is held, at its first delivery too.
    `max_rows_gone`: the share of a known file's rows that a new version of it may lack.
    `max_restated`: the share of a column's stored values that a new version may change. A value that was empty and is
    filled in is not counted, nor are one or two values.
    `ordinary_change`: by which share of its old value a number may change without counting as restated or overwritten:
    0.5 for price lists, where 5.00 becomes 5.40 in the ordinary course of things, and 500 does not.
    `may_overwrite`: whether a file may give other values to the keys of other files without being asked about: for
    lists of which each delivery is a new file, such as a stock list named for its day. Without it, it may for a tenth
    of the rows that it has in common with another file, as corrections do.
    """

    rows: type[Row]
    path: str | tuple[str, ...]
    owner: str
    key: tuple[str, ...] = ()
    sheets: str = "*"
    max_reject_rate: float = 0.0
    ignores: tuple[str, ...] = ()
    totals: tuple[str, ...] = TOTAL_WORDS
    na_values: tuple[str, ...] = ()
    every: Every | None = None
    by: str = ""
    one_per: str | Mapping[str, str] | None = field(default=None, hash=False)
    dated_by: str | None = None
    tables: Literal["one", "all"] = "one"
    where_struck: RowHandling = "notice"
    where_filled: Mapping[str, RowHandling] | tuple[tuple[str, RowHandling], ...] = ()
    where_commented: RowHandling = "notice"
    where_full: Literal["read", "notice", "reject"] = "reject"
    encoding: str | None = None
    spans: tuple[str, str] | None = None
    max_rows_gone: float | None = MAX_ROWS_GONE
    max_restated: float | None = MAX_RESTATED
    ordinary_change: float = 0.0
    may_overwrite: bool = False
    remote: str | None = None
    mailed_by: str | tuple[str, ...] = ()
    mail_subject: str = "*"

    def __post_init__(self) -> None:
        """Raises DeclarationError for words that there are none of, or a key that cannot be one."""
        if fault := self._schedule_fault():
            raise DeclarationError(fault, None)
        self._refuse_unknown_words()
        self._refuse_unknown_sources()
        if self.spans and not set(self.spans) <= set(self.key):
            raise DeclarationError(f"spans={self.spans!r}: both columns belong to the key", None)
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError as error:
                message = f"there is no encoding {self.encoding!r}; write one such as 'cp1250'"
                raise DeclarationError(message, None) from error
        period = next((one.name for one in columns_of(self.rows) if one.from_header), None)
        if self.key and period and period not in self.key:
            message = f"the key lacks {period!r}: a row of the sheet gives a row for each {period} that stands over it"
            raise DeclarationError(message, None)

    def _schedule_fault(self) -> str | None:
        """What contradicts itself in when files are expected; None where nothing does."""
        if self.every is None:
            words = {"by": self.by, "one_per": self.one_per, "dated_by": self.dated_by}
            alone = next((word for word, value in words.items() if value), None)
            return f"{alone}= says when files are expected, so say every= too" if alone else None
        by_path = isinstance(self.one_per, str) and "{" in self.one_per
        try:
            Schedule(self.every, self.by)
            if by_path:
                sender_pattern(str(self.one_per))
        except ValueError as error:
            return str(error)
        kinds = {column.name: column.kind for column in columns_of(self.rows)}
        if self.dated_by and kinds.get(self.dated_by) not in ("date", "timestamp"):
            return f"dated_by={self.dated_by!r} is no column of dates"
        if isinstance(self.one_per, str) and not by_path and self.one_per not in kinds:
            return f"one_per={self.one_per!r} is no column; name one, or give each sender's pattern of paths"
        return None

    @property
    def schedule(self) -> Schedule | None:
        """When its files are expected; None where they come as they come."""
        return Schedule(self.every, self.by) if self.every else None

    def _refuse_unknown_words(self) -> None:
        object.__setattr__(self, "where_filled", tuple(dict(self.where_filled).items()))
        if self.tables not in ("one", "all"):
            raise DeclarationError(f"tables: there is no {self.tables!r}; there are one, all", None)
        if self.where_full not in ("read", "notice", "reject"):
            raise DeclarationError(f"where_full: there is no {self.where_full!r}; there are read, notice, reject", None)
        handlings = {"where_struck": self.where_struck, "where_commented": self.where_commented}
        for colour, handling in dict(self.where_filled).items():
            handlings[f"where_filled[{colour!r}]"] = handling
            if colour not in FILL_COLOURS and not re.fullmatch("#[0-9A-Fa-f]{6}", colour):
                names = ", ".join(FILL_COLOURS)
                raise DeclarationError(f"where_filled: {colour!r} is no colour; write #FFFF00, or one of {names}", None)
        for option, handling in handlings.items():
            if handling not in get_args(RowHandling):
                words = ", ".join(get_args(RowHandling))
                raise DeclarationError(f"{option}: there is no {handling!r}; there are {words}", None)

    def _refuse_unknown_sources(self) -> None:
        senders = (self.mailed_by,) if isinstance(self.mailed_by, str) else tuple(self.mailed_by)
        object.__setattr__(self, "mailed_by", senders)
        if fault := next((one for one in senders if "@" not in one or "/" in one), None):
            raise DeclarationError(f"mailed_by: {fault!r} is no address; write *@supplier.example", None)
        if self.mail_subject != "*" and not senders:
            raise DeclarationError("mail_subject= says under which subject it is mailed, so say mailed_by= too", None)
        try:
            _ = self.remote_folder
        except ValueError as error:
            raise DeclarationError(f"remote: {error}", None) from error

    @property
    def remote_folder(self) -> RemoteFolder | None:
        """The folder elsewhere in which its files lie; without an address where `S2P_SHARE` names it."""
        if self.remote is None:
            return None
        return remote_folder(self.remote, declared=True) if "://" in self.remote else RemoteFolder(self.remote, "")

    @property
    def domain(self) -> str:
        return domain_and_name(self.rows.__module__)[0]

    @property
    def name(self) -> str:
        return domain_and_name(self.rows.__module__)[1]

    @property
    def full_name(self) -> str:
        """`retail_price_list`, the shelf file's own name."""
        return f"{self.domain}_{self.name}"

    @property
    def patterns(self) -> tuple[str, ...]:
        return (self.path,) if isinstance(self.path, str) else self.path

    @property
    def description(self) -> str:
        """What one row is, for people."""
        return (self.rows.__doc__ or "").strip()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        declared = columns_of(self.rows)
        if not self.na_values:
            return declared
        return tuple(replace(column, na_values=(*column.na_values, *self.na_values)) for column in declared)

    def with_headers(self, more: Mapping[str, Sequence[str]]) -> "Workbook":
        """The same contract, whose columns are found by further headers too: column → headers.

        Its version is that of the contract without them: they decide how a file is read when it is read.
        """
        known = replace(self)
        columns = (replace(one, headers=(*one.headers, *more.get(one.name, ()))) for one in self.columns)
        known.__dict__["columns"] = tuple(columns)
        return known

    @property
    def period(self) -> Column | None:
        """The column of a wide table whose values stand in the header; None for a long table."""
        return next((column for column in self.columns if column.from_header), None)

    @property
    def melted(self) -> tuple[Column, ...]:
        """The columns of a wide table whose values stand under the periods."""
        return tuple(column for column in self.columns if column.melted)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The columns that refer to another workbook, or to this one."""
        referring = [(column.name, column.references) for column in self.columns]
        return tuple(Reference(name, *parse_column_path(there, self.domain)) for name, there in referring if there)
