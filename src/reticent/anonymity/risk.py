"""How likely a row's person is found by somebody who knows their quasi-identifiers.

    prosecutor    knows that the person is in the table: 1 / class size
    journalist    does not: 1 / people of the population whom the row's cell covers
    marketer      wants as many as may be: the expected share found, classes / rows

(El Emam & Dankar 2008, JAMIA, doi:10.1197/jamia.M2716; Dankar et al. 2012.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.anonymity.columns import Column, Nominal, Ordered, days
from reticent.anonymity.hierarchy import MISSING
from reticent.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from reticent.anonymity.generalise import Cells


@dataclass(frozen=True, eq=False)
class Risk:
    """The risk of each row.

    Attributes:
        sizes: (rows,) rows of the table that look like each, itself among them.
        population: (rows,) people of the population who look like each; None where no population is known.
    """

    sizes: IntArray
    population: IntArray | None = None

    @property
    def rows(self) -> FloatArray:
        """(rows,) chance that each is found, for who knows that the person is there."""
        return 1.0 / self.sizes

    @property
    def prosecutor(self) -> float:
        """The highest of the rows'."""
        return float(self.rows.max(initial=0.0))

    @property
    def marketer(self) -> float:
        """Their mean: the share of all people that are found by guessing within classes."""
        return float(self.rows.mean()) if len(self.sizes) else 0.0

    @property
    def journalist(self) -> float | None:
        """The highest for who does not know whether the person is there; None without a population."""
        return None if self.population is None else float((1.0 / self.population).max(initial=0.0))

    @property
    def unique(self) -> float:
        """Share of rows like no other."""
        return float((self.sizes == 1).mean()) if len(self.sizes) else 0.0

    def above(self, threshold: float) -> float:
        """Share of rows whose risk is higher than a threshold."""
        return float((self.rows > threshold + 1e-12).mean()) if len(self.sizes) else 0.0

    def sampled(self, share: float) -> Risk:
        """With the population estimated as this table over the share of it that the table is.

        A plain estimate: it says nothing of a class that is rare in the population and common here.

        Raises:
            DataError: a share outside (0, 1].
        """
        if not 0 < share <= 1:
            raise DataError(f"a sampling share of {share!r} was given; give more than 0 and at most 1")
        return Risk(self.sizes, np.floor(self.sizes / share).astype(np.int64))


def before(columns: Sequence[Column]) -> Risk:
    """The risk of a table as it is: rows alike are those equal in all quasi-identifiers."""
    codes = np.column_stack([c.codes for c in columns])
    _, same, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    return Risk(counts[same.reshape(-1)])


def after(cells: Cells, population: pd.DataFrame | None = None) -> Risk:
    """The risk of what is released.

    Args:
        population: people among whom those of the table are, with the same quasi-identifiers.

    Raises:
        DataError: the population lacks a column, or people of the table.
    """
    sizes = cells.sizes
    if population is None:
        return Risk(sizes[cells.cell])
    there = _covered(cells, population)
    if (there < sizes).any():
        raise DataError(
            "the population holds fewer people like some of the table's rows than the table itself; give one "
            "in which everybody of the table is"
        )
    return Risk(sizes[cells.cell], there[cells.cell])


def _covered(cells: Cells, population: pd.DataFrame) -> IntArray:
    """(cells,) people of the population whom each cell covers."""
    places, low, high = [], [], []
    for j, column in enumerate(cells.columns):
        if column.name not in population.columns:
            raise DataError(f"the population has no column {column.name!r}; give all quasi-identifiers")
        places.append(_places(column, population[column.name]))
        ends = _ends(column, cells.low[:, j], cells.high[:, j])
        low.append(ends[0])
        high.append(ends[1])
    people, counts = np.unique(np.column_stack(places), axis=0, return_counts=True)
    below, above = np.column_stack(low), np.column_stack(high)
    found = [
        counts[((people >= b) & (people <= a)).all(axis=1)].sum() for b, a in zip(below, above, strict=True)
    ]
    return np.array(found, dtype=np.int64)


def _places(column: Column, values: pd.Series[Any]) -> FloatArray:
    """(people,) where each stands on the column's scale; infinitely high where missing or unknown to it."""
    import pandas as pd

    if isinstance(column, Ordered):
        numbers = days(values) if pd.api.types.is_datetime64_any_dtype(column.like.dtype) else values
        found = pd.to_numeric(numbers, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        return np.where(np.isnan(found), np.inf, found)
    assert isinstance(column, Nominal)
    leaf = {name: float(i) for i, name in enumerate(column.tree.leaves)}
    named = values.astype(object).where(values.notna(), MISSING).map(str)
    return named.map(leaf).fillna(np.inf).to_numpy(np.float64)


def _ends(column: Column, low: IntArray, high: IntArray) -> tuple[FloatArray, FloatArray]:
    """(cells,) the lowest and highest place that each covers; `*` covers what the column does not know."""
    if isinstance(column, Ordered):
        ends = np.append(column.values, np.inf)
        return np.where((low < high) & np.isinf(ends[high]), -np.inf, ends[low]), ends[high]
    assert isinstance(column, Nominal)
    everything = (low == 0) & (high == len(column.tree.leaves) - 1) & (low < high)
    return low.astype(np.float64), np.where(everything, np.inf, high.astype(np.float64))
