"""The address book: who is told of what, read from one YAML file that an engineer keeps.

Owners of workbooks and reports are told at the addresses in their contracts; the file says only what differs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from s2p_assets.contracts.errors import MendableError
from s2p_assets.messaging.matters import ENGINEERS, KINDS, OWNER, Matter

EXAMPLE = """\
# Who is told what. Owners of workbooks and reports are told at the addresses in their contracts without a line here.

engineers: []            # [it@example.com, ops]: who is told of failed runs, full disks, old backups …

services: {}             # a name for each address that is no mail, as of https://github.com/caronc/apprise
#  ops: slack://tokenA/tokenB/tokenC/ops
#  teams: {file: /run/secrets/teams-url}

people: {}               # other addresses for an owner; [] for one who wants none
#  prices@example.com: [anna@example.com, boris@example.com]

kinds: {}                # who is told of a kind of matter, in place of the default: owner, engineers, addresses
#  drift: [data-science@example.com]

received: []             # owners who also want to hear of files that were loaded; [all] for everybody

reports: {}              # who gets each new edition, with its PDF
#  DOMAIN_REPORT: [board@example.com]
"""
_MAIL = re.compile(r"[^@\s,;<>\"()\\\x00-\x1f\x7f]{1,64}@[^@\s,;<>\"()\\\x00-\x1f\x7f]{1,255}")
WORDS = ("engineers", "services", "people", "kinds", "received", "reports")
EVERYBODY = "all"


class AddressBookUnusable(MendableError):
    """What stands in the address book cannot be meant; one line with the place and what to write."""


@dataclass(frozen=True)
class AddressBook:
    """Who is told what. `services`: by name, the address that apprise takes, which may hold a secret."""

    engineers: tuple[str, ...] = ()
    services: Mapping[str, str] = field(default_factory=dict, repr=False)
    people: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    received: tuple[str, ...] = ()
    reports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def recipients(self, matter: Matter) -> list[str]:
        """Mail addresses and names of services that are told of a matter, each once."""
        concerned = [*self.kinds.get(matter.kind, KINDS[matter.kind].concerns), *matter.to]
        found: dict[str, None] = {}
        for one in concerned:
            found |= dict.fromkeys(self._addresses(one, matter.owner))
        return list(found)

    def wants_received(self, owner: str) -> bool:
        """Whether the owner also wants to hear of files that were loaded."""
        return owner in self.received or EVERYBODY in self.received

    def _addresses(self, who: str, owner: str | None) -> Sequence[str]:
        if who == ENGINEERS:
            return self.engineers or (ENGINEERS,)
        named = (owner or ENGINEERS) if who == OWNER else who
        return self.people.get(named, (named,))


def with_added(book: AddressBook, added: Mapping[str, Sequence[str]]) -> AddressBook:
    """The book with further addresses for owners, by owner, and for `engineers`: nobody is told less than before."""
    people = dict(book.people)
    for owner, addresses in added.items():
        if owner != ENGINEERS:
            known = people.get(owner, (owner,))
            people[owner] = (*known, *(one for one in addresses if one not in known))
    more = [one for one in added.get(ENGINEERS, ()) if one not in book.engineers]
    return replace(book, people=people, engineers=(*book.engineers, *more))


def is_mail_address(text: str) -> bool:
    """Whether a letter can be addressed to `text`."""
    return _MAIL.fullmatch(text) is not None


def read_address_book(file: Path, reports: Sequence[str] | None = None) -> AddressBook:
    """The book in `file`; an empty one where there is none. `reports`: the names there are, where they are known.

    Raises AddressBookUnusable.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return AddressBook()
    except (OSError, UnicodeDecodeError) as error:
        raise AddressBookUnusable(f"{file} cannot be read ({error}); save it as UTF-8 text that s2p may read") from None
    return parse_address_book(text, str(file), reports)


def parse_address_book(text: str, place: str, reports: Sequence[str] | None = None) -> AddressBook:
    """As `read_address_book`, of the text itself; `place`: what it is called where something is wrong with it."""
    import yaml

    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise AddressBookUnusable(f"{place}{line} is not YAML; correct it, as docs/messages.md shows") from None
    if not isinstance(content, dict):
        raise AddressBookUnusable(f"{place} is no list of names; begin it with `engineers:`, as docs/messages.md shows")
    _require(place, "", list(content), WORDS)
    services = {str(name): _service(place, name, value) for name, value in _mapping(place, content, "services").items()}
    known = (*services, OWNER, ENGINEERS)

    def named(word: str) -> dict[str, tuple[str, ...]]:
        lists = _mapping(place, content, word)
        return {str(name): _list(place, f"{word} › {name}", one, known) for name, one in lists.items()}

    book = AddressBook(
        _list(place, "engineers", content.get("engineers"), tuple(services)),
        services,
        named("people"),
        named("kinds"),
        tuple(str(one) for one in content.get("received") or ()),
        named("reports"),
    )
    _require(place, "kinds › ", list(book.kinds), tuple(KINDS))
    if reports is not None:
        _require(place, "reports › ", list(book.reports), reports)
    return book


def _require(place: str, where: str, names: Sequence[Any], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise AddressBookUnusable(f"{place}: {where}{name} is not known; there are {', '.join(known) or 'none'}")


def _mapping(place: str, content: Mapping[str, Any], word: str) -> Mapping[Any, Any]:
    found = content.get(word) or {}
    if not isinstance(found, dict):
        raise AddressBookUnusable(f"{place}: {word} takes names with a value each, as docs/messages.md shows")
    return found


def _list(place: str, where: str, value: Any, names: Sequence[str]) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value or []
    if not isinstance(listed, list):
        raise AddressBookUnusable(f"{place}: {where} takes a list such as [anna@example.com]")
    for one in listed:
        if one not in names and not (isinstance(one, str) and is_mail_address(one)):
            raise AddressBookUnusable(
                f"{place}: {where}: {_shown(one)} is no mail address and no name under services; "
                "write one of them, or give the service a name there"
            )
    return tuple(listed)


def _shown(value: Any) -> str:
    """A value for a message; of an address with a secret in it only what it is an address of."""
    text = str(value)
    return f"{text.partition('://')[0]}://…" if "://" in text else repr(text)


def _service(place: str, name: Any, value: Any) -> str:
    """The address of a service, which may stand in a file of its own."""
    where = f"{place}: services › {name}"
    if isinstance(value, str) and "://" in value:
        return value
    if isinstance(value, dict) and set(value) == {"file"}:
        try:
            return Path(str(value["file"])).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise AddressBookUnusable(f"{where}: {value['file']} cannot be read ({type(error).__name__})") from None
    raise AddressBookUnusable(f"{where} takes an address such as slack://…, or {{file: PATH}} where it stands")
