"""Who owns what, at which addresses they are told, and who gets which messages and reports.

Users, tokens and groups are `access.py`'s; how messages are sent, `messages/`'s.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.messaging.added_addresses import (
    AddedAddress,
    delete_added_address,
    insert_added_address,
    list_added_addresses,
)
from s2p_assets.messaging.address_book import AddressBook, is_mail_address
from s2p_assets.messaging.matters import ENGINEERS, KINDS
from s2p_assets.services.access import AccessRefused
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.messages.book import known_book

MOST_ADDED = 50
Owned = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""The workbooks, the reports and the other things of an owner."""


@dataclass(frozen=True)
class Owner:
    """An owner as contracts name them, with what is theirs, where they are told, and which of that was added here."""

    name: str
    workbooks: tuple[str, ...]
    reports: tuple[str, ...]
    others: tuple[str, ...]
    told_at: tuple[str, ...]
    added: tuple[AddedAddress, ...]


@dataclass(frozen=True)
class WhoGetsWhat:
    """A kind of message and who gets it: `owner` and `engineers` in words, else addresses."""

    kind: str
    says: str
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class People:
    """Everybody who is told something. `readers`: report → who gets each new edition by the address book."""

    owners: tuple[Owner, ...]
    messages: tuple[WhoGetsWhat, ...]
    readers: Mapping[str, tuple[str, ...]]


def people_of(ctx: Context, sees: Callable[[str], bool]) -> People:
    """Owners of what somebody sees, and who gets what. Raises AddressBookUnusable."""
    with ctx.warehouse.reading() as connection:
        book, added = known_book(ctx, connection), list_added_addresses(connection)
    names: dict[str, Owned] = {ENGINEERS: ((), (), ())} | _owned(ctx.catalog, sees)
    owners = tuple(
        Owner(name, books, reports, others, _told_at(book, name), tuple(one for one in added if one.owner == name))
        for name, (books, reports, others) in names.items()
    )
    messages = tuple(
        WhoGetsWhat(kind, known.heading, tuple(book.kinds.get(kind, known.concerns))) for kind, known in KINDS.items()
    )
    readers = {name: tuple(who) for name, who in book.reports.items() if sees(name)}
    return People(owners, messages, readers)


def _told_at(book: AddressBook, owner: str) -> tuple[str, ...]:
    return tuple(book.engineers) if owner == ENGINEERS else tuple(book.people.get(owner, (owner,)))


def _owned(catalog: Catalog, sees: Callable[[str], bool]) -> dict[str, Owned]:
    """Owner → the workbooks, the reports and the other things that are theirs, by name."""
    found: dict[str, tuple[list[str], list[str], list[str]]] = {}
    kinds = ((0, catalog.workbooks.values()), (1, catalog.reports.values()), (2, catalog.derived()))
    for place, declared in kinds:
        for one in declared:
            owner = getattr(one, "owner", None)
            if owner and sees(one.full_name) and (place != 2 or one.full_name not in catalog.reports):
                found.setdefault(owner, ([], [], []))[place].append(one.full_name)
    return {
        owner: (tuple(sorted(books)), tuple(sorted(reports)), tuple(sorted(others)))
        for owner, (books, reports, others) in sorted(found.items())
    }


def things_of(ctx: Context, owner: str) -> list[str]:
    """What belongs to somebody, by name."""
    return sorted(name for names in _owned(ctx.catalog, lambda _: True).get(owner, ()) for name in names)


def may_change_addresses(ctx: Context, owner: str, name: str, *, is_engineer: bool) -> bool:
    """Engineers may for everybody, an owner for themselves."""
    return is_engineer or (owner == name and owner in _owned(ctx.catalog, lambda _: True))


def add_address(ctx: Context, owner: str, address: str, by: str) -> None:
    """Tell an owner at one more address. Raises NotFound, and AccessRefused for what is no address."""
    _require_owner(ctx, owner)
    plain = address.strip()
    if not is_mail_address(plain):
        raise AccessRefused(f"{plain[:80]!r} is no mail address; write it as anna@example.com")
    with ctx.warehouse.writing() as connection, connection.transaction():
        known = [one for one in list_added_addresses(connection) if one.owner == owner]
        if len(known) >= MOST_ADDED:
            raise AccessRefused(f"{owner} has {MOST_ADDED} further addresses; take one away first")
        insert_added_address(connection, owner, plain, by)


def remove_address(ctx: Context, owner: str, address: str) -> None:
    """Tell an owner no more at an address that was added here. Raises NotFound."""
    with ctx.warehouse.writing() as connection:
        if not delete_added_address(connection, owner, address):
            raise NotFound(f"{address[:80]} was not added here for {owner[:80]}; the address book itself is a file")


def _require_owner(ctx: Context, owner: str) -> None:
    known = {ENGINEERS, *_owned(ctx.catalog, lambda _: True)}
    if owner not in known:
        raise NotFound(f"nothing belongs to {owner[:80]!r}; owners are {', '.join(sorted(known))}")
