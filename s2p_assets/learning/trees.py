"""Fitted decision trees as plain arrays, and what they say of rows: without the library that they were fitted by.

Which trees are fitted, and what is made of what they say, belongs to the models; files are for `registry/`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from s2p_assets.learning.forecasting.series import Matrix

Whole = np.ndarray[tuple[int, ...], np.dtype[np.int32]]
Words = np.ndarray[tuple[int, ...], Any]

ROWS_AT_ONCE = 512
WORDS = (np.uint16, np.uint32, np.uint64)
"""A tree with at most so many leaves as one of these has bits is answered by words of it."""


@dataclass(frozen=True, eq=False)
class Trees:
    """The nodes of several binary trees, one tree after the other, each from its root on, children after parents.

    `feature`: the column that a node asks about, −1 in a leaf. At most `threshold` goes to the node `left`, more to
    `right`, a missing value to `left` where `missing_left` is 1. `value`: what a leaf says. `roots`: where each tree
    begins. `begins`: what each sum begins with; as many trees in a row belong to each of them.
    """

    feature: Whole
    threshold: Matrix
    left: Whole
    right: Whole
    missing_left: Whole
    value: Matrix
    roots: Whole
    begins: Matrix

    def sums(self, rows: Matrix) -> Matrix:
        """What the trees of each sum say together of each of `rows`: (rows × sums), added up from the first tree on.

        `rows`: (rows × features), NaN for what is missing. Bit for bit what scikit-learn adds up.
        """
        words = self._words
        parts = words.parts(rows) if words else {}
        found = np.empty((len(rows), len(self.begins)))
        for at in range(0, len(rows), ROWS_AT_ONCE):
            some = slice(at, at + ROWS_AT_ONCE)
            told = words.values(parts, some) if words else self._walked(rows[some])
            sums, each = len(self.begins), len(self.roots) // len(self.begins)
            together = np.empty((len(found[some]), sums, each + 1))
            together[:, :, 0], together[:, :, 1:] = self.begins, told.reshape(-1, sums, each)
            found[some] = np.cumsum(together, axis=2)[:, :, -1]
        return found

    def as_arrays(self) -> dict[str, Any]:
        """The arrays by name, as `trees_of_arrays` takes them."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    @property
    def tree_of_node(self) -> Whole:
        return np.repeat(np.arange(len(self.roots)), np.diff(np.append(self.roots, len(self.feature))))

    @cached_property
    def _words(self) -> "_LeafWords | None":
        most_leaves = np.add.reduceat(self.feature < 0, self.roots, dtype=int).max()
        word = next((kind for kind in WORDS if most_leaves <= np.iinfo(kind).bits), None)
        return _leaf_words(self, word) if word else None

    def _walked(self, rows: Matrix) -> Matrix:
        """Node by node, all trees at once: for trees with more leaves than a word has bits."""
        cells, columns = np.ascontiguousarray(rows).ravel(), rows.shape[1]
        at, begin = np.tile(self.roots, len(rows)), np.repeat(np.arange(len(rows)) * columns, len(self.roots))
        moving = np.flatnonzero(self.feature[at] >= 0)
        while len(moving):
            node = at[moving]
            cell = cells[begin[moving] + self.feature[node]]
            goes_left = (cell <= self.threshold[node]) | (np.isnan(cell) & (self.missing_left[node] > 0))
            at[moving] = np.where(goes_left, self.left[node], self.right[node])
            moving = moving[self.feature[at[moving]] >= 0]
        return self.value[at].reshape(len(rows), len(self.roots))


def trees_of_arrays(arrays: Mapping[str, Any], features: int) -> Trees:
    """Trees over so many features, of what `Trees.as_arrays` gave, wherever it was kept in between.

    Raises ValueError when they are none: a node that no parent leads to, that leads back or out of its tree, or that
    asks about a column that is not there.
    """
    numbers = ("threshold", "value", "begins")
    wanted = {part.name: np.float64 if part.name in numbers else np.int32 for part in fields(Trees)}
    if strange := sorted(wanted.keys() ^ arrays.keys()):
        raise ValueError(f"trees are kept as {', '.join(wanted)}; amiss is {', '.join(strange)}")
    plain: dict[str, Any] = {
        name: np.asarray(arrays[name]).astype(kind, casting="same_kind") for name, kind in wanted.items()
    }
    trees = Trees(**plain)
    count, roots = len(trees.feature), trees.roots
    if any(values.shape != (count,) for name, values in trees.as_arrays().items() if name not in ("roots", "begins")):
        raise ValueError("the arrays of its trees are not of one length")
    if roots.ndim != 1 or not len(roots) or roots[0] != 0 or (np.diff(roots) <= 0).any() or roots[-1] >= count:
        raise ValueError("its trees do not begin where nodes are")
    if trees.begins.ndim != 1 or not len(trees.begins) or len(roots) % len(trees.begins):
        raise ValueError("its trees do not make whole sums")
    asks = trees.feature >= 0
    if (trees.feature < -1).any() or (trees.feature >= features).any() or np.isnan(trees.threshold[asks]).any():
        raise ValueError("a node of its trees asks about nothing that is there")
    parents, tree_of = np.flatnonzero(asks), trees.tree_of_node
    children = np.stack([trees.left[asks], trees.right[asks]])
    others = np.setdiff1d(np.arange(count), roots)
    if not np.array_equal(np.sort(children, axis=None), others) or (children <= parents).any():
        raise ValueError("its trees are not connected from their roots on")
    if (
        (tree_of[children] != tree_of[parents]).any()
        or not np.isfinite(trees.value[~asks]).all()
        or not np.isfinite(trees.begins).all()
    ):
        raise ValueError("a node of its trees leads to another tree, or to no number")
    return trees


def joined_trees(parts: Iterable[Trees]) -> Trees:
    """The trees of all parts, one after the other."""
    found: list[dict[str, Any]] = []
    start = 0
    for part in parts:
        moved = {name: getattr(part, name) + start for name in ("left", "right", "roots")}
        found.append(part.as_arrays() | moved)
        start += len(part.feature)
    return Trees(**{name: np.concatenate([arrays[name] for arrays in found]) for name in found[0]})


@dataclass(frozen=True, eq=False)
class _LeafWords:
    """Trees as words with a bit for each leaf, from left to right: Lucchese et al., QuickScorer (2015).

    A test that fails rules out the leaves to its left; of those that none ruled out, the leftmost is a row's leaf.
    `words[feature]`: (parts of that feature's range, and one for missing values × trees), all its tests taken together;
    `cuts[feature]`: where the parts end. `values_of_leaves`: (trees × bits), flat.
    """

    cuts: Mapping[int, Matrix]
    words: Mapping[int, Words]
    values_of_leaves: Matrix
    first: Whole

    def parts(self, rows: Matrix) -> dict[int, Whole]:
        """The part of each feature's range that each row lies in."""
        return {
            one: np.where(np.isnan(rows[:, one]), len(cuts) + 1, np.searchsorted(cuts, rows[:, one]))
            for one, cuts in self.cuts.items()
        }

    def values(self, parts: Mapping[int, Whole], some: slice) -> Matrix:
        left: Words | None = None
        for one, part in parts.items():
            words = self.words[one][part[some]]
            left = words if left is None else np.bitwise_and(left, words, out=left)
        if left is None:  # stumps that ask nothing
            return self.values_of_leaves[self.first][None, :]
        return self.values_of_leaves[np.bitwise_count(~left & (left - left.dtype.type(1))) + self.first]


def _leaf_words(trees: Trees, word: Any) -> _LeafWords:
    bits, most, asks = np.iinfo(word).bits, int(np.iinfo(word).max), trees.feature >= 0
    first, leaves = _leaf_places(trees)
    tree_of = trees.tree_of_node
    values_of_leaves = np.zeros((len(trees.roots), bits))
    values_of_leaves[tree_of[~asks], first[~asks]] = trees.value[~asks]
    to_left = zip(leaves[trees.left].tolist(), first.tolist(), strict=True)
    kept = np.array([most & ~(((1 << count) - 1) << place) for count, place in to_left], word)
    cuts, words = {}, {}
    for one in np.unique(trees.feature[asks]).tolist():
        nodes = np.flatnonzero(trees.feature == one)
        cuts[one], part = np.unique(trees.threshold[nodes], return_inverse=True)
        at_part = np.full((len(cuts[one]) + 2, len(trees.roots)), most, word)
        np.bitwise_and.at(at_part, (part + 1, tree_of[nodes]), kept[nodes])
        at_part[:-1] = np.bitwise_and.accumulate(at_part[:-1], axis=0)
        at_part[-1] = most
        to_right = nodes[trees.missing_left[nodes] == 0]
        np.bitwise_and.at(at_part[-1], tree_of[to_right], kept[to_right])
        words[one] = at_part
    return _LeafWords(cuts, words, values_of_leaves.ravel(), np.arange(len(trees.roots), dtype=np.int32) * bits)


def _leaf_places(trees: Trees) -> tuple[Any, Any]:
    """Of each node the number of leaves of its tree to its left, and how many are below it."""
    left, right, asks = trees.left.tolist(), trees.right.tolist(), (trees.feature >= 0).tolist()
    leaves, places = [1] * len(asks), [0] * len(asks)
    for node in reversed(range(len(asks))):
        if asks[node]:
            leaves[node] = leaves[left[node]] + leaves[right[node]]
    for node, asking in enumerate(asks):
        if asking:
            places[left[node]] = places[node]
            places[right[node]] = places[node] + leaves[left[node]]
    return np.array(places), np.array(leaves)
