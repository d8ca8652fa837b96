"""The processes in which files are read: forked from this one where that is safe, which saves two seconds of imports,
else started anew.

What is asked of them, within which bounds, and what their end means, belongs to `sandbox`.
"""

import contextlib
import ctypes
import faulthandler
import fcntl
import gc
import importlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from typing import IO, ClassVar, NoReturn

from s2p_assets.spreadsheet.arrow_without_pandas import leave_out_pandas

_READING = "s2p_assets.spreadsheet.reading"
_SINGLE_THREADED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RUST_BACKTRACE": "0"}
_ONE_HEAP = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}
_NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}  # one that runs could not be confined
_HARMLESS = ("PATH", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "S2P_COUNTRY")
"""Of the environment; what else there is may be secret, and a reader needs none of it."""
_MMAP_BYTES, _TRIM_BYTES = 1 << 30, 1 << 28
_KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(_MMAP_BYTES), "MALLOC_TRIM_THRESHOLD_": str(_TRIM_BYTES)}
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
_PARKED = 16  # descriptors below it may be those that a child's own are put in place of


class ReadingProcess:
    """A child that does `serve`, requests at its standard input and answers at its standard output.

    `serve`: an importable function without arguments, which returns when there are no more requests. `noise`: what
    the child, and libraries in it, print of themselves.
    """

    _spare: ClassVar["ReadingProcess | None"] = None

    def __init__(self, serve: Callable[[], None]) -> None:
        self.noise: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed with the child
        self._popen: subprocess.Popen[bytes] | None = None
        self._code: int | None = None
        if threading.active_count() == 1 and hasattr(os, "fork"):
            self._fork(serve)
        else:
            self._start(serve)

    @classmethod
    def ready(cls, serve: Callable[[], None]) -> "ReadingProcess":
        """The one that was kept ready, or another."""
        spare, ReadingProcess._spare = ReadingProcess._spare, None
        return spare if spare and spare.owner == os.getpid() else cls(serve)

    @classmethod
    def keep_ready(cls, serve: Callable[[], None]) -> None:
        """Fork one while this process has a single thread, for when it is needed."""
        ReadingProcess._spare = cls(serve)

    @classmethod
    def end_ready(cls) -> None:
        """End the one that was kept ready and not needed."""
        spare, ReadingProcess._spare = ReadingProcess._spare, None
        if spare and spare.owner == os.getpid():
            spare.close()

    def _fork(self, serve: Callable[[], None]) -> None:
        if "pyarrow" in sys.modules:  # this process needs what reading needs: it is loaded once for both
            leave_out_pandas()
            importlib.import_module(_READING)
        self.owner = os.getpid()
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads that are not Python's, which heed forks
            self.pid = os.fork()
        if not self.pid:
            _become_reader(serve, requests, answers, self.noise.fileno())
        os.close(requests)
        os.close(answers)
        self.requests: IO[bytes] = os.fdopen(self._requests, "wb")
        self.answers: IO[bytes] = os.fdopen(self._answers, "rb", 0)

    def _start(self, serve: Callable[[], None]) -> None:
        entry = f"from {serve.__module__} import {serve.__name__} as serve; serve()"
        self._popen = subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {entry}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.noise,
            env=_harmless() | _NO_THREADS | _ONE_HEAP | _KEPT_MEMORY | _SINGLE_THREADED,
            start_new_session=True,
        )
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self.owner, self.pid = os.getpid(), self._popen.pid
        self.requests, self.answers = self._popen.stdin, self._popen.stdout

    def wait(self) -> int:
        """Its exit code once it has ended, that of the signal, negated, which ended it."""
        if self._popen:
            return self._popen.wait()
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code

    def close(self) -> None:
        """End it."""
        if self._code is None and not (self._popen and self._popen.poll() is not None):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        for stream in (self.requests, self.answers):
            with contextlib.suppress(OSError):
                stream.close()
        self.wait()
        self.noise.close()


def _harmless() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if name in _HARMLESS or name.startswith(("LC_", "PYTHON"))
    }


def _become_reader(serve: Callable[[], None], requests: int, answers: int, noise: int) -> NoReturn:
    """In the child: lets go of all that was its parent's, serves, and ends without a word."""
    code = 1
    try:
        gc.freeze()
        sys.settrace(None)
        faulthandler.disable()
        os.setsid()
        _answer_no_signals()
        own = [fcntl.fcntl(one, fcntl.F_DUPFD, _PARKED) for one in (requests, answers, noise)]
        for place, one in enumerate(own):
            os.dup2(one, place)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        _say_nothing()
        _keep_memory()
        for name in os.environ.keys() - _harmless().keys():
            del os.environ[name]
        os.environ.update(_SINGLE_THREADED)
        serve()
        code = 0
    finally:
        os._exit(code)


def _answer_no_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _say_nothing() -> None:
    """What is logged goes to the noise, not to where the parent's words go."""
    for name in (None, *logging.root.manager.loggerDict):
        logging.getLogger(name).handlers.clear()


def _keep_memory() -> None:
    """What a process that is started is told by its environment."""
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((_M_MMAP_THRESHOLD, _MMAP_BYTES), (_M_TRIM_THRESHOLD, _TRIM_BYTES), (_M_ARENA_MAX, 2)):
            mallopt(option, value)
    import pyarrow

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
