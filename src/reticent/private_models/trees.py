"""A forest of random trees whose leaves hold noisy counts.

Jagannathan, Pillaipakkamnatt & Wright 2009; Fletcher & Islam 2017 (arXiv:1606.03572). The trees are drawn
before any record is looked at: a column at random, and where it is cut. Numbers are cut within the range that
is left to a node, words by an order drawn anew for each tree, so that a cut parts them into two random
halves. Only leaves tell of records: a record stands in one leaf of each tree and adds 1 to one class there.
Over all trees that is `trees` in L1 norm, so discrete Laplace noise of scale trees/epsilon on all counts at
once is epsilon-private.

Giving each tree its own records and all of epsilon would be private as well. The noise in a sum over trees is
the same either way (the signal is a T-th of it, the noise too); every tree seeing every record has no luck of
the draw besides.

A random tree alone knows little, and the mean of many hardly ever leaves the majority. So what their leaves
say for and against a class is multiplied, as naive Bayes does, but since trees are no independent witnesses,
all of them together count as `witnesses`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reticent.domain import Categories
from reticent.errors import DataError, PlanError
from reticent.measure.privacy import check_privacy
from reticent.noise import laplace_noised
from reticent.private_models.columns import Columns, Floats, Ints
from reticent.private_models.estimator import PrivateClassifier
from reticent.private_models.softmax import probabilities
from reticent.recipe import Guarantee

DEEPEST = 15
"""A tree is complete: one of 15 levels has 32,768 leaves."""


class PrivateForest(PrivateClassifier):
    """Random trees, epsilon-differentially private (Jagannathan et al. 2009; Fletcher & Islam 2017).

    Args:
        epsilon: of the guarantee, for adding or removing one record.
        bounds: what columns may hold, see `columns.read_columns`.
        classes: all the labels there may be.
        trees: how many; the noise on each grows with them.
        depth: cuts from the root to a leaf.
        witnesses: how many independent trees all of them count as.
        random_state: seed of the trees and of the noise, as secret as the records; None draws one and forgets
            it.

    Attributes:
        column_, cut_: (trees, inner nodes) which column a node asks about, and where right begins. The
            children of node i are 2i + 1 and 2i + 2.
        rank_: (trees, columns, words) the place of each word in a tree's order, from -1 to 1.
        class_log_prior_: (classes,).
        log_ratio_: (trees, leaves, classes) how much larger a class's share is in a leaf than in all.
    """

    def __init__(
        self,
        epsilon: float | None = None,
        *,
        bounds: Any = None,
        classes: Any = None,
        trees: int = 10,
        depth: int = 8,
        witnesses: float = 3.0,
        random_state: Any = None,
    ) -> None:
        self.epsilon, self.bounds, self.classes, self.random_state = epsilon, bounds, classes, random_state
        self.trees, self.depth, self.witnesses = trees, depth, witnesses

    def fit(self, x: Any, y: Any) -> PrivateForest:
        """Fit to the records `x` and their labels.

        Raises:
            PlanError: parameters, bounds or classes that promise nothing.
            DataError: columns or labels that they do not tell of.
        """
        if not (self.trees >= 1 and 1 <= self.depth <= DEEPEST):
            raise PlanError(
                f"PrivateForest was given trees={self.trees} and depth={self.depth}; give one tree or more, "
                f"and a depth from 1 to {DEEPEST}"
            )
        if not 0 < self.witnesses < float("inf"):
            raise PlanError(
                f"PrivateForest was given witnesses={self.witnesses}; give a number above 0, such as 3"
            )
        rng = np.random.default_rng(self.random_state)
        labels = self._begin(x, y)
        columns = self._columns(x)
        # trees are published: the noise is not to be told by how they were drawn
        self._grow(columns, np.random.default_rng(rng.integers(2**32, size=4)))
        counts = np.zeros((self.trees, 2**self.depth, len(self.classes_)), dtype=np.int64)
        for tree, leaf in enumerate(self._leaves(columns, x)):
            np.add.at(counts[tree], (leaf, labels), 1)
        noisy = laplace_noised(counts, self.trees, self.epsilon, self._dice(rng))
        self.class_log_prior_, self.log_ratio_ = ratios(noisy, self.trees / self.epsilon)
        return self

    def predict_proba(self, x: Any) -> Floats:
        """(records, classes) probabilities."""
        columns = self._columns(self._asked(x))
        if len(columns.kinds) != self.rank_.shape[1]:
            raise DataError("the records have other columns than those fitted to; give the same")
        told = np.tile(self.class_log_prior_, (len(x), 1))
        for tree, leaf in enumerate(self._leaves(columns, x)):
            told += self.witnesses / self.trees * self.log_ratio_[tree, leaf]
        return probabilities(told)

    def guarantee(self) -> Guarantee:
        """What fitting guarantees."""
        check_privacy(self.epsilon, 0.0, type(self).__name__, pure=True)
        return Guarantee(
            self.epsilon, 0.0, f"counts in the leaves of {self.trees} random trees, discrete Laplace noise"
        )

    def _grow(self, columns: Columns, rng: np.random.Generator) -> None:
        """Draw the trees; no record is seen."""
        kinds, inner = columns.kinds, 2**self.depth - 1
        most = max([len(k.values) + 1 for k in kinds if isinstance(k, Categories)], default=1)
        self.rank_ = np.zeros((self.trees, len(kinds), most))
        for c, kind in enumerate(kinds):
            if isinstance(kind, Categories):
                places = np.linspace(-1, 1, len(kind.values) + 1)
                self.rank_[:, c, : len(places)] = rng.permuted(np.tile(places, (self.trees, 1)), axis=1)
        self.column_ = rng.integers(len(kinds), size=(self.trees, inner))
        where = rng.random((self.trees, inner))
        self.cut_ = np.empty((self.trees, inner))
        low, high = (np.full((self.trees, 2 * inner + 1, len(kinds)), end) for end in (-1.0, 1.0))
        every = np.arange(self.trees)
        for node in range(inner):
            column, left, right = self.column_[:, node], 2 * node + 1, 2 * node + 2
            start, stop = low[every, node, column], high[every, node, column]
            cut = start + where[:, node] * (stop - start)
            self.cut_[:, node] = cut
            for child in (left, right):
                low[:, child], high[:, child] = low[:, node], high[:, node]
            high[every, left, column] = low[every, right, column] = cut

    def _leaves(self, columns: Columns, x: Any) -> Any:
        """Of each tree in turn, (records,) the leaf in which each stands."""
        read = columns.read(x)
        for tree in range(self.trees):
            values = np.stack(
                [
                    self.rank_[tree, c, column.astype(np.int64)] if isinstance(kind, Categories) else column
                    for c, (kind, column) in enumerate(zip(columns.kinds, read, strict=True))
                ],
                axis=1,
            )
            node, every = np.zeros(len(values), dtype=np.int64), np.arange(len(values))
            for _ in range(self.depth):
                right = values[every, self.column_[tree, node]] >= self.cut_[tree, node]
                node = 2 * node + 1 + right
            yield node - (2**self.depth - 1)


def ratios(noisy: Ints, scale: float) -> tuple[Floats, Floats]:
    """(classes,) logarithms of the classes' shares; (trees, leaves, classes) of a leaf's over these.

    A leaf's counts are drawn towards the shares of all by as many records as the noise amounts to, and one.
    """
    whole = np.maximum(noisy.sum(axis=(0, 1), dtype=np.float64), 0) + 1
    whole = whole / whole.sum()
    held = np.maximum(noisy, 0) + (1 + 2 * scale) * whole
    return np.log(whole), np.log(held / held.sum(axis=2, keepdims=True)) - np.log(whole)
