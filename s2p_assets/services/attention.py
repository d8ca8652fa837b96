"""What of a status needs a person, in a few words each. The status itself is read by `status.py`."""

from typing import Any


def what_needs_a_person(current: dict[str, Any]) -> list[str]:
    """`1 file is held for a decision` and the like, of a status as `read_status` gives it; none where all is well."""
    books = current["workbooks"]
    messages = current["messages"]
    counts = (
        (len(current.get("failures", ())), "step failed", "steps failed"),
        (sum(book["returned"] for book in books), "file came back to its owner", "files came back to their owners"),
        (sum(book["held"] for book in books), "file is held for a decision", "files are held for a decision"),
        (len(current["gone"]), "file is gone while its rows count", "files are gone while their rows count"),
        (len(current["missing"]), "file is missing or late", "files are missing or late"),
        (len(current["unclaimed"]), "file is claimed by nobody", "files are claimed by nobody"),
        (_failing(current), "table does not follow its streams", "tables do not follow their streams"),
        (_away(current), "folder elsewhere is away or listed in part", "folders elsewhere are away or listed in part"),
        (len((current["mailbox"] or {}).get("held", ())), "mail is held", "mails are held"),
        (1 if (current["mailbox"] or {}).get("problem") else 0, "mailbox cannot be read", ""),
        (sum(book["waiting"] for book in books), "file waits to be read (s2p run)", "files wait to be read (s2p run)"),
        (len(current["faults"]), "shelf file is left out", "shelf files are left out"),
        (len(messages["undelivered"]), "message was not delivered", "messages were not delivered"),
        (1 if (current["lakehouse"] or {}).get("problem") else 0, "lakehouse is not brought up to date", ""),
        (1 if messages["problem"] else 0, "address book cannot be read", ""),
    )
    return [f"{count:,} {one if count == 1 else more}" for count, one, more in counts if count]


def _failing(current: dict[str, Any]) -> int:
    return sum(bool(one["problem"]) for one in current["live_tables"])


def _away(current: dict[str, Any]) -> int:
    return sum(one["state"] in ("away", "partly") for one in current["remotes"])
