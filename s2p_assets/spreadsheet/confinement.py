"""Confining a process to what reading a file needs, by Landlock and seccomp, for good: no network, no other file, no
other process. Where the kernel knows neither, nothing is done, and whoever asks is told.

Landlock: https://docs.kernel.org/userspace-api/landlock.html. Nothing here is imported from elsewhere in the house, so
that it is done before anything else is loaded.
"""

import contextlib
import ctypes
import functools
import importlib.util
import os
import platform
import struct
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_BY_VERSION, _BENEATH = 1, 1
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_EXECUTE, _WRITE, _READ, _LIST, _REMOVE, _MAKE, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8, 1 << 14
_MAY_READ = _EXECUTE | _READ | _LIST
_MAY_WRITE = _READ | _WRITE | _LIST | _REMOVE | _MAKE | _TRUNCATE
_OF_A_FILE = _EXECUTE | _WRITE | _READ | _TRUNCATE
_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many kinds of access to files each version of Landlock knows."""
_NET_SINCE, _SCOPE_SINCE = 4, 6

SYSTEM = (
    *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/mime.types"),
    *("/etc/apache2/mime.types", "/etc/httpd/mime.types", "/etc/httpd/conf/mime.types"),
    *("/dev/urandom", "/dev/random", "/dev/zero", "/proc/cpuinfo", "/proc/meminfo", "/proc/self/statm"),
    *("/proc/self/maps", "/proc/self/status", "/sys/devices/system/cpu"),
)
"""What any Python reads to load its libraries."""
_EPERM, _ENOSYS = 1, 38
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_ABOVE_424 = (424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 438, 440, 442, 452, 463)
"""Calls with one number everywhere: signals and handles of other processes, io_uring, mounts, newer ways to chmod."""
_CALLS = {
    "x86_64": (
        0xC000003E,
        (62, 200, 234),
        (
            *(41, 42, 43, 44, 46, 49, 50, 53, 288, 307),  # sockets
            *(59, 322, 101, 310, 311, 129, 297, 272, 308, 312, 256, 279),  # programs, other processes
            *(76, 86, 88, 90, 91, 92, 93, 94, 132, 133, 188, 189, 190, 197, 198, 199),  # what Landlock leaves open
            *(235, 259, 260, 261, 265, 266, 268, 280, 303, 304),
            *(165, 166, 155, 161, 321, 298, 323, 248, 249, 250, 175, 313, 176, 246, 320, 169, 167, 168, 163),
            *(164, 227, 170, 171, 172, 173, 154, 29, 30, 64, 68, 240, 300),
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (129, 130, 131),
        (
            *(198, 199, 200, 201, 202, 203, 206, 211, 242, 269),
            *(221, 281, 117, 270, 271, 138, 240, 97, 268, 272, 238, 239),
            *(45, 33, 36, 37, 52, 53, 54, 55, 5, 6, 7, 14, 15, 16, 88, 264, 265),
            *(40, 39, 41, 51, 280, 241, 282, 217, 218, 219, 105, 273, 106, 104, 294, 142, 224, 225, 89),
            *(170, 112, 161, 162, 180, 186, 190, 194, 196, 262),
        ),
    ),
}
"""Machine → its number for seccomp, the calls that signal, which are allowed to itself, and those refused."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a confined process may read, and where it may read and write."""

    read: tuple[Path, ...]
    write: tuple[Path, ...]


def landlock_version() -> int:
    """The version of Landlock that this kernel has; 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, ctypes.CDLL(None).syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_BY_VERSION)))


def is_confinable() -> bool:
    """Whether a process can be confined here, its files and its network alike."""
    return landlock_version() > 0 and platform.machine() in _CALLS


def confine(places: Places) -> bool:
    """Confine this process and all that it starts, for good; false where the kernel cannot. Raises OSError."""
    if not is_confinable():
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    _require(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _confine_files(libc, places)
    _confine_calls(libc)
    sys.meta_path.append(_FinderInUnlistedFolders())
    return True


class _FinderInUnlistedFolders:
    """Finds code that may be read in a folder that may not be listed, as the one that the company's shelves lie in.

    Python looks for code in what it listed before, and lists anew once a file was saved there: then it sees nothing.
    """

    def find_spec(self, name: str, path: Sequence[str] | None = None, _: object = None) -> ModuleSpec | None:
        for folder in sys.path if path is None else path:
            place = Path(folder) / name.rpartition(".")[2]
            for file, inside in ((place / "__init__.py", [str(place)]), (place.with_suffix(".py"), None)):
                with contextlib.suppress(OSError), file.open("rb"):
                    return importlib.util.spec_from_file_location(name, file, submodule_search_locations=inside)
            with contextlib.suppress(OSError), os.scandir(place):
                spec = ModuleSpec(name, None, is_package=True)
                spec.submodule_search_locations = [str(place)]
                return spec
        return None


def _confine_files(libc: ctypes.CDLL, places: Places) -> None:
    version = landlock_version()
    known = (1 << _BITS.get(version, 16)) - 1
    net, scope = (3 if version >= _NET_SINCE else 0), (3 if version >= _SCOPE_SINCE else 0)
    attributes = struct.pack("QQQ", known, net, scope)[: 24 if scope else 16 if net else 8]
    rules = _require(libc.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)))
    try:
        for path in (*map(Path, SYSTEM), *places.read):
            _allow(libc, rules, path, _MAY_READ & known)
        for path in (*places.write, Path("/dev/null")):
            _allow(libc, rules, path, _MAY_WRITE & known)
        _require(libc.syscall(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint32(0)))
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: Path, access: int) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        held = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            allowed = access if path.is_dir() else access & _OF_A_FILE
            rule = struct.pack("=Qi", allowed, held)
            _require(libc.syscall(_ADD, ctypes.c_int(rules), ctypes.c_int(_BENEATH), rule, ctypes.c_uint32(0)))
        finally:
            os.close(held)


def _confine_calls(libc: ctypes.CDLL) -> None:
    """Refuse what Landlock does not: sockets of any kind, other processes, programs, changes of owners and modes."""
    architecture, signals, refused = _CALLS[platform.machine()]
    no, load = _ERRNO | _EPERM, 0x20
    program = [
        (load, 0, 0, 4),  # the machine
        (0x15, 1, 0, architecture),
        (0x06, 0, 0, no),
        (load, 0, 0, 0),  # the call
        (0x35, 0, 1, 0x40000000),  # those of x32 are others
        (0x06, 0, 0, _ERRNO | _ENOSYS),
    ]
    for call in (*refused, *_ABOVE_424):
        program += [(0x15, 0, 1, call), (0x06, 0, 0, no)]
    for call in signals:  # to this process they are its own affair: that is how it aborts
        program += [(0x15, 0, 4, call), (load, 0, 0, 16), (0x15, 1, 0, os.getpid()), (0x06, 0, 0, no), (load, 0, 0, 0)]
    program.append((0x06, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    head = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    _require(libc.prctl(_SET_SECCOMP, _FILTER, head, 0, 0))


def _require(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def code_folders(packages: Iterable[str] = ()) -> tuple[Path, ...]:
    """Where the code of this process lies: Python itself, what is installed, and each other package by itself.

    A folder of `sys.path` is not allowed as a whole: it may be the one in which secrets lie too. `packages`: those that
    will be imported, though they were not yet.
    """
    imported = tuple((name, id(module)) for name, module in list(sys.modules.items()) if "." not in name)
    return _code_folders(tuple(folder for name in packages for folder in _folders_of(name)), imported)


def _folders_of(package: str) -> list[str]:
    """Asked each time, as a package that was not imported yet may lie elsewhere by now."""
    with contextlib.suppress(ImportError, ValueError, AttributeError):
        spec = importlib.util.find_spec(package)
        return list(spec.submodule_search_locations or ()) if spec else []
    return []


@functools.lru_cache(maxsize=8)
def _code_folders(folders: tuple[str, ...], imported: tuple[tuple[str, int], ...]) -> tuple[Path, ...]:
    places = {Path(one).resolve() for one in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    places |= {Path(one).resolve() for one in sys.path if Path(one).name in ("site-packages", "dist-packages")}
    places |= {Path(one).resolve() for one in folders}
    for name, _ in imported:
        module = sys.modules.get(name)
        found = [*getattr(module, "__path__", ())] or [getattr(module, "__file__", None)]
        own = [Path(one).resolve() for one in found if isinstance(one, str)]
        places |= {one for one in own if not any(one.is_relative_to(place) for place in places)}
    return tuple(sorted(places))
