"""Copies of models whose log-ratios of scores are affine in the records: logistic regression and its like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reticent.access import Access, FloatArray, IntArray, Outputs
from reticent.attacks.extraction.coding import Coding
from reticent.fingerprint import fingerprint

if TYPE_CHECKING:
    import numpy.typing as npt

    from reticent.access import Features


@dataclass(frozen=True, eq=False)
class Design:
    """The columns that an affine model may weigh: numbers that vary, and of each column of categories whether
    it has each value but the first.

    Attributes:
        coding: how records are written as numbers.
    """

    coding: Coding

    @property
    def numbers(self) -> IntArray:
        """Columns of numbers that vary."""
        movable = self.coding.sheet.movable
        return movable[~self.coding.category[movable]]

    @property
    def dummies(self) -> tuple[tuple[int, int], ...]:
        """Column and position of each value of a category but the first."""
        sizes = self.coding.sizes
        return tuple((c, v) for c in range(len(sizes)) for v in range(1, sizes[c]))

    @property
    def width(self) -> int:
        """How many columns it has."""
        return len(self.numbers) + len(self.dummies)

    def rows(self, values: FloatArray) -> FloatArray:
        """(records, 1 + width) of coded records: one, then the columns; a missing number is average."""
        numbers = values[:, self.numbers]
        middle = self.coding.sheet.centre[self.numbers]
        dummies = [values[:, c] == v for c, v in self.dummies]
        parts = [np.ones(len(values)), *np.where(np.isnan(numbers), middle, numbers).T, *dummies]
        return np.stack(parts, axis=1).astype(np.float64)


@dataclass(frozen=True, eq=False)
class AffineCopy:
    """Answers by an affine function of each class.

    Attributes:
        design: what is weighed.
        weights: (1 + width, classes) the intercept, then a weight a column; nought for the first class.
        classes: (classes,) the labels behind them.
        access: labels alone, where nothing is known of how sure the model is.
    """

    design: Design
    weights: FloatArray
    classes: npt.NDArray[np.generic]
    access: Access = Access.LOGITS

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`."""
        logits = self.design.rows(self.design.coding.values(x)) @ self.weights
        return Outputs.from_logits(logits).capped(self.access)

    def fingerprint(self) -> str:
        """A hash of its weights."""
        return fingerprint("affine", self.weights, self.classes, int(self.access))
