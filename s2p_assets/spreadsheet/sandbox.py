"""Reading files in a child process with bounds of work and memory, so that no file can take the system down.

What is read, and how, belongs to `reading`; this module runs it elsewhere and always comes back with an answer. The
child is confined to a folder of its own (`confinement.py`) and hands back data alone (`child_answers.py`).
"""

import contextlib
import gc
import itertools
import os
import pickle
import queue
import selectors
import signal
import struct
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, ClassVar, TypeVar

from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import ReferenceValues, ReferenceValuesByWorkbook, Workbook
from s2p_assets.spreadsheet.arrow_without_pandas import leave_out_pandas
from s2p_assets.spreadsheet.child_answers import (
    MOST_BYTES,
    AnswerRefused,
    ReferencesWanted,
    decode_answer,
    encode_answer,
)
from s2p_assets.spreadsheet.confinement import Places, code_folders, confine, is_confinable
from s2p_assets.spreadsheet.limits import TOO_MUCH_MEMORY
from s2p_assets.spreadsheet.reading_desk import FileToRead, FileToWrite, ReadingDesk, checked_rows
from s2p_assets.spreadsheet.reading_process import ReadingProcess

if TYPE_CHECKING:  # the children need no settings, which take a third of a second to import
    from s2p_assets.settings import Settings

T = TypeVar("T")
LookUp = Callable[[str], ReferenceValues]
"""What the columns of a workbook, by its name, may refer to. Raises LookupError for a name that it does not know."""
ReadRequest = tuple[Path, Sequence[Workbook], str | None]

_LENGTH = struct.Struct(">Q")
_START_SECONDS = 600.0
_OUT_OF_MEMORY = 70
_STOPPED = "the file is so damaged that it stops its reader; open it in Excel, which may repair it, and save as .xlsx"
_NO_MEMORY_LEFT = (b"memory allocation of", b"bad_alloc", b"allocate memory", b"out of memory", b"memoryerror")
"""Of the last words of Rust, C++, the loader, Arrow and Python."""
_TAKEN_OVER = "reading it made its reader say what no reader says; the file is damaged, or made to do harm"
_HAS_THREADS = "importing started threads"


class ReadingProcessDied(Exception):
    """The child ended before it answered; the message says why, for the file's owner."""


@dataclass(frozen=True)
class Bounds:
    """Of the reading of one file: CPU seconds, MiB, and seconds by the clock, which are there against hanging alone."""

    seconds: float
    memory_mb: int
    wait_seconds: float

    @property
    def too_much_work(self) -> str:
        bound = f"{self.seconds:,g} CPU seconds"
        return f"reading it took more than {bound}; split it, or ask for a larger bound (S2P_FILE_SECONDS)"

    @property
    def too_long(self) -> str:
        bound = f"{self.wait_seconds:,g} seconds by the clock"
        return f"reading it took longer than {bound}; drop it again, or ask for help (S2P_FILE_WAIT_SECONDS)"


class _Shared:
    """What many requests have in common: sent to a child with the first of them, which keeps it for those after it."""

    _numbers = itertools.count()
    _received: ClassVar[dict[int, Any]] = {}

    def __init__(self, payload: bytes, number: int | None = None) -> None:
        self.number = next(self._numbers) if number is None else number
        self.payload = payload

    def mentioned(self) -> "_Shared":
        """The same for a child that has it."""
        return _Shared(b"", self.number)

    @property
    def value(self) -> Any:
        if self.payload:
            self._received.clear()
            self._received[self.number] = pickle.loads(self.payload)  # noqa: S301  our own parent wrote it
        return self._received[self.number]


class _Child:
    """One reading process and its desk. Not safe for several threads at once."""

    _confined_first: ClassVar[bool] = False
    """Whether importing starts threads here, so that a child must be confined before, and cannot keep compiled code."""

    def __init__(self, bounds: Bounds, compiled_cutter: bool, folder: Path | None, code: tuple[Path, ...]) -> None:
        """`folder`: where its own is made; `code`: where the modules lie that it may import."""
        self._bounds, self.code = bounds, code
        self._desk = ReadingDesk(folder)
        self._known: int | None = None
        self.busy = False
        self._start(compiled_cutter)

    def _start(self, compiled_cutter: bool) -> None:
        self._process = ReadingProcess.ready(serve_requests)
        places = Places((self._desk.inbox, *self.code), (self._desk.outbox,))
        try:
            self._send((self._bounds, compiled_cutter, places, _Child._confined_first))
            _, answer = self._receive(_START_SECONDS)
        except ReadingProcessDied as error:
            last = self._last_words(500).decode(errors="replace").strip().rsplit("\n", 1)[-1]
            self.close()
            raise RuntimeError(f"the reading process does not start: {error}: {last}") from error
        if answer == _HAS_THREADS:
            self._process.close()
            _Child._confined_first = True
            self._start(compiled_cutter)

    def call(self, look_up: "LookUp | None", function: Callable[..., T], *arguments: Any) -> T:
        """What `function` returns in the child, which may ask `look_up`. Raises Died, and what is raised there."""
        self.busy = True
        shared = next((one for one in arguments if isinstance(one, _Shared)), None)
        if shared and shared.number == self._known:
            arguments = tuple(shared.mentioned() if one is shared else one for one in arguments)
        try:
            self._send((function, tuple(self._desk.hand_over(one) for one in arguments)))
            failed, answer = self._receive(self._bounds.wait_seconds)
            if isinstance(answer, ReferencesWanted):
                self._send(_looked_up(answer.workbook, look_up))
                failed, answer = self._receive(self._bounds.wait_seconds)
            if isinstance(answer, ReferencesWanted):
                raise AnswerRefused("a reader asks once")
            if not failed:
                self._desk.take_what_was_written()
        except AnswerRefused as refused:
            raise ReadingProcessDied(_TAKEN_OVER) from refused
        finally:
            self._desk.clear()
        self.busy = False
        if failed:
            raise RuntimeError(str(answer))
        self._known = shared.number if shared else self._known
        return answer

    def serves(self, code: tuple[Path, ...]) -> bool:
        """Whether it may import all of `code`, also what was imported here since, and nobody took its desk away."""
        return set(code) <= set(self.code) and self._desk.is_there

    def close(self) -> None:
        self._process.close()
        self._desk.remove()

    def _send(self, message: object) -> None:
        payload = pickle.dumps(message, protocol=5)
        try:
            self._process.requests.write(_LENGTH.pack(len(payload)) + payload)
            self._process.requests.flush()
        except OSError as error:
            raise ReadingProcessDied("reading it ended the reading process") from error

    def _receive(self, wait_seconds: float) -> Any:
        deadline = time.monotonic() + wait_seconds
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        if length > MOST_BYTES:
            raise ReadingProcessDied(_TAKEN_OVER)
        try:
            failed, answer = decode_answer(self._read(length, deadline))
        except (AnswerRefused, TypeError, ValueError) as refused:
            raise ReadingProcessDied(_TAKEN_OVER) from refused
        return failed, answer

    def _read(self, count: int, deadline: float) -> bytes:
        stream = self._process.answers
        parts: list[bytes] = []
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while count:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise ReadingProcessDied(self._bounds.too_long)
                piece = os.read(stream.fileno(), min(count, 1024**2))
                if not piece:
                    raise ReadingProcessDied(self._why())
                parts.append(piece)
                count -= len(piece)
        return b"".join(parts)

    def _why(self) -> str:
        code = self._process.wait()
        if code == -signal.SIGPROF:
            return self._bounds.too_much_work
        if code == -signal.SIGALRM:
            return self._bounds.too_long
        if code in (_OUT_OF_MEMORY, -signal.SIGKILL) or self._ran_out_of_memory():
            return TOO_MUCH_MEMORY
        return _STOPPED

    def _ran_out_of_memory(self) -> bool:
        """Whether the child's last words are those of a library that could not have more."""
        last = self._last_words(4_000).lower()
        return any(words in last for words in _NO_MEMORY_LEFT)

    def _last_words(self, most: int) -> bytes:
        noise = self._process.noise
        noise.seek(max(0, noise.seek(0, os.SEEK_END) - most))
        return noise.read()


def _looked_up(workbook: str, look_up: LookUp | None) -> ReferenceValues:
    try:
        return look_up(workbook) if look_up else {}
    except LookupError as unknown:
        raise AnswerRefused(f"a question after {workbook[:40]!r}") from unknown


class Sandbox:
    """Reads files in up to `workers` child processes, each file within `seconds` of CPU time and `memory_mb`.

    `wait_seconds` by the clock end a reading that hangs; on a busy machine, work within its bound may take long.
    A child is started when first needed and lives on; one that dies is replaced for the next file.
    Use as a context manager, or call `close`. Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        seconds: float = 300.0,
        memory_mb: int = 4096,
        wait_seconds: float = 3600.0,
        workers: int = 1,
        spool: Path | None = None,
        compiled_cutter: bool = True,
        packages: Sequence[str] = (),
    ) -> None:
        """`spool`: an existing folder for the rows on their way here; by default the system's temporary one.

        `compiled_cutter`: whether it is used where there is one. `packages`: those in which contracts lie.
        """
        self._packages = tuple(packages)
        self._compiled_cutter = compiled_cutter
        self._bounds = Bounds(seconds, memory_mb, wait_seconds)
        self._spool = spool
        self._workers = max(1, workers)
        self._idle: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(self._workers):
            self._idle.put(None)
        self._living: set[_Child] = set()
        self._lock = threading.Lock()

    @classmethod
    def within(cls, settings: "Settings", spool: Path | None = None) -> "Sandbox":
        """One with the bounds of an installation."""
        return cls(
            seconds=settings.file_seconds,
            memory_mb=settings.file_memory_mb,
            wait_seconds=settings.file_wait_seconds,
            spool=spool,
            compiled_cutter=settings.compiled_cutter,
            packages=settings.shelves,
        )

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the children. The sandbox may be used again; new ones are then started."""
        with self._lock:
            living, self._living = self._living, set()
        for child in living:
            child.close()

    def read(
        self,
        path: Path,
        workbooks: Sequence[Workbook],
        *,
        display_name: str | None = None,
        others: Sequence[Workbook] = (),
        reference_values: ReferenceValuesByWorkbook | None = None,
        look_up: "LookUp | None" = None,
        with_rows: bool = True,
    ) -> ReadResult:
        """`path` read against the one of `workbooks` whose columns are found in it; never raises for a bad file.

        `display_name`: the file's name on the share, for messages and for dates in file names.
        `others`: contracts that may be named as nearest. A contract class must be importable.
        `reference_values`: as of `reading.read_file`; or `look_up`, asked for those of the contract that the file turns
        out to be of. `with_rows`: whether the rows are wanted, not only what is said of them; without, Arrow is loaded
        in the child alone.
        """
        same = _Shared(pickle.dumps((tuple(others), _AskedOfParent() if look_up else reference_values), protocol=5))
        return self._read(Path(path), workbooks, display_name, same, look_up=look_up, with_rows=with_rows)

    def _read(
        self,
        path: Path,
        workbooks: Sequence[Workbook],
        display_name: str | None,
        same: "_Shared",
        *,
        look_up: "LookUp | None" = None,
        with_rows: bool = True,
    ) -> ReadResult:
        if with_rows:
            import pyarrow  # noqa: F401  which takes them: before a child is forked, so that it is loaded once for both
        draft, name = tempfile.mkstemp(prefix="s2p-", suffix=".arrow", dir=self._spool)
        os.close(draft)
        rows = Path(name)
        try:
            shown, target = display_name or path.name, FileToWrite(rows) if with_rows else None
            reading: ReadResult = self._run(look_up, _read_to, target, FileToRead(path), tuple(workbooks), shown, same)
            if not isinstance(reading, ReadResult):
                raise ReadingProcessDied(_TAKEN_OVER)
            reading.file = Path(display_name) if display_name else path
            if rows.stat().st_size:
                reading.rows = checked_rows(rows)
            return reading
        except AnswerRefused:
            return ReadResult(file=Path(display_name) if display_name else path, error=_TAKEN_OVER)
        except ReadingProcessDied as error:
            return ReadResult(file=Path(display_name) if display_name else path, error=str(error))
        finally:
            rows.unlink()

    def read_many(
        self,
        items: Iterable[ReadRequest],
        *,
        others: Sequence[Workbook] = (),
        reference_values: ReferenceValuesByWorkbook | None = None,
    ) -> Iterator[ReadResult]:
        """One ReadResult per (path, workbooks, shown_as), in order, up to `workers` files at a time.

        What is the same for all is sent to each child once. A file that ends its child costs itself alone.
        """
        same = _Shared(pickle.dumps((tuple(others), reference_values), protocol=5))
        with ThreadPoolExecutor(self._workers, thread_name_prefix="s2p-read") as pool:
            waiting: deque[Future[ReadResult]] = deque()
            for path, workbooks, shown_as in items:
                waiting.append(pool.submit(self._read, path, workbooks, shown_as, same))
                if len(waiting) > self._workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """What the importable `function` returns in a child, within the bounds. Raises Died, or what it raises."""
        return self._run(None, function, *arguments)

    def _run(self, look_up: "LookUp | None", function: Callable[..., T], *arguments: Any) -> T:
        child = self._idle.get()
        try:
            code = code_folders(self._packages)
            if child is not None and not child.serves(code):
                child.close()
                child = None
            if child is None or child not in self._living:
                child = _Child(self._bounds, self._compiled_cutter, self._spool, code)
                with self._lock:
                    self._living.add(child)
            return child.call(look_up, function, *arguments)
        finally:
            if child is not None and child.busy:
                with self._lock:
                    self._living.discard(child)
                child.close()
                child = None
            self._idle.put(child)


class _AskedOfParent(Mapping[str, ReferenceValues]):
    """In the child: what a workbook refers to, asked of the parent once a file turned out to be one of it."""

    lines: ClassVar[tuple[IO[bytes], IO[bytes]]]

    def __getitem__(self, workbook: str) -> ReferenceValues:
        requests, answers = self.lines
        _answer(answers, (False, ReferencesWanted(workbook)))
        return pickle.loads(_message(requests) or b"")  # noqa: S301  our own parent wrote it

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _read_to(
    rows: Path | None, path: Path, workbooks: Sequence[Workbook], display_name: str | None, same: _Shared
) -> ReadResult:
    """In the child: reads the file, leaves its rows at `rows`, if anywhere, as an Arrow file and returns the rest."""
    import pyarrow
    import pyarrow.ipc

    from s2p_assets.spreadsheet.reading import read_file

    others, reference_values = same.value
    reading = read_file(path, workbooks, display_name, others, reference_values)
    if reading.error == TOO_MUCH_MEMORY:
        os._exit(_OUT_OF_MEMORY)  # what it holds by now would be wanting for the next file
    if rows and reading.rows is not None:
        with pyarrow.OSFile(str(rows), "wb") as sink, pyarrow.ipc.new_file(sink, reading.rows.schema) as writer:
            writer.write_table(reading.rows)
    reading.rows = None
    return reading


def keep_reader_ready() -> None:
    """Forks a reading process while this one has a single thread, for the first file that it will have to read."""
    ReadingProcess.keep_ready(serve_requests)


@contextlib.contextmanager
def spare_reader_ended() -> Iterator[None]:
    """Ends behind the block the one that was kept ready, where no file had to be read."""
    try:
        yield
    finally:
        ReadingProcess.end_ready()


def serve_requests() -> None:
    """The child's life: answers one request after the other until its parent closes the pipe."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _AskedOfParent.lines = requests, answers
    start = pickle.loads(_message(requests) or b"")  # noqa: S301  our own parent wrote it
    bounds, compiled_cutter, places, confined_first = start
    os.environ |= {"TMPDIR": str(places.write[0]), "HOME": str(places.write[0])}
    if confined_first:
        confine(places)
    leave_out_pandas()
    import s2p_assets.spreadsheet.reading  # noqa: F401  imports come first: the bound counts from here
    from s2p_assets.spreadsheet.readers.row_cutter import use_cutter

    use_cutter(compiled=compiled_cutter)
    gc.freeze()  # what was imported stays, and need not be gone through with every file
    _bound_memory(bounds.memory_mb)
    if not confined_first:
        if len(os.listdir("/proc/self/task") if is_confinable() else ()) > 1:
            _answer(answers, (False, _HAS_THREADS))  # threads that are there would stay free
            return
        confine(places)
    _answer(answers, (False, None))
    while (request := _message(requests)) is not None:
        with _bounded_time(bounds):
            answer = _outcome(request)
        _answer(answers, answer)


@contextlib.contextmanager
def _bounded_time(bounds: Bounds) -> Iterator[None]:
    """Ends this process by SIGPROF when it has worked for too long, of its threads all together, by SIGALRM when it
    hangs.
    """
    signal.setitimer(signal.ITIMER_PROF, bounds.seconds)
    signal.setitimer(signal.ITIMER_REAL, bounds.wait_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _outcome(request: bytes) -> tuple[bool, Any]:
    """(failed, result or error); out of memory and panics end the process, for its state is doubtful then."""
    try:
        function, arguments = pickle.loads(request)  # noqa: S301  our own parent wrote it
        return False, function(*arguments)
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except Exception as error:
        return True, f"{type(error).__name__}: {error}"
    except BaseException:
        os._exit(71)


def _bound_memory(megabytes: int) -> None:
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    bound = pages * resource.getpagesize() + megabytes * 1024**2
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


def _message(stream: IO[bytes]) -> bytes | None:
    head = stream.read(_LENGTH.size)
    return stream.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else None


def _answer(stream: IO[bytes], answer: tuple[bool, Any]) -> None:
    try:
        payload = encode_answer(answer)
    except TypeError as error:
        payload = encode_answer((True, str(error)))
    stream.write(_LENGTH.pack(len(payload)) + payload)
    stream.flush()
