"""The letters beyond ASCII with which the languages of Europe are written in the Latin script.

Which encoding a file has is decided in `text_encoding.py`, of which this is one witness.
"""

_LETTERS = {
    "German": "äöüß",
    "French": "àâæçéèêëîïôœùûüÿ",
    "Spanish": "áéíñóúü",
    "Portuguese": "áâãàçéêíóôõúü",
    "Italian": "àèéìîòóù",
    "Dutch": "éëïóöüè",
    "Catalan": "àçèéíïòóúü",
    "Swedish": "åäöé",
    "Danish": "æøåé",
    "Icelandic": "áðéíóúýþæö",
    "Estonian": "äõöüšž",
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Hungarian": "áéíóöőúüű",
    "Romanian": "ăâîșşțţ",
    "Croatian": "čćđšž",
    "Turkish": "çğıöşüâîûi̇",
    "Lithuanian": "ąčęėįšųūž",
    "Latvian": "āčēģīķļņšūž",
}
_ALPHABETS = tuple(frozenset(letters) for letters in _LETTERS.values())
_NEARLY_ALL = 0.95


def is_of_one_language(text: str) -> bool:
    """Whether nearly all lines with letters beyond ASCII could be of one and the same language."""
    lines = [line for line in text.splitlines() if not line.isascii()]
    odd = [frozenset(mark for mark in line.lower() if not mark.isascii() and mark.isalpha()) for line in lines]
    return any(sum(letters <= alphabet for letters in odd) >= _NEARLY_ALL * len(odd) for alphabet in _ALPHABETS)
