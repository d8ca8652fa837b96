"""Files on their way in: kept for a day while somebody looks at the verdict, mends cells and hands them in.

How a file is judged is in `judging.py`; putting it on the share is in `files.py`. A submission is its sender's alone.
"""

import datetime as dt
import hashlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from s2p_assets.contracts.errors import MendableError
from s2p_assets.remote_folder import MAIL_FOLDER, REMOTE_FOLDER
from s2p_assets.services import files
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.files import FileRefused, HandedIn, Sees
from s2p_assets.settings import Settings

KEPT_SECONDS = 24 * 3600
MOST_OF_ONE = 20
MARKED = "marked"
NO_LONGER = "this file is no longer here: it was handed in or dropped, or a day has passed; begin again"
_being_changed = threading.Lock()
_locked: dict[str, threading.Lock] = {}


class ChangedMeanwhile(MendableError):
    """Somebody else was quicker; one line that says who, and what to do."""


@dataclass
class Submission:
    """A file on its way in. `name`: what its sender calls it; `by`: who that is.

    `path`: where it lies on the share, of one that is mended; `of`: the content there when mending began.
    `place`: where it is to lie, where its sender said so.
    `contract`: the kind that it is read as, where a person said so. `revision`: how often it was changed here.
    `mended`: sheet, cell, what it held and what it holds now. `judged`: the verdict, as `judging.py` writes it.
    """

    id: str
    name: str
    by: str
    made_at: str
    path: str | None = None
    of: str | None = None
    place: str | None = None
    contract: str | None = None
    revision: int = 0
    mended: list[list[str]] = field(default_factory=list)
    judged: dict[str, Any] = field(default_factory=dict)

    def file(self, settings: Settings) -> Path:
        """The file itself, under a name of ours: what somebody calls a file is no path."""
        return _folder(settings, self.id) / f"file{PurePosixPath(self.name).suffix.lower()}"

    def save(self, settings: Settings) -> None:
        folder = _folder(settings, self.id)
        beside = folder / f".{secrets.token_hex(4)}.tmp"
        beside.write_text(json.dumps(asdict(self), default=str), encoding="utf-8")
        beside.replace(folder / "submission.json")


def begin(ctx: Context, spooled: Path, name: str, by: str, contract: str | None = None) -> Submission:
    """Keep an uploaded file. Raises FileRefused for a name that is none."""
    made = Submission(secrets.token_urlsafe(16), files.name_without_folders(name), by, _now(), contract=contract)
    _keep(ctx.settings, made, spooled, moved=True)
    return made


def begin_from_share(ctx: Context, path: str, by: str, sees: Sees) -> Submission:
    """Take a copy of a file on the share, to be mended here. Raises NotFound, also where it is gone."""
    files.workbook_of(ctx, path, sees)
    if path.startswith((f"{REMOTE_FOLDER}/", f"{MAIL_FOLDER}/")):
        raise NotFound(f"{path[:200]}: it came from elsewhere; correct it there, or have it sent again")
    place = (ctx.settings.share / path).resolve()
    if not place.is_relative_to(ctx.settings.share.resolve()) or not place.is_file():
        raise NotFound(f"{path[:200]}: it is no longer on the share; hand in a file instead")
    name = PurePosixPath(path).name
    made = Submission(secrets.token_urlsafe(16), name, by, _now(), path=path, of=hash_of_place(place))
    _keep(ctx.settings, made, place, moved=False)
    return made


def find(ctx: Context, id: str, by: str) -> Submission:  # noqa: A002  what it is called in an address
    """A submission of one's own. Raises NotFound."""
    found = _saved(_folder(ctx.settings, id))
    if found is None or found.by != by:
        raise NotFound(NO_LONGER)
    return found


def of_person(ctx: Context, by: str) -> list[Submission]:
    """The submissions that somebody began and did not hand in, the newest first."""
    found = [one for folder in _folders(ctx.settings) if (one := _saved(folder)) is not None and one.by == by]
    return sorted(found, key=lambda one: one.made_at, reverse=True)


@contextmanager
def changing(ctx: Context, id: str, by: str, revision: int) -> Iterator[Submission]:  # noqa: A002
    """A submission of one's own as it was seen at `revision`, saved anew at the end.

    Raises NotFound, and ChangedMeanwhile where it was changed since, as in another window.
    """
    with _being_changed:
        lock = _locked.setdefault(id, threading.Lock())
    with lock:
        found = find(ctx, id, by)
        if found.revision != revision:
            raise ChangedMeanwhile("this file was changed meanwhile, in another window; load the page again")
        yield found
        found.revision += 1
        found.save(ctx.settings)


def drop(ctx: Context, id: str, by: str) -> None:  # noqa: A002
    """Raises NotFound."""
    find(ctx, id, by)
    shutil.rmtree(_folder(ctx.settings, id), ignore_errors=True)
    _locked.pop(id, None)


def take_mended(ctx: Context, submission: Submission, mended: Path) -> None:
    """Let a mended copy take the place of the file."""
    os.replace(mended, submission.file(ctx.settings))


def hand_in(ctx: Context, submission: Submission, path: str, replaces: str, sees: Sees) -> HandedIn:
    """Put the file on the share. `replaces`: the content that its sender saw at that place, empty for none.

    Raises FileRefused for a place that is none, and ChangedMeanwhile where another file lies there than was seen.
    """
    relative, _ = files.place_for_upload(ctx, path, sees)
    with _being_changed:
        there = hash_of_place(ctx.settings.share / relative)
        if there is None and replaces:
            raise ChangedMeanwhile(
                f"{relative} was taken away meanwhile; look at what it would change now, then hand it in"
            )
        if there is not None and there != replaces:
            raise ChangedMeanwhile(_who(ctx, relative))
        done = files.put_on_share(
            ctx, submission.file(ctx.settings), relative, replace=bool(replaces), by=submission.by, sees=sees
        )
    shutil.rmtree(_folder(ctx.settings, submission.id), ignore_errors=True)
    return done


def places_for(ctx: Context, workbook: str | None, name: str, known: Sequence[str]) -> list[str]:
    """Paths on the share where a file of this name is looked for as `workbook`, the likeliest first.

    `known`: the paths of the files of that kind that are there.
    """
    contract = ctx.catalog.workbooks.get(workbook or "")
    if contract is None:
        return []
    same = [path for path in known if PurePosixPath(path).name.casefold() == name.casefold()]
    folders = dict.fromkeys([*(str(PurePosixPath(path).parent) for path in known), *map(_folder_of, contract.patterns)])
    tried = [*same, *(name if folder == "." else f"{folder}/{name}" for folder in folders)]
    good: list[str] = []
    for path in dict.fromkeys(tried):
        try:
            _, claiming = files.place_for_upload(ctx, path, lambda _: True)
        except FileRefused:
            continue
        if contract.full_name in {book.full_name for book in claiming}:
            good.append(path)
    return good


def hash_of_place(place: Path) -> str | None:
    """SHA-256 of a file; None where there is none."""
    try:
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _who(ctx: Context, path: str) -> str:
    seen: Callable[[str], bool] = lambda _: True  # noqa: E731  who may hand in here was asked before
    try:
        found = files.file_verdict(ctx, path, seen)
    except NotFound:
        found = {}
    by = f" by {found['handed_in_by']}" if found.get("handed_in_by") else ""
    return (
        f"another version of {path} was put there meanwhile{by}. Yours is kept here: see what it would change now, "
        "then hand it in over that one, or drop it"
    )


def _folder_of(pattern: str) -> str:
    """The folder that a pattern names before its first wildcard."""
    parts = []
    for part in PurePosixPath(pattern).parts[:-1]:
        if set(part) & set("*?["):
            break
        parts.append(part)
    return "/".join(parts) or "."


def _saved(folder: Path) -> Submission | None:
    """The submission in a folder; None where there is none that can be read."""
    try:
        return Submission(**json.loads((folder / "submission.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _keep(settings: Settings, made: Submission, file: Path, *, moved: bool) -> None:
    _tidy(settings, made.by)
    folder = _folder(settings, made.id)
    folder.mkdir(parents=True)
    (shutil.move if moved else shutil.copyfile)(file, made.file(settings))
    made.save(settings)


def _tidy(settings: Settings, by: str) -> None:
    """Remove what is older than a day, and of one person all but the newest."""
    oldest_first = sorted(_folders(settings), key=lambda folder: folder.stat().st_mtime)
    ours = []
    for folder in oldest_first:
        if folder.stat().st_mtime < dt.datetime.now().timestamp() - KEPT_SECONDS:  # noqa: DTZ005  both are local
            shutil.rmtree(folder, ignore_errors=True)
            continue
        saved = _saved(folder)
        ours += [folder] if saved is not None and saved.by == by else []
    for folder in ours[: max(0, len(ours) - MOST_OF_ONE + 1)]:
        shutil.rmtree(folder, ignore_errors=True)


def _folders(settings: Settings) -> list[Path]:
    place = settings.submissions
    return [folder for folder in place.iterdir() if folder.is_dir()] if place.is_dir() else []


def _folder(settings: Settings, id: str) -> Path:  # noqa: A002
    """Raises NotFound for what is no id of ours, as a path would be."""
    if not (16 <= len(id) <= 40 and id.replace("-", "").replace("_", "").isalnum() and id.isascii()):
        raise NotFound(NO_LONGER)
    return settings.submissions / id


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
