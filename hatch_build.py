"""What is compiled when s2p is installed: the cutter of a sheet's rows, where there is a C compiler; s2p works without.

One build for the stable ABI serves CPython 3.11 and later. `S2P_BUILD=compiled` fails where it cannot be compiled,
as a release asks for; `S2P_BUILD=pure` leaves it out.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # tests compile the cutter without it, with a sanitizer
    BuildHookInterface = object

SOURCE = Path("s2p_assets/spreadsheet/readers/_cut_rows.c")
FLAGS = ("-O2", "-fPIC", "-Wall", "-Wextra")


def compile_cutter(root: Path, target: Path, flags: tuple[str, ...] = FLAGS) -> str:
    """Compiles the cutter to `target`; what is said is why it could not be, empty when it was."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if not shutil.which(compiler[0]):
        compiler = [shutil.which("cc") or shutil.which("gcc") or shutil.which("clang") or ""]
    if not compiler[0]:
        return "there is no C compiler"
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    include = sysconfig.get_path("include")
    draft = target.with_suffix(f".{os.getpid()}")
    command = [*compiler, *flags, *shared, f"-I{include}", str(root / SOURCE), "-o", str(draft)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        return made.stderr.strip()[-500:] or "the compiler failed"
    draft.replace(target)
    return ""


class CustomBuildHook(BuildHookInterface):
    """Compiles the cutter into the package; where that cannot be done, the package is pure Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        wanted = os.environ.get("S2P_BUILD", "")
        target = Path(self.root) / SOURCE.with_name("_cut_rows.abi3.so")
        if self.target_name != "wheel" or wanted == "pure" or os.name == "nt":
            self._leave_out(target, version)
            return
        if problem := compile_cutter(Path(self.root), target):
            self._leave_out(target, version)
            if wanted == "compiled":
                raise RuntimeError(f"{SOURCE} was not compiled: {problem}")
            self.app.display_warning(f"{SOURCE} was not compiled, which s2p does without: {problem}")
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{platform}"
        build_data["artifacts"].append(str(target.relative_to(self.root)))

    def _leave_out(self, target: Path, version: str) -> None:
        """Takes away one that was compiled before, in an install from the sources; a package holds none it is not told
        of, and an install beside it may be in use.
        """
        if self.target_name == "wheel" and version == "editable":
            target.unlink(missing_ok=True)
