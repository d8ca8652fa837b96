"""A plan in the words that a person reads, at a terminal or on a page.

What would change is found out in the warehouse room; colours and findings belong to the door that shows them.
"""

from collections.abc import Iterator

from s2p_assets.contracts.values import shown_value
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.plan import PlannedFile
from s2p_assets.warehouse.files.change_record import column_title
from s2p_assets.warehouse.files.load_plan import ExampleRow, LoadPlan


def plan_lines(planned: PlannedFile) -> Iterator[str]:
    """What the plan says, line by line, without markup; the first line says what becomes of the file."""
    plan, workbook = planned.plan, planned.workbook
    if planned.reading.error:
        yield "It could not be read, so nothing was compared."
    elif planned.refused:
        yield f"It would be returned: {planned.refused}"
    elif plan is None or workbook is None:
        yield "It would be returned; what is loaded stays as it is."
    else:
        yield _place(planned, plan, workbook)
        yield from _namesakes(plan)
        if plan.known != "unchanged":
            yield from _rows(plan, workbook)
            yield from _others(plan, workbook)
            yield from _moves(plan, workbook)
    if planned.questions:
        yield "It would be held until a person accepts it:"
        yield from (f"  {question}" for question in planned.questions)
    yield "Nothing was changed: this was only a look."


def _place(planned: PlannedFile, plan: LoadPlan, workbook: Workbook) -> str:
    known = plan.known_as.path if plan.known_as else ""
    if plan.known == "unchanged" and plan.known_as and plan.known_as.status == "forgotten":
        return f"It would change nothing: {known} was withdrawn on purpose, and these are the same bytes."
    if plan.known == "unchanged":
        return f"It would change nothing: the same bytes are known as {known}."
    if plan.known:
        return f"Its rows would not be loaded twice: {known} holds the same bytes."
    if plan.replaces is None:
        where = plan.path if planned.on_share else f"no file named {plan.path} is loaded"
        return (
            f"It would be a new file in {workbook.full_name}: {where}; its place is {' or '.join(workbook.patterns)}."
        )
    how = "which lies at the same place" if planned.on_share else "which has the same name"
    loaded = plan.replaces.loaded_at
    when = f", loaded {loaded.astimezone():%Y-%m-%d %H:%M}" if loaded else ""
    return f"It would replace {plan.replaces.path}, {how}{when}."


def _namesakes(plan: LoadPlan) -> Iterator[str]:
    if plan.namesakes:
        yield f"Other loaded files of that name would stay: {', '.join(plan.namesakes)}."


def _rows(plan: LoadPlan, workbook: Workbook) -> Iterator[str]:
    counts = (
        (plan.new, "new", "new", ""),
        (plan.changed, "changed", "changed", _columns(plan, workbook)),
        (plan.unchanged, "unchanged", "", ""),
        (plan.withdrawn, "withdrawn", "withdrawn", _shown_again(plan)),
        (plan.giving_way, "held by newer files, so not shown", "giving_way", ""),
    )
    width = max(len(f"{count:,}") for count, *_ in counts)
    for count, word, examples, more in counts:
        if count or (word in ("new", "changed", "unchanged") and not plan.known):
            yield f"  {count:>{width},} {_noun(count):<4} {word}{more}"
        for example in plan.examples.get(examples, []):
            yield f"  {'':>{width}}   {_example(example, workbook)}"


def _noun(count: int) -> str:
    return "row" if count == 1 else "rows"


def _columns(plan: LoadPlan, workbook: Workbook) -> str:
    if not plan.columns:
        return ""
    titles = _titles(workbook)
    most = sorted(plan.columns.items(), key=lambda column: -column[1])
    return ": " + ", ".join(f"{titles[name]} in {count:,}" for name, count in most)


def _shown_again(plan: LoadPlan) -> str:
    if not plan.shown_again:
        return ""
    return f"; for {plan.shown_again:,} of them the row of an older file shows again"


def _others(plan: LoadPlan, workbook: Workbook) -> Iterator[str]:
    for path, count in plan.supersedes.items():
        verb = "gives" if count == 1 else "give"
        yield f"  {count:,} {_noun(count)} of {path} {verb} way to it"
        for example in plan.examples.get("superseding", []):
            if example.file == path:
                yield f"      {_example(example, workbook)}"
    for path, count in plan.gives_way_to.items():
        yield f"  {count:,} of its rows {'gives' if count == 1 else 'give'} way to {path}, which is newer"


def _moves(plan: LoadPlan, workbook: Workbook) -> Iterator[str]:
    if plan.moves:
        yield "Amounts that differ from those that stand for the same key, or else for the last day before:"
    for move in plan.moves:
        directions = ((move.up, "up", move.mean_up), (move.down, "down", move.mean_down))
        parts = (_moved(count, word, mean) for count, word, mean in directions if count)
        key = _example(ExampleRow(move.biggest.key), workbook)
        ((old, new),) = move.biggest.changes.values()
        biggest = f"the biggest is {key}: {shown_value(old)} → {shown_value(new)}"
        yield f"  {_titles(workbook)[move.column]}: {', '.join(parts)}; {biggest}"


def _moved(count: int, word: str, mean: float | None) -> str:
    if mean is None:
        return f"{count:,} {word}"
    return f"{count:,} {word} by {abs(mean) * 100:,.1f} %{' on average' if count > 1 else ''}"


def _example(example: ExampleRow, workbook: Workbook) -> str:
    titles = _titles(workbook)
    key = ", ".join(shown_value(value) for value in example.key.values())
    changes = (
        f"{titles[name]} {shown_value(old)} → {shown_value(new)}" for name, (old, new) in example.changes.items()
    )
    differences = "; ".join(changes)
    return f"{key}: {differences}" if differences else key


def _titles(workbook: Workbook) -> dict[str, str]:
    return {column.name: column_title(column) for column in workbook.columns}
