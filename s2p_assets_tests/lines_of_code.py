"""Lines of code by domain on the shelves, and by room for the tools: `python -m s2p_assets_tests.lines_of_code`.

A line counts when it is neither blank nor a comment.
"""

from collections import Counter
from pathlib import Path

HOUSE = Path(__file__).parents[1] / "s2p_assets"
SHELVES = ("workbooks", "tables", "features", "models", "reports")
TOOLS = (
    *("contracts", "catalog", "spreadsheet", "warehouse", "learning", "inventory", "publishing"),
    *("services", "graph"),
)


def lines_of(file: Path) -> int:
    stripped = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return sum(bool(line) and not line.startswith("#") for line in stripped)


def by_domain() -> Counter[str]:
    """Domain → lines in its files on the shelves."""
    found: Counter[str] = Counter()
    for shelf in SHELVES:
        for file in (HOUSE / shelf).glob("[!_]*.py"):
            found[file.name.partition("_")[0]] += lines_of(file)
    return found


def by_room() -> Counter[str]:
    """Room → lines in its modules."""
    return Counter({room: sum(map(lines_of, (HOUSE / room).rglob("*.py"))) for room in TOOLS})


def table() -> str:
    """Both as a table in Markdown."""
    lines = ["| on the shelves | lines | under them | lines |", "|---|---:|---|---:|"]
    domains, rooms = by_domain().most_common(), by_room().most_common()
    domains.append(("together", sum(by_domain().values())))
    rooms.append(("together", sum(by_room().values())))
    blank = [("", 0)] * (len(rooms) - len(domains))
    for (domain, code), (room, more) in zip([*domains[:-1], *blank, domains[-1]], rooms, strict=True):
        lines.append(
            f"| {domain} | {f'{code:,}' if domain else ''} | `{room}` | {more:,} |".replace("`together`", "together")
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
