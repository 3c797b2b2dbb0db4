"""Records of any form as numbers and back, the same for those asked about and for all that come later.

A number is itself. A category is its position among the values that the thief's own records have in its
column, a missing one among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.access import BoolArray, FloatArray, Metered
from reticent.attacks.perturb import Kind, Sheet
from reticent.data import flat, is_table
from reticent.errors import DataError

if TYPE_CHECKING:
    from reticent.access import Features

UNSEEN = -1.0
"""What stands for a category that none of the thief's own records has."""


@dataclass(frozen=True, eq=False)
class Coding:
    """How records are written as numbers.

    Attributes:
        sheet: the thief's own records, by which categories are counted and ranges known.
    """

    sheet: Sheet

    @classmethod
    def of(cls, features: Features) -> Coding:
        """Read it off the thief's own records.

        Raises:
            DataError: none of their columns varies.
        """
        sheet = Sheet.of(features)
        if not len(sheet.movable):
            raise DataError(
                "no column of the thief's own records varies, so nothing can be asked; give "
                "records that differ"
            )
        return cls(sheet)

    @property
    def category(self) -> BoolArray:
        """(columns,) which hold categories."""
        return np.asarray(self.sheet.kinds == Kind.CATEGORY)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """How many values each column has: 0 for one of numbers."""
        return tuple(len(rows) for rows in self.sheet.firsts)

    @cached_property
    def _known(self) -> dict[int, Any]:
        """The values of each column of categories, in their order."""
        import pandas as pd

        own: Any = self.sheet.features
        table = own if is_table(own) else pd.DataFrame(flat(own)).infer_objects()
        return {i: pd.Index(table.iloc[rows, i]) for i, rows in enumerate(self.sheet.firsts) if len(rows)}

    def values(self, features: Features) -> FloatArray:
        """(records, columns) the records as numbers; NaN where a number is missing."""
        if not any(self.sizes):
            array: Any = features
            numbers: FloatArray = flat(array.to_numpy() if is_table(array) else array).astype(np.float64)
            return numbers
        import pandas as pd

        given: Any = features
        table = given if is_table(given) else pd.DataFrame(flat(given)).infer_objects()
        columns = [
            self._known[i].get_indexer(column).astype(np.float64)
            if i in self._known
            else column.to_numpy(np.float64, na_value=np.nan)
            for i, (_, column) in enumerate(table.items())
        ]
        return np.stack(columns, axis=1)

    def features(self, values: FloatArray) -> Features:
        """The records that the numbers stand for, within the ranges that the thief knows."""
        return self.sheet.rebuilt(values)

    def anywhere(self, values: FloatArray) -> Features:
        """Records of real numbers alone, in their own form, also beyond the ranges that the thief knows."""
        like: Any = self.sheet.features
        if is_table(like):
            return type(like)(values, columns=like.columns)
        return values.reshape(len(values), *like.shape[1:])

    def own(self) -> FloatArray:
        """(records, columns) the thief's own, as numbers; the mean where one is missing."""
        values = self.sheet.values.astype(np.float64)
        middle = np.where(self.sheet.whole, np.rint(self.sheet.centre), self.sheet.centre)
        return np.where(np.isnan(values), middle, values)

    def drawn(self, count: int, rng: np.random.Generator) -> FloatArray:
        """(count, columns) records that nobody is, drawn evenly over what the columns hold, as numbers."""
        return self.values(self.sheet.scattered(count, rng))


def answered(target: Metered, coding: Coding, values: FloatArray) -> FloatArray:
    """(records, classes) the scores of coded records; where labels alone are given, 1 for the class named."""
    told = target.predict(coding.features(values))
    if told.log_scores is None:
        return np.eye(len(target.classes))[told.labels]
    return np.exp(told.log_scores)
