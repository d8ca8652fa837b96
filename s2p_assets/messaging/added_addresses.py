"""Addresses that people added on the screen for an owner, as they are stored; what the file says stays with the file.

How they are put beside the address book is in `address_book.py`.
"""

import datetime as dt
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class AddedAddress:
    """An address at which an owner is told too: whose, who added it, and when."""

    owner: str
    address: str
    added_by: str
    added_at: dt.datetime


def list_added_addresses(conn: psycopg.Connection) -> list[AddedAddress]:
    with conn.cursor(row_factory=class_row(AddedAddress)) as cursor:
        query = "select owner, address, added_by, added_at from s2p.added_addresses order by owner, address"
        return cursor.execute(query).fetchall()


def insert_added_address(conn: psycopg.Connection, owner: str, address: str, by: str) -> None:
    """Add it; what is there already stays as it is."""
    conn.execute(
        "insert into s2p.added_addresses (owner, address, added_by) values (%s, %s, %s) on conflict do nothing",
        (owner, address, by),
    )


def delete_added_address(conn: psycopg.Connection, owner: str, address: str) -> bool:
    """Whether there was such an address."""
    query = "delete from s2p.added_addresses where owner = %s and address = %s returning 1"
    return conn.execute(query, (owner, address)).fetchone() is not None
