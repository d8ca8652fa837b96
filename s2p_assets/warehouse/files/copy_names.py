"""How sync programs, browsers and file managers name the copies that they make of a file.

Whether a file of such a name is a copy is decided in `file_copies.py`.
"""

import re
import unicodedata
from pathlib import PurePosixPath

MOST_ORIGINALS = 20
_CONFLICT = r"(?:conflict|konflikt|conflit|conflito|conflitto|ristiriita|ütközés|конфликт|çakış|冲突|衝突|競合|충돌)"
_COPY = r"(?:copy|kopie|kopia|kopi|kopio|copie|copia|cópia|kópia|másolat|копия|копія|kopya|kopiera|副本|コピー|복사본)"
_NUMBER = r"(?: ?\(\d{1,3}\)| \d{1,3})?"
_RESCUED = (
    r"(?:auto-?(?:saved|recovered)|recovered|repaired|automatisch (?:gespeichert|wiederhergestellt)|repariert"
    r"|wiederhergestellt|enregistré automatiquement|récupéré|réparé|autoguardado|autorrecuperado|recuperado|reparado"
    r"|salvato automaticamente|recuperato|riparato|automatisch opgeslagen|hersteld|autozapis|odzyskany|naprawiony)"
)
_AGAIN = r"(?:another |\d+(?:st|nd|rd|th) |(?:eine )?weitere )?"
_SURE = (
    rf"(?P<stem>.+?)[ _.-]*[(\[][^()\[\]]*{_CONFLICT}[^()\[\]]*[)\]]{_NUMBER}",  # Dropbox, Nextcloud, Google Drive, Box
    rf"(?P<stem>.+?)[ _.-](?:sync-)?{_CONFLICT}(?:ed)?(?:[ _-]cop(?:y|ies))?(?:[ _.-][\w-]*)?{_NUMBER}",  # SharePoint
    rf"(?P<stem>.+?)(?:_[^_]+){{1,2}}_[A-Za-z]{{3}}-\d\d-\d+-\d{{4}}_{_CONFLICT}\w*",  # Synology Drive
    rf"(?P<stem>.+?) ?[-–—_.] ?{_COPY}{_NUMBER}",  # Explorer
    rf"(?P<stem>.+?)[ _.-]*[(\[]{_AGAIN}{_COPY}(?: \d{{1,3}})?[)\]]{_NUMBER}",  # GNOME, Thunar
    rf"(?P<stem>.+?)[ _.-]*[(\[](?:{_RESCUED}|version \d{{1,3}})[)\]]{_NUMBER}",  # Excel
    rf"(?P<stem>.+?) {_COPY}{_NUMBER}",  # Finder
    rf"{_COPY}[ _-](?:\(\d{{1,3}}\)[ _-])?(?:(?:of|von|van|de|di|av|af|из|z)[ _-])?(?P<stem>.+)",  # Google Drive
)
_LIKELY = (
    r"(?P<stem>.+?) ?[(\[]\d{1,3}[)\]]",  # Explorer, Google Drive, browsers
    r"(?P<stem>.+?) \d",  # iCloud
    r"(?P<stem>.+?)-(?!(?:Q|KW|CW|W|FY|V|H|T|M|P)-?\d{1,4}(?:-\d+)?$)(?!\D{3,9}-?\d{2,4}$(?<!PC\d\d)(?<!PC\d\d\d))"
    r"(?=[A-Z0-9-]{2,20}$)(?=[A-Z0-9-]*[A-Z])[A-Z0-9][A-Z0-9-]*",  # OneDrive: the name of the computer
    r"(?P<stem>.+?)-(?:pc|mac|surface|(?:[\w'’ -]*[ -])?(?:desktop|laptop|notebook|macbook|imac))[\w -]*",
)
_PATTERNS = [(re.compile(pattern, re.IGNORECASE), True) for pattern in _SURE]
_PATTERNS += [(re.compile(pattern, 0 if "A-Z0-9" in pattern else re.IGNORECASE), False) for pattern in _LIKELY]


def originals_of(path: str) -> dict[str, bool]:
    """Paths of which a file of this name may be a copy; true where no other meaning of the name is likely.

    `prices/May - Copy (2).xlsx` → `prices/May.xlsx` and what stands between.
    """
    file = PurePosixPath(unicodedata.normalize("NFC", path))
    found: dict[str, bool] = {}
    waiting = [(file.stem, True)]
    while waiting and len(found) < MOST_ORIGINALS:
        stem, is_sure = waiting.pop()
        for pattern, sure in _PATTERNS:
            match = pattern.fullmatch(stem)
            if match and (original := match["stem"].strip(" _.-–")):
                sure_so_far = is_sure and sure
                place = str(file.with_name(f"{original}{file.suffix}"))
                if place not in found or (sure_so_far and not found[place]):
                    found[place] = sure_so_far
                    waiting.append((original, sure_so_far))
    found.pop(path, None)
    return found
