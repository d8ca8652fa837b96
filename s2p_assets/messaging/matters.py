"""A matter: one thing that somebody is to be told, and the kinds there are, with who is told of each by default.

Which matters there are is found in `services/`; how a letter words them is in `letters.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

OWNER, ENGINEERS = "owner", "engineers"


class Kind(NamedTuple):
    """A kind of matter: who is told by default, its heading in letters, and whether it is over once told."""

    concerns: tuple[str, ...]
    heading: str
    is_event: bool = False


KINDS: dict[str, Kind] = {
    "returned": Kind((OWNER,), "Files that came back"),
    "partly": Kind((OWNER,), "Files that were loaded in part"),
    "returned_events": Kind((OWNER,), "Events that came back", is_event=True),
    "stream": Kind((ENGINEERS,), "Streams"),
    "mail": Kind((ENGINEERS,), "Mails that are held"),
    "remote": Kind((ENGINEERS,), "Folders elsewhere"),
    "held": Kind((OWNER, ENGINEERS), "Files that wait for a decision"),
    "missing": Kind((OWNER,), "Files that have not come"),
    "lapsed": Kind((OWNER,), "Corrections that ended", is_event=True),
    "overwritten": Kind((OWNER,), "What was entered, and newer files say otherwise", is_event=True),
    "gone": Kind((OWNER, ENGINEERS), "Files that are gone"),
    "unclaimed": Kind((ENGINEERS,), "Files that nobody claims"),
    "held_back": Kind((OWNER,), "Reports that cannot be renewed"),
    "failed": Kind((ENGINEERS,), "What failed"),
    "installation": Kind((ENGINEERS,), "The installation"),
    "backup": Kind((ENGINEERS,), "The backup"),
    "export": Kind((ENGINEERS,), "The lakehouse"),
    "drift": Kind((ENGINEERS,), "Data that moved away from what was learned"),
    "leak": Kind((OWNER, ENGINEERS), "Columns that know the outcome"),
    "champion": Kind((OWNER, ENGINEERS), "Models in service", is_event=True),
    "undelivered": Kind((ENGINEERS,), "Messages that could not be delivered"),
    "received": Kind((OWNER,), "Files that came in", is_event=True),
    "threshold": Kind((), "What you asked to be told"),
    "report": Kind((), "Reports", is_event=True),
}
"""In the order in which a letter tells of them: what the reader has to do comes first."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to tell, in words for whoever is told.

    `key`: what makes it the same matter at the next look; told once. `owner`: the owner as the contract names them.
    `to`: who is told besides those whom its kind concerns. `details`: the first lines, such as cells and their
    findings; `more` further ones are not given. `attachments`: paths of files. `place`: where
    they lie, for people, a line each.
    `about`: the path of the file on the share that it is about.
    """

    kind: str
    key: str
    title: str
    next_step: str = ""
    details: tuple[str, ...] = ()
    more: int = 0
    owner: str | None = None
    to: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    place: str = ""
    about: str = ""

    def as_json(self) -> dict[str, Any]:
        """What is stored: of names that are no text, what of them is."""
        return {name: _text(value) for name, value in asdict(self).items()}

    @property
    def full_key(self) -> str:
        """What makes it one of all matters."""
        return str(_text(f"{self.kind}:{self.key}"))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Matter":
        lists = {name: tuple(stored[name]) for name in ("details", "to", "attachments")}
        return cls(**{**stored, **lists})


def _text(value: Any) -> Any:
    """`value` without what neither PostgreSQL nor a mail can hold: halves of characters, and NUL."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\x00", "")
    return [_text(one) for one in value] if isinstance(value, (list, tuple)) else value


def heading_place(matter: Matter) -> int:
    """Where in a letter a matter of this kind stands."""
    return list(KINDS).index(matter.kind)
