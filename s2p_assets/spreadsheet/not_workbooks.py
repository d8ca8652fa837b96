"""Files on the share that s2p does not read though a person might think so: what to do with each, by its name.

Which files are looked for is decided in `share`; what an unreadable workbook's owner is told, in `limits`.
"""

from pathlib import PurePosixPath

_SAVE = "open it in the program that made it and save as .xlsx"
_PACKED = "unpack it and put the workbooks themselves on the share"
_LINK = "this is only a link to a sheet on the web; open it there and download it as .xlsx"
_OLDER = "this is a backup copy, which is not read; if it is the one that counts, save it as .xlsx under the right name"
_PRINTED = "a PDF is not read; ask for the workbook that it was printed from"
_WORDS = "a text document is not read; put its table into a workbook and save that as .xlsx"
_TEXT = "a text file of this kind is not read; if it holds a table, open it in Excel and save as .xlsx, or name it .csv"
_PAGE = "a web page or XML file is not read under this name; open it in Excel and save as .xlsx"
_MAIL = "a mail is not read; save the workbook that is attached to it on the share"
_DATABASE = "a database is not read; export the table as .xlsx or .csv"

SPREADSHEETS_OF_OTHERS = {
    ".numbers": "this is an Apple Numbers file; in Numbers choose File > Export To > Excel and save it here",
    **dict.fromkeys((".gsheet", ".gsheets"), _LINK),
    **dict.fromkeys((".xlk", ".xlw", ".xlt", ".xlam", ".xla", ".wk1", ".wk3", ".wk4", ".123", ".wks", ".qpw"), _SAVE),
    **dict.fromkeys((".slk", ".dif", ".sxc", ".fods", ".ots", ".et", ".ett", ".sdc", ".gnumeric"), _SAVE),
    **dict.fromkeys((".parquet", ".feather", ".sav", ".dta"), "this kind of data file is not read; export it as .csv"),
}
"""Suffix → what to do, of files that are spreadsheets or links to them."""
READABLE_WHEN_NAMED = frozenset({".txt", ".dat", ".asc", ".prn", ".tab", ".htm", ".html", ".mht", ".mhtml", ".xml"})
"""Suffixes of files that are read where a contract's `path` ends with them word for word."""
OTHERS = {
    **dict.fromkeys((".txt", ".dat", ".asc", ".prn", ".tab", ".rtf"), _TEXT),
    **dict.fromkeys((".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz"), _PACKED),
    **dict.fromkeys((".pdf", ".xps"), _PRINTED),
    **dict.fromkeys((".bak", ".old", ".backup", ".orig"), _OLDER),
    **dict.fromkeys((".docx", ".doc", ".docm", ".odt", ".pages", ".gdoc"), _WORDS),
    **dict.fromkeys((".htm", ".html", ".mht", ".mhtml", ".xml"), _PAGE),
    **dict.fromkeys((".msg", ".eml"), _MAIL),
    **dict.fromkeys((".accdb", ".mdb", ".dbf"), _DATABASE),
}
"""Suffix → what to do, of other files that may hold a table."""
_NOBODY_MEANS = ("readme", "license", "licence", "thumbs", "desktop", "lies mich", "liesmich", "lisez")


def what_to_do(name: str) -> str | None:
    """What to do with a file of this name that is no spreadsheet s2p reads; None for files that hold no table."""
    suffix = name_suffix(name)
    if suffix in (".xls", ".xlsx", ".xlsm", ".xlsb", ".ods", ".csv", ".tsv"):
        return None
    return SPREADSHEETS_OF_OTHERS.get(suffix) or OTHERS.get(suffix) or (_OLDER if is_sheet_of_another(name) else None)


def is_sheet_of_another(name: str) -> bool:
    """Whether the file is a spreadsheet, or a copy of one, by its name: `Prices.numbers`, `Prices.xlsx.bak`."""
    path = PurePosixPath(name.strip().casefold())
    inner = path.with_suffix("").suffix if not path.suffix.endswith("~") else path.suffix.rstrip("~")
    return path.suffix in SPREADSHEETS_OF_OTHERS or inner in (".xlsx", ".xls", ".xlsm", ".xlsb", ".csv", ".ods")


def nobody_means(name: str) -> bool:
    """Whether the name says that the file is there for people or machines: a readme, a licence, a folder's settings."""
    return PurePosixPath(name.casefold()).name.startswith(_NOBODY_MEANS)


def name_suffix(name: str) -> str:
    """`Prices.XLSX ` → `.xlsx`."""
    return PurePosixPath(name.strip().casefold()).suffix
