"""Commands of `s2p` in processes that are forked from one which has imported what they need: a start costs four CPU
seconds, and the tests begin hundreds.

What is killed while it runs is started as ever. As `-m s2p_assets_tests.warm_commands` this is that one process.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import select
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any

IMPORTED = (
    "s2p_assets.cli",
    "s2p_assets.definitions",
    "s2p_assets.graph.running.headless",
    "dagster_postgres",
    "pandera.pandas",
    "pyarrow.compute",
    "sqlalchemy.dialects.postgresql.psycopg2",
)


class WarmCommands:
    """The one process, which ends with this one. One command at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._turn = threading.Lock()

    def run(
        self, words: tuple[str, ...], environment: dict[str, str], folder: Path, seconds: float, module: str = ""
    ) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a command of s2p, or of `python -m module`.

        Raises TimeoutExpired; its whole group is killed then.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._turn, tempfile.TemporaryDirectory(prefix="warm ") as place:
            files = [str(Path(place) / name) for name in ("out", "err")]
            asked = {"words": words, "environment": environment, "folder": str(folder), "files": files}
            asked["module"] = module
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            pid = int(self._process.stdout.readline())
            if not select.select([self._process.stdout], [], [], seconds)[0]:
                os.killpg(pid, 9)
                self._process.stdout.readline()
                raise subprocess.TimeoutExpired(list(words), seconds)
            code = int(self._process.stdout.readline())
            out, err = (Path(file).read_text(encoding="utf-8") for file in files)
            return code, out, err


@functools.cache
def warm_commands() -> WarmCommands:
    """Those of this process of tests."""
    return WarmCommands()


def _serve() -> None:
    for module in IMPORTED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if not pid:
            _become(asked)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(asked: dict[str, Any]) -> None:
    """The command, as a process of its own would be it, to its end."""
    code = 1
    try:
        os.setsid()
        for descriptor, file in enumerate(asked["files"], start=1):
            opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(opened, descriptor)
            os.close(opened)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        tempfile.tempdir = None
        sys.path[:0] = [place for place in asked["environment"].get("PYTHONPATH", "").split(os.pathsep) if place]
        sys.argv = ["s2p", *asked["words"]]
        sys.modules["numpy"].random.seed()
        if asked["module"]:
            runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)
        else:
            from s2p_assets.cli import main

            main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
