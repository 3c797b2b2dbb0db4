"""A sensitive column, taken out of the records: what an attribute attack has to guess."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.access import IntArray
from reticent.data import Records, is_table
from reticent.errors import DataError

if TYPE_CHECKING:
    from reticent.access import Features

MOST = 50
"""Values that are guessed one by one; a column of more is no category."""

QUARTERS = 4
"""Parts that numbers of many values are cut into."""


@dataclass(frozen=True)
class Secret:
    """One sensitive column and the values it may have.

    Attributes:
        column: its name.
        values: (values,) what is put into a record to try each.
        names: (values,) what the reader calls each.
        edges: (values − 1,) where numbers of many values are cut; empty where each value stands for itself.
    """

    column: str
    values: tuple[Any, ...]
    names: tuple[str, ...]
    edges: tuple[float, ...] = ()

    @classmethod
    def of(cls, records: Records, column: str) -> Secret:
        """Read the values off records in which they are known.

        Raises:
            DataError: a column that they lack, that has one value or that has too many.
        """
        import pandas as pd

        table: Any = records.features
        if not is_table(table) or column not in table.columns:
            raise DataError(f"the records have no column {column!r}; name a sensitive column of theirs")
        present = table[column].dropna()
        values = sorted(present.unique().tolist(), key=lambda v: (str(type(v)), v))
        if len(values) < 2:
            raise DataError(f"{column!r} has one value in all records, so there is nothing to guess")
        numbers = pd.api.types.is_numeric_dtype(present) and not pd.api.types.is_bool_dtype(present)
        if numbers and len(values) > 2 * QUARTERS:
            return _quarters(column, present)
        if len(values) > MOST:
            raise DataError(
                f"{column!r} has {len(values):,} values; give a column of at most {MOST}, or of numbers"
            )
        return cls(column, tuple(values), tuple(map(str, values)))

    def positions(self, records: Records) -> IntArray:
        """(records,) which value each has, −1 where it has none of them."""
        table: Any = records.features
        column = table[self.column].reset_index(drop=True)
        if self.edges:
            numbers = column.to_numpy(np.float64, na_value=np.nan)
            return np.where(np.isnan(numbers), -1, np.searchsorted(self.edges, numbers, side="left"))
        places = {value: i for i, value in enumerate(self.values)}
        return np.array([places.get(value, -1) for value in column.tolist()], dtype=np.int64)

    def without(self, records: Records) -> Records:
        """The records without the column."""
        table: Any = records.features
        return replace(records, features=table.drop(columns=[self.column]))

    def put(self, records: Records, value: int) -> Features:
        """The features of records that have the column, all with one value in it."""
        import pandas as pd

        table: Any = records.features
        kind = table[self.column].dtype
        filled = pd.Series([self.values[value]] * len(table), index=table.index)
        put: pd.DataFrame = table.assign(**{self.column: filled.astype(kind)})
        return put


def _quarters(column: str, present: Any) -> Secret:
    edges = np.unique(np.quantile(present, np.arange(1, QUARTERS) / QUARTERS, method="lower"))
    edges = edges[edges < present.max()]
    place = np.searchsorted(edges, present.to_numpy(), side="left")
    middle = [np.quantile(present[place == i], 0.5, method="nearest").item() for i in range(len(edges) + 1)]
    bounds = ["", *(f"{e:g}" for e in edges), ""]
    names = (
        f"up to {high}" if not low else f"over {low}" if not high else f"over {low} to {high}"
        for low, high in pairwise(bounds)
    )
    return Secret(column, tuple(middle), tuple(names), tuple(map(float, edges)))
