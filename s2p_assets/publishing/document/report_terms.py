"""The words of reports that a reader may want explained, each once, and how a title is led to its word.

Words of s2p itself, for those who build with it, are in `docs/glossary.md`.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache


@dataclass(frozen=True)
class ReportTerm:
    """A word of reports. `forms`: how titles write it besides; the longest form that a title holds is its word.

    A form that begins with `=` is the whole title, as a word that means little by itself.
    """

    word: str
    meaning: str
    forms: tuple[str, ...] = ()
    subject: str = ""

    @property
    def id(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.word.lower()).strip("-")


def _of(subject: str, *terms: tuple[str, str, tuple[str, ...]]) -> tuple[ReportTerm, ...]:
    return tuple(ReportTerm(word, meaning, forms, subject) for word, meaning, forms in terms)


SALES = _of(
    "Sales",
    (
        "SKU",
        "One article that is kept in stock and sold, by the company's own number.",
        ("skus", "article", "articles"),
    ),
    (
        "Units",
        "Pieces sold, less pieces that came back.",
        ("units sold", "units a week", "sells", "sent back", "went out"),
    ),
    ("Channel", "The way by which something is sold: to shops' customers (retail) or to dealers (wholesale).", ()),
    ("Revenue", "Units at the prices that were charged, without tax.", ()),
    (
        "Year earlier",
        "The same week 52 weeks before, so that weekdays and seasons agree.",
        ("change on year", "vs a year earlier"),
    ),
    (
        "Week before",
        "The week that ended before the one that is told; changes are against it.",
        ("4 weeks before", "last 4 weeks", "=difference", "=change"),
    ),
    (
        "Likely reason",
        "The first of stock, price and season that speaks for a change. A dash: none of them does.",
        (),
    ),
    ("Share of all", "How much of the whole it is, in percent.", ()),
)
FORECASTS = _of(
    "Forecasts",
    (
        "Forecast",
        "What the model in service expects, made from what was known before; the middle of what may come.",
        ("units expected", "against the forecast", "forecast from"),
    ),
    (
        "80 % band",
        "The range in which the value lies in eight of ten cases, if the model is right about its doubt. A 95 % band "
        "holds it in nineteen of twenty.",
        ("band from", "band to", "95 % band", "in 80 % band", "in 95 % band", "within the 80 % band", "95 % from"),
    ),
    (
        "Counts as",
        "What a week that is out of all proportion counts as in a forecast; its sales stay what they were.",
        ("counts as, in forecasts",),
    ),
    ("Weeks ahead", "How many weeks lay between what was known and the week that was forecast.", ()),
    ("Sold more or less", "What was sold against what had been forecast, in percent of the forecast.", ()),
    (
        "WAPE",
        "All errors added up, without their signs, in percent of all units sold: 40 % means that of 100 units sold "
        "the forecasts were off by 40.",
        ("error (wape)",),
    ),
    (
        "Against naive",
        "The error against that of the simplest forecast, which repeats the year before: below 0 % is better.",
        ("wape against naive", "naive"),
    ),
    ("Bias", "Whether forecasts are too high (above 0 %) or too low on the whole.", ()),
    (
        "RMSSE",
        "An error in which large misses count more, against repeating the last week: below 1 is better.",
        (),
    ),
)
STOCK = _of(
    "Stock",
    ("On hand", "Units that lie in the warehouse, by the last count and what moved since.", ("stock on hand",)),
    ("On order", "Units that were ordered and have not arrived.", ()),
    ("Stock at cost", "Units on hand at what one costs to buy.", ("stock on hand, at cost",)),
    ("Days of cover", "How many days the stock lasts at the demand that is expected.", ("runs out on",)),
    (
        "Lead time",
        "Days from an order to its arrival.",
        ("lead time, days", "run out within lead time", "demand over lead time"),
    ),
    (
        "Days of stock",
        "How many days of usual demand lay in the warehouse on the mean, had orders followed that forecast.",
        (),
    ),
    (
        "Days at the same fill",
        "Days of stock by which as much demand is filled as by the model in service; waste counts as stock.",
        (),
    ),
    ("Demand filled", "How much of what was wanted was there, had orders followed that forecast.", ()),
    ("Perished", "How much of what was ordered would have passed its shelf life unsold.", ()),
    ("Ordered by", "The forecast that orders follow, where past weeks are ordered for again.", ()),
    ("Days late", "Days after the one on which it should have been there.", ()),
    ("Days short", "Days without stock until an order of today could arrive.", ()),
    (
        "Service level",
        "In how many of a hundred rounds of ordering nothing runs out. More costs stock, less costs sales.",
        (),
    ),
    ("Safety stock", "Units that are held for demand above what is expected.", ()),
    ("Re-order point", "The stock, with what is on order, at which an order is due.", ()),
    ("Order up to", "How far an order fills the stock up.", ("to order", "to order today", "skus to order")),
    ("Order cost", "What the units to order cost to buy.", ()),
    (
        "Lost by waiting",
        "The margin on the units that would run short if nothing is ordered for a week.",
        ("lost by waiting a week", "margin lost by waiting a week"),
    ),
    (
        "Units short",
        "Units that will be wanted and not there, before an order of today could arrive.",
        ("units short whatever is ordered",),
    ),
    ("Pack size", "How many units are bought together; orders are whole packs.", ()),
    ("Minimum order", "The fewest units that the supplier sends at once.", ()),
    ("Weeks out of stock", "Weeks in which nothing was there to be sold.", ()),
)
PRICES = _of(
    "Prices",
    (
        "List price",
        "What the price list says a consumer or a dealer pays for one, without an offer.",
        ("consumer price", "dealer price", "=price"),
    ),
    ("Item cost", "What one costs the company to buy.", ("skus that cost more than before",)),
    (
        "Margin effect",
        "What a change of price or cost does to the margin of a week, at the units sold now.",
        ("margin effect a week", "lost a week"),
    ),
    ("Offer", "A price for a time, that comes back to the list price.", ("offers begun", "offers ended", "offers")),
    ("Below cost", "Sold for less than it costs to buy.", ("skus sold below cost",)),
    ("In force from", "The first day on which a price list counts.", ()),
    (
        "Mean change",
        "The changes of all that changed, added up and divided by their number.",
        ("consumer price, mean change", "dealer price, mean change", "item cost, mean change"),
    ),
)
CHANCES = _of(
    "Chances",
    (
        "Chance",
        "In how many of a hundred cases like this it comes about, as the model tells it.",
        ("=told", "=was told", "among the first ten", "does not finish", "finishes below", "cars told"),
    ),
    (
        "Expected wins",
        "The chances of all cases added up: two deals with 50 % are one expected win.",
        ("deals that end",),
    ),
    ("Expected value", "The list price of each deal times its chance, added up.", ("brought in",)),
    (
        "Came about",
        "In how many of a hundred cases it came about, of those that had been told the same chance.",
        (
            "=came",
            "won of the surest past deals",
            "won of the least sure past deals",
            "surest of the first ten",
            "likeliest not to finish",
        ),
    ),
    ("Stage", "How far a deal has come: prospecting, engaging, then won or lost.", ()),
    (
        "Reasons",
        "What adds most to a chance (for it) or takes most from it (against it), in points of a hundred.",
        ("what adds most", "=why"),
    ),
    ("Doubt", "Said where no past case was told so much: how often such cases come about is not known.", ()),
    ("Grid", "The place from which a car starts.", ()),
    (
        "Accuracy",
        "In how many of a hundred cases the likelier end came about.",
        ("told right, first ten", "told right"),
    ),
    ("Brier score", "How far chances lay from what came: 0 is perfect, 0.25 is tossing a coin.", ("brier",)),
    ("Log loss", "Like the Brier score, but being sure and wrong costs much more. Lower is better.", ()),
    ("AUC", "How often a case that came about had been told more than one that did not: 50 % is chance.", ()),
    (
        "Calibration error",
        "How far told and came lie apart on average: 5 % means that 40 % told is 35 to 45 % in truth.",
        (),
    ),
    (
        "Slope",
        "How strongly what came follows what was told: 1 is right; below 1, chances were told too near to 0 and 100 %.",
        (),
    ),
    (
        "Intercept",
        "Whether chances were too low or too high on the whole: 0 is right; above 0, more came than was told.",
        (),
    ),
    (
        "Plain rule",
        "What somebody would say without a model, such as the share that was always won.",
        ("base rate", "the plain rule"),
    ),
)
MODELS = _of(
    "Models",
    ("Model in service", "The one of several models whose numbers stand in reports now.", ("=model", "in service")),
    ("Version", "A model as it was trained on a day, from the data of that day.", ("=trained", "rows learned from")),
    ("Drift", "That new data is unlike what a model learned from; it then learns again.", ("new or changed",)),
    ("Backtest", "Forecasts of the past, each made from what was known then, to see how right they are.", ("=from",)),
)
FILES = _of(
    "Files",
    ("Share", "The folder in which the company keeps its workbooks.", ("files on the share",)),
    ("Owner", "Whom s2p tells about a file.", ("whom to ask",)),
    ("Kind of workbook", "Files that say the same thing in the same columns, such as price lists.", ()),
    (
        "Verdict",
        "What became of a file: taken, taken in part, returned to its owner, or held until somebody decides.",
        ("settled", "still open"),
    ),
    (
        "Returned",
        "Sent back to its owner, with the bad cells marked; its rows count nowhere.",
        ("rows returned", "files sent back", "files waiting to be corrected", "=problems"),
    ),
    ("Held", "Not counted before somebody decides, as it would change much.", ("rows held",)),
    (
        "Rows taken",
        "Rows of files that count now.",
        ("rows read", "share of rows taken", "rows that still count", "=rows"),
    ),
    ("Nobody claims", "No kind of workbook is looked for at that place.", ("files nobody claims",)),
    ("Usual pause", "Days that commonly lie between two files of a kind.", ("usual pause, days", "days since")),
)
REPORT_TERMS = (*SALES, *FORECASTS, *STOCK, *PRICES, *CHANCES, *MODELS, *FILES)


@lru_cache(maxsize=2_000)
def term_of(title: str) -> ReportTerm | None:
    """The word that explains a title of a column, card or section; None for one that explains itself."""
    plain = title.lower()
    found = [(len(form), term) for form, term in _forms() if _holds(plain, form)]
    return max(found, key=lambda one: one[0])[1] if found else None


@cache
def _forms() -> tuple[tuple[str, ReportTerm], ...]:
    return tuple((form.lower(), term) for term in REPORT_TERMS for form in (term.word, *term.forms))


def _holds(title: str, form: str) -> bool:
    if form.startswith("="):
        return title == form[1:]
    return re.search(rf"(?<!\w){re.escape(form)}(?!\w)", title) is not None
