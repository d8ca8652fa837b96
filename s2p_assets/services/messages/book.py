"""The address book as messages go by it: what the file says, with the addresses that people added on the screen.

What stands in the file is `messaging/address_book.py`'s to read; who may add an address, `services/people.py`'s.
"""

import psycopg

from s2p_assets.messaging.added_addresses import list_added_addresses
from s2p_assets.messaging.address_book import AddressBook, read_address_book, with_added
from s2p_assets.services.context import Context


def known_book(ctx: Context, connection: psycopg.Connection) -> AddressBook:
    """Raises AddressBookUnusable."""
    book = read_address_book(ctx.settings.addresses, list(ctx.catalog.reports))
    added: dict[str, list[str]] = {}
    for one in list_added_addresses(connection):
        added.setdefault(one.owner, []).append(one.address)
    return with_added(book, added)
