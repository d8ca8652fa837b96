"""What people say of a column's numbers beside its name: currency, thousands, per hundred, packages, taxes, measures.

Where such words stand, and whether they contradict a contract, is decided in `header.py` and `units.py`.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

from s2p_assets.spreadsheet.text_values import currencies_of

_THOUSAND, _MILLION, _BILLION = 1_000.0, 1_000_000.0, 1_000_000_000.0
_LETTER_SCALES = {"k": _THOUSAND, "t": _THOUSAND, "m": _MILLION, "mm": _MILLION, "b": _BILLION}
_WORD_SCALES = {
    _THOUSAND: "tsd tausend thsd thds thou thousand thousands millier milliers mille mila miles tys tis тыс 千",
    100_000.0: "lakh lakhs lac",
    10_000.0: "万 萬 만",
    _MILLION: "mio mn mln mill million millions millionen millones milioni mil млн 百万",
    10_000_000.0: "crore crores",
    _BILLION: "mrd mld bn bln billion billions milliard milliards milliarden млрд 億",
}
_SCALES = {word: scale for scale, words in _WORD_SCALES.items() for word in words.split()}
_SCALES["mil"] = _THOUSAND  # Spanish, Portuguese
_HUNDREDS = {
    "hundred": 100.0,
    "hundert": 100.0,
    "cent": 100.0,
    "cien": 100.0,
    "thousand": _THOUSAND,
    "mille": _THOUSAND,
}
_PACKAGE_WORDS = (
    "case cases cs carton cartons ctn ctns box boxes bx pallet pallets plt pack packs package packages pkg pkgs packet "
    "packets crate crates bundle bundles dozen dozens doz dz gros bag bags drum drums layer layers tray trays "
    "karton kartons kiste kisten palette paletten packung packungen pck gebinde ve dutzend dtzd kolli bund "
    "caisse caisses boîte boîtes colis douzaine douzaines palettes caja cajas docena docenas palé palés "
    "scatola scatole cartone cartoni dozzina doos dozen pudełko karton opak 箱 ケース ダース"
)
_PACKAGES = frozenset(_PACKAGE_WORDS.split())
_SAP_PACKAGES = frozenset(["BTL", "CAR", "DR", "KAN", "KAR", "KI", "PAC", "PAK", "PAL", "ROL", "SAK", "TRO"])
"""SAP's own codes of packages; in small letters some are words."""
_MEASURE_WORDS = {
    "piece": "pc pcs pce pces piece pieces pz pza stk stck stück stuck st ea each unit units item items u un ud uds "
    "szt ks kpl kom adet unité unités unidad unidades unidade pezzi pezzo pièce pièces stuks stycken 個 个 件 "
    "шт qty count bottle bottles can cans",
    "kg": "kg kgs kilo kilos kilogram kilograms kilogramm",
    "g": "g gr gram grams gramm grammes",
    "mg": "mg",
    "t": "t to tonne tonnes tons ton mt",
    "lb": "lb lbs pound pounds",
    "oz": "oz ounce ounces",
    "l": "l lt ltr ltrs liter litre liters litres",
    "ml": "ml",
    "cl": "cl",
    "hl": "hl",
    "gal": "gal gallon gallons",
    "m": "m meter metre meters metres",
    "mm": "mm",
    "cm": "cm",
    "km": "km",
    "in": "inch inches",
    "ft": "ft feet foot",
    "m2": "m2 m² sqm qm",
    "m3": "m3 m³ cbm",
    "kwh": "kwh",
    "mwh": "mwh",
    "day": "d day days tag tage jour jours día días calendar",
    "week": "wk week weeks woche wochen",
    "month": "month months monat monate",
    "year": "year years jahr jahre",
    "hour": "h hr hrs hour hours std stunden",
    "minute": "min mins minute minutes",
    "second": "s sec secs second seconds",
    "%": "% percent prozent pct",
    "point": "points point pts pp",
}
_MEASURES = {word: name for name, words in _MEASURE_WORDS.items() for word in words.split()}
_NOISE_WORDS = (
    "in of no nr id # number num text code date optional required mandatory pflicht pflichtfeld freiwillig "
    "obligatoire facultatif obligatorio opcional iso local decimal integer string"
)
_NOISE = frozenset(_NOISE_WORDS.split())
_SIGN = r"(?:US|A|AU|C|CA|NZ|HK|S|R|MX)?\$|[€£¥₹₽₩₺]|zł"
_NAMED = {"euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "eur": "EUR", "usd": "USD", "gbp": "GBP"}
_NAMED |= {"円": "JPY", "元": "CNY", "руб": "RUB", "франк": "CHF", "sterling": "GBP", "chf": "CHF"}
_DOLLARS = {"US": "USD", "A": "AUD", "AU": "AUD", "C": "CAD", "CA": "CAD", "NZ": "NZD", "HK": "HKD", "S": "SGD"}
_DOLLARS |= {"R": "BRL", "MX": "MXN"}
_TAX_NAMES = r"(?:vat|tax(?:es)?|mwst|ust|gst|tva|iva|btw|moms|dph|pdv|alv|kdv|ндс)"
_TAX = re.compile(
    rf"\b(?P<without>excl(?:uding|usive)?|exkl(?:usive)?|exc|exempt|ex|zzgl|without|w/o|ohne|hors|sans|sin|bez|без|before)?"
    rf"(?P<with>incl(?:uding|usive)?|inkl(?:usive)?|inc|with|mit|plus|avec|con|after)?\.?\s*(?:of\s+|der\s+)?(?:\d+(?:[.,]\d+)?\s*%\s*)?{_TAX_NAMES}\b\.?"
    rf"|\b(?P<net>net|nett|netto|neto|ht|excl|exkl)\b\.?|\b(?P<gross>gross|brutto|bruto|brut|ttc|incl|inkl)\b\.?",
    re.IGNORECASE,
)
_AMOUNT = r"\d{1,3}(?:[.,' ]\d{3})+|\d+"
_PER = re.compile(
    rf"(?:/|\b(?:per|pro|je|par|por|à|a|p)\b\.?)\s*(?P<count>{_AMOUNT}|hundred|hundert|cent|cien|thousand|mille)(?!\w)",
    re.IGNORECASE,
)
_PERCENT_OF = re.compile(r"‰|(?:/|\bper\b)\s*[cCmM](?!\w)")
_PER_TIME = re.compile(
    r"(?:/|\b(?:per|pro|je|par|por)\b)\s*(?P<time>day|week|month|year|tag|woche|monat|jahr|hour|jour|mois|an)\b",
    re.IGNORECASE,
)
_FACTOR = re.compile(
    r"(?:\b(?:in|x|of)\b|[x×*])?\s*(?:(?<!\d)'\s?000s?\b|\b000s\b|\b000\b|10\^(?P<power>[369])|"
    r"(?<![\d.,])1(?:[.,' ]?000){1,3}s?\b|\b(?:100|10)s\b)",
    re.IGNORECASE,
)
_COUNTED = re.compile(rf"(?<![\w.,])(?P<count>{_AMOUNT})\s*[x×]?\s*(?P<what>[^\W\d_]+)\.?", re.IGNORECASE)
_SCALED_CURRENCY = re.compile(
    rf"(?<![^\W\d_])(?P<scale>mio|mill|mln|mrd|tsd|bn|mn|mm|[ktmb])\.?\s?(?P<currency>{_SIGN}|[A-Z]{{3}}|eur|euro|usd|gbp|chf)"
    rf"(?![^\W\d_])",
    re.IGNORECASE,
)
_CURRENCY_SCALED = re.compile(
    rf"(?<![^\W\d_])(?P<currency>{_SIGN}|[A-Z]{{3}}|eur|euro|usd|gbp|chf)\.?\s?(?P<scale>mio|mill|mln|mrd|tsd|bn|mn|mm|[ktmb])"
    rf"(?![^\W\d_])\.?",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?:(?<![^\W_])(?:US|AU|A|CA|C|NZ|HK|S|R|MX)(?=\$))?[$€£¥₹₽₩₺%#]|[^\W_]+[²³]?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StatedUnit:
    """What a text such as `EUR k, net` says of numbers.

    `scale`: what one in the sheet stands for; `currencies`: those that a sign or code may mean; `per`: how many things
    an amount is for; `package`, `measure`: what is counted; `tax`: `net` or `gross`; `rest`: what is none of these.
    """

    scale: float = 1.0
    currencies: frozenset[str] = frozenset()
    per: float = 1.0
    package: str = ""
    measure: str = ""
    tax: str = ""
    rest: str = ""


@lru_cache(maxsize=4096)
def stated_unit(text: str, is_money: bool = False) -> StatedUnit:
    """What `text` says of the numbers it stands beside; a lone `m` means millions of money, metres of all else."""
    powers = {"³": "10^3", "⁶": "10^6", "⁹": "10^9"}
    left = re.sub("10([³⁶⁹])", lambda found: powers[found[1]], text)
    left = unicodedata.normalize("NFKC", left).replace("’", "'")
    found = StatedUnit()
    left, found = _tax(left, found)
    left, found = _counts(left, found)
    for pattern in (_SCALED_CURRENCY, _CURRENCY_SCALED):
        match = pattern.search(left)
        codes = _currencies(match["currency"]) if match else frozenset[str]()
        if match and codes:
            scale = _SCALES.get(match["scale"].lower()) or _LETTER_SCALES[match["scale"].lower()]
            found = replace(found, scale=found.scale * scale, currencies=codes)
            left = f"{left[: match.start()]} {left[match.end() :]}"
    rest = [found.rest] if found.rest else []
    for word in _WORD.findall(left):
        after = _with_word(found, word, is_money)
        if after is None:
            rest.append(word)
        else:
            found = after
    return replace(found, rest=" ".join(rest))


def _tax(left: str, found: StatedUnit) -> tuple[str, StatedUnit]:
    match = _TAX.search(left)
    if match is None:
        return left, found
    net = match["net"] or match["without"] or (match[0].casefold().startswith("before"))
    tax = "net" if net else "gross"
    return _TAX.sub(" ", left), replace(found, tax=tax)


def _counts(left: str, found: StatedUnit) -> tuple[str, StatedUnit]:
    """Per how many, and by what the numbers are shortened, where it is written in digits."""
    if match := _PER_TIME.search(left):
        return left, replace(found, rest=match[0])
    if match := _PER.search(left):
        count = _HUNDREDS.get(match["count"].lower()) or float(re.sub(r"\D", "", match["count"]) or 1)
        return f"{left[: match.start()]} {left[match.end() :]}", replace(found, per=count)
    if match := _PERCENT_OF.search(left):
        count = 100.0 if match[0][-1] in "cC" else _THOUSAND
        return f"{left[: match.start()]} {left[match.end() :]}", replace(found, per=count)
    if match := _FACTOR.search(left):
        digits = re.sub(r"\D", "", match[0])
        scale = 10.0 ** int(match["power"]) if match["power"] else float(f"1{digits}" if digits[0] == "0" else digits)
        return f"{left[: match.start()]} {left[match.end() :]}", replace(found, scale=scale)
    match = _COUNTED.search(left)
    if match and (match["what"].lower() in _MEASURES or match["what"].lower() in _PACKAGES):
        count = float(re.sub(r"\D", "", match["count"]))
        return f"{left[: match.start()]} {match['what']} {left[match.end() :]}", replace(found, per=count)
    return left, found


def _with_word(found: StatedUnit, word: str, is_money: bool) -> StatedUnit | None:
    """`found` and what one more word says; None for a word that says nothing of numbers."""
    low = word.lower()
    if word in ("k", "K", "T", "M") or (is_money and low in ("m", "t", "mm")):
        return replace(found, scale=found.scale * _LETTER_SCALES[low])
    if low in _SCALES:
        return replace(found, scale=found.scale * _SCALES[low])
    if codes := _currencies(word):
        return replace(found, currencies=codes)
    if low in _PACKAGES or word in _SAP_PACKAGES:
        return replace(found, package=low)
    if low in _MEASURES:
        return replace(found, measure=_MEASURES[low])
    return found if low in _NOISE or low in ("per", "pro", "je", "par", "por", "all", "full") else None


def _currencies(word: str) -> frozenset[str]:
    if named := _NAMED.get(word.lower()):
        return frozenset({named})
    if word.endswith("$") and len(word) > 1:
        return frozenset({_DOLLARS.get(word[:-1].upper(), "USD")})
    return currencies_of(word) if not word.isalpha() or word.isupper() or word == "zł" else frozenset()


def is_package(word: str) -> bool:
    """Whether the word names something that holds several pieces: `case`, `Karton`."""
    return word.strip().strip(".").lower() in _PACKAGES


_BRACKETED = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|【([^【】]*)】|\{([^{}]*)\}|<([^<>]*)>")

_WIDE_BRACKETS = str.maketrans("（）［］｛｝＜＞〔〕〈〉", "()[]{}<>()<>")


def in_brackets(title: str) -> list[str]:
    """The texts that stand in brackets in a title."""
    plain = title.translate(_WIDE_BRACKETS)
    return [" ".join(inner.split()) for found in _BRACKETED.findall(plain) for inner in found if inner.strip()]


def without_brackets(title: str) -> str:
    """The title without what stands in brackets, one bracket within another included."""
    plain = title.translate(_WIDE_BRACKETS)
    while (less := _BRACKETED.sub(" ", plain)) != plain:
        plain = less
    return plain
