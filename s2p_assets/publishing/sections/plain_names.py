"""Names of models and workbooks as people read them. How values are written is for `wording`."""


def plain_name(name: str, *prefixes: str) -> str:
    """A name without the prefixes that it has: `plain_name("demand_seasonal_naive", "demand_")` is `Seasonal naive`."""
    for prefix in prefixes:
        name = name.removeprefix(prefix)
    return name.replace("_", " ").capitalize()
