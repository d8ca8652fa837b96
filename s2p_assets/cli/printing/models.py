"""Champions, the reasons of a training, and predictions, as a person at a terminal reads them.

What is known of models is told by the service.
"""

from typing import TYPE_CHECKING, Any

from s2p_assets.cli.console import table_lines
from s2p_assets.cli.terminal import escape, out

if TYPE_CHECKING:
    import pandas as pd

REIGNS_SHOWN = 5
FILES_SHOWN = 20


def print_contest(state: dict[str, Any]) -> None:
    """Who stands in a contest and why, what was in service, and the last versions."""
    now, rival, last = state["champion"], state["challenger"], state["last"]
    if now is None:
        out.print(f"{state['contest']}: no champion yet; it comes with the first training")
        return
    out.print(
        f"[bold]{state['contest']}[/bold]: {now['model']}, version {now['version']}, trained {_day(now['trained_at'])}"
    )
    if state["pin"]:
        out.print(f"  [yellow]pinned:[/yellow] {escape(state['pin'])}; --release lets the test decide again")
    if last:
        out.print(f"  why: {escape(last['why'])}")
        for model, loss in sorted(last["losses"].items(), key=lambda item: item[1]):
            out.print(f"    loss {loss:.3f}  {escape(model)}")
        if last["floor"]:
            out.print(f"  [yellow]below the floor:[/yellow] {escape(last['floor'])}")
    if rival:
        out.print(f"  challenger: {rival['model']}, version {rival['version']}, trained {_day(rival['trained_at'])}")
    out.print("  in service:")
    for tenure in state["reigns"][:REIGNS_SHOWN]:
        who = f"{tenure['model']}@{tenure['version']}, by {escape(tenure['by'])}"
        out.print(f"    {_day(tenure['since'])}  {who}: {tenure['change']}")
    out.print("  versions:")
    for version in state["versions"]:
        out.print(
            f"    {_day(version['trained_at'])}  {version['model']}@{version['version']}, loss {version['loss']:.3f}"
        )


def print_why(trained: dict[str, Any]) -> None:
    """The chain from a version down to the files that it learned from."""
    service = "in service" if trained["in_service"] else "not in service"
    out.print(
        f"[bold]{trained['model']}[/bold], version {trained['version']} ({service}), "
        f"trained {_day(trained['trained_at'])}"
    )
    out.print(f"  how good: {escape(trained['how_good'])}")
    out.print(f"  why: {escape(trained['why'])}")
    if trained["orders"]:
        out.print(f"  orders: {escape(trained['orders'])}")
    for word, columns in (("not learned from", trained["left_out"]), ("learned from", trained["let_in"])):
        for name, reason in columns.items():
            out.print(f"  [yellow]{word}:[/yellow] {escape(name)}, {escape(reason)}")
    rows = f"{trained['rows']:,} rows, {trained['rows_changed']:,} new or changed"
    out.print(f"  from {trained['features']}, version {trained['feature_version'][:12]}: {rows}")
    out.print(f"  made of {', '.join(trained['tables']) or 'no table'}")
    out.print(f"  and in the end of {', '.join(trained['workbooks']) or 'no workbook'}")
    since = f"since version {trained['since']}" if trained["since"] else "in all"
    out.print(f"  {trained['files_loaded']:,} files loaded {since}:")
    for file in trained["files"][:FILES_SHOWN]:
        rows = f"{file['rows']:,} rows" + (f" in place of {file['before']:,}" if file["before"] else "")
        out.print(f"    {_day(file['loaded_at'])}  {file['sha256'][:12]}  {escape(file['path'])}: {rows}")
    if trained["files_loaded"] > FILES_SHOWN:
        out.print(f"    and {trained['files_loaded'] - FILES_SHOWN:,} more; --json names up to 200")


def print_predictions(rows: "pd.DataFrame") -> None:
    """A line for each row; what is the same in all of them is said once, and what no row has is not."""
    filled = rows[[name for name in rows.columns if rows[name].notna().any()]]
    same = [name for name in filled.columns if len(rows) > 1 and filled[name].nunique(dropna=False) == 1]
    shown = filled.drop(columns=same)
    if not shown.empty:
        cells = [[_cell(value) for value in row] for row in shown.itertuples(index=False)]
        numbers = [place for place, kind in enumerate(shown.dtypes) if kind.kind in "fiu"]
        out.print(*table_lines([escape(str(name)) for name in shown.columns], cells, right=numbers))
    if same:
        out.print(f"in every row: {', '.join(f'{name} {_cell(filled[name].iloc[0])}' for name in same)}")


def _day(timestamp: str) -> str:
    return timestamp[:16].replace("T", " ")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return escape(f"{value:%Y-%m-%d}" if hasattr(value, "strftime") else str(value))
