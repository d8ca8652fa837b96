"""How sync programs, browsers and file managers name the copies that they make of a file.

Whether a file of such a name is a copy is decided in `file_copies.py`.
"""

import re
import unicodedata
from pathlib import PurePosixPath

MOST_ORIGINALS = 20
_BRACKETS = str.maketrans("（）［］", "()[]")
_CONFLICT = (
    r"(?:conflict|konflikt?|conflit|conflito|conflitto|ristiriita|ütközés|конфл[иі]кт|çakış|sukob|bercanggah|xung đột"
    r"|ขัดแย้ง|冲突|衝突|競合|충돌|slightly different version)"
)
_COPY = (
    r"(?:copy|kopie|kopia|kopi|kopio|copie|copia|cópia|kópia|kopija|kopiya|koopia|másolat|копия|копія|копие|kopya"
    r"|kopiera|kopíja|afrit|copiere|salin(?:an)?|bản sao|αντίγραφο|עותק|نسخة"
    r"|สำเนา|副本|複本|複製|コピー|복사본|사본)"
)
_NUMBER = r"(?: ?\(\d{1,3}\)| ?\d{1,3})?"
_RESCUED = (
    r"(?:auto-?(?:saved|recovered)|recovered|restored|repaired|automatisch (?:gespeichert|wiederhergestellt)|repariert"
    r"|wiederhergestellt|enregistré automatiquement|récupéré|réparé|autoguardado|autorrecuperado|recuperado|reparado"
    r"|salvato automaticamente|recuperato|riparato|automatisch opgeslagen|hersteld|autozapis|odzyskany|naprawiony)"
)
_KEPT = r"(?:backup|back-up|bak|old|alt|sicherung|sicherungskopie|sauvegarde|ancien|vecchio|respaldo|anterior)"
_AGAIN = r"(?:another |\d+(?:st|nd|rd|th) |(?:eine )?weitere )?"
_OF = r"(?:of|von|van|de|di|av|af|из|z|souboru|pliku|tiedostosta|kohteesta)"
_SURE = (
    rf"(?P<stem>.+?)[ _.-]*[(\[][^\[\]]*{_CONFLICT}[^\[\]]*[)\]]{_NUMBER}",  # Dropbox, Nextcloud, Google Drive, Box
    rf"(?P<stem>.+?)[ _.-](?:sync-)?{_CONFLICT}(?:ed)?(?:[ _-]cop(?:y|ies))?(?:[ _.-][\w-]*)?{_NUMBER}",  # SharePoint
    rf"(?P<stem>.+?)(?:_[^_]+){{1,2}}_[A-Za-z]{{3}}-\d\d-\d+-\d{{4}}_{_CONFLICT}\w*",  # Synology Drive
    rf"(?P<stem>.+?) ?[-–—_.] ?{_COPY}{_NUMBER}",  # Explorer
    rf"(?P<stem>.+?)[ _.-]*[(\[]{_AGAIN}{_COPY}(?: \d{{1,3}})?[)\]]{_NUMBER}",  # GNOME, Thunar
    rf"(?P<stem>.+?)[ _.-]*[(\[](?:{_RESCUED}|version \d{{1,3}})[)\]]{_NUMBER}",  # Excel
    rf"(?P<stem>.+?) {_COPY}{_NUMBER}",  # Finder
    rf"{_COPY}[ _:–-]+(?:\(\d{{1,3}}\)[ _-])?(?:{_OF}[ _-])?(?P<stem>.+)",  # Google Drive
    r"[“「]?(?P<stem>.+?)[”」]? ?(?:のコピー|的副本|的複本|의 사본|의 복사본|(?<= )másolata|(?<= )kopyası)",  # the same
)
_LIKELY = (
    r"(?P<stem>.+?) ?[(\[]\d{1,3}[)\]]",  # Explorer, Google Drive, browsers
    r"(?P<stem>.+?) \d",  # iCloud
    r"(?P<stem>.+?)-(?!(?:Q|KW|CW|W|FY|V|H|T|M|P)-?\d{1,4}(?:-\d{1,2})?$)(?!\D{3,9}-?\d{2,4}$(?<!PC\d\d)(?<!PC\d\d\d))"
    r"(?=[A-Z0-9-]{2,20}$)(?=[A-Z0-9-]*[A-Z])[A-Z0-9][A-Z0-9-]*",  # OneDrive: the name of the computer
    r"(?P<stem>.+?)-(?:pc|mac|surface|(?:[\w'’ -]*[ -])?(?:desktop|laptop|notebook|macbook|imac))[\w -]*",
    r"(?P<stem>.+?)-[\w'’]+(?:-pc|(?-i:PC))\d{0,3}(?:-\d)?",  # the same, after its owner
    rf"(?P<stem>.+?)(?: ?[-–_.] ?| )[(\[]?{_KEPT}[)\]]?{_NUMBER}",  # what a person kept beside it
)
_PATTERNS = [(re.compile(pattern, re.IGNORECASE), True) for pattern in _SURE]
_PATTERNS += [(re.compile(pattern, 0 if "A-Z0-9" in pattern else re.IGNORECASE), False) for pattern in _LIKELY]


def originals_of(path: str) -> dict[str, bool]:
    """Paths of which a file of this name may be a copy; true where no other meaning of the name is likely.

    `prices/May - Copy (2).xlsx` → `prices/May.xlsx` and what stands between; `prices - Copy/May.xlsx` →
    `prices/May.xlsx`.
    """
    file = PurePosixPath(unicodedata.normalize("NFC", path).translate(_BRACKETS))
    found = {str(file.with_name(f"{stem}{file.suffix}")): sure for stem, sure in _originals(file.stem).items()}
    for place, part in enumerate(file.parts[:-1]):
        originals = [name for name, sure in _originals(part).items() if sure]
        found |= {str(PurePosixPath(*file.parts[:place], name, *file.parts[place + 1 :])): True for name in originals}
    found.pop(path, None)
    return found


def _originals(stem: str) -> dict[str, bool]:
    """The names of which this may be that of a copy, the nearest first."""
    found: dict[str, bool] = {}
    waiting = [(stem, True)]
    while waiting and len(found) < MOST_ORIGINALS:
        name, is_sure = waiting.pop()
        for pattern, sure in _PATTERNS:
            match = pattern.fullmatch(name)
            if match and (original := match["stem"].strip(" _.-–“”「」")):
                sure_so_far = is_sure and sure
                if original not in found or (sure_so_far and not found[original]):
                    found[original] = sure_so_far
                    waiting.append((original, sure_so_far))
    return found
