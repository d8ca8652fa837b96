"""What stands in an outline for a thing on a shelf, and the thing itself. Making outlines is the catalogue's work."""

from typing import TypeVar

T = TypeVar("T")


def as_declared(thing: T) -> T:
    """The thing as the shelf's own code declares it, loaded where `thing` only stands for it."""
    load = getattr(type(thing), "load_declared", None)
    found: T = load(thing) if load else thing
    return found
