"""Naive Bayes from noisy counts and sums (Vaidya, Shafiq, Basu & Hong 2013).

Everything that a model needs of its records is one vector of integers: how many there are of each class, how
many of each class have each word, and of each class and column of numbers the sums of u and of u² − ½, for u
in [-1, 1]. One record adds 1 to the first, 1 for each column of words, and for each column of numbers |u| +
|u² − ½| ≤ 1½. So its L1 sensitivity is known, and discrete Laplace noise on all of it at once is
epsilon-private, with no delta: no budget to split. Numbers are rounded to a grid first, so that sums are
integers and so is what is released.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reticent.domain import Categories
from reticent.errors import DataError
from reticent.measure.privacy import check_privacy
from reticent.noise import laplace_noised
from reticent.private_models.columns import Columns, Floats, Ints
from reticent.private_models.estimator import PrivateClassifier
from reticent.private_models.softmax import probabilities
from reticent.recipe import Guarantee

GRID = 2**20
"""Steps of a column of numbers, from its middle to its end."""


class PrivateNaiveBayes(PrivateClassifier):
    """Naive Bayes of numbers and words, epsilon-differentially private (Vaidya et al. 2013).

    Numbers are Gaussian within a class, words have shares. Shares are smoothed by one record and what the
    noise amounts to.

    Args:
        epsilon: of the guarantee, for adding or removing one record.
        bounds: what columns may hold, see `columns.read_columns`.
        classes: all the labels there may be.
        random_state: seed of the noise, as secret as the records; None draws one and forgets it.

    Attributes:
        class_log_prior_: (classes,).
        mean_, var_: (classes, columns of numbers), of values scaled to [-1, 1].
        log_share_: (classes, words and one more a column), of each column's words; the last of a column is
            for words that were not told of.
    """

    def __init__(
        self,
        epsilon: float | None = None,
        *,
        bounds: Any = None,
        classes: Any = None,
        random_state: Any = None,
    ) -> None:
        self.epsilon, self.bounds, self.classes, self.random_state = epsilon, bounds, classes, random_state

    def fit(self, x: Any, y: Any) -> PrivateNaiveBayes:
        """Fit to the records `x` and their labels.

        Raises:
            PlanError: parameters, bounds or classes that promise nothing.
            DataError: columns or labels that they do not tell of.
        """
        labels = self._begin(x, y)
        columns = self._columns(x)
        total, most = sums(columns, x, labels, len(self.classes_))
        dice = self._dice(np.random.default_rng(self.random_state))
        noisy = laplace_noised(total, most, self.epsilon, dice) / GRID
        self._learn(columns, noisy, most / GRID / self.epsilon)
        return self

    def predict_proba(self, x: Any) -> Floats:
        """(records, classes) probabilities."""
        columns = self._columns(self._asked(x))
        numbers, words = _split(columns, columns.read(x))
        if numbers.shape[1] != self.mean_.shape[1] or _widths(columns).sum() != self.log_share_.shape[1]:
            raise DataError("the records have other columns than those fitted to; give the same")
        told = np.tile(self.class_log_prior_, (len(x), 1))
        for k in range(len(self.classes_)):
            off = (numbers - self.mean_[k]) ** 2 / self.var_[k] + np.log(2 * np.pi * self.var_[k])
            told[:, k] -= 0.5 * off.sum(axis=1)
        for start, column in zip(_starts(columns), words.T, strict=True):
            told += self.log_share_[:, start + column].T
        return probabilities(told)

    def guarantee(self) -> Guarantee:
        """What fitting guarantees."""
        check_privacy(self.epsilon, 0.0, type(self).__name__, pure=True)
        return Guarantee(self.epsilon, 0.0, "one vector of counts and sums with discrete Laplace noise")

    def _learn(self, columns: Columns, noisy: Floats, scale: float) -> None:
        """Set shares, means and variances from noisy sums; `scale` is how much noise is on each."""
        classes, (words, numbers) = len(self.classes_), (_widths(columns).sum(), _numbers(columns))
        counts = np.maximum(noisy[:, 0], 0) + 1e-9
        self.class_log_prior_ = np.log(counts / counts.sum())
        floor = np.maximum(counts, 1 + scale)[:, None]  # never divide by noise alone
        first, second = noisy[:, 1 + words : 1 + words + numbers], noisy[:, 1 + words + numbers :]
        self.mean_ = np.clip(first / floor, -1, 1)
        squares = second / floor + counts[:, None] / floor / 2
        least = 1e-9 + np.minimum(3 * scale / floor, 1)  # below that a variance is the noise of its two parts
        self.var_ = np.maximum(squares - self.mean_**2, least)
        self.log_share_ = np.empty((classes, words))
        for start, width in zip(_starts(columns), _widths(columns), strict=True):
            held = np.maximum(noisy[:, 1 + start : 1 + start + width], 0) + 1 + scale
            self.log_share_[:, start : start + width] = np.log(held / held.sum(axis=1, keepdims=True))


def sums(columns: Columns, x: Any, labels: Ints, classes: int) -> tuple[Ints, int]:
    """(classes, 1 + words + 2 · numbers) all that is learnt of the records, times `GRID`; and its
    sensitivity.

    Columns are the class's count, the counts of words, the sums of numbers, the sums of their squares less a
    half.
    """
    numbers, words = _split(columns, columns.read(x))
    widths = _widths(columns)
    held = int(widths.sum())
    total = np.zeros((classes, 1 + held + 2 * numbers.shape[1]), dtype=np.int64)
    np.add.at(total[:, 0], labels, GRID)
    for start, column in zip(_starts(columns), words.T, strict=True):
        np.add.at(total, (labels, 1 + start + column), GRID)
    first = np.rint(numbers * GRID).astype(np.int64)
    second = np.rint((numbers**2 - 0.5) * GRID).astype(np.int64)
    for k in range(classes):
        mine = labels == k
        total[k, 1 + held :] = np.concatenate([first[mine].sum(axis=0), second[mine].sum(axis=0)])
    # the largest of |u| + |u² − ½| is 3/2, at the ends; rounding both adds less than one step
    most = GRID * (1 + len(widths)) + (GRID * 3 // 2 + 1) * numbers.shape[1]
    return total, most


def _split(columns: Columns, read: list[Floats | Ints]) -> tuple[Floats, Ints]:
    """(records, columns) those of numbers, and those of words."""
    records = len(read[0])
    kinds = list(zip(columns.kinds, read, strict=True))
    numbers = [c for kind, c in kinds if not isinstance(kind, Categories)]
    words = [c for kind, c in kinds if isinstance(kind, Categories)]
    return (
        np.stack(numbers, axis=1) if numbers else np.zeros((records, 0)),
        np.stack(words, axis=1).astype(np.int64) if words else np.zeros((records, 0), dtype=np.int64),
    )


def _widths(columns: Columns) -> Ints:
    """(columns of words,) how many there are, and one for any other."""
    return np.array([len(k.values) + 1 for k in columns.kinds if isinstance(k, Categories)], dtype=np.int64)


def _starts(columns: Columns) -> Ints:
    """(columns of words,) where each one's shares begin."""
    widths = _widths(columns)
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(widths)])[: len(widths)]


def _numbers(columns: Columns) -> int:
    return sum(not isinstance(k, Categories) for k in columns.kinds)
