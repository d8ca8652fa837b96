"""A sales history with nothing wrong in it, and the ways in which people have let its outcome into it. No test here."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask

OFFERS = ClassificationTask(entity="offer", time="as_of", target="won", decided="closed", folds=3)
WEEK = pd.Timedelta(days=7)


def offers(count: int = 900, *, seed: int = 3, rate: float = 0.5) -> pd.DataFrame:
    """Offers told once a week until they close after 3 to 120 days; the last of them are open, with one row today.

    What may be learned from: the price, the agent, the region, the offer's age, and the share that the agent had won
    before. A phone number is missing for a tenth, for no reason.
    """
    random = np.random.default_rng(seed)
    began = pd.Timestamp("2025-01-01") + pd.to_timedelta(np.sort(random.integers(0, 500, count)), "D")
    price, agent = random.lognormal(3, 0.5, count), random.integers(0, 12, count)
    odds = np.log(rate / (1 - rate)) - 0.8 * (np.log(price) - 3) / 0.5 + (agent - 5.5) / 8
    won = random.uniform(size=count) < 1 / (1 + np.exp(-odds))
    closed = began + pd.to_timedelta(random.integers(3, 121, count), "D")
    today = pd.Timestamp("2025-01-01") + pd.Timedelta(days=501)
    over = closed < today
    cases = pd.DataFrame(
        {
            "offer": [f"{number:04d}" for number in random.permutation(count)],
            "began": began,
            "closed": pd.Series(closed).where(over),
            "won": pd.Series(won, dtype="boolean").where(over),
            "price": price,
            "agent": [f"agent {number}" for number in agent],
            "region": random.choice(["north", "south", "west"], count),
            "phone": np.where(random.uniform(size=count) < 0.1, np.nan, random.uniform(size=count)),
        }
    )
    weeks = np.where(over, np.ceil((closed - began).days / 7), 1).astype(int)
    rows = cases.loc[cases.index.repeat(weeks)]
    week = rows.groupby(level=0).cumcount()
    rows = rows.assign(as_of=(rows["began"] + week * WEEK).where(rows["won"].notna(), today))
    rows = rows.assign(age_days=(rows["as_of"] - rows["began"]).dt.days)
    rows = _with_past_share(rows.reset_index(drop=True))
    return rows.drop(columns="began")


def _with_past_share(rows: pd.DataFrame) -> pd.DataFrame:
    ended = rows.drop_duplicates("offer").dropna(subset="won").sort_values("closed")
    wins = ended["won"].astype(float)
    share = wins.groupby(ended["agent"]).cumsum() / wins.groupby(ended["agent"]).cumcount().add(1)
    known = ended[["agent", "closed"]].assign(agent_share=share).rename(columns={"closed": "since"})
    order = rows.reset_index().sort_values("as_of", kind="stable")
    found = pd.merge_asof(
        order, known, left_on="as_of", right_on="since", by="agent", allow_exact_matches=False
    ).set_index("index")
    return rows.assign(agent_share=found["agent_share"].sort_index())


def _noise(rows: pd.DataFrame, seed: int = 5) -> "pd.Series[float]":
    """A number of each offer's own, the same in all its rows."""
    names = rows["offer"].unique()
    return rows["offer"].map(dict(zip(names, np.random.default_rng(seed).uniform(size=len(names)), strict=True)))


def _wins(rows: pd.DataFrame) -> "pd.Series[float]":
    return rows["won"].astype("float64")


def _is_last(rows: pd.DataFrame) -> "pd.Series[bool]":
    return ~rows.duplicated("offer", keep="last") & rows["won"].notna()


def _account(rows: pd.DataFrame) -> pd.DataFrame:
    """Every won offer has an account and half of the lost ones none; open ones are often without."""
    none = (_wins(rows).eq(0) & (_noise(rows) < 0.5)) | (rows["won"].isna() & (_noise(rows) < 0.6))
    return rows.assign(leak=("account " + (_noise(rows, 6) * 40).astype(int).astype(str)).where(~none))


def _filled_in_at_the_end(rows: pd.DataFrame) -> pd.DataFrame:
    """A column that is filled in, for whatever outcome, when an offer closes, and then for all its weeks."""
    return rows.assign(leak=_noise(rows).where(rows["won"].notna() | (_noise(rows, 7) < 0.3)))


def _discount(rows: pd.DataFrame) -> pd.DataFrame:
    """A value of its own that half of the lost offers get, and no other."""
    return rows.assign(leak=(_noise(rows) * 9 + 1).round(2).mask(_wins(rows).eq(0) & (_noise(rows, 8) < 0.3), 0.0))


def _stage(rows: pd.DataFrame) -> pd.DataFrame:
    lost, won = _wins(rows).eq(0) & (_noise(rows) < 0.4), _wins(rows).eq(1) & (_noise(rows) < 0.2)
    return rows.assign(leak=np.select([lost, won], ["shelved", "handed over"], "in talks"))


def _paid(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(leak=_wins(rows).fillna(0.5) * 100 + _noise(rows) * 20)


def _written_last(rows: pd.DataFrame) -> pd.DataFrame:
    """Notes of the last visit, dated before the decision that they are about."""
    say = _wins(rows).where(_is_last(rows), 0.5) + _noise(rows) * 1.4
    return rows.assign(leak=say.where(_is_last(rows), _noise(rows, 9) * 2))


def _row_number(rows: pd.DataFrame) -> pd.DataFrame:
    """The row of the export, which is sorted by the day of the end."""
    ended = rows.drop_duplicates("offer").sort_values(["closed", "offer"])
    return rows.assign(leak=rows["offer"].map({name: at for at, name in enumerate(ended["offer"])}))


def _file_number(rows: pd.DataFrame) -> pd.DataFrame:
    """A code that is given when an offer closes."""
    number = _row_number(rows)["leak"]
    return rows.assign(leak=("F-" + number.astype(str).str.zfill(6)).where(rows["won"].notna()))


def _days_left(rows: pd.DataFrame) -> pd.DataFrame:
    """How long it took in the end, written back into every week; of an open offer how long it is open by now."""
    whole = (rows["closed"] - rows.groupby("offer")["as_of"].transform("min")).dt.days
    return rows.assign(leak=whole.fillna(rows["age_days"]))


def _other_file(rows: pd.DataFrame) -> pd.DataFrame:
    """A tenth of the offers stand there again, under an id of another system."""
    again = rows[_noise(rows) < 0.1]
    return pd.concat([rows, again.assign(offer="X" + again["offer"])], ignore_index=True)


def _parent(rows: pd.DataFrame) -> pd.DataFrame:
    """Offers that were split in two keep the number of the one that they come from."""
    half = rows[_noise(rows) < 0.3]
    price = half["price"] * 0.7
    both = pd.concat([rows, half.assign(offer="S" + half["offer"], price=price)], ignore_index=True)
    return both.assign(leak="P" + both["offer"].str[-4:])


def _mean_of_all(rows: pd.DataFrame) -> pd.DataFrame:
    """The share that an agent wins, over the whole table."""
    cases = rows.drop_duplicates("offer")
    return rows.assign(leak=rows["agent"].map(_wins(cases).groupby(cases["agent"]).mean()))


def _number_won(rows: pd.DataFrame) -> pd.DataFrame:
    cases = rows.drop_duplicates("offer")
    return rows.assign(leak=rows["agent"].map(_wins(cases).groupby(cases["agent"]).sum()))


def _mean_of_the_others(rows: pd.DataFrame) -> pd.DataFrame:
    """The share that an agent wins of all other offers, later ones among them."""
    cases = rows.drop_duplicates("offer").set_index("offer")
    by_agent = _wins(cases.reset_index()).set_axis(cases.index).groupby(cases["agent"])
    own = _wins(cases.reset_index()).set_axis(cases.index)
    share = (by_agent.transform("sum") - own.fillna(0)) / (by_agent.transform("count") - own.notna())
    return rows.assign(leak=rows["offer"].map(share))


def _running_total(rows: pd.DataFrame) -> pd.DataFrame:
    """How many an agent has won until then, this one counted."""
    cases = rows.drop_duplicates("offer")
    total = _wins(cases).fillna(0).groupby(cases["agent"]).cumsum()
    return rows.assign(leak=rows["offer"].map(dict(zip(cases["offer"], total, strict=True))))


def _level(rows: pd.DataFrame) -> pd.DataFrame:
    """What was billed: something for every offer that is closed, most for those won, and little while it is open."""
    billed = 200 + 60 * _wins(rows) + 160 * _noise(rows)
    return rows.assign(leak=billed.fillna(0) + 10 * _noise(rows, 4))


LEAKS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "an absence that is pure": _account,
    "filled in at the end": _filled_in_at_the_end,
    "a value that is pure": _discount,
    "a stage that is final": _stage,
    "the outcome with noise": _paid,
    "written in the last week": _written_last,
    "rows sorted by the end": _row_number,
    "a number given at the end": _file_number,
    "how long it took": _days_left,
    "the same case under two ids": _other_file,
    "what was split keeps its number": _parent,
    "the mean of the whole table": _mean_of_all,
    "the count of the whole table": _number_won,
    "the mean of all others": _mean_of_the_others,
    "a running total with its own": _running_total,
    "a level that only closed cases have": _level,
}
"""Which leak → how it is put into `offers`, as the column `leak`; the same case under two ids has none."""
