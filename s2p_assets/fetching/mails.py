"""What a mail says: who sent it, in which thread, whether a program did, what proves its sender, what is attached.

Whether it is taken is decided in `services/`; nothing in it is run, unpacked or opened here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses
from typing import Literal

from s2p_assets.fetching.remote_files import safe_name

MOST_PARTS, MOST_ATTACHMENTS = 200, 50
LONGEST_SUBJECT = 80
_ANSWERED = re.compile(r"^\s*(?:(?:re|aw|antw|wg|fw|fwd|tr|sv|vs|rif|res)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_ID = re.compile(r"<[^<>\s]{1,250}>")

Proof = Literal["proven", "refuted", "open"]
"""Whether the sender of a mail is who it says, as the company's own server found."""


@dataclass(frozen=True)
class ReceivedMail:
    """A mail as far as s2p heeds it. `sender`: the one address that it is from; empty where it has none, or several.

    `thread`: the Message-IDs that it answers. `is_answer`: a program answered something; `is_bulk`: a program or list
    sent it, which nobody reads the answer of. `attachments`: (name, bytes).
    """

    message_id: str
    sender: str
    subject: str
    thread: tuple[str, ...] = ()
    is_answer: bool = False
    is_bulk: bool = False
    proof: Proof = "open"
    attachments: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    fault: str = ""


def read_mail(raw: bytes, authserv: str | None) -> ReceivedMail:
    """A mail as it came. `authserv`: what the company's server calls itself. What cannot be read is a `fault`."""
    try:
        mail = message_from_bytes(raw, policy=default)
        if not isinstance(mail, EmailMessage):
            raise TypeError
        return _read(mail, authserv)
    except (ValueError, TypeError, LookupError, AttributeError, IndexError, KeyError, RecursionError) as error:
        return ReceivedMail("", "", "", fault=f"it is no mail that can be read ({type(error).__name__})")


def _read(mail: EmailMessage, authserv: str | None) -> ReceivedMail:
    senders = [address.lower() for _, address in getaddresses(_all(mail, "From")) if address]
    sender = senders[0] if len(senders) == 1 and re.fullmatch(r"[^@\s/\\]+@[^@\s/\\]+", senders[0]) else ""
    attachments, fault = _attachments(mail)
    return ReceivedMail(
        message_id=next(iter(_ID.findall(_one(mail, "Message-ID"))), ""),
        sender=sender,
        subject=" ".join(_one(mail, "Subject").split()),
        thread=tuple(dict.fromkeys(_ID.findall(f"{_one(mail, 'References')} {_one(mail, 'In-Reply-To')}")))[-50:],
        is_answer=_is_answer(mail),
        is_bulk=_is_bulk(mail),
        proof=sender_proof(_all(mail, "Authentication-Results"), sender.rpartition("@")[2], authserv),
        attachments=attachments,
        fault=fault,
    )


def _all(mail: EmailMessage, name: str) -> list[str]:
    return [str(value) for value in mail.get_all(name) or ()]


def _one(mail: EmailMessage, name: str) -> str:
    return next(iter(_all(mail, name)), "")


def _is_answer(mail: EmailMessage) -> bool:
    """Whether it is a bounce or what a program answers, which would go round for ever if it were answered."""
    auto = _one(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    is_bounce = "Return-Path" in mail and not _one(mail, "Return-Path").strip(" <>")
    is_report = mail.get_content_type() in ("multipart/report", "message/delivery-status")
    says_so = any(name in mail for name in ("X-Autoreply", "X-Autorespond", "X-Failed-Recipients"))
    return auto in ("auto-replied", "auto-notified") or is_bounce or is_report or says_so


def _is_bulk(mail: EmailMessage) -> bool:
    auto = _one(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    precedence = _one(mail, "Precedence").strip().lower()
    is_list = any(name in mail for name in ("List-Id", "List-Unsubscribe", "List-Post"))
    return auto not in ("", "no") or precedence in ("bulk", "junk", "list", "auto_reply") or is_list


def _attachments(mail: EmailMessage) -> tuple[tuple[tuple[str, bytes], ...], str]:
    """What is attached, by safe names, each once; and what is wrong with it."""
    found: dict[str, bytes] = {}
    for number, part in enumerate(mail.walk()):
        if number > MOST_PARTS or len(found) > MOST_ATTACHMENTS:
            return (), f"it has more than {MOST_ATTACHMENTS} attachments"
        given = part.get_filename()
        if part.is_multipart() or not given:
            continue
        name = safe_name("", str(given).replace("\\", "/").rpartition("/")[2].strip())
        content = part.get_payload(decode=True)
        if name and isinstance(content, bytes) and content:
            found[_unique(name, found)] = content
    return tuple(found.items()), ""


def _unique(name: str, taken: dict[str, bytes]) -> str:
    stem, dot, suffix = name.rpartition(".")
    number, tried = 1, name
    while tried in taken:
        number += 1
        tried = f"{stem} ({number}){dot}{suffix}" if dot else f"{name} ({number})"
    return tried


def sender_proof(results: Sequence[str], domain: str, authserv: str | None) -> Proof:
    """What the company's server found of a sender of `domain`: the first header of that server counts.

    Without its name nothing proves a sender, as anybody may write such a header; one that refutes is heeded still.
    """
    for header in results:
        server, _, rest = _COMMENT.sub(" ", header).partition(";")
        if authserv and (server.split() or [""])[0].lower() != authserv.lower():
            continue
        found = [_method(part) for part in rest.split(";") if "=" in part]
        if authserv and any(_proves(method, result, properties, domain) for method, result, properties in found):
            return "proven"
        said = {method: result for method, result, _ in reversed(found)}
        refuted = said.get("dmarc") == "fail" or said.get("spf") == "fail" or said.get("dkim") == "fail"
        return "refuted" if refuted else "open"
    return "open"


def _method(part: str) -> tuple[str, str, dict[str, str]]:
    words = [word.partition("=") for word in part.split() if "=" in word]
    method, _, result = words[0]
    return (
        method.partition("/")[0].lower(),
        result.lower(),
        {name.lower(): value.lower() for name, _, value in words[1:]},
    )


def _proves(method: str, result: str, properties: dict[str, str], domain: str) -> bool:
    """Whether a result is about the domain that the mail says it is from."""
    names = {"dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",), "dmarc": ("header.from",)}.get(method, ())
    about = [properties[name].strip('"').rpartition("@")[2] for name in names if name in properties]
    return result == "pass" and any(_is_aligned(domain, one) for one in about)


def _is_aligned(domain: str, proven: str) -> bool:
    return "." in proven and (domain == proven or domain.endswith(f".{proven}"))


def thread_subject(subject: str) -> str:
    """A subject without `Re:` and its like, as a name of a folder."""
    plain = _ANSWERED.sub("", subject)
    marks = (mark if mark.isprintable() and mark not in '<>:"/\\|?*' else "_" for mark in plain)
    return " ".join("".join(marks).split())[:LONGEST_SUBJECT].strip(" .")


def folder_of_sender(sender: str) -> str:
    """An address as a name of a folder."""
    return re.sub("[^a-z0-9@._+-]", "_", sender.lower())[:120].strip("._~-")
