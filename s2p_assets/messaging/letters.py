"""What a message says: subject, text and HTML made from its matters, the next step first, with bounds on its length.

What the matters are is found in `services/`; how a letter becomes a mail is in `mail.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from unicodedata import category

from s2p_assets.messaging.matters import KINDS, Matter

LONGEST_SUBJECT, LONGEST_LINE = 150, 300
TOLD_IN_FULL, TOLD_BY_TITLE = 10, 40
"""So many matters are told with cells and next step, and so many more by their titles; the rest is counted."""
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in words: `attachments` are (file, the name that its reader sees)."""

    subject: str
    text: str
    html: str
    attachments: tuple[tuple[Path, str], ...] = ()


def write_letter(matters: Sequence[Matter], attached: Sequence[tuple[Path, str]], from_whom: str) -> Letter:
    """The letter on `matters`; `attached`: what goes with it. `from_whom`: the installation, for its last line."""
    full, brief = matters[:TOLD_IN_FULL], matters[TOLD_IN_FULL : TOLD_IN_FULL + TOLD_BY_TITLE]
    left = len(matters) - len(full) - len(brief)
    values: dict[str, Any] = {
        "groups": [
            {"heading": KINDS[kind].heading if len(matters) > 1 else "", "matters": [_shown(one) for one in group]}
            for kind, group in groupby(full, key=lambda matter: matter.kind)
        ],
        "brief": [plain_line(matter.title) for matter in brief],
        "left": left,
        "attached": [name for _, name in attached],
        "from_whom": from_whom,
    }
    render = _renderer()
    return Letter(
        subject_of(matters),
        render("letter.txt.j2", values).strip() + "\n",
        render("letter.html.j2", values),
        tuple(attached),
    )


def subject_of(matters: Sequence[Matter]) -> str:
    """What happened first, and how much more there is, on one line."""
    more = len(matters) - 1
    end = f", and {more:,} more" if more else ""
    title = plain_line(matters[0].title)
    room = LONGEST_SUBJECT - len(end)
    return (title if len(title) <= room else f"{title[: room - 1]}…") + end


def plain_line(text: str, longest: int = LONGEST_LINE) -> str:
    """`text` on one line that no header, terminal or reader takes for more than a line; cut where it is too long."""
    shown = "".join(" " if mark.isspace() or mark in _TURNING or category(mark) in _HIDDEN else mark for mark in text)
    line = " ".join(shown.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


_HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Marks that turn the direction of what follows, by which a name can look like another."""


def _shown(matter: Matter) -> dict[str, Any]:
    return {
        "title": plain_line(matter.title),
        "next_step": plain_line(matter.next_step, 2 * LONGEST_LINE),
        "details": [plain_line(line) for line in matter.details],
        "more": matter.more,
        "places": [plain_line(line, 2 * LONGEST_LINE) for line in matter.place.splitlines()],
    }


def _renderer() -> Callable[[str, dict[str, Any]], str]:
    import jinja2

    def is_page(name: str | None) -> bool:
        return bool(name and name.endswith(".html.j2"))

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=is_page,  # noqa: S701  pages are escaped, plain text is not
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return lambda name, values: environment.get_template(name).render(values)
