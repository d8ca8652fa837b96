"""What was last made of a frame, kept for as long as the frame lives: a training asks for the same several times.

What is made is for those who ask; what outlives a frame is kept by content, in `forecasting/backtest_cache.py`.
"""

import weakref
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import pandas as pd

T = TypeVar("T")


class MadeOfFrame(Generic[T]):
    """`make(frame, *words)`, made once for a frame and words; of a frame that was changed in place since, anew.

    A change is seen by the sums of its columns of numbers and by its length.
    """

    def __init__(self, make: Callable[..., T], most: int = 2) -> None:
        self._make, self._most = make, most
        self._known: list[tuple[weakref.ref[pd.DataFrame], tuple[Hashable, ...], tuple[Any, ...], T]] = []

    def __call__(self, frame: pd.DataFrame, *words: Any) -> T:
        state = _state(frame)
        self._known = [one for one in self._known if one[0]() is not None]
        for kept, asked, then, made in self._known:
            if kept() is frame and asked == words and then == state:
                return made
        made = self._make(frame, *words)
        self._known = [*self._known, (weakref.ref(frame), words, state, made)][-self._most :]
        return made


def _state(frame: pd.DataFrame) -> tuple[Any, ...]:
    numbers = frame.select_dtypes("number")
    return (len(frame), *frame.columns, *(float(numbers[name].sum()) for name in numbers))
