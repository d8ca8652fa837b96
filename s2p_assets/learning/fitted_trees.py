"""Trees as scikit-learn lays them out when it has fitted them, made plain.

What plain trees say of rows is for `trees.py`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from s2p_assets.learning.trees import Trees, joined_trees, trees_of_arrays

POSITIVE = 1
"""The place of the outcome that came about, among the two classes."""


def boosted_trees(boosting: Any, features: int) -> Trees:
    """The trees of a fitted HistGradientBoosting of one output: they sum up to its prediction before the link."""
    nodes = [stage[0].nodes for stage in boosting._predictors]
    return trees_of_nodes(nodes, float(np.ravel(boosting._baseline_prediction)[0]), features)


def trees_of_nodes(trees: Sequence[Any], begin: float, features: int) -> Trees:
    """Trees of the records in which histogram boosting keeps a tree. Raises ValueError where a test is of no number."""
    return _checked((_plain_nodes(nodes) for nodes in trees), begin, features)


def forest_trees(forest: Any, features: int) -> Trees:
    """The trees of a fitted RandomForestClassifier of two classes: they sum up to how many say that it came about."""
    states = (one.tree_.__getstate__() for one in forest.estimators_)
    return trees_of_tables(((state["nodes"], state["values"]) for state in states), features)


def trees_of_tables(trees: Iterable[tuple[Any, Any]], features: int) -> Trees:
    """Trees of the nodes and values in which a decision tree of two classes is kept."""
    return _checked((_plain_tables(nodes, values) for nodes, values in trees), 0.0, features)


def _plain_nodes(nodes: Any) -> dict[str, Any]:
    leaf = nodes["is_leaf"] > 0
    if nodes["is_categorical"][~leaf].any():
        raise ValueError("a test of its trees is of a category")
    return _plain(leaf, nodes["feature_idx"], nodes["num_threshold"], nodes, nodes["value"]) | {
        "left": np.where(leaf, 0, nodes["left"]),
        "right": np.where(leaf, 0, nodes["right"]),
    }


def _plain_tables(nodes: Any, values: Any) -> dict[str, Any]:
    leaf = nodes["left_child"] < 0
    return _plain(leaf, nodes["feature"], nodes["threshold"], nodes, values[:, 0, POSITIVE]) | {
        "left": np.where(leaf, 0, nodes["left_child"]),
        "right": np.where(leaf, 0, nodes["right_child"]),
    }


def _plain(leaf: Any, feature: Any, threshold: Any, nodes: Any, value: Any) -> dict[str, Any]:
    return {
        "feature": np.where(leaf, -1, feature),
        "threshold": np.where(leaf, 0.0, threshold),
        "missing_left": np.where(leaf, 0, nodes["missing_go_to_left"]),
        "value": np.where(leaf, value, 0.0),
        "roots": np.zeros(1),
    }


def _checked(trees: Iterable[dict[str, Any]], begin: float, features: int) -> Trees:
    whole = ("feature", "left", "right", "missing_left", "roots")
    parts = [
        Trees(
            **{name: values.astype(np.int32) if name in whole else values for name, values in one.items()},
            begins=np.empty(0),
        )
        for one in trees
    ]
    return trees_of_arrays(joined_trees(parts).as_arrays() | {"begins": np.array([begin])}, features)
