"""What of a status needs somebody, one entry a matter, the asker's own first: what it is, why, and what they may do.

How things stand is read by the services; the words of a finding or a question are theirs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from s2p_assets.api.caller import Caller

MOST_LINES, MOST_UNDELIVERED = 3, 5
Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Need:
    """A matter that waits for somebody. `deeds`: what the asker may do about it, of `mend`, `accept`, `keep`, `forget`.

    `path`: of a file on the share. `owner`: whose it is; `is_mine`: whether that is the asker.
    """

    kind: str
    colour: str
    title: str
    lines: tuple[str, ...] = ()
    more: int = 0
    owner: str = ""
    is_mine: bool = False
    path: str | None = None
    deeds: tuple[str, ...] = ()
    link: str = ""


def needs_of(status: Status, caller: Caller) -> list[Need]:
    """Of a status that was cut down to what the caller sees: theirs first, then by how much it hinders."""
    parts: Sequence[Callable[[Status, Caller], Iterator[Need]]] = (
        _returned,
        _held,
        _gone,
        _missing,
        _unclaimed,
        _implausible,
        _of_engineers,
    )
    found = [need for part in parts for need in part(status, caller)]
    return sorted(found, key=lambda need: not need.is_mine)


def _may(caller: Caller, *deeds: str) -> tuple[str, ...]:
    return deeds if caller.may("editor") else ()


def _file(kind: str, colour: str, file: Mapping[str, Any], caller: Caller, lines: Sequence[str], *deeds: str) -> Need:
    shown = [line.removeprefix(f"{file['path'].rpartition('/')[2]} › ") for line in lines]
    return Need(
        kind,
        colour,
        file["path"],
        tuple(shown[:MOST_LINES]),
        max(0, len(shown) - MOST_LINES),
        file["owner"],
        file["owner"] == caller.name,
        file["path"],
        _may(caller, *deeds),
    )


def _returned(status: Status, caller: Caller) -> Iterator[Need]:
    for file in status["sent_back"]:
        lines = [file["error"]] if file["error"] else file["findings"]
        kind = "loaded in part" if file["verdict"] == "partly" else "came back"
        deeds = () if file["error"] else ("mend",)  # what cannot be opened has no cell to mend
        yield _file(kind, "warn" if file["verdict"] == "partly" else "fault", file, caller, lines, *deeds)


def _held(status: Status, caller: Caller) -> Iterator[Need]:
    for file in status["held"]:
        says = [*file["questions"], *([f"In all: {file['says']}"] if file["says"] else [])]
        yield _file("held: is it right?", "warn", file, caller, says, "accept", "mend")


def _gone(status: Status, caller: Caller) -> Iterator[Need]:
    for file in status["gone"]:
        instead = f"; {file['replaced_by']} may have taken its place" if file["replaced_by"] else ""
        says = f"It is gone from the share, while its {file['rows']:,} rows still count{instead}."
        yield _file("gone", "warn", file, caller, [says], "keep", "forget")


def _missing(status: Status, caller: Caller) -> Iterator[Need]:
    for file in status["missing"]:
        mine = file["owner"] == caller.name
        kind = "late" if file["is_late"] else "missing"
        name = f"{file['name'][:1].upper()}{file['name'][1:]}"
        yield Need(kind, "warn", name, (file["says"],), 0, file["owner"], mine, link="/hand-in")


def _unclaimed(status: Status, caller: Caller) -> Iterator[Need]:
    if caller.may("editor"):
        for file in status["unclaimed"]:
            says = file["says"] or "No kind of workbook is looked for at its place, so it is not read."
            yield Need("not read", "", file["path"], (says,))


def _implausible(status: Status, caller: Caller) -> Iterator[Need]:
    for value in status["implausible"] if caller.may("editor") else ():
        yield Need("is it right?", "warn", "A value unlike all others", (value["says"],))


def _of_engineers(status: Status, caller: Caller) -> Iterator[Need]:
    if not caller.may("engineer"):
        return
    for fault in status["faults"]:
        yield Need("left out", "fault", "A file on the shelves has a fault", (fault,))
    yield from _from_elsewhere(status)
    messages = status["messages"]
    if messages["problem"]:
        yield Need("not told", "fault", "The address book cannot be read", (messages["problem"],))
    if undelivered := messages["undelivered"]:
        count = f"{len(undelivered):,} {'message was' if len(undelivered) == 1 else 'messages were'} not delivered"
        lines = [f"To {one['recipient']}: {one['error']}" for one in undelivered[:MOST_UNDELIVERED]]
        yield Need("not told", "fault", count, (*lines, "s2p messages lists them all; --again tries once more"))


def _from_elsewhere(status: Status) -> Iterator[Need]:
    """What does not come, or is not made of what comes: streams' tables, remote folders, the mailbox."""
    for table in status["live_tables"]:
        if table["problem"]:
            yield _not_following(table)
    for remote in status["remotes"]:
        if remote["state"] in ("away", "partly"):
            yield _elsewhere(remote)
        elif remote["is_silent"]:
            says = f"It was last looked at on {_to_minute(remote['looked_at'])} UTC; let s2p up run."
            yield Need("not looked at", "fault", f"Nobody looks at {remote['place']}", (says,))
    if mailbox := status["mailbox"]:
        yield from _mailed(mailbox)


def _to_minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def _not_following(table: Mapping[str, Any]) -> Need:
    made = f"Its rows stand as of {_to_minute(table['made_at'])} UTC." if table["made_at"] else ""
    title = f"{table['name'].replace('_', ' ').capitalize()} does not follow its streams"
    return Need("not made", "fault", title, tuple(filter(None, (table["problem"], made))))


def _elsewhere(remote: Mapping[str, Any]) -> Need:
    since = f" since {_to_minute(remote['since'])} UTC" if remote["since"] else ""
    stands = "Nothing is taken for gone until then: the rows of its files stand."
    if remote["state"] == "away":
        why = (remote["problem"] or "").removeprefix(f"{remote['place']}: ")
        return Need("away", "fault", f"{remote['place']} is away{since}", (why, stands))
    lines = (*remote["notes"][: MOST_LINES - 1], stands)
    return Need("listed in part", "warn", remote["place"], lines, max(0, len(remote["notes"]) - len(lines) + 1))


def _mailed(mailbox: Mapping[str, Any]) -> Iterator[Need]:
    if mailbox["problem"]:
        yield Need(
            "away",
            "fault",
            f"The mailbox {mailbox['place']} is not read",
            (mailbox["problem"], "Its mails wait there."),
        )
    for mail in mailbox["held"]:
        title = f"A mail of {mail['sender']}: {mail['subject'] or 'without a subject'}"
        yield Need("held: is it right?", "warn", title, (mail["why"] or "",))
