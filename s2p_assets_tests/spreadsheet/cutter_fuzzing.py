"""The compiled cutter under AddressSanitizer, with texts of rows that were altered at random.

    uv run python -m s2p_assets_tests.spreadsheet.cutter_fuzzing --texts 1000000

It is compiled anew for this, with the sanitizer in it; ends with 3 where the machine has none.
"""

import argparse
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ASAN_FLAGS = ("-O1", "-g", "-fPIC", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
NO_SANITIZER = 3
_PIECES = ("<", ">", "/", '"', "<c ", 'r="', "<v>", "</v>", "</c>", "</row>", '<row r="', "A", "ZZZZ", "9", "99999999")
_VALUES = ("1", "12", "3.5", "-2", "1e5", "0", "", "999999999", "1234567890", "a&amp;b", "é", "x" * 200)
_GIVEN = ("", ' s="1"', ' t="s"', ' s="2" t="str"', ' t="b"', ' s="é"')


def plain_rows(chance: random.Random) -> str:
    """Rows as nearly every program writes them."""
    rows = []
    for row in sorted(chance.sample(range(1, 1_048_577), chance.randint(1, 4))):
        cells = []
        for column in chance.sample(["A", "B", "Z", "AA", "XFD", "ZZZ"], chance.randint(0, 4)):
            start = f'<c r="{column}{row}"{chance.choice(_GIVEN)}'
            kind = chance.random()
            value = f"><v>{chance.choice(_VALUES)}</v></c>" if kind < 0.8 else "/>" if kind < 0.9 else "></c>"
            cells.append(start + value)
        tag = f'<row r="{row}"{chance.choice(("", " spans=1:8", " hidden=1"))}'
        rows.append(f"{tag}>{''.join(cells)}</row>" if cells or chance.random() < 0.5 else f"{tag}/>")
    return "".join(rows)


def altered(chance: random.Random, text: str) -> str:
    """The text with some of it lost, doubled, cut off or put in."""
    for _ in range(chance.randint(1, 3)):
        at, end = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        end = min(end, at + chance.choice((1, 2, 8, 40)))
        text = chance.choice(
            (
                text[:at] + text[end:],
                text[:end] + text[at:],
                text[:at] + chance.choice(_PIECES) + text[at:],
                text[:at] + chance.choice(_PIECES) + text[end:],
                text[:at],
            )
        )
    return text


def build_hook() -> Any:
    """The module that compiles the cutter when s2p is installed."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    build: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    return build


def _compile(folder: Path) -> Path:
    target = folder / "_cut_rows.abi3.so"
    if problem := build_hook().compile_cutter(ROOT, target, ASAN_FLAGS):
        print(f"the cutter cannot be compiled with the sanitizer: {problem}")
        sys.exit(NO_SANITIZER)
    return target


def _sanitizer() -> str:
    """The sanitizer's library, which the interpreter has to load before the cutter."""
    found = [
        subprocess.run(["cc", f"-print-file-name={name}"], capture_output=True, text=True, check=False).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    if not all(Path(path).is_absolute() for path in found):
        print("the machine has no AddressSanitizer")
        sys.exit(NO_SANITIZER)
    return " ".join(found)


def _fuzz(made: Path, texts: int, seed: int) -> None:
    spec = importlib.util.spec_from_file_location("_cut_rows", made)
    assert spec is not None
    assert spec.loader is not None
    cutter: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cutter)
    chance, cut = random.Random(seed), 0
    for _ in range(texts):
        text = plain_rows(chance)
        cut += cutter.cut(altered(chance, text) if chance.random() < 0.9 else text) is not None
    print(f"{texts:,} texts, of which {cut:,} were cut")


def main() -> None:
    """Compiles the cutter with the sanitizer and feeds it, in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--made", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.made:
        _fuzz(given.made, given.texts, given.seed)
        return
    with tempfile.TemporaryDirectory() as folder:
        made = _compile(given.folder or Path(folder))
        environment = os.environ | {
            "LD_PRELOAD": _sanitizer(),
            "ASAN_OPTIONS": "detect_leaks=0",
            "PYTHONMALLOC": "malloc",
        }
        command = [sys.executable, str(Path(__file__)), "--made", str(made), "--texts", str(given.texts)]
        sys.exit(subprocess.run([*command, "--seed", str(given.seed)], env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
