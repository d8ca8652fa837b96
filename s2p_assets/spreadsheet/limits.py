"""What a file may be before it is parsed: its container by its own bytes, and bounds that no real workbook meets.

Parsing is done elsewhere; here nothing is ever read into memory whole.
"""

import codecs
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from isal import isal_zlib

FileFormat = Literal["xlsx", "xlsb", "ods", "xls", "csv", "html", "mhtml", "xml2003"]

MAX_MEMBERS = 2_000
MAX_BYTES = 2 * 1024**3
MAX_RATIO = 100
RATIO_COUNTS_ABOVE = 50 * 1024**2
MAX_CELLS = 60_000_000
MAX_CSV_BYTES = 2 * 1024**3
MAX_TEXT_PAGE_BYTES = 256 * 1024**2

_PIECE = 4 * 1024**2
_OLE2 = bytes.fromhex("d0cf11e0a1b11ae1")
_OLD_XLS = tuple(bytes.fromhex(start) for start in ("0900", "0902", "0904", "0908"))
_OWNER_FILE_BYTES = 165
_PAGE_HEAD = 512 * 1024
_PAGE_STARTS = ("<!doctype html", "<html", "<table", "<meta", "<head", "<body", "<style", "<center", "<div", "<tr")
_XML_2003 = "urn:schemas-microsoft-com:office:spreadsheet"
_MAIL_HEADER = re.compile(r"[A-Za-z][A-Za-z-]{1,40}:[ \t]")
DAMAGED = "the file is damaged inside; open it in Excel, which offers to repair it, and save as .xlsx"
_DAMAGED_COPY = "the file is damaged; copy it again, or open it in Excel, which may repair it, and save it"
TOO_MUCH_MEMORY = (
    "reading it takes more memory than one file may have, often because cells stand far below or beside the table; "
    "delete the empty rows and columns around it in Excel, or split the file, and save as .xlsx"
)


class WorkbookUnreadable(Exception):
    """A file that cannot be read at all; the message is one line for its owner."""


def detect_file_format(path: Path) -> FileFormat:
    """What the file is by its first bytes, whatever its name says. Raises WorkbookUnreadable saying what it is."""
    if path.exists() and not path.is_file():
        raise WorkbookUnreadable("this is no file (a folder, a pipe or a device); put a workbook in its place")
    with path.open("rb") as file:
        head = file.read(4096)
        more = file.read(_PAGE_HEAD) if head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] == b"<" else b""
    if not head:
        raise WorkbookUnreadable("the file is empty (0 bytes); save it again")
    if head.startswith(b"PK"):
        return _zip_container(path)
    if head.startswith(_OLE2):
        return _ole_container(path)
    if not head.strip(b"\0"):
        raise WorkbookUnreadable("the file holds nothing but zeros; its copy was not finished, copy it again")
    if head[:2] in _OLD_XLS and len(head) > 8 and head[2] in (4, 6, 8, 16) and not head[3]:
        return "xls"
    if len(head) == _OWNER_FILE_BYTES and 0 < head[0] == head[55]:
        raise WorkbookUnreadable("this is Excel's own note of who has a workbook open; the workbook lies beside it")
    return _text_container(head, more)


def _text_container(head: bytes, more: bytes) -> FileFormat:
    encoding = encoding_by_zeros(head)
    text = (head + more).decode(encoding or "latin-1", "replace").lstrip("\ufeffï»¿ \t\r\n").lower()
    start = text[:512]
    if start.startswith("version https://git-lfs"):
        raise WorkbookUnreadable("this is a git-lfs pointer, not the workbook itself; fetch the real file")
    if start.startswith("<"):
        return _marked_up_container(text)
    if start.startswith("{") and "docs.google.com" in start:
        raise WorkbookUnreadable("this is only a link to a Google sheet; open it there and download it as .xlsx")
    if start.startswith("%pdf"):
        raise WorkbookUnreadable("this is a PDF, not a workbook; ask for the workbook that it was printed from")
    if start.startswith("id;p") and re.search(r"^(?:c|f|b|p);", start, re.MULTILINE):
        raise WorkbookUnreadable("this is a SYLK file, not a workbook; open it in Excel and save as .xlsx")
    if head.startswith((b"{\\rtf", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BZh")):
        raise WorkbookUnreadable("this is not a workbook; open it in the program that made it and save as .xlsx")
    if _MAIL_HEADER.match(start) and re.search(r"^mime-version:", text[:4096], re.MULTILINE):
        return "mhtml"
    if encoding is None and _looks_binary(head):
        raise WorkbookUnreadable("this is neither a workbook nor a text file; open it in Excel and save as .xlsx")
    return "csv"


def _marked_up_container(text: str) -> FileFormat:
    """What a text is that begins with `<`: `text` is its beginning, in small letters."""
    bare = re.sub(r"^(?:\s+|<\?.*?\?>|<!--.*?-->)*", "", text, count=1, flags=re.DOTALL)
    is_page = bare.startswith(("<!doctype html", "<html"))
    if not is_page and _XML_2003 in text and re.search(r"<(?:\w+:)?workbook\b", text):
        return "xml2003"
    if bare.startswith(_PAGE_STARTS) or "<table" in text or "<html" in text:
        return "html"
    if text.startswith("<?xml") or bare.startswith(("<workbook", "<office:")):
        raise WorkbookUnreadable("this is an XML file, not a workbook; open it in Excel and save as .xlsx")
    return "csv"


def encoding_by_zeros(head: bytes) -> str | None:
    """`utf-16`, `utf-32` and their kin by byte order mark, or by where the zero bytes of a text's first bytes lie."""
    for mark, encoding in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return encoding
    whole = head[: len(head) - len(head) % 4]
    zeros = [whole[place::4].count(0) for place in range(4)]
    most = 0.8 * len(whole) / 4
    if len(whole) >= 8 and sum(zeros) > most:
        if zeros[1] > most and zeros[2] > most and zeros[3] > most and not zeros[0]:
            return "utf-32-le"
        if zeros[0] > most and zeros[1] > most and zeros[2] > most and not zeros[3]:
            return "utf-32-be"
    if head.count(0) > 0.2 * len(head):
        odd, even = head[1::2].count(0), head[0::2].count(0)
        if max(odd, even) >= 0.8 * (odd + even):
            return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _looks_binary(head: bytes) -> bool:
    return 0 in head or sum(byte < 9 or 13 < byte < 32 for byte in head) > 0.02 * len(head)


def _ole_container(path: Path) -> FileFormat:
    with path.open("rb") as file:
        held = file.read(64 * 1024**2)
    names = {
        name: name.encode("utf-16-le") in held
        for name in ("EncryptedPackage", "Workbook", "WORKBOOK", "Book", "BOOK", "WordDocument", "PowerPoint Document")
    }
    if names["EncryptedPackage"]:
        raise WorkbookUnreadable("the workbook is password-protected: remove the password and save it again")
    if any(names[name] for name in ("Workbook", "WORKBOOK", "Book", "BOOK")):
        return "xls"
    if names["WordDocument"] or names["PowerPoint Document"]:
        raise WorkbookUnreadable("this is a Word or PowerPoint file, not a workbook")
    if not held[4096:].strip(b"\0"):
        raise WorkbookUnreadable("the file is mostly zeros; its copy was not finished, copy it again")
    raise WorkbookUnreadable(
        "no workbook was found in this file; if its copy was not finished, copy it again, else save it as .xlsx"
    )


def _zip_container(path: Path) -> FileFormat:
    with open_zip(path) as archive:
        names = {_folded(name) for name in archive.namelist()}
        if "xl/workbook.bin" in names:
            return "xlsb"
        if "content.xml" in names:
            return _ods_container(archive)
        if "encryptedpackage" in names:
            raise WorkbookUnreadable("the workbook is password-protected: remove the password and save it again")
        if any(name.startswith("word/") for name in names) or any(name.startswith("ppt/") for name in names):
            raise WorkbookUnreadable("this is a Word or PowerPoint file, not a workbook")
        if any(name.endswith(("workbook.xml", "workbook2.xml")) or name.startswith("xl/") for name in names):
            return "xlsx"
        if any(name.endswith(".iwa") for name in names) or "index.zip" in names:
            raise WorkbookUnreadable("this is an Apple Numbers file; in Numbers choose File > Export To > Excel")
    raise WorkbookUnreadable("this is a zip archive, not a workbook; unpack it and put the workbooks on the share")


def _ods_container(archive: zipfile.ZipFile) -> FileFormat:
    manifest = next((name for name in archive.namelist() if _folded(name) == "meta-inf/manifest.xml"), None)
    if manifest and b"encryption-data" in b"".join(inflate(archive, manifest)):
        raise WorkbookUnreadable("the workbook is password-protected: remove the password and save it again")
    return "ods"


def _folded(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def open_zip(path: Path) -> zipfile.ZipFile:
    """The archive at `path`, its directory within the limits. Raises WorkbookUnreadable."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise WorkbookUnreadable("the file is damaged or was not copied to its end; copy or save it again") from error
    try:
        check_members(archive)
    except WorkbookUnreadable:
        archive.close()
        raise
    return archive


def check_members(archive: zipfile.ZipFile) -> None:
    """Refuses an archive by its directory: members, declared size, declared ratio."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise WorkbookUnreadable(f"the file has {len(members):,} parts; {MAX_MEMBERS:,} are allowed")
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise WorkbookUnreadable("the file unpacks to more than 2 GB; split it into smaller workbooks")
    for member in members:
        _check_ratio(member, member.file_size)


def _check_ratio(member: zipfile.ZipInfo, size: int) -> None:
    if size > RATIO_COUNTS_ABOVE and size > MAX_RATIO * max(member.compress_size, 1):
        raise WorkbookUnreadable("the file unpacks to over 100 times its size, as no workbook does; it was not read")


def inflate(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The bytes of one member in pieces, counted as they come, its checksum verified at the end.

    ISA-L inflates and checks in a third of the time that zlib takes; everything else is zipfile's. Raises
    WorkbookUnreadable when a limit is passed or a byte is wrong.
    """
    member = archive.getinfo(name)
    size = checksum = 0
    try:
        with archive.open(member) as stream:
            stream._expected_crc = None  # type: ignore[attr-defined]
            if member.compress_type == zipfile.ZIP_DEFLATED:
                stream._decompressor = isal_zlib.decompressobj(-zlib.MAX_WBITS)  # type: ignore[attr-defined]
            while piece := stream.read(_PIECE):
                size += len(piece)
                checksum = isal_zlib.crc32(piece, checksum)
                if size > MAX_BYTES:
                    raise WorkbookUnreadable("the file unpacks to more than 2 GB; split it into smaller workbooks")
                _check_ratio(member, size)
                yield piece
            if checksum != member.CRC:
                raise WorkbookUnreadable(_DAMAGED_COPY)
    except RuntimeError as error:
        raise WorkbookUnreadable("the file is encrypted: remove the password and save it again") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise WorkbookUnreadable(_DAMAGED_COPY) from error
    except Exception as error:
        if type(error).__module__ in ("zlib", "lzma", "igzip_lib"):
            raise WorkbookUnreadable(_DAMAGED_COPY) from error
        raise
